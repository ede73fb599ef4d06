package kernel

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// RouteSpec is a route as written: its links are names, which may not exist yet.
type RouteSpec struct {
	Key   RouteKey
	Route Route    // hops without their links
	Devs  []string // for each hop, empty if none was given
	// VRF names a link whose table the route is in, or is empty.
	VRF string
	// NoTrack: the route is not put back when somebody removes it, as
	// keepalived's word no_track has it.
	NoTrack bool
	// TrackGroup is who follows a static route, or empty.
	TrackGroup string
}

// Resolve finds the links of a route. The error names the missing one.
func (s RouteSpec) Resolve(m *Mirror) (RouteKey, Route, error) {
	k, r := s.Key, s.Route
	r.Hops = make([]Hop, len(s.Route.Hops))
	copy(r.Hops, s.Route.Hops)
	for i, dev := range s.Devs {
		if dev == "" {
			continue
		}
		l, ok := m.Link(dev)
		if !ok {
			return k, r, fmt.Errorf("route %s: no interface %s", k.Dst, dev)
		}
		r.Hops[i].Link = l.Index
	}
	if s.VRF != "" {
		l, ok := m.Link(s.VRF)
		if !ok || l.VRFTable == 0 {
			return k, r, fmt.Errorf("route %s: %s is no VRF", k.Dst, s.VRF)
		}
		k.Table = l.VRFTable
	}
	return k, r, nil
}

// ParseRoute reads a line of virtual_routes or static_routes, in the words of
// ip-route(8) and those of keepalived's own ("src A [to] DST gw B [or C]").
func ParseRoute(words []string) (RouteSpec, error) {
	p := routeParser{parser: parser{words: words}, scope: -1}
	p.spec.Key.Table = unix.RT_TABLE_MAIN
	p.spec.Route.Type = unix.RTN_UNICAST
	p.spec.Route.Protocol = Protocol
	for p.err == nil && p.at < len(p.words) {
		p.word()
	}
	if p.err == nil {
		p.finish()
	}
	return p.spec, p.err
}

type routeParser struct {
	parser
	spec   RouteSpec
	proto  uint8 // as given
	scope  int   // -1: not given
	first  Hop
	dev    string
	hops   []Hop
	devs   []string
	having bool // first is a hop
	either bool // the destination is "default", of whichever family
	six    bool // "inet6" was said
}

func (p *routeParser) destination(w string) {
	if p.spec.Key.Dst.IsValid() {
		p.fail("%q: unknown word, and the destination is %s already", w, p.spec.Key.Dst)
		return
	}
	if w == "default" {
		p.spec.Key.Dst = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		p.either = true
		return
	}
	dst, ok := parsePrefix(w)
	if !ok {
		p.fail("unknown word %q", w)
		return
	}
	p.spec.Key.Dst = dst
}

func (p *routeParser) word() {
	w := p.next("")
	r := &p.spec.Route
	switch w {
	case "to":
		p.destination(p.next(w))
	case "via", "gw":
		p.first.Via, p.having = p.addr(w), true
	case "or":
		// keepalived: a second way, of the same weight.
		p.endHop(Hop{Via: p.addr(w)})
	case "dev", "oif":
		p.dev, p.having = p.link(w), true
	case "onlink":
		p.first.OnLink = true
	case "encap":
		p.first.Encap = p.encap()
	case "realms":
		p.first.Realms = p.realms(w)
	case "src":
		r.Source = p.addr(w)
	case "table":
		p.spec.Key.Table = p.table(p.next(w))
	case "vrf":
		p.spec.VRF = p.link(w)
	case "metric", "priority", "preference":
		p.spec.Key.Metric = uint32(p.number(w, 1<<32-1)) // bounded
	case "tos", "dsfield":
		p.spec.Key.TOS = uint8(p.number(w, 255)) // bounded
	case "scope":
		s, err := parseScope(p.next(w))
		if err != nil {
			p.fail("%w", err)
		}
		p.scope = int(s)
	case "nexthop":
		p.nexthop()
	default:
		p.rest(w)
	}
}

