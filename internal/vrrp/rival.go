package vrrp

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// rivalry is an episode in which another is master beside an active router,
// which tells of its beginning and its end.
type rivalry struct {
	from    netip.Addr // who was heard last; invalid: there is none
	prio    Priority
	since   clock.Instant
	heard   clock.Instant // last
	adverts int
	over    clock.Instant // when silence ends it
}

func (v *rivalry) on() bool { return v.from.IsValid() }

// rival notes that somebody who should not be is master, too.
func (n *Node) rival(r *router, ev *Heard) {
	v := &r.rival
	if !v.on() {
		*v = rivalry{since: n.now}
		r.splits++
		n.tell(r, SplitBegan, fmt.Sprintf("TWO MASTERS: %s advertises with %s, and so do we, %s, with %s; we stay%s",
			ev.Source, quoted(ev.Priority), ev.Local, quoted(r.priority), tied(r, ev)))
	}
	v.from, v.prio, v.heard = ev.Source, ev.Priority, n.now
	v.adverts++
	v.over = n.now.Add(MasterDown(r.cfg.Version, r.priority, r.cfg.DownAdverts, max(r.cfg.Advert, ev.Advert)))
	n.plan.sooner(r)
}

func quoted(p Priority) string { return fmt.Sprintf("priority %d", p) }

func tied(r *router, ev *Heard) string {
	switch {
	case r.cfg.OwnerIgnores && r.cfg.Priority == OwnerPriority:
		return ", ignoring others' adverts"
	case ev.Priority == r.priority:
		return ", having the higher address"
	}
	return ""
}

// beaten tells of two masters when we are the one to yield, and both have the
// same priority: nobody comes to be in that place by preempting. A higher
// priority is told by the transition alone, for it is what preempting looks like.
func (n *Node) beaten(r *router, ev *Heard) {
	if r.rival.on() {
		return
	}
	r.splits++
	n.tell(r, SplitBegan, fmt.Sprintf("TWO MASTERS: %s advertises with %s, and so do we, %s; we yield, having the lower address",
		ev.Source, quoted(ev.Priority), ev.Local))
}

// alone ends an episode.
func (n *Node) alone(r *router, how string) {
	v := r.rival
	if !v.on() {
		return
	}
	r.rival = rivalry{over: never}
	n.tell(r, SplitEnded, fmt.Sprintf("no longer two masters: %s %s; it lasted %s, with %s heard",
		v.from, how, seconds(lasted(&v)), adverts(v.adverts)))
}

// lasted is from the first advert to the last.
func lasted(v *rivalry) time.Duration { return v.heard.Sub(v.since) }

func adverts(n int) string {
	if n == 1 {
		return "1 advert"
	}
	return fmt.Sprintf("%d adverts", n)
}

// follow tells whom a backup hears: the first, and when it is another one. Of
// two that are heard side by side only the better one counts.
func (n *Node) follow(r *router, ev *Heard) {
	f := &r.followed
	same := f.from == ev.Source
	switch {
	case same && f.prio == ev.Priority:
	case same:
		n.tell(r, MasterChanged, fmt.Sprintf("master %s has priority %d now, no longer %d", f.from, ev.Priority, f.prio))
	case !f.from.IsValid():
		n.tell(r, MasterHeard, fmt.Sprintf("hears master %s of priority %d", ev.Source, ev.Priority))
	case ev.Priority > f.prio, ev.Priority == f.prio && f.from.Less(ev.Source),
		r.resigned == f.from, n.now.Sub(f.heard) > r.masterAdvert*3/2:
		n.tell(r, MasterChanged, fmt.Sprintf("hears master %s of priority %d now, no longer %s of %d",
			ev.Source, ev.Priority, f.from, f.prio))
	default:
		return
	}
	*f = followed{ev.Source, ev.Priority, n.now}
}

// followed is the master that was told of.
type followed struct {
	from  netip.Addr
	prio  Priority
	heard clock.Instant
}
