package vrrp

import (
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// Node is all virtual routers and sync groups of one process. Whoever made it
// owns it; it must not be used by two goroutines at once.
type Node struct {
	cfg     Config
	routers []*router
	units   []*unit            // every router is in one
	groups  []*unit            // those that are sync groups, as configured
	objects map[string]*object // what is tracked, by name
	plan    schedule
	changes int // how many configurations there were

	now     clock.Instant // of the Step under way
	running bool          // between Start and Stop
	begin   clock.Instant // when the startup delay is over
	actions []Action
}

// NewNode makes a node that waits for Start.
func NewNode(cfg Config) *Node {
	n := &Node{}
	n.install(n.Prepare(cfg), Started{})
	return n
}

// Step tells the node what happened and returns what to do, in that order. The
// slice is good until the next Step. Instants never go back.
func (n *Node) Step(now clock.Instant, ev Event) []Action {
	n.now, n.actions = now, n.actions[:0]
	switch ev := ev.(type) {
	case Heard:
		n.heard(&ev)
	case Tick:
		n.tick()
	case Track:
		n.tracked(ev)
	case Woke:
		n.woke(ev)
	case Drained:
		n.drained(ev)
	case Start:
		n.start(ev.Held)
	case Stop:
		n.stop()
	case Reconfigure:
		n.reconfigure(&ev)
	}
	return n.actions
}

// advertise sends an advert of the effective priority.
func (n *Node) advertise(r *router) {
	n.do(r.send)
	r.sent = n.now
}

func (n *Node) do(a Action) { n.actions = append(n.actions, a) }

// Deadline returns when the node wants a Tick if nothing else happens.
func (n *Node) Deadline() (clock.Instant, bool) {
	_, at := n.plan.first()
	return at, at != never
}

// start begins operation. What is known by then of tracked objects counts.
func (n *Node) start(held []Held) {
	if n.running {
		return
	}
	n.running = true
	n.begin = n.now.Add(n.cfg.StartupDelay)
	for _, u := range n.units {
		if silent, ok := n.goesOn(u, held); ok {
			n.move(u, u.members[0], Active, Resumed{Silent: silent})
		} else {
			n.settle(u, nil, Started{})
		}
	}
}

// goesOn reports whether a unit was active so lately that nobody can have
// taken over: no backup does before DownAdverts intervals, whatever its
// priority.
func (n *Node) goesOn(u *unit, held []Held) (silent time.Duration, ok bool) {
	if len(u.members) == 0 || u.blocked() != nil || !u.ready() {
		return 0, false
	}
	for _, r := range u.members {
		i := slices.IndexFunc(held, func(h Held) bool { return h.Router == r.index })
		if i < 0 {
			return 0, false
		}
		since := n.now.Sub(held[i].Sent)
		if since < 0 || since >= time.Duration(r.cfg.DownAdverts)*r.cfg.Advert {
			return 0, false
		}
		silent = max(silent, since)
	}
	return silent, true
}

// stop ends operation: whoever is active resigns.
func (n *Node) stop() {
	if !n.running {
		return
	}
	n.running = false
	for _, u := range n.units {
		for _, r := range u.members {
			n.become(r, Init, Stopped{})
		}
		n.groupBecomes(u, Init, Stopped{})
	}
}

// tick serves every router whose time has come, the earliest first.
func (n *Node) tick() {
	for {
		r, at := n.plan.first()
		if r == nil || at == never || n.now.Before(at) {
			return
		}
		if r.state == Active {
			n.serveActive(r)
		} else {
			n.serveBackup(r)
		}
	}
}
