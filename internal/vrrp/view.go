package vrrp

import (
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// RouterView is one virtual router as it is now, for status and tests.
type RouterView struct {
	Name  string
	State State
	Since clock.Instant // when State was entered
	Cause Cause         // why; nil before Start

	Priority Priority // effective: what adverts carry
	Base     Priority // as configured

	// Master is who was heard last as master, its priority and interval; no
	// address when none was heard since State was entered, or it is us.
	Master         netip.Addr
	MasterPriority Priority
	MasterAdvert   time.Duration // what Master_Down_Interval is reckoned with
	Heard          clock.Instant // when Master was heard last, 0 = never

	// Waits: a backup would take over, but other members of its group would not.
	Waits bool

	// Rival is who is master beside an active router, no address if nobody is;
	// since RivalSince, heard last at Heard.
	Rival         netip.Addr
	RivalPriority Priority
	RivalSince    clock.Instant
	Splits        uint64 // how often somebody was

	// Listens is until when an active router that slept says nothing, 0: it speaks.
	Listens clock.Instant
	// Down is Master_Down_Interval as it is now.
	Down time.Duration
	// Deadline is when a backup takes over unless it hears somebody, and when
	// an active router sends its next advert; 0 where there is no such time.
	Deadline clock.Instant
	// Group is the index of the router's sync group, -1 without.
	Group int
	// Tracks is what the router watches, its group's included, copied.
	Tracks []TrackView
}

// TrackView is a tracked object as one router sees it.
type TrackView struct {
	TrackRef
	Known bool // reported at least once
	Up    bool
	Why   string
}

// GroupView is one sync group as it is now.
type GroupView struct {
	Name    string
	State   State
	Since   clock.Instant
	Cause   Cause
	Members []int // indexes of routers; valid until the next Step
}

// Routers returns how many virtual routers there are.
func (n *Node) Routers() int { return len(n.routers) }

// Router returns the i-th virtual router of the configuration.
func (n *Node) Router(i int) RouterView {
	r := n.routers[i]
	v := RouterView{
		Name: r.cfg.Name, State: r.state, Since: r.since, Cause: r.cause,
		Priority: r.priority, Base: r.cfg.Priority,
		Master: r.master, MasterPriority: r.masterPrio, MasterAdvert: r.masterAdvert, Heard: r.heard,
		Down: r.downInterval(), Group: r.unit.group, Splits: r.splits, Waits: r.wants,
	}
	if r.rival.on() {
		v.Rival, v.RivalPriority, v.RivalSince = r.rival.from, r.rival.prio, r.rival.since
	}
	switch {
	case r.state == Active:
		v.Deadline, v.Listens = r.advert, r.doubt.until
		if r.doubt.on() {
			v.Deadline = r.doubt.until
		}
	case r.down != never:
		v.Deadline = r.down
	}
	if len(r.watches) > 0 {
		v.Tracks = make([]TrackView, 0, len(r.watches))
	}
	for _, w := range r.watches {
		v.Tracks = append(v.Tracks, TrackView{w.ref, w.object.known, w.object.up, w.object.why})
	}
	return v
}

// StateOf returns the state of the i-th virtual router.
func (n *Node) StateOf(i int) State { return n.routers[i].state }

// Listens reports whether the i-th virtual router is active but says nothing, as
// it slept and others may have taken over.
func (n *Node) Listens(i int) bool {
	return i >= 0 && i < len(n.routers) && n.routers[i].doubt.on()
}

// PriorityOf returns the effective priority of the i-th virtual router.
func (n *Node) PriorityOf(i int) Priority { return n.routers[i].priority }

// Groups returns how many sync groups there are.
func (n *Node) Groups() int { return len(n.groups) }

// Group returns the i-th sync group of the configuration.
func (n *Node) Group(i int) GroupView {
	u := n.groups[i]
	return GroupView{Name: u.name, State: u.state, Since: u.since, Cause: u.cause, Members: u.indexes}
}
