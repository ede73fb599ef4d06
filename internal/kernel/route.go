package kernel

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// RouteKey is what makes a route one to the kernel.
type RouteKey struct {
	Table  uint32 // RT_TABLE_…; 254 is main
	Dst    netip.Prefix
	TOS    uint8  // IPv4 only
	Metric uint32 // IPv6: 1024 where none was given, as the kernel has it
}

// Compare orders keys.
func (k RouteKey) Compare(o RouteKey) int {
	return cmp.Or(cmp.Compare(k.Table, o.Table), k.Dst.Addr().Compare(o.Dst.Addr()),
		cmp.Compare(k.Dst.Bits(), o.Dst.Bits()), cmp.Compare(k.TOS, o.TOS), cmp.Compare(k.Metric, o.Metric))
}

// Hop is a next hop.
type Hop struct {
	Link   int        // index, 0 = wherever Via is reached
	Via    netip.Addr // or invalid: on the link itself
	Weight int        // 1–256; 1 unless there are several hops
	OnLink bool       // Via is on Link though no address says so
	Realms uint32     // SOURCE<<16 | DESTINATION, IPv4 only
	Encap  Encap
}

// Place is where a route goes among those of others with the same key.
type Place uint8

// The places: in front of them, as keepalived and the kernel have it by
// default; behind them ("append"); nowhere ("add").
const (
	Front Place = iota
	Append
	Alone
)

// Route is everything else about a route.
type Route struct {
	Type     uint8 // RTN_…
	Scope    uint8 // IPv4 only
	Protocol uint8 // RTPROT_…: who added it
	Pref     uint8 // of a router (ICMPV6_ROUTER_PREF_…), IPv6 only
	Source   netip.Addr
	Hops     []Hop // none for blackhole and the like; 1–MaxHops
	// Metrics are by RTAX_…, 0 = the kernel's own; RTAX_LOCK has a bit for each
	// that may not be changed.
	Metrics Metrics
	// Congestion is a TCP congestion control, or empty.
	Congestion string

	// Expires is after how many seconds the kernel drops the route, 0 = never
	// (IPv6 only); Place matters when it is added. Neither can be read back.
	Expires uint32
	Place   Place
}

// Metrics are a route's metrics by RTAX_… (linux/rtnetlink.h).
type Metrics [unix.RTAX_FASTOPEN_NO_COOKIE + 1]uint32

// MaxHops is how many next hops a route may have.
const MaxHops = 32

// Equal reports whether two routes are the same, as far as they can be read back.
func (r Route) Equal(o Route) bool {
	return r.Type == o.Type && r.Scope == o.Scope && r.Protocol == o.Protocol && r.Pref == o.Pref &&
		r.Source == o.Source && r.Metrics == o.Metrics && r.Congestion == o.Congestion && slices.Equal(r.Hops, o.Hops)
}

// RouteKind compares routes that are wanted with those that are there. A hop
// without a link is on whichever the kernel found.
var RouteKind = reconcile.Kind[RouteKey, Route]{
	Compare: RouteKey.Compare,
	Same: func(want, have Route) bool {
		if len(want.Hops) == len(have.Hops) {
			want.Hops = slices.Clone(want.Hops)
			for i := range want.Hops {
				if want.Hops[i].Link == 0 {
					want.Hops[i].Link = have.Hops[i].Link
				}
			}
		}
		return want.Equal(have)
	},
}

// RouteOp is one change of a route.
type RouteOp = reconcile.Op[RouteKey, Route]

// routeTypes are the types that may be written (ip-route(8)).
var routeTypes = []struct {
	name string
	typ  uint8
}{
	{"unicast", unix.RTN_UNICAST},
	{"local", unix.RTN_LOCAL},
	{"broadcast", unix.RTN_BROADCAST},
	{"anycast", unix.RTN_ANYCAST},
	{"multicast", unix.RTN_MULTICAST},
	{"blackhole", unix.RTN_BLACKHOLE},
	{"unreachable", unix.RTN_UNREACHABLE},
	{"prohibit", unix.RTN_PROHIBIT},
	{"throw", unix.RTN_THROW},
}

