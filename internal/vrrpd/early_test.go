package vrrpd

import (
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// waking is a backup whose clock goes on by a microsecond with every look.
func waking(t *testing.T) (b *bench, due clock.Instant) {
	b = start(t, config(instance("VI_1", 51, 100, "192.0.2.100/24")))
	b.look = func() clock.Instant { b.at += clock.Instant(time.Microsecond); return b.at }
	due, _ = b.node.Deadline()
	at, ok := b.nextDeadline()
	if !ok || due.Sub(at) != headStart {
		t.Fatalf("wakes %v before the deadline", due.Sub(at))
	}
	b.at = at
	return b, due
}

func TestWakesEarlyAndActsOnTime(t *testing.T) {
	b, due := waking(t)
	b.tick(b.at, 0)
	b.want("state", b.state(), "MASTER")
	if since := b.node.Router(0).Since; since < due || since > due+2*clock.Instant(time.Microsecond) {
		t.Errorf("acted %v after its time", since.Sub(due))
	}
}

// An advert that comes while we wait awake is heard in time.
func TestAnAdvertInTheLastMomentCounts(t *testing.T) {
	b, _ := waking(t)
	b.net.heard = func() { b.hear("192.0.2.12", 51, 200, "192.0.2.100") }
	b.tick(b.at, 0)
	b.want("state", b.state(), "BACKUP")
}

// Of ten thousand deadlines a second, few are waited for awake.
func TestWaitingAwakeIsRationed(t *testing.T) {
	var y early
	now := clock.Instant(time.Hour)
	spent := time.Duration(0)
	for range 100000 {
		now = now.Add(100 * time.Microsecond)
		if y.left(now) >= headStart {
			y.spend(now, headStart)
			spent += headStart
		}
	}
	if share := 10 * time.Second / wakeShare; spent > share+wakeStock || spent < share/2 {
		t.Errorf("spent %v of 10 s", spent)
	}
}

// A takeover is late; an advert that came while we could not run counts.
func TestAnAdvertThatWaitedCounts(t *testing.T) {
	b, due := waking(t)
	b.at = due.Add(20 * time.Millisecond)
	b.net.heard = func() { b.hear("192.0.2.12", 51, 200, "192.0.2.100") }
	b.tick(b.at, 20*time.Millisecond)
	b.want("state", b.state(), "BACKUP")
}
