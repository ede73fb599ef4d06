package vrrpd

import (
	"net/netip"

	"github.com/holdfast-ha/holdfast/internal/build"
)

// A track_group makes routers follow static addresses, routes and rules: they
// cannot take part while one of these is away and could not be put back.

// judgeGroups tells the machine whether all is there that groups follow. What
// the writer's thread has in hand may be there in a moment.
func (d *daemon) judgeGroups() {
	if len(d.cfg.TrackGroups) == 0 || d.flying > 0 || d.stopping {
		return
	}
	missing := d.missing()
	for _, g := range d.cfg.TrackGroups {
		why, away := missing[g]
		d.track(build.GroupTrack(g), !away, why)
	}
}

// missing says of groups what is not there.
func (d *daemon) missing() map[string]string {
	e := d.static
	missing := map[string]string{}
	for _, a := range e.Addresses {
		if g := build.TrackGroupOf(a); g != "" && !d.placed(e, a.Dev, a.Prefix.Addr()) {
			missing[g] = "static address " + a.Prefix.String() + " is not on " + a.Dev
		}
	}
	for i := range e.routes {
		h := &e.routes[i]
		if _, there := d.mirror.Route(h.key); h.TrackGroup != "" && (h.problem != nil || !there) {
			missing[h.TrackGroup] = "there is no static route " + h.Key.Dst.String()
		}
	}
	for i := range e.rules {
		h := &e.rules[i]
		if h.TrackGroup != "" && (h.problem != nil || !d.mirror.Rule(h.rule)) {
			missing[h.TrackGroup] = "there is no static rule " + h.Rule.String()
		}
	}
	return missing
}

// placed reports whether one of an edge's addresses is where it belongs.
func (d *daemon) placed(e *edge, dev string, addr netip.Addr) bool {
	for i := range e.holds {
		if h := &e.holds[i]; h.dev == dev && h.key.Addr == addr {
			_, there := d.mirror.Address(h.key)
			return there
		}
	}
	return false // its link does not exist
}
