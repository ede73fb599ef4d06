package vrrp

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// listen begins to wait for adverts: nothing is known yet.
func (n *Node) listen(r *router) {
	r.forget()
	n.arm(r)
}

// arm starts Master_Down_Timer anew; during the startup delay from its end.
func (n *Node) arm(r *router) {
	r.armed = max(n.now, n.begin)
	r.down = r.armed.Add(r.downInterval())
	r.wants, r.resigned = false, netip.Addr{}
	n.plan.sooner(r)
}

// listenAnew is for a backup that slept. Its master's resignation, if it has heard
// of one, stands: whoever took over meanwhile waits in our sockets, unless that
// was so long ago that they may be full.
func (n *Node) listenAnew(r *router, slept time.Duration) {
	if r.resigned.IsValid() && slept < r.downInterval() {
		r.down, r.wants = max(n.now, n.begin).Add(Skew(r.cfg.Version, r.priority, r.masterAdvert)), false
		n.plan.sooner(r)
	} else {
		n.arm(r)
	}
	n.tell(r, Slept, "slept for "+seconds(slept)+" and listens anew before it may take over")
}

// heardBackup is RFC 9568 §6.4.2, with keepalived's preempt delay.
func (n *Node) heardBackup(r *router, ev *Heard) {
	if ev.Priority == 0 {
		if r.resigned != ev.Source {
			n.tell(r, MasterLost, fmt.Sprintf("Backup received priority 0 advertisement: %s resigns", ev.Source))
		}
		r.resigned = ev.Source
		r.down = min(r.down, max(n.now, n.begin).Add(Skew(r.cfg.Version, r.priority, r.masterAdvert)))
		n.plan.sooner(r)
		return
	}
	n.follow(r, ev)
	r.master, r.masterPrio, r.heard = ev.Source, ev.Priority, n.now
	r.lower = ev.Priority < r.priority && r.cfg.Preempt
	if !r.lower {
		r.preempt = 0
	} else if !n.delays(r) {
		return // discarded: the timer runs down, and we take over
	}
	n.learn(r, ev)
	n.arm(r)
	// Of two that are active the worse one is about to yield. Its interval may
	// be the shorter, yet it must not cut short the wait for the better one.
	if b := &r.best; n.now < b.until && b.beats(ev) {
		r.down = max(r.down, b.until)
	} else {
		*b = best{ev.Source, ev.Priority, r.down}
	}
}

// best is the best master that a backup hears, and until when it is waited for.
type best struct {
	from  netip.Addr
	prio  Priority
	until clock.Instant
}

// beats reports whether it is better than somebody else who is heard.
func (b *best) beats(ev *Heard) bool {
	return ev.Source != b.from && (ev.Priority < b.prio || ev.Priority == b.prio && ev.Source.Less(b.from))
}

// learn takes over the master's interval in version 3 (RFC 9568 §6.4.2: "Set
// the Active_Adver_Interval to Adver Interval contained in the ADVERTISEMENT").
func (n *Node) learn(r *router, ev *Heard) {
	if r.cfg.Version == 2 || ev.Advert <= 0 || ev.Advert == r.masterAdvert {
		return
	}
	n.tell(r, IntervalMismatch, fmt.Sprintf("advertisement interval updated from %v to %v by master %s",
		r.masterAdvert, ev.Advert, ev.Source))
	r.masterAdvert = ev.Advert
}

// delays reports whether a master of lower priority is borne with a while
// longer (preempt_delay), beginning when it is first heard.
func (n *Node) delays(r *router) bool {
	if r.cfg.PreemptDelay <= 0 {
		return false
	}
	if r.preempt == 0 {
		r.preempt = n.now.Add(r.cfg.PreemptDelay)
		n.tell(r, OtherTold, fmt.Sprintf("waits %s before it preempts %s of priority %d",
			seconds(r.cfg.PreemptDelay), r.master, r.masterPrio))
	}
	return n.now.Before(r.preempt)
}

// serveBackup: Master_Down_Timer has run down. A group takes over when it has
// for every member: were one enough, two nodes of which each has the better
// priority in another member would take over from each other for ever.
func (n *Node) serveBackup(r *router) {
	r.down, r.wants = never, true
	for _, m := range r.unit.members {
		if !m.wants {
			return
		}
	}
	n.move(r.unit, r, Active, n.takeover(r))
}

// takeover is why a backup becomes active.
func (n *Node) takeover(r *router) Cause {
	switch {
	case r.resigned.IsValid():
		return Resigned{From: r.resigned}
	case r.lower && r.heard > r.armed:
		return Lower{From: r.master, Priority: r.masterPrio}
	case r.armed == n.now:
		return Owner{}
	default:
		return NoAdvert{Silent: n.now.Sub(r.armed)}
	}
}
