package mib

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// routed is a route of an instance; static ones are of instance 0.
type routed struct {
	kernel.RouteSpec
	words []string
	set   bool
}

// value is the word that follows one of names in the route as written.
func (r *routed) value(names ...string) string {
	for i, w := range r.words {
		if slices.Contains(names, w) && i+1 < len(r.words) {
			return r.words[i+1]
		}
	}
	return ""
}

// several reports whether it has several next hops, which have a table.
func (r *routed) several() bool { return len(r.Route.Hops) > 1 }

// hop is its only one, nil if there are several or none.
func (r *routed) hop() *kernel.Hop {
	if len(r.Route.Hops) != 1 {
		return nil
	}
	return &r.Route.Hops[0]
}

func (r *routed) dev(hop int) string {
	if hop < len(r.Devs) {
		return r.Devs[hop]
	}
	return ""
}

// hopped is a next hop of a route.
type hopped struct {
	of, route, n int
	hop          *kernel.Hop
	dev          string
}

// ecmp is RouteType's number for several next hops.
const ecmp = 2

// routeTypes are the numbers of RouteType for the kernel's (RTN_…).
var routeTypes = map[uint8]int{
	unix.RTN_UNICAST: 1, unix.RTN_LOCAL: ecmp, unix.RTN_BLACKHOLE: 3, unix.RTN_ANYCAST: 4, unix.RTN_MULTICAST: 5, unix.RTN_BROADCAST: 6,
	unix.RTN_UNREACHABLE: 7, unix.RTN_PROHIBIT: 8, unix.RTN_THROW: 9, unix.RTN_NAT: 10, unix.RTN_XRESOLVE: 11,
}

// routes are vrrpRouteTable and vrrpRouteNextHopTable.
func (b *builder) routes(all []router) {
	var rows []number[routed]
	var hops []hopped
	add := func(of int, list []conf.Route, there []bool) {
		n := 0
		for i := range list {
			spec, err := kernel.ParseRoute(list[i].Words)
			if err != nil {
				continue // it is not set either
			}
			n++
			one := routed{spec, list[i].Words, n <= len(there) && there[n-1]}
			rows = append(rows, number[routed]{of, n, one})
			for j := range spec.Route.Hops {
				if one.several() {
					hops = append(hops, hopped{of, n, j + 1, &spec.Route.Hops[j], one.dev(j)})
				}
			}
		}
	}
	add(0, b.Conf.StaticRoutes, b.VRRP.StaticRoutes)
	for i := range all {
		add(all[i].n, all[i].conf.Routes, all[i].is.Routes)
	}
	b.routeTable(rows)
	b.hopTable(hops)
}

type routeCol = col[number[routed]]

func (b *builder) routeTable(rows []number[routed]) {
	of := func(n uint32, cell func(*routed) agentx.Value) routeCol {
		return routeCol{n, func(r *number[routed]) agentx.Value { return cell(&r.it) }}
	}
	cols := []routeCol{
		of(2, func(r *routed) agentx.Value { return family(r.Key.Dst.Addr()) }),
		of(3, func(r *routed) agentx.Value { return address(r.Key.Dst.Addr()) }),
		of(4, func(r *routed) agentx.Value { return agentx.Unsigned(part(r.Key.Dst.Bits())) }),
		of(5, func(r *routed) agentx.Value {
			if h := r.hop(); h != nil {
				return address(h.Via)
			}
			return absent
		}),
		of(7, func(r *routed) agentx.Value { return address(r.Route.Source) }),
		of(8, func(r *routed) agentx.Value {
			return agentx.Unsigned(choose(r.value("metric", "priority", "preference") == "", 0, r.Key.Metric))
		}),
		of(9, func(r *routed) agentx.Value { return scope(r.value("scope")) }),
		of(10, func(r *routed) agentx.Value { return agentx.Int(choose(r.several(), ecmp, routeTypes[r.Route.Type])) }),
		of(11, func(r *routed) agentx.Value {
			if r.several() {
				return absent
			}
			return some(b.ifIndex(r.dev(0)), agentx.Int)
		}),
		of(12, func(r *routed) agentx.Value { return choose(r.several(), absent, text(r.dev(0))) }),
		of(13, func(r *routed) agentx.Value { return agentx.Unsigned(r.Key.Table) }),
		of(14, func(r *routed) agentx.Value { return truth(r.set) }),
		of(17, func(r *routed) agentx.Value { return some(uint32(r.Key.TOS), agentx.Unsigned) }),
		of(18, func(r *routed) agentx.Value { return agentx.Int(int(r.Route.Protocol) + 1) }),
		of(19, func(r *routed) agentx.Value { return truth(r.value("features") == "ecn") }),
		of(20, func(r *routed) agentx.Value { return truth(r.Route.Metrics[unix.RTAX_QUICKACK] != 0) }),
		of(21, func(r *routed) agentx.Value { return some(int(r.Route.Expires), agentx.Int) }),
		of(42, func(r *routed) agentx.Value { return text(r.Route.Congestion) }),
		of(43, preference),
		of(55, func(r *routed) agentx.Value {
			return choose(r.value("fastopen_no_cookie") == "", absent, truth(r.Route.Metrics[unix.RTAX_FASTOPEN_NO_COOKIE] != 0))
		}),
	}
	for n, of := range map[uint32]func(*kernel.Hop) agentx.Value{44: realmTo, 45: realmFrom} {
		cols = append(cols, routeCol{n, func(r *number[routed]) agentx.Value {
			if h := r.it.hop(); h != nil {
				return of(h)
			}
			return absent
		}})
	}
	for i, of := range encapCells {
		cols = append(cols, routeCol{46 + part(i), func(r *number[routed]) agentx.Value {
			if h := r.it.hop(); h != nil {
				return of(&h.Encap)
			}
			return absent
		}})
	}
	table(b.Tree, vrrp.With(7, 1), rows, (*number[routed]).index, append(cols, metricCols()...)...)
}

