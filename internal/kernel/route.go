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
}

// Route is everything else about a route.
type Route struct {
	Type   uint8 // RTN_…
	Scope  uint8 // IPv4 only
	Source netip.Addr
	Hops   []Hop // none for blackhole and the like; 1–MaxHops
	MTU    uint32
	AdvMSS uint32
	// InitCwnd and InitRwnd are in segments, 0 = the kernel's own.
	InitCwnd, InitRwnd uint32
}

// MaxHops is how many next hops a route may have.
const MaxHops = 32

// Equal reports whether two routes are the same.
func (r Route) Equal(o Route) bool {
	return r.Type == o.Type && r.Scope == o.Scope && r.Source == o.Source && r.MTU == o.MTU &&
		r.AdvMSS == o.AdvMSS && r.InitCwnd == o.InitCwnd && r.InitRwnd == o.InitRwnd && slices.Equal(r.Hops, o.Hops)
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
		if h.Via.IsValid() {
			fmt.Fprintf(&b, " via %s", h.Via)
		}
		if h.Link != 0 {
			fmt.Fprintf(&b, " dev %s", name(h.Link))
		}
		if h.OnLink {
			b.WriteString(" onlink")
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
	for _, m := range r.metrics() {
		if *m.value != 0 {
			fmt.Fprintf(&b, " %s %d", m.word, *m.value)
		}
	}
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

// metric is one of a route's metrics (RTAX_…).
type metric struct {
	word  string
	typ   uint16
	value *uint32
}

func (r *Route) metrics() [4]metric {
	return [4]metric{
		{"mtu", unix.RTAX_MTU, &r.MTU},
		{"advmss", unix.RTAX_ADVMSS, &r.AdvMSS},
		{"initcwnd", unix.RTAX_INITCWND, &r.InitCwnd},
		{"initrwnd", unix.RTAX_INITRWND, &r.InitRwnd},
	}
}
