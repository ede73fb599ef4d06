package vrrp

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// router is one virtual router. Its state is changed by Node.become only.
type router struct {
	index int
	cfg   *RouterConfig // in the node's
	addrs []netip.Addr  // cfg.Addresses, sorted
	unit  *unit

	state State
	since clock.Instant
	cause Cause

	priority Priority // effective
	send     Action   // an advert of that priority, made once
	watches  []watch
	faults   int // how many tracked objects forbid taking part
	unknown  int // how many of which that could not be told yet

	// Backup.
	armed        clock.Instant // since when nobody was heard
	down         clock.Instant // Master_Down_Timer
	wants        bool          // it has run down, but the group is not ready
	preempt      clock.Instant // end of the preempt delay, 0 = none runs
	resigned     netip.Addr    // who said so since armed
	master       netip.Addr
	masterPrio   Priority
	masterAdvert time.Duration
	followed     followed
	best         best
	compared     compared
	lower        bool // master is of lower priority than ours, and discarded
	heard        clock.Instant

	// Active.
	advert    clock.Instant // Adver_Timer
	sent      clock.Instant // the last advert; earlier by what a suspended clock does not show
	doubt     doubt
	garp      clock.Instant // the second burst
	refresh   clock.Instant
	lowerGARP clock.Instant
	rival     rivalry
	challenge challenge
	splits    uint64 // episodes with two masters so far
	demoted   bool   // another one owns the addresses, too

	planned clock.Instant // in the schedule
	place   int
}

// configure takes over a configuration that is not what it was; the effective
// priority is weighed later.
func (r *router) configure() {
	if r.cfg.Priority != OwnerPriority {
		r.demoted = false
	}
	r.compared = compared{}
	if r.state == Init {
		r.rest()
	}
}

// rest stops all timers and forgets whom was heard.
func (r *router) rest() {
	r.down, r.advert, r.garp, r.refresh, r.lowerGARP = never, never, never, never, never
	r.wants, r.preempt = false, 0
	r.rival, r.challenge = rivalry{over: never}, challenge{}
	r.doubt = doubt{}
	r.forget()
}

func (r *router) forget() {
	r.master, r.resigned = netip.Addr{}, netip.Addr{}
	r.masterPrio, r.lower, r.heard = 0, false, 0
	r.masterAdvert = r.cfg.Advert
	r.followed, r.best = followed{}, best{}
}

// wake is when the router wants to be served.
func (r *router) wake() clock.Instant {
	switch {
	case r.doubt.on():
		return r.doubt.until
	case r.state == Active:
		return min(r.advert, r.garp, r.refresh, r.lowerGARP, r.rival.over)
	}
	return r.down
}

// downInterval is Master_Down_Interval as it is now.
func (r *router) downInterval() time.Duration {
	return MasterDown(r.cfg.Version, r.priority, r.cfg.DownAdverts, r.masterAdvert)
}

// owner reports whether the router may be active without having listened. The
// manual page says of state MASTER that it needs priority 255 for that.
func (r *router) owner() bool { return r.cfg.StartActive && r.cfg.Priority == OwnerPriority }

// heard sorts an advert by the state of its router.
func (n *Node) heard(ev *Heard) {
	if ev.Router < 0 || ev.Router >= len(n.routers) {
		return
	}
	r := n.routers[ev.Router]
	if r.state != Backup && r.state != Active || !n.acceptable(r, ev) {
		return
	}
	if r.state == Active {
		n.heardActive(r, ev)
	} else {
		n.heardBackup(r, ev)
	}
}

// acceptable refuses what RFC 3768 §7.1 has discarded: version 2 with another
// interval.
func (n *Node) acceptable(r *router, ev *Heard) bool {
	if r.cfg.Version == 2 && ev.Advert != 0 && ev.Advert != r.cfg.Advert.Truncate(time.Second) {
		n.tell(r, IntervalMismatch, fmt.Sprintf("advertisement interval mismatch: ours is %v, that of %s is %v",
			r.cfg.Advert, ev.Source, ev.Advert))
		return false
	}
	if r.cfg.CheckAddresses {
		n.compare(r, ev)
	}
	return true
}

func (n *Node) tell(r *router, kind TellKind, text string) {
	n.do(Tell{Router: r.index, Kind: kind, Priority: r.priority, Text: text})
}
