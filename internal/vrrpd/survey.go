package vrrpd

import (
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/dump"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// survey is what there is to tell at one moment, copied: the loop takes it, and
// lets adverts go first meanwhile; whoever asked makes words of it (query.go,
// dump.go) while the loop goes on. It shares with the loop only what a reload
// replaces and nobody alters.
type survey struct {
	taken   clock.Reading // clocks when it began
	routers []glance
	groups  []groupGlance
	tracked dump.VRRP // its Scripts, Files, Processes and BFDs
}

// glance is one router of a survey.
type glance struct {
	*build.Router
	at       clock.Instant // when it was looked at
	view     vrrp.RouterView
	preempt  bool
	holds    bool // virtual addresses are there
	source   netip.Addr
	up       clock.Instant // see edge
	took     string
	refused  *api.Refused
	set      *api.Configured // what was configured otherwise; nil: nothing
	counters counters
	routes   []bool // which are in the kernel
	rules    []bool
	strays   *[wire.NumFaults]uint64 // of its interface; nil: none
}

// groupGlance is one sync group of a survey.
type groupGlance struct {
	name    string
	state   vrrp.State
	members []string // their names
	states  []vrrp.State
}

// survey looks at everything. Five thousand routers take a few milliseconds,
// so deadlines that come meanwhile are served in between; a router is then as
// it was when it was looked at. With clear, counters begin anew.
func (d *daemon) survey(clear bool) *survey {
	s := &survey{taken: d.read(), routers: make([]glance, len(d.edges)), groups: make([]groupGlance, len(d.cfg.Groups))}
	for i := range d.edges {
		d.glance(&s.routers[i], i)
		if clear {
			d.edges[i].counters = counters{}
		}
		d.yield()
	}
	for i := range d.cfg.Groups {
		g := d.node.Group(i)
		s.groups[i] = groupGlance{name: d.cfg.Groups[i].Name, state: g.State, members: d.cfg.Groups[i].Members}
		for _, m := range g.Members {
			s.groups[i].states = append(s.groups[i].states, d.node.StateOf(m))
		}
		d.yield()
	}
	s.tracked = d.dumpTracked()
	return s
}

func (d *daemon) glance(g *glance, i int) {
	e := d.edges[i]
	*g = glance{
		Router: e.Router, at: d.now(), view: d.node.Router(i), preempt: d.cfg.Node.Routers[i].Preempt,
		holds: e.active && len(e.holds) > 0, source: e.source, up: e.up, counters: e.counters, set: e.configured,
	}
	if e.active {
		g.took = e.took
	}
	g.routes, g.rules = d.there(e)
	g.refused = e.refusals.lately(g.at)
	if s := d.strays[place{e.link.Index, e.Family}]; s != nil {
		faults := s.faults
		g.strays = &faults
	}
}

// there says which routes and rules of an edge are in the kernel.
func (d *daemon) there(e *edge) (routes, rules []bool) {
	for i := range e.routes {
		h := &e.routes[i]
		_, is := d.mirror.Route(h.key)
		routes = append(routes, is && h.problem == nil)
	}
	for i := range e.rules {
		h := &e.rules[i]
		rules = append(rules, h.problem == nil && d.mirror.Rule(h.rule))
	}
	return routes, rules
}

// wall is an instant on the wall clock as it stood when the survey began.
func (s *survey) wall(at clock.Instant) time.Time {
	return time.Unix(0, s.taken.Wall-int64(s.taken.Mono.Sub(at)))
}
