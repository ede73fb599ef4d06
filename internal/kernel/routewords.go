package kernel

import (
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// RouteSpec is a route as written: its links are names, which may not exist yet.
type RouteSpec struct {
	Key   RouteKey
	Route Route    // hops without their links
	Devs  []string // for each hop, empty if none was given
	// NoTrack: the route is not put back when somebody removes it, as
	// keepalived's word no_track has it.
	NoTrack bool
}

// Resolve finds the links of a route. The error names the missing one.
func (s RouteSpec) Resolve(m *Mirror) (RouteKey, Route, error) {
	r := s.Route
	r.Hops = make([]Hop, len(s.Route.Hops))
	copy(r.Hops, s.Route.Hops)
	for i, dev := range s.Devs {
		if dev == "" {
			continue
		}
		l, ok := m.Link(dev)
		if !ok {
			return s.Key, r, fmt.Errorf("route %s: no interface %s", s.Key.Dst, dev)
		}
		r.Hops[i].Link = l.Index
	}
	return s.Key, r, nil
}

// ParseRoute reads a line of virtual_routes or static_routes, in the words of
// ip-route(8) and those of keepalived's own ("src A [to] DST gw B [or C]").
func ParseRoute(words []string) (RouteSpec, error) {
	p := routeParser{words: words}
	p.spec.Key.Table = unix.RT_TABLE_MAIN
	p.spec.Route.Type = unix.RTN_UNICAST
	p.scope = -1
	for p.err == nil && p.at < len(p.words) {
		p.word()
	}
	if p.err == nil {
		p.finish()
	}
	return p.spec, p.err
}

type routeParser struct {
	words  []string
	at     int
	err    error
	spec   RouteSpec
	scope  int // -1: not given
	first  Hop
	dev    string
	hops   []Hop
	devs   []string
	having bool // first is a hop
	either bool // the destination is "default", of whichever family
}

func (p *routeParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// next is the value of the word before it.
func (p *routeParser) next(of string) string {
	if p.at >= len(p.words) {
		p.fail("%s: expected a value", of)
		return ""
	}
	p.at++
	return p.words[p.at-1]
}

func (p *routeParser) number(of string, most uint64) uint64 {
	w := p.next(of)
	if w == "lock" && p.err == nil { // ip-route(8): "mtu lock 1400"; said of metrics only
		p.fail("%s lock: not supported", of)
	}
	n, err := strconv.ParseUint(w, 0, 64)
	if err != nil || n > most {
		p.fail("%s %s: expected a number up to %d", of, w, most)
	}
	return n
}

// addr reads an address, perhaps behind "inet" or "inet6".
func (p *routeParser) addr(of string) netip.Addr {
	w := p.next(of)
	if w == "inet" || w == "inet6" {
		w = p.next(of)
	}
	a, err := netip.ParseAddr(w)
	if err != nil || a.Zone() != "" {
		p.fail("%s %s: expected an address", of, w)
	}
	return a
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
	dst, err := netip.ParsePrefix(w)
	if err != nil {
		var a netip.Addr
		if a, err = netip.ParseAddr(w); err == nil && a.Zone() == "" {
			dst = netip.PrefixFrom(a, a.BitLen())
		}
	}
	if err != nil || !dst.IsValid() {
		p.fail("unknown word %q", w)
		return
	}
	p.spec.Key.Dst = dst.Masked()
}

// tables are the names of rt_tables that every system has.
var tables = map[string]uint32{"default": unix.RT_TABLE_DEFAULT, "main": unix.RT_TABLE_MAIN, "local": unix.RT_TABLE_LOCAL}

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
		p.dev, p.having = p.next(w), true
	case "onlink":
		p.first.OnLink = true
	case "src":
		r.Source = p.addr(w)
	case "table":
		p.table(p.next(w))
	case "metric", "priority", "preference":
		p.spec.Key.Metric = uint32(p.number(w, 1<<32-1)) //nolint:gosec // bounded
	case "tos", "dsfield":
		p.spec.Key.TOS = uint8(p.number(w, 255)) //nolint:gosec // bounded
	case "scope":
		s, err := parseScope(p.next(w))
		if err != nil {
			p.fail("%w", err)
		}
		p.scope = int(s)
	case "nexthop":
		p.nexthop()
	case "proto", "protocol":
		p.next(w) // ours is always 18: that is how we know it again
	case "no_track":
		p.spec.NoTrack = true
	case "track_group":
		p.next(w) // static routes only; the group is the configuration's
	default:
		p.typeOrMetric(w)
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
	for _, m := range p.spec.Route.metrics() {
		if m.word == w {
			*m.value = uint32(p.number(w, 1<<32-1)) //nolint:gosec // bounded
			return
		}
	}
	p.destination(w)
}

func (p *routeParser) table(w string) {
	if t, ok := tables[w]; ok {
		p.spec.Key.Table = t
		return
	}
	n, err := strconv.ParseUint(w, 0, 32)
	if err != nil || n == 0 {
		p.fail("table %s: expected a number, main, local or default", w)
	}
	p.spec.Key.Table = uint32(n) //nolint:gosec // bounded
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

// nexthop reads "nexthop [via A] [dev X] [weight N] [onlink]".
func (p *routeParser) nexthop() {
	h, dev := Hop{Weight: 1}, ""
	for p.err == nil && p.at < len(p.words) && p.words[p.at] != "nexthop" {
		switch w := p.next(""); w {
		case "via", "gw":
			h.Via = p.addr(w)
		case "dev":
			dev = p.next(w)
		case "weight":
			h.Weight = int(p.number(w, 256)) //nolint:gosec // bounded
			if h.Weight == 0 {
				p.fail("weight 0: expected 1 to 256")
			}
		case "onlink":
			h.OnLink = true
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

// finish puts the parts together and fills in what ip-route(8) would.
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
	switch {
	case s.Key.Dst.Addr().Is6():
		s.Route.Scope = 0
		if s.Key.Metric == 0 {
			s.Key.Metric = metric6
		}
	case p.scope >= 0:
		s.Route.Scope = uint8(p.scope) //nolint:gosec // parsed from 8 bits
	case s.Route.Type == unix.RTN_LOCAL:
		s.Route.Scope = unix.RT_SCOPE_HOST
	case !hopless && len(s.Route.Hops) == 1 && !s.Route.Hops[0].Via.IsValid():
		s.Route.Scope = unix.RT_SCOPE_LINK
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
		six = six || s.Route.Source.Is6()
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
