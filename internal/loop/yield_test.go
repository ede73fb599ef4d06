package loop

import (
	"slices"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// Who works long lets deadlines go first, but only those that have come, and not
// while deadlines are served already; posts wait.
func TestYieldServesDeadlines(t *testing.T) {
	l := newLoop(t)
	var order []string
	d := &due{at: l.Now(), n: 1}
	never := &due{at: l.Now().Add(time.Hour), n: 1}
	l.OnDeadline(d.next, func(clock.Instant, time.Duration) {
		d.n--
		order = append(order, "deadline")
		l.now -= clock.Instant(time.Second) // as if it had taken so long
		l.Yield()
	})
	l.OnDeadline(never.next, func(clock.Instant, time.Duration) { order = append(order, "too early") })
	d.n = 0
	l.Post(func() {
		order = append(order, "work begins")
		d.n = 2
		l.now -= clock.Instant(time.Second)
		l.Yield()
		order = append(order, "work goes on")
		d.n = 0
	})
	l.Post(func() { order = append(order, "post"); l.Stop() })
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"work begins", "deadline", "work goes on", "post"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}