// metrics are the columns of a route's metrics; the next column says of most
// whether they are locked.
var metrics = []struct {
	n      uint32
	metric int
	locks  bool
	unit   uint32 // what the kernel counts in
}{
	{22, unix.RTAX_MTU, true, 1}, {24, unix.RTAX_HOPLIMIT, false, 1}, {25, unix.RTAX_ADVMSS, true, 1},
	{27, unix.RTAX_RTT, true, 8}, {29, unix.RTAX_RTTVAR, true, 4}, {31, unix.RTAX_REORDERING, true, 1},
	{33, unix.RTAX_WINDOW, false, 1}, {34, unix.RTAX_CWND, true, 1}, {36, unix.RTAX_SSTHRESH, true, 1},
	{38, unix.RTAX_RTO_MIN, true, 1}, {40, unix.RTAX_INITCWND, false, 1}, {41, unix.RTAX_INITRWND, false, 1},
}

func metricCols() (out []routeCol) {
	for _, m := range metrics {
		out = append(out, routeCol{m.n, func(r *number[routed]) agentx.Value {
			return some(r.it.Route.Metrics[m.metric]/m.unit, agentx.Unsigned)
		}})
		if m.locks {
			out = append(out, routeCol{m.n + 1, func(r *number[routed]) agentx.Value {
				if r.it.Route.Metrics[m.metric] == 0 {
					return absent
				}
				return truth(r.it.Route.Metrics[unix.RTAX_LOCK]&(1<<m.metric) != 0)
			}})
		}
	}
	return out
}

// preference is PrefType, of whoever was given one.
func preference(r *routed) agentx.Value {
	if n, ok := map[string]int{"low": 1, "medium": 2, "high": 3}[r.value("pref")]; ok {
		return agentx.Int(n)
	}
	return absent
}

func realmTo(h *kernel.Hop) agentx.Value { return some(h.Realms&0xffff, agentx.Unsigned) }

func realmFrom(h *kernel.Hop) agentx.Value { return some(h.Realms>>16, agentx.Unsigned) }

// encapTypes are the numbers of EncapType.
var encapTypes = map[uint16]int{unix.LWTUNNEL_ENCAP_MPLS: 1, unix.LWTUNNEL_ENCAP_IP: 2, unix.LWTUNNEL_ENCAP_ILA: 3, unix.LWTUNNEL_ENCAP_IP6: 4}

// encapCells are the columns of an encapsulation: type, labels, key, far and
// near end, TOS, TTL, flags, locator.
var encapCells = []func(*kernel.Encap) agentx.Value{
	func(e *kernel.Encap) agentx.Value { return some(encapTypes[e.Type], agentx.Int) },
	func(e *kernel.Encap) agentx.Value { return text(labels(e.Labels)) },
	func(e *kernel.Encap) agentx.Value { return some(e.ID, agentx.Count64) },
	func(e *kernel.Encap) agentx.Value { return address(e.Dst) },
	func(e *kernel.Encap) agentx.Value { return address(e.Src) },
	func(e *kernel.Encap) agentx.Value { return some(uint32(e.TOS), agentx.Unsigned) },
	func(e *kernel.Encap) agentx.Value { return some(uint32(e.TTL), agentx.Unsigned) },
	func(e *kernel.Encap) agentx.Value { return some(uint32(e.Flags), agentx.Unsigned) },
	func(e *kernel.Encap) agentx.Value { return some(e.Locator, agentx.Count64) },
}

// labels are an MPLS stack in decimal, as ip-route(8) has it.
func labels(stack string) string {
	var out []string
	for ; len(stack) >= 4; stack = stack[4:] {
		out = append(out, strconv.Itoa(int(binary.BigEndian.Uint32([]byte(stack[:4]))>>12)))
	}
	return strings.Join(out, "/")
}

func (b *builder) hopTable(hops []hopped) {
	index := func(h *hopped) agentx.OID { return agentx.OID{part(h.of), part(h.route), part(h.n)} }
	type hc = col[hopped]
	cols := []hc{
		{2, func(h *hopped) agentx.Value { return choose(h.hop.Via.IsValid(), family(h.hop.Via), absent) }},
		{3, func(h *hopped) agentx.Value { return address(h.hop.Via) }},
		{4, func(h *hopped) agentx.Value { return some(b.ifIndex(h.dev), agentx.Int) }},
		{5, func(h *hopped) agentx.Value { return text(h.dev) }},
		{6, func(h *hopped) agentx.Value {
			return choose(h.hop.Weight > 1, agentx.Unsigned(part(h.hop.Weight)), absent)
		}},
		{7, func(h *hopped) agentx.Value { return truth(h.hop.OnLink) }},
		{8, func(h *hopped) agentx.Value { return realmTo(h.hop) }},
		{9, func(h *hopped) agentx.Value { return realmFrom(h.hop) }},
	}
	for i, of := range encapCells {
		if i > 0 { // the type is not accessible here
			cols = append(cols, hc{10 + part(i), func(h *hopped) agentx.Value { return of(&h.hop.Encap) }})
		}
	}
	table(b.Tree, vrrp.With(11, 1), hops, index, cols...)
}
