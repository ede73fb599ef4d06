package vrrp

import (
	"fmt"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// heardActive is RFC 9568 §6.4.3.
func (n *Node) heardActive(r *router, ev *Heard) {
	switch {
	case r.cfg.OwnerIgnores && r.cfg.Priority == OwnerPriority:
		if ev.Priority > 0 {
			n.rival(r, ev)
		}
	case r.doubt.on():
		n.heardInDoubt(r, ev)
	case ev.Priority == 0:
		if ev.Source == r.rival.from {
			n.alone(r, "resigned")
		}
		n.advertise(r)
		r.advert = n.now.Add(n.first(r))
	case better(r, ev):
		n.challenged(r, ev)
	case ev.Source == ev.Local: // our own, or of somebody with our address
	case n.crossed(r, ev):
		n.answer(r)
	default:
		n.rival(r, ev)
		n.assert(r, ev)
	}
}

// better reports whether an advert beats ours: by its priority, and among
// equals by the higher address (RFC 9568 §6.4.3).
func better(r *router, ev *Heard) bool {
	return ev.Priority > r.priority || ev.Priority == r.priority && ev.Local.Less(ev.Source)
}

// crossed reports whether an advert is of the master that has just been
// preempted: sent before it heard of us, or its last word. That is no split.
func (n *Node) crossed(r *router, ev *Heard) bool {
	c := r.cause
	if m, ok := c.(Member); ok {
		c = m.Cause
	}
	_, preempted := c.(Lower)
	return preempted && n.now.Sub(r.since) < r.cfg.Advert && !r.rival.on() && ev.Priority < r.priority
}

// challenged is what an active router does that hears a better one: it yields,
// but for a sync group that is about to win where it is decided. One that listens
// after a sleep is not.
func (n *Node) challenged(r *router, ev *Heard) {
	if !r.unit.listens() && n.stands(r, ev) {
		n.answer(r.unit.decider)
		return
	}
	if ev.Priority > r.priority {
		n.yield(r, ev, Higher{From: ev.Source, Priority: ev.Priority})
		return
	}
	n.beaten(r, ev)
	n.demote(r, ev)
	n.yield(r, ev, Tie{From: ev.Source, Priority: ev.Priority})
}

// demote lowers the priority of one of two routers that both own the addresses,
// so that the other one is preferred from now on.
func (n *Node) demote(r *router, ev *Heard) {
	if r.priority != OwnerPriority {
		return
	}
	r.demoted = true
	n.prioritise(r, OwnerPriority-1, SecondOwner{From: ev.Source})
}

// yield gives way to a better router. Its last word tells that one that there
// were two, so that it announces its addresses again: ours may have misled the
// link, and it would not hear of us otherwise.
func (n *Node) yield(r *router, ev *Heard, c Cause) {
	if r.cfg.HigherPrioSendAdvert {
		n.advertise(r)
	}
	n.follows(r, ev, c)
}

// follows goes back and hears whom it gives way to.
func (n *Node) follows(r *router, ev *Heard, c Cause) {
	n.move(r.unit, r, Backup, c)
	r.followed = followed{ev.Source, ev.Priority, n.now} // the cause says so
	n.heardBackup(r, ev)
}

// assert answers somebody who should not be active: with an advert at once,
// so that it hears of us, and with announcements, since its own may have
// misled the link; some follow after a while, when it has surely yielded.
func (n *Node) assert(r *router, ev *Heard) {
	n.do(Tell{Router: r.index, Kind: LowerHeard, Priority: r.priority,
		Text: fmt.Sprintf("Received advert from %s with lower priority %d, ours %d", ev.Source, ev.Priority, r.priority)})
	n.answer(r)
	g := &r.cfg.GARP
	n.announce(r, g.LowerPrioRepeat)
	if g.LowerPrioRepeat > 0 && g.LowerPrioDelay > 0 && r.lowerGARP == never {
		r.lowerGARP = n.now.Add(g.LowerPrioDelay)
		n.plan.sooner(r)
	}
}

// answer lets who should not be active hear of us at once.
func (n *Node) answer(r *router) {
	if !r.cfg.LowerPrioNoAdvert {
		n.advertise(r)
	}
}

func (n *Node) announce(r *router, repeat int) {
	if repeat > 0 {
		n.do(Announce{Router: r.index, Repeat: repeat})
	}
}

// activate sets the timers of a router that has just become active.
func (n *Node) activate(r *router) {
	g := &r.cfg.GARP
	r.advert = n.now.Add(n.first(r))
	n.announce(r, g.Repeat)
	if g.Delay > 0 && g.Repeat > 0 {
		r.garp = n.now.Add(g.Delay)
	}
	if g.Refresh > 0 {
		r.refresh = n.now.Add(g.Refresh)
	}
}

// serveActive sends what has come due.
func (n *Node) serveActive(r *router) {
	if r.doubt.on() {
		n.undisputed(r)
		return
	}
	g := &r.cfg.GARP
	if late := n.now.Sub(r.advert); r.cfg.YieldLate > 0 && late > r.cfg.YieldLate {
		n.move(r.unit, r, Backup, Overdue{By: late})
		return
	}
	if r.advert <= n.now {
		n.advertise(r)
		r.advert = clock.Following(r.advert, n.now, r.cfg.Advert)
	}
	if n.once(&r.garp) {
		n.announce(r, g.Repeat)
	}
	if n.once(&r.lowerGARP) {
		n.announce(r, g.LowerPrioRepeat)
	}
	if r.rival.over <= n.now {
		n.alone(r, "is not heard any more")
	}
	if r.refresh <= n.now {
		n.announce(r, g.RefreshRepeat)
		r.refresh = clock.Following(r.refresh, n.now, max(g.Refresh, 1))
	}
}

// once reports whether a timer has run down, and stops it.
func (n *Node) once(t *clock.Instant) bool {
	if *t > n.now {
		return false
	}
	*t = never
	return true
}