// routeText is a route in iproute2's words.
func routeText(k RouteKey, r Route, name func(int) string) string {
	var b strings.Builder
	for _, t := range routeTypes {
		if t.typ == r.Type && t.typ != unix.RTN_UNICAST {
			b.WriteString(t.name + " ")
		}
	}
	if k.Dst.Bits() == 0 {
		b.WriteString("default")
	} else {
		b.WriteString(k.Dst.String())
	}
	hop := func(h Hop) {
		b.WriteString(h.Encap.text())
		if h.Via.IsValid() {
			fmt.Fprintf(&b, " via %s", h.Via)
		}
		if h.Link != 0 {
			fmt.Fprintf(&b, " dev %s", name(h.Link))
		}
		if h.OnLink {
			b.WriteString(" onlink")
		}
		if h.Realms != 0 {
			fmt.Fprintf(&b, " realms %d/%d", h.Realms>>16, h.Realms&0xffff)
		}
	}
	if len(r.Hops) == 1 {
		hop(r.Hops[0])
	}
	if r.Source.IsValid() {
		fmt.Fprintf(&b, " src %s", r.Source)
	}
	if k.Table != unix.RT_TABLE_MAIN {
		fmt.Fprintf(&b, " table %d", k.Table)
	}
	if k.TOS != 0 {
		fmt.Fprintf(&b, " tos %#x", k.TOS)
	}
	if k.Metric != 0 && !(k.Dst.Addr().Is6() && k.Metric == metric6) {
		fmt.Fprintf(&b, " metric %d", k.Metric)
	}
	if six := k.Dst.Addr().Is6(); !six && r.Scope != usualScope(r) {
		fmt.Fprintf(&b, " scope %s", scopeText(r.Scope))
	}
	b.WriteString(r.metricsText())
	if len(r.Hops) > 1 {
		for _, h := range r.Hops {
			b.WriteString(" nexthop")
			hop(h)
			fmt.Fprintf(&b, " weight %d", h.Weight)
		}
	}
	return b.String()
}

// metric6 is the metric of an IPv6 route where none is given (IP6_RT_PRIO_USER).
const metric6 = 1024

// usualScope is what ip-route(8) gives to an IPv4 route where none was said.
func usualScope(r Route) uint8 {
	switch {
	case r.Type == unix.RTN_LOCAL:
		return unix.RT_SCOPE_HOST
	case r.Type == unix.RTN_BROADCAST, r.Type == unix.RTN_MULTICAST, r.Type == unix.RTN_ANYCAST,
		r.Type == unix.RTN_UNICAST && len(r.Hops) == 1 && !r.Hops[0].Via.IsValid():
		return unix.RT_SCOPE_LINK
	}
	return unix.RT_SCOPE_UNIVERSE
}

// metrics are the metrics that are numbers, as ip-route(8) calls them. A unit
// is how many of the kernel's make a millisecond.
var metrics = []struct {
	word string
	typ  int
	most uint64
	unit uint64
}{
	{"mtu", unix.RTAX_MTU, 1<<32 - 1, 0},
	{"hoplimit", unix.RTAX_HOPLIMIT, 255, 0},
	{"advmss", unix.RTAX_ADVMSS, 1<<32 - 1, 0},
	{"rtt", unix.RTAX_RTT, 0, 8},
	{"rttvar", unix.RTAX_RTTVAR, 0, 4},
	{"rto_min", unix.RTAX_RTO_MIN, 0, 1},
	{"reordering", unix.RTAX_REORDERING, 1<<32 - 1, 0},
	{"window", unix.RTAX_WINDOW, 1<<32 - 1, 0},
	{"cwnd", unix.RTAX_CWND, 1<<32 - 1, 0},
	{"ssthresh", unix.RTAX_SSTHRESH, 1<<32 - 1, 0},
	{"initcwnd", unix.RTAX_INITCWND, 1<<32 - 1, 0},
	{"initrwnd", unix.RTAX_INITRWND, 1<<32 - 1, 0},
	{"quickack", unix.RTAX_QUICKACK, 1, 0},
	{"fastopen_no_cookie", unix.RTAX_FASTOPEN_NO_COOKIE, 1, 0},
}

// metricsText is what comes last of a route in iproute2's words.
func (r Route) metricsText() string {
	var b strings.Builder
	locked := func(typ int) string {
		if r.Metrics[unix.RTAX_LOCK]&(1<<typ) != 0 {
			return "lock "
		}
		return ""
	}
	for _, m := range metrics {
		switch v := r.Metrics[m.typ]; {
		case v == 0:
		case m.unit != 0:
			fmt.Fprintf(&b, " %s %s%dms", m.word, locked(m.typ), uint64(v)/m.unit)
		default:
			fmt.Fprintf(&b, " %s %s%d", m.word, locked(m.typ), v)
		}
	}
	if r.Metrics[unix.RTAX_FEATURES]&unix.RTAX_FEATURE_ECN != 0 {
		b.WriteString(" features ecn")
	}
	if r.Congestion != "" {
		fmt.Fprintf(&b, " congctl %s%s", locked(unix.RTAX_CC_ALGO), r.Congestion)
	}
	if r.Pref != 0 {
		b.WriteString(map[uint8]string{1: " pref high", 3: " pref low"}[r.Pref])
	}
	if r.Expires != 0 {
		fmt.Fprintf(&b, " expires %d", r.Expires)
	}
	return b.String()
}
