package vrrp

import (
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// A process that was stopped, starved or suspended with its machine served no
// timers. A backup must not take its own deafness for the master's silence. An
// active router must not go on as if nothing had happened, for others may have
// taken over; nor has it to give up addresses that nobody else wants.

// doubt is what an active router is in that was silent for so long that others
// may be active in its place. It keeps the addresses, says nothing, and goes
// back when it hears somebody. It ends when everything that came meanwhile is
// heard and somebody may still be kept from taking over, or else when nobody
// was heard for an interval.
type doubt struct {
	until  clock.Instant // 0: there is none
	slept  time.Duration
	silent time.Duration // how long ago the last advert was sent
	lost   bool          // perhaps there was somebody whom it did not hear
	told   bool
}

func (d *doubt) on() bool { return d.until != 0 }

// silent is how long ago an active router sent an advert.
func (r *router) silent(now clock.Instant) time.Duration { return now.Sub(r.sent) }

// ownDown is after how much silence of ours one of our own priority takes over,
// reckoned with our interval, as backups learn it. Whoever is of lower priority
// waits longer, and of a higher one, an active router yields in any case.
func (r *router) ownDown() time.Duration {
	return MasterDown(r.cfg.Version, r.priority, r.cfg.DownAdverts, r.cfg.Advert)
}

// longestDown is when the last of all backups has taken over, that of priority 1.
func (r *router) longestDown() time.Duration {
	return MasterDown(r.cfg.Version, 1, r.cfg.DownAdverts, r.cfg.Advert)
}

// woke makes routers listen after the process could not.
func (n *Node) woke(ev Woke) {
	for _, u := range n.units {
		for _, r := range u.members {
			r.sent = r.sent.Add(-ev.Suspended)
		}
		overslept := slices.ContainsFunc(u.members, func(r *router) bool {
			return r.state == Active && r.silent(n.now) > r.ownDown()
		})
		if overslept {
			n.doubts(u, ev)
			continue
		}
		for _, r := range u.members {
			if r.state == Backup && ev.Slept >= r.masterAdvert {
				n.listenAnew(r, ev.Slept)
			}
		}
	}
}

// doubts keeps all members of a unit from saying anything until it is known
// what came meanwhile.
func (n *Node) doubts(u *unit, ev Woke) {
	for _, r := range u.members {
		silent := r.silent(n.now)
		if late := silent - r.cfg.Advert; r.cfg.YieldLate > 0 && late > r.cfg.YieldLate {
			n.move(u, r, Backup, Overdue{By: late})
			return
		}
		d := &r.doubt
		if !d.on() { // else what it has listened counts
			d.until = n.now.Add(r.cfg.Advert)
		}
		d.slept, d.silent = max(d.slept, ev.Slept), silent
		n.plan.sooner(r)
	}
}

// drained: all that the kernel kept has been heard, and nobody was in it. Who is
// in doubt still listens for as long as all members of its unit.
func (n *Node) drained(ev Drained) {
	for _, u := range n.units {
		var last clock.Instant
		for _, r := range u.members {
			if r.doubt.on() && !n.heardNobody(r, ev) {
				last = max(last, r.doubt.until)
			}
		}
		for _, r := range u.members {
			if r.doubt.on() {
				r.doubt.until = last
				n.doubtTold(r, ev)
			}
		}
	}
}

// heardNobody reports whether a router goes on at once. Where nothing is lost
// and a backup may still be waiting, each moment of silence could make it take
// over. After longestDown there is none that waits; listening costs nothing
// then, and finds out who took over while even the kernel did not run (a machine
// that is virtual is stopped without its clocks showing it).
func (n *Node) heardNobody(r *router, ev Drained) bool {
	d := &r.doubt
	d.lost = d.lost || ev.Lost != ""
	switch {
	case d.silent <= r.ownDown(): // it is another member that was silent
	case !d.lost && d.silent < r.longestDown():
		n.tell(r, Awake, "slept for "+seconds(d.slept)+" and goes on at once: nobody has taken over")
	default:
		if ev.Lost != "" {
			d.until = n.now.Add(r.cfg.Advert)
		}
		return false
	}
	n.goOn(r)
	return true
}

func (n *Node) doubtTold(r *router, ev Drained) {
	d := &r.doubt
	if d.told {
		return
	}
	d.told = true
	why := "nobody was heard meanwhile"
	if ev.Lost != "" {
		why = ev.Lost
	}
	n.tell(r, Slept, "slept for "+seconds(d.slept)+" and listens for "+seconds(d.until.Sub(n.now))+" before it goes on: "+why)
}

// goOn ends a doubt that was none: what was due meanwhile is done now.
func (n *Node) goOn(r *router) {
	r.doubt = doubt{}
	if r.advert <= n.now {
		n.advertise(r)
		r.advert = clock.Following(r.advert, n.now, r.cfg.Advert)
	}
	n.plan.sooner(r)
}

// undisputed ends a doubt: nobody was heard for an interval. Others may have
// been there in the meantime, so the addresses are announced again.
func (n *Node) undisputed(r *router) {
	slept := r.doubt.slept
	r.doubt = doubt{}
	n.advertise(r)
	n.activate(r)
	n.tell(r, Awake, "goes on after it slept for "+seconds(slept)+": nobody has taken over")
}

// heardInDoubt: whoever advertises has taken over, unless it is to resign.
// Our kernel has been answering for the addresses beside it; the last word tells
// it so that it announces them again, if it is not one that would yield to us.
func (n *Node) heardInDoubt(r *router, ev *Heard) {
	switch {
	case ev.Priority == 0:
		if ev.Source == r.rival.from {
			n.alone(r, "resigned")
		}
	case ev.Source == ev.Local: // our own
	default:
		if better(r, ev) && r.cfg.HigherPrioSendAdvert {
			n.advertise(r)
		}
		n.follows(r, ev, Displaced{Slept: r.doubt.slept, From: ev.Source, Priority: ev.Priority})
	}
}
