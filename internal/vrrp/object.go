package vrrp

import (
	"strconv"

	"github.com/holdfast-ha/holdfast/internal/track"
)

// object is something tracked: an interface, a script, a file.
type object struct {
	known, up bool
	number    int
	why       string
	users     []*router // those of one unit stand together
}

// watch is a router's view of an object.
type watch struct {
	object *object
	ref    TrackRef
}

// tracked takes the result of an object.
func (n *Node) tracked(ev Track) {
	o := n.objects[ev.Name]
	if o == nil {
		return
	}
	same := o.known && o.up == ev.Up && o.number == ev.Number
	if !same || ev.Why != "" {
		o.why = ev.Why
	}
	if same {
		return
	}
	o.known, o.up, o.number = true, ev.Up, ev.Number
	var why Cause = told(trackText(ev.Name, ev.Up, ev.Why))
	for _, r := range o.users {
		n.weigh(r, why)
	}
	for i, r := range o.users {
		if i == 0 || o.users[i-1].unit != r.unit {
			n.settle(r.unit, r, r.consequence(ev))
		}
	}
}

// told is the cause of what a tracked object alone brings about, in words: one
// object may be that of very many routers.
type told string

func (c told) String() string { return string(c) }

// consequence is what the change of an object means for a router.
func (r *router) consequence(ev Track) Cause {
	if r.faults > 0 {
		return r.failure()
	}
	return TrackRecovered{Name: ev.Name, Why: ev.Why, Up: ev.Up}
}

// failure is the first of what forbids a router to take part.
func (r *router) failure() Cause {
	for _, w := range r.watches {
		if w.forbids() {
			return TrackFailed{Name: w.ref.Name, Why: w.object.why, Up: w.object.up}
		}
	}
	return nil
}

func (w watch) forbids() bool {
	_, fault := w.weigh()
	return fault && w.object.known
}

// weigh is what an object means for whoever watches it so.
func (w watch) weigh() (add int, fault bool) {
	if w.ref.Scaled {
		return track.Scale(w.object.number, w.ref.Weight, w.ref.Reverse)
	}
	return track.Weigh(w.object.up, w.ref.Weight, w.ref.Reverse)
}

// decides reports whether the object may forbid taking part: then one waits
// until it is known. Any number may.
func (w watch) decides() bool { return w.ref.Weight == 0 || w.ref.Scaled }

// weigh reckons a router's effective priority and what forbids it to take
// part. An object that nothing is known of adds nothing.
func (n *Node) weigh(r *router, c Cause) {
	r.faults, r.unknown = 0, 0
	sum := int(r.cfg.Priority)
	for _, w := range r.watches {
		add, fault := w.weigh()
		switch {
		case !w.object.known && w.decides():
			r.unknown++
		case !w.object.known:
		case fault:
			r.faults++
		default:
			sum += add
		}
	}
	p := OwnerPriority
	switch {
	case r.demoted:
		p--
	case r.cfg.Priority != OwnerPriority:
		p = Priority(min(max(sum, 1), 254))
	}
	n.prioritise(r, p, c)
}

// prioritise changes the effective priority; a timer that runs is shifted by
// what the skew changed.
func (n *Node) prioritise(r *router, p Priority, c Cause) {
	if p == r.priority {
		return
	}
	before, was := r.downInterval(), r.priority
	r.priority, r.send = p, Send{Router: r.index, Priority: p}
	if r.state == Backup && r.down != never {
		r.down = r.down.Add(r.downInterval() - before)
		r.best.until = r.best.until.Add(r.downInterval() - before)
		n.plan.sooner(r)
	}
	if n.running {
		n.tell(r, PriorityChanged, "Changing effective priority from "+strconv.Itoa(int(was))+" to "+strconv.Itoa(int(p))+": "+c.String())
	}
}
