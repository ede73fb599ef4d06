package vrrpd

import (
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/loop"
	"github.com/holdfast-ha/holdfast/internal/notify/fifo"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// change is what the next configuration changes. It is worked out beside the
// loop, which so has to do only with what is another than before: a thousand
// routers that stay what they are cost it a few words each.
type change struct {
	next build.VRRP
	node vrrp.Reconfigure

	edges   []*edge             // of next; those that go on are themselves
	altered []altered           // those that are new or not what they were
	gone    []*edge             // those that no longer have a router
	holders []*edge             // whose addresses, routes and rules are compared
	virtual map[netip.Addr]bool // of addresses that come or go: whether they were virtual ones

	routes  bool // some held, or will hold, routes
	extra   bool // some announce, or did, what they hold elsewhere
	scripts bool // those that are tracked are others
	static  bool // what is there whatever the states is another
	shared  bool // what routers have in common may be another: sockets and nftables
	whole   bool // what all depend on is another: everything is looked at

	index      index
	places     places
	links      wishes
	fifos      []fifo.Options
	interfaces []string // those to be told of
	untracked  []string // objects that nobody tracks any more
	shortest   time.Duration
}

// altered is an edge that is new or not what it was, with what its routes and
// rules are read as.
type altered struct {
	e      *edge
	next   *build.Router
	owner  bool // of the addresses
	routes []heldRoute
	rules  []heldRule
}

// index is what is looked up by name in a configuration.
type index struct {
	delays map[string]conf.UpDownDelay
	bases  map[string]string // of virtual interfaces
	paces  map[string]int    // index of an interface's garp_group
}

func indexOf(cfg *build.VRRP) index {
	x := index{map[string]conf.UpDownDelay{}, map[string]string{}, map[string]int{}}
	for _, v := range cfg.Delays {
		x.delays[v.Interface] = v
	}
	for i := range cfg.Links {
		x.bases[cfg.Links[i].Name] = cfg.Links[i].Base
	}
	for i, g := range cfg.Paces {
		for _, name := range g.Interfaces {
			x.paces[name] = i
		}
	}
	return x
}

// workOut finds what a configuration changes. It reads nothing but what a
// reload changes, so it may run beside the loop while no other is adopted.
func (d *daemon) workOut(next build.VRRP) *change {
	old := &d.cfg
	c := &change{next: next, virtual: map[netip.Addr]bool{}, index: indexOf(&next), places: placesOf(&next), links: wish(&next), fifos: d.wantFIFOs(next.FIFOs)}
	if d.node != nil {
		c.node = vrrp.Reconfigure{Config: next.Node, Prepared: d.node.Prepare(next.Node)}
	}
	c.static = d.static == nil || !build.Same(old.StaticAddresses, next.StaticAddresses) || !build.Same(old.StaticRoutes, next.StaticRoutes) ||
		!build.Same(old.StaticRules, next.StaticRules) || !reflect.DeepEqual(old.Links, next.Links)
	c.whole = !build.Same(old.Paces, next.Paces)
	d.sort(c)
	c.shared = len(c.altered)+len(c.gone) > 0 || c.static || !reflect.DeepEqual(old.Firewall, next.Firewall) || old.Buffers != next.Buffers

	again := !reflect.DeepEqual(old.Delays, next.Delays)
	for _, name := range next.Interfaces {
		if _, had := slices.BinarySearch(old.Interfaces, name); again || !had {
			c.interfaces = append(c.interfaces, name)
		}
	}
	for name := range d.notes.tracks {
		if _, still := c.places.tracks[name]; !still {
			c.untracked = append(c.untracked, name)
		}
	}
	c.scripts = !build.Same(old.Scripts, next.Scripts)
	c.shortest = loop.DefaultWoke
	for i := range next.Routers {
		c.shortest = min(c.shortest, next.Routers[i].Interval)
	}
	return c
}

// sort tells the routers that go on as they are from all others.
func (d *daemon) sort(c *change) {
	old, next := &d.cfg, &c.next
	links := differing(old.Links, next.Links)
	stays := make([]bool, len(d.edges))
	c.edges = make([]*edge, len(next.Routers))
	for i, at := range vrrp.Match(old.Node.Routers, next.Node.Routers) {
		r := &next.Routers[i]
		var e *edge
		if at >= 0 {
			e, stays[at] = d.edges[at], true
		} else {
			e = &edge{}
		}
		c.edges[i] = e
		if at >= 0 && old.Routers[at].Same(r) && !uses(r, links) &&
			isOwner(&old.Node.Routers[at]) == isOwner(&next.Node.Routers[i]) {
			continue
		}
		a := altered{e: e, next: r, owner: isOwner(&next.Node.Routers[i])}
		a.routes, a.rules = d.parse(r)
		c.altered = append(c.altered, a)
		c.routes = c.routes || len(r.Routes) > 0 || at >= 0 && len(old.Routers[at].Routes) > 0
		c.extra = c.extra || r.Extra > 0 || at >= 0 && old.Routers[at].Extra > 0
	}
	for i, e := range d.edges {
		if !stays[i] {
			c.gone = append(c.gone, e)
			c.routes = c.routes || len(old.Routers[i].Routes) > 0
		}
	}
	c.routes = c.routes || c.static
	for _, a := range c.altered {
		c.holders = append(c.holders, a.e)
	}
	if c.static && d.static != nil {
		c.holders = append(c.holders, d.static)
	}
}

func isOwner(c *vrrp.RouterConfig) bool { return c.Priority == vrrp.OwnerPriority }

// differing are the names of virtual interfaces that are not in both, or not
// the same in both.
func differing(have, want []build.Link) map[string]bool {
	old := make(map[string]*build.Link, len(have))
	out := map[string]bool{}
	for i := range have {
		old[have[i].Name] = &have[i]
		out[have[i].Name] = true
	}
	for i := range want {
		if w := &want[i]; old[w.Name] != nil && *old[w.Name] == *w {
			delete(out, w.Name)
		} else {
			out[w.Name] = true
		}
	}
	return out
}

// uses reports whether a router has to do with some of these interfaces.
func uses(r *build.Router, links map[string]bool) bool {
	return len(links) > 0 && (links[r.Interface] || links[r.VMAC] || links[r.Speaker] ||
		slices.ContainsFunc(r.Addresses, func(a conf.Address) bool { return links[a.Dev] }))
}

// parse reads a router's routes and rules.
func (d *daemon) parse(r *build.Router) (routes []heldRoute, rules []heldRule) {
	wrong := func(what string, at conf.Pos, err error) {
		d.sayf(slog.LevelWarn, kindConfig, r.Name, "(%s) %s at %s:%d: %v", r.Name, what, at.File, at.Line, err)
	}
	return parseRoutes(r.Routes, wrong), parseRules(r.Rules, wrong)
}
