package vrrp

import (
	"slices"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// unit is what changes state as one: the members of a sync group, or a single
// router.
type unit struct {
	group   int // index in Config.Groups, -1 for a single router
	name    string
	members []*router
	indexes []int // of the members

	decider *router // decides between two active groups; see stands

	state State // of a group: what was told last
	since clock.Instant
	cause Cause
}

// blocked returns a member that may not take part.
func (u *unit) blocked() *router {
	for _, r := range u.members {
		if r.faults > 0 {
			return r
		}
	}
	return nil
}

// listens reports whether a member is in doubt.
func (u *unit) listens() bool {
	return slices.ContainsFunc(u.members, func(r *router) bool { return r.doubt.on() })
}

// has returns a member that is in state s.
func (u *unit) has(s State) *router {
	for _, r := range u.members {
		if r.state == s {
			return r
		}
	}
	return nil
}

// settle brings a unit to where tracked objects let it be. lead, if any, is
// the member that something happened to, c what it was.
func (n *Node) settle(u *unit, lead *router, c Cause) {
	if !n.running || len(u.members) == 0 {
		return
	}
	if b := u.blocked(); b != nil {
		if lead == nil || lead.faults == 0 {
			lead, c = b, b.failure()
		}
		n.move(u, lead, Fault, c)
		return
	}
	if lead == nil {
		lead = u.members[0]
	}
	switch {
	case u.has(Active) != nil:
		n.move(u, u.has(Active), Active, c)
	case u.has(Backup) != nil:
		n.move(u, u.has(Backup), Backup, c)
	case u.ready():
		n.enter(u, lead, c)
	case u.has(Fault) != nil:
		n.move(u, u.has(Fault), Fault, c)
	default: // all wait in Init, where a group may have been left by others
		n.groupBecomes(u, Init, c)
	}
}

// ready reports whether all that could forbid taking part has been told.
func (u *unit) ready() bool {
	for _, r := range u.members {
		if r.unknown > 0 {
			return false
		}
	}
	return true
}

// enter begins to take part. Whoever owns the addresses need not listen, but
// for the startup delay; after a fault it does, as everybody (keepalived too).
func (n *Node) enter(u *unit, lead *router, c Cause) {
	owners := u.state == Init
	for _, r := range u.members {
		owners = owners && r.owner()
	}
	if owners && n.begin <= n.now {
		n.move(u, lead, Active, Owner{})
		return
	}
	n.move(u, lead, Backup, c)
	for _, r := range u.members {
		if owners {
			r.down = r.armed
			n.plan.sooner(r)
		}
	}
}

// move brings all members to a state, first the one for which c is the cause.
func (n *Node) move(u *unit, lead *router, to State, c Cause) {
	n.become(lead, to, c)
	for _, r := range u.members {
		if r != lead {
			n.become(r, to, Member{Group: u.name, Member: lead.cfg.Name, State: to, Cause: c})
		}
	}
	n.groupBecomes(u, to, c)
}

// groupBecomes notes the state of a unit, and tells of it when it is a group.
func (n *Node) groupBecomes(u *unit, to State, c Cause) {
	from := u.state
	if from == to || len(u.members) == 0 {
		return
	}
	u.state, u.since, u.cause = to, n.now, c
	if u.group >= 0 {
		n.do(BecomeGroup{Group: u.group, From: from, To: to, Priority: u.priority(), Cause: c})
	}
}

// priority is the lowest of the members': with less than that no election is
// won by the group.
func (u *unit) priority() Priority {
	p := u.members[0].priority
	for _, r := range u.members {
		p = min(p, r.priority)
	}
	return p
}

// become is the only way to change the state of a router. Whoever takes over
// sends first: the sooner others hear of it, the fewer of them do the same.
func (n *Node) become(r *router, to State, c Cause) {
	from := r.state
	if from == to {
		return
	}
	n.alone(r, "goes on, and we do not")
	switch {
	case to == Active:
		n.advertise(r)
	case from == Active && to != Backup:
		n.do(Send{Router: r.index, Priority: 0})
	}
	r.state, r.since, r.cause = to, n.now, c
	r.rest()
	n.do(Become{Router: r.index, From: from, To: to, Priority: r.priority, Cause: c})
	switch to {
	case Active:
		n.activate(r)
	case Backup:
		n.listen(r)
	}
	n.plan.sooner(r)
}