// rest reads the words that are about the route as such.
func (p *routeParser) rest(w string) {
	r := &p.spec.Route
	switch w {
	case "proto", "protocol":
		p.proto = p.protocol(w)
	case "no_track":
		p.spec.NoTrack = true
	case "track_group":
		p.spec.TrackGroup = p.next(w)
	case "append":
		r.Place = Append
	case "add":
		r.Place = Alone
	case "inet":
	case "inet6":
		p.six = true
	case "pref":
		p.pref(p.next(w))
	case "expires":
		r.Expires = uint32(p.number(w, 1<<32-1)) // bounded
	case "ttl-propagate":
		// For MPLS routes alone; to IP routes the kernel gives it no meaning.
		if v := p.next(w); v != "enabled" && v != "disabled" {
			p.fail("ttl-propagate %s: expected enabled or disabled", v)
		}
	case "features":
		p.features(p.next(w))
	case "congctl":
		p.lock(w, unix.RTAX_CC_ALGO)
		r.Congestion = p.next(w)
	default:
		p.typeOrMetric(w)
	}
}

// pref is the preference of RFC 4191 §2.1, as the kernel has it.
func (p *routeParser) pref(w string) {
	switch w {
	case "low":
		p.spec.Route.Pref = 3
	case "medium":
		p.spec.Route.Pref = 0
	case "high":
		p.spec.Route.Pref = 1
	default:
		p.fail("pref %s: expected low, medium or high", w)
	}
}

func (p *routeParser) features(w string) {
	if w != "ecn" {
		p.fail("features %s: expected ecn", w)
	}
	p.spec.Route.Metrics[unix.RTAX_FEATURES] |= unix.RTAX_FEATURE_ECN
}

// lock reads "lock", which may stand before a metric's value.
func (p *routeParser) lock(_ string, metric int) {
	if p.peek() == "lock" {
		p.at++
		p.spec.Route.Metrics[unix.RTAX_LOCK] |= 1 << metric
	}
}

// typeOrMetric reads what a table knows, else it must be the destination.
func (p *routeParser) typeOrMetric(w string) {
	for _, t := range routeTypes {
		if t.name == w {
			p.spec.Route.Type = t.typ
			return
		}
	}
	for _, m := range metrics {
		if m.word != w {
			continue
		}
		p.lock(w, m.typ)
		if m.unit != 0 {
			p.spec.Route.Metrics[m.typ] = p.rtt(w, m.unit)
		} else {
			p.spec.Route.Metrics[m.typ] = uint32(p.number(w, m.most)) // bounded
		}
		return
	}
	p.destination(w)
}

// leastRTT is the shortest time that keepalived gives to a route, in ms.
const leastRTT = 200

// rtt reads a time: seconds (s) or milliseconds (ms), or a number in the
// kernel's own unit, of which there are so many to a millisecond.
func (p *routeParser) rtt(of string, unit uint64) uint32 {
	w := p.next(of)
	digits, factor := w, uint64(0)
	for _, s := range []struct {
		suffix string
		factor uint64
	}{{"msecs", 1}, {"msec", 1}, {"ms", 1}, {"secs", 1000}, {"sec", 1000}, {"s", 1000}} {
		if d, ok := strings.CutSuffix(w, s.suffix); ok {
			digits, factor = d, s.factor*unit
			break
		}
	}
	sub := parser{words: []string{digits}}
	n := sub.number(of, 1<<24)
	if sub.err != nil {
		p.fail("%s %s: expected a time such as 300ms", of, w)
	}
	if factor != 0 {
		n *= factor
	}
	return uint32(min(max(n, leastRTT*unit), 1<<32-1)) // bounded
}

// endHop keeps a further next hop.
func (p *routeParser) endHop(h Hop) {
	if len(p.hops) == MaxHops-1 {
		p.fail("more than %d next hops", MaxHops)
		return
	}
	h.Weight = max(h.Weight, 1)
	p.hops, p.devs = append(p.hops, h), append(p.devs, "")
}

