package vrrpd

import (
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

const (
	// headStart is how long before a deadline the loop wakes, where it may: a
	// thread that sleeps takes some 50 µs to be running again, and a fail-over
	// should not last so much longer. The rest is waited for awake.
	headStart = 80 * time.Microsecond
	// wakeShare of the time, at most, is spent so: one part in as many.
	wakeShare = 500
	// wakeStock is how much of it may be saved up: some deadlines close together.
	wakeStock = 20 * headStart
)

// early rations the waiting awake. A backup's deadline is put off by every
// advert and so costs nothing until it is needed; with very many adverts to
// send, most deadlines have to do without.
type early struct {
	stock time.Duration
	at    clock.Instant // when stock was reckoned
}

// left is what may be spent now.
func (y *early) left(now clock.Instant) time.Duration {
	return min(y.stock+now.Sub(y.at)/wakeShare, wakeStock)
}

func (y *early) spend(now clock.Instant, d time.Duration) {
	y.stock, y.at = y.left(now)-d, now
}

// nextDeadline is the machine's, or a little before.
func (d *daemon) nextDeadline() (clock.Instant, bool) {
	at, ok := d.node.Deadline()
	if ok && d.early.left(d.now()) >= headStart {
		at = at.Add(-headStart)
	}
	return at, ok
}

// tick serves the machine's deadline. Before a backup takes over, it hears once
// more: what has come since the loop looked, however long we were kept from
// running, may make the deadline void.
func (d *daemon) tick(now clock.Instant, late time.Duration) {
	at, ok := d.node.Deadline()
	if !ok {
		return
	}
	if now < at {
		for d.look() < at { // awake on purpose, for headStart at most
		}
		d.early.spend(d.now(), headStart)
	}
	if d.masters < len(d.edges) {
		d.speaker.Hear()
		if at, ok = d.node.Deadline(); !ok || d.look() < at {
			return
		}
	}
	late = max(late, d.now().Sub(at))
	d.step(vrrp.Tick{Late: late})
	d.raise(late)
}
