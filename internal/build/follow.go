package build

import (
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// GroupTrack names what a track_group follows: static addresses, routes and rules.
func GroupTrack(name string) string { return "track_group " + name }

// TrackGroupOf is the group that follows a static address, empty without.
func TrackGroupOf(a conf.Address) string {
	for _, o := range a.Options {
		if g, ok := strings.CutPrefix(o, "track_group "); ok {
			return g
		}
	}
	return ""
}

// follows are the interfaces without which a router could not hold what it
// holds, as keepalived follows them: those of its addresses, routes and rules,
// and of what its track_groups name, unless no_track is said of them.
func (b *builder) follows(r *Router, i *conf.VRRPInstance) (devs []string) {
	for _, a := range r.Addresses {
		if !a.NoTrack && a.Dev != r.Interface {
			devs = append(devs, a.Dev)
		}
	}
	for _, route := range slices.Concat(i.Routes, i.Rules) {
		devs = append(devs, devsOf(route.Words)...)
	}
	groups := b.groupsOf(i.Name)
	for _, a := range b.out.StaticAddresses {
		if slices.Contains(groups, TrackGroupOf(a)) {
			devs = append(devs, a.Dev)
		}
	}
	for _, route := range slices.Concat(b.out.StaticRoutes, b.out.StaticRules) {
		if slices.Contains(groups, wordAfter(route.Words, "track_group")) {
			devs = append(devs, devsOf(route.Words)...)
		}
	}
	for i, dev := range devs {
		devs[i] = b.out.Base(dev) // a virtual one is made again, if the interface below it is there
	}
	return slices.DeleteFunc(devs, func(dev string) bool {
		return dev == r.Base || dev == r.Interface || dev == loopback || dev == ""
	})
}

// loopback is an interface that cannot fail.
const loopback = "lo"

// devsOf are the interfaces that a route or rule names, none with no_track. Those
// of next hops do not count: a route may do with some of them.
func devsOf(words []string) (devs []string) {
	if slices.Contains(words, "no_track") {
		return nil
	}
	if at := slices.Index(words, "nexthop"); at >= 0 {
		words = words[:at]
	}
	for _, word := range []string{"dev", "oif", "iif"} {
		devs = append(devs, wordAfter(words, word))
	}
	return devs
}

func wordAfter(words []string, word string) string {
	if at := slices.Index(words, word); at >= 0 && at+1 < len(words) {
		return words[at+1]
	}
	return ""
}

// groupsOf are the track_groups that an instance is in.
func (b *builder) groupsOf(instance string) (groups []string) {
	for _, g := range b.conf.TrackGroups {
		if slices.Contains(g.Members, instance) {
			groups = append(groups, g.Name)
		}
	}
	return groups
}
