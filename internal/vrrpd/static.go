package vrrpd

import (
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// The static addresses, routes and rules (static_ipaddress, static_routes,
// static_rules) are held as
// a router's are, by a router that does not speak and is always active: they
// are put in place at the start, put back when somebody removes them, compared
// at a reload, and go at the end. What was there before us, and is somebody
// else's, stays then: the interface's own addresses may be listed.

// standing is the index of the edge that holds what is static.
const standing = -1

// stand makes the edge for the static part of a configuration.
func (d *daemon) stand(c *change) {
	if d.static == nil {
		d.static = &edge{index: standing, owner: true}
	}
	e := d.static
	d.disclaim(e, c.virtual)
	e.Router = &build.Router{Name: "static", Addresses: c.next.StaticAddresses, Routes: c.next.StaticRoutes, Rules: c.next.StaticRules}
	e.routes, e.rules = d.parse(e.Router)
}

// placeStatic finds the links of what is static. Unlike virtual addresses, these
// may be sources of adverts.
func (d *daemon) placeStatic() {
	e := d.static
	e.active = false // addresses that are new to us, and there, are somebody else's
	d.place(e)
	d.placeLinks()
	e.active = !d.stopping
	for i := range e.holds {
		d.owners[e.holds[i].key] = append(d.owners[e.holds[i].key], e)
	}
	d.placeRoutes(e)
}

// holders are all edges that have addresses and routes.
func (d *daemon) holders() []*edge {
	all := append(make([]*edge, 0, len(d.edges)+1), d.edges...)
	if d.static != nil {
		all = append(all, d.static)
	}
	return all
}

// stateOf is an edge's state, for people.
func (d *daemon) stateOf(e *edge) vrrp.State {
	if e.index == standing {
		return vrrp.Init
	}
	return d.node.Router(e.index).State
}