// nexthop reads "nexthop [via A] [dev X] [weight N] [onlink] [realms R] [encap …]".
func (p *routeParser) nexthop() {
	h, dev := Hop{Weight: 1}, ""
	for p.err == nil && p.at < len(p.words) && p.words[p.at] != "nexthop" {
		switch w := p.next(""); w {
		case "via", "gw":
			h.Via = p.addr(w)
		case "dev", "oif":
			dev = p.link(w)
		case "weight":
			h.Weight = int(p.number(w, 256)) // bounded
			if h.Weight == 0 {
				p.fail("weight 0: expected 1 to 256")
			}
		case "onlink":
			h.OnLink = true
		case "realms":
			h.Realms = p.realms(w)
		case "encap":
			h.Encap = p.encap()
		case "no_track": // of the route
			p.spec.NoTrack = true
		case "track_group":
			p.spec.TrackGroup = p.next(w)
		default:
			p.fail("nexthop: unknown word %q", w)
		}
	}
	if !h.Via.IsValid() && dev == "" {
		p.fail("nexthop: expected via or dev")
	}
	p.endHop(h)
	if p.err == nil {
		p.devs[len(p.devs)-1] = dev
	}
}

// finish puts the parts together and fills in what keepalived would.
func (p *routeParser) finish() {
	s := &p.spec
	if p.having {
		p.first.Weight = 1
		s.Route.Hops, s.Devs = append(s.Route.Hops, p.first), append(s.Devs, p.dev)
	}
	for i, h := range p.hops {
		if p.devs[i] == "" && h.Via.IsValid() && p.having && p.dev != "" {
			p.devs[i] = p.dev // "via A or B dev X": X is for both
		}
	}
	s.Route.Hops, s.Devs = append(s.Route.Hops, p.hops...), append(s.Devs, p.devs...)
	if !s.Key.Dst.IsValid() {
		p.fail("expected a destination")
		return
	}
	p.families()
	hopless := s.Route.Type != unix.RTN_UNICAST && s.Route.Type < unix.RTN_LOCAL || s.Route.Type >= unix.RTN_BLACKHOLE
	switch {
	case hopless && len(s.Route.Hops) != 0:
		p.fail("route %s: a route of this type has no via or dev", s.Key.Dst)
	case !hopless && len(s.Route.Hops) == 0:
		p.fail("route %s: expected via or dev", s.Key.Dst)
	}
	if s.NoTrack && p.proto != 0 {
		s.Route.Protocol = p.proto // else it is ours: that is how we know it again
	}
	switch {
	case s.Key.Dst.Addr().Is6():
		if s.Key.Metric == 0 {
			s.Key.Metric = metric6
		}
	case p.scope >= 0:
		s.Route.Scope = uint8(p.scope) // parsed from 8 bits
	case s.Route.Type == unix.RTN_LOCAL: // the kernel takes no other
		s.Route.Scope = unix.RT_SCOPE_HOST
	case s.Route.Type == unix.RTN_BROADCAST:
		s.Route.Scope = unix.RT_SCOPE_LINK
	}
	if !s.Key.Dst.Addr().Is6() {
		s.Route.Pref = 0
	}
}

// families makes "default" of the family of its hop, and refuses mixtures.
func (p *routeParser) families() {
	s := &p.spec
	six := s.Key.Dst.Addr().Is6()
	if p.either {
		for _, h := range s.Route.Hops {
			six = six || h.Via.Is6()
		}
		six = six || s.Route.Source.Is6() || p.six
		if six {
			s.Key.Dst = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
	}
	if s.Route.Source.IsValid() && s.Route.Source.Is6() != six {
		p.fail("route %s: src %s is of another family", s.Key.Dst, s.Route.Source)
	}
	for _, h := range s.Route.Hops {
		if h.Via.IsValid() && h.Via.Is4() && six {
			p.fail("route %s: via %s is of another family", s.Key.Dst, h.Via)
		}
	}
}
