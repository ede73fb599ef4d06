package vrrpd

import (
	"log/slog"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/kernel"
)

// What a router holds in the kernel beside its addresses: routes and rules. Two
// routers may hold the same; it is there as long as one of them is active.

// heldRoute is one route, on the links as they are now.
type heldRoute struct {
	kernel.RouteSpec
	key     kernel.RouteKey
	route   kernel.Route
	problem error // a link that it names does not exist
	away    bool  // no_track, and somebody removed it
}

// heldRule is one rule.
type heldRule struct {
	kernel.RuleSpec
	rule    kernel.Rule
	problem error
	away    bool
}

// parseRoutes reads routes as the kernel takes them; wrong is told of the others.
func parseRoutes(all []conf.Route, wrong func(what string, at conf.Pos, err error)) (out []heldRoute) {
	for _, r := range all {
		if s, err := kernel.ParseRoute(r.Words); err != nil {
			wrong("route", r.Pos, err)
		} else {
			out = append(out, heldRoute{RouteSpec: s})
		}
	}
	return out
}

func parseRules(all []conf.Route, wrong func(what string, at conf.Pos, err error)) (out []heldRule) {
	for _, r := range all {
		if s, err := kernel.ParseRule(r.Words); err != nil {
			wrong("rule", r.Pos, err)
		} else {
			out = append(out, heldRule{RuleSpec: s})
		}
	}
	return out
}

// placeRoutes finds the links of an edge's routes and rules.
func (d *daemon) placeRoutes(e *edge) {
	for i := range e.routes {
		h := &e.routes[i]
		for _, dev := range append(h.Devs[:len(h.Devs):len(h.Devs)], h.VRF) {
			if dev != "" {
				d.name(dev)
			}
		}
		if h.key, h.route, h.problem = h.Resolve(d.mirror); h.problem == nil {
			d.routeOwners[h.key] = append(d.routeOwners[h.key], e)
		}
	}
	for i := range e.rules {
		h := &e.rules[i]
		if h.VRF != "" {
			d.name(h.VRF)
		}
		if h.rule, h.problem = h.Resolve(d.mirror); h.problem == nil {
			d.ruleOwners[h.rule] = append(d.ruleOwners[h.rule], e)
		}
	}
}

// forsakeRoutes has a router's routes removed whose links have another name now,
// and rules into the table of a VRF that has: as addresses are, which the kernel
// keeps as well.
func (d *daemon) forsakeRoutes(routes []heldRoute, rules []heldRule, e *edge) {
	left := &edge{}
	for i := range routes {
		was, is := &routes[i], &e.routes[i]
		if was.problem == nil && (is.problem != nil || is.key != was.key) && d.renamed(&was.route, was.Devs, was.VRF) {
			left.routes = append(left.routes, *was)
		}
	}
	for i := range rules {
		was, is := &rules[i], &e.rules[i]
		if was.problem == nil && was.VRF != "" && (is.problem != nil || is.rule != was.rule) {
			left.rules = append(left.rules, *was)
		}
	}
	if len(left.routes)+len(left.rules) > 0 {
		d.ghosts = append(d.ghosts, left)
	}
}

// renamed reports whether some link of a route is there under another name, or
// its VRF is no longer what it was.
func (d *daemon) renamed(r *kernel.Route, devs []string, vrf string) bool {
	for i, dev := range devs {
		if dev == "" || i >= len(r.Hops) {
			continue
		}
		if _, exists := d.mirror.LinkAt(r.Hops[i].Link); exists && d.mirror.Name(r.Hops[i].Link) != dev {
			return true
		}
	}
	return vrf != ""
}

// mirrorRoutes has the mirror keep the routes that we hold, whatever their protocol.
func (d *daemon) mirrorRoutes() {
	if d.reflector == nil {
		return
	}
	var protocols []uint8
	held := false
	for _, e := range d.holders() {
		for i := range e.routes {
			protocols = append(protocols, e.routes[i].Route.Protocol)
			held = true
		}
	}
	if err := d.reflector.Routes(protocols, held); err != nil {
		d.say(slog.LevelWarn, kindAddress, "", "", err.Error())
	}
}

// route finds one of an edge's routes; the last of a key is the one in front.
func (e *edge) route(k kernel.RouteKey) *heldRoute {
	for i := len(e.routes) - 1; i >= 0; i-- {
		if h := &e.routes[i]; h.problem == nil && h.key == k {
			return h
		}
	}
	return nil
}

// rule finds one of an edge's rules.
func (e *edge) rule(r kernel.Rule) *heldRule {
	for i := range e.rules {
		if h := &e.rules[i]; h.problem == nil && h.rule == r {
			return h
		}
	}
	return nil
}

// wantedRoute is the route that some active edge wants to be there, and that the
// kernel would take. One whose link is down is not missing: it comes back with it.
func (d *daemon) wantedRoute(k kernel.RouteKey) (kernel.Route, bool) {
	var first *edge
	for _, e := range d.routeOwners[k] {
		if h := e.route(k); e.active && h != nil && !h.away && d.carried(h.route) && e.before(first) {
			first = e
		}
	}
	if first == nil {
		return kernel.Route{}, false
	}
	return first.route(k).route, true
}

func (d *daemon) wantedRule(r kernel.Rule) bool {
	for _, e := range d.ruleOwners[r] {
		if h := e.rule(r); e.active && h != nil && !h.away {
			return true
		}
	}
	return false
}

// carried reports whether the links of a route are set up; without that the
// kernel has no routes over them, and takes none.
func (d *daemon) carried(r kernel.Route) bool {
	for _, h := range r.Hops {
		if l, ok := d.mirror.LinkAt(h.Link); ok && l.Down() {
			return false
		}
	}
	return true
}

// suspectRoute looks at a route of ours that has come or gone.
func (d *daemon) suspectRoute(k kernel.RouteKey) {
	_, there := d.mirror.Route(k)
	if _, wanted := d.wantedRoute(k); there == wanted {
		return
	}
	for _, e := range d.routeOwners[k] {
		h := e.route(k)
		if h == nil || e.active == there {
			continue
		}
		if d.strange(e, "route "+k.Dst.String(), there, h.NoTrack, &h.away) {
			return
		}
	}
}

// suspectRule looks at a rule of ours that has come or gone.
func (d *daemon) suspectRule(r kernel.Rule) {
	there := d.mirror.Rule(r)
	if d.wantedRule(r) == there {
		return
	}
	for _, e := range d.ruleOwners[r] {
		h := e.rule(r)
		if h == nil || e.active == there {
			continue
		}
		if d.strange(e, "rule "+r.String(), there, h.NoTrack, &h.away) {
			return
		}
	}
}

// strange undoes what somebody did to a route or rule, and says so.
func (d *daemon) strange(e *edge, what string, there, noTrack bool, away *bool) bool {
	switch {
	case there:
		d.repair(e, what+" was added by somebody else, though we are "+d.stateOf(e).String()+": it is removed")
	case *away:
		return false
	case noTrack:
		*away = true
		d.sayf(slog.LevelWarn, kindAddress, e.Name, "(%s) %s was removed by somebody else: it stays away (no_track)", e.Name, what)
	default:
		d.repair(e, what+" was removed by somebody else: it is put back")
	}
	return true
}
