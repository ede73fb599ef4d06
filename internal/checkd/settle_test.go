package checkd

import (
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/loop"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// While the table rests, what comes is gathered; a deadline brings it in.
func TestVerdictsAreGatheredWhileTheTableRests(t *testing.T) {
	l, err := loop.New()
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{loop: l, table: lvs.Table{}, changedTable: true, writer: &writer{mail: make(chan wanted, 1)}}
	d.rested = l.Now().Add(time.Hour)
	d.settle()
	if at, ok := d.nextSettle(); !ok || at != d.rested || len(d.writer.mail) != 0 {
		t.Errorf("a table that rests was written %d times, its deadline is %v, %v", len(d.writer.mail), at, ok)
	}
	d.rested = l.Now()
	d.settle()
	if _, ok := d.nextSettle(); ok || len(d.writer.mail) != 1 || d.rested.Before(l.Now()) {
		t.Errorf("one that has rested was written %d times, a deadline: %v", len(d.writer.mail), ok)
	}
	if short, long := rest(100*time.Microsecond), rest(time.Minute); short != settleShare*100*time.Microsecond || long != settleRest {
		t.Errorf("it rests %v after 100 µs and %v after a minute", short, long)
	}
}
