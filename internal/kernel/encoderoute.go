package kernel

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// placing are the flags of RTM_NEWROUTE that put a route in its place.
var placing = [...]uint16{Front: 0, Append: unix.NLM_F_APPEND, Alone: unix.NLM_F_EXCL}

// routeOp appends the messages of an operation and returns how many there are.
// NLM_F_REPLACE would replace whichever IPv4 route comes first, perhaps somebody
// else's: so the new one goes in front, and then the old one goes.
func (q *requests) routeOp(op RouteOp, seq uint32) int {
	add := func(flags uint16) {
		q.begin(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|flags, seq)
		q.route(op.Key, op.Want)
		q.end()
	}
	remove := func(seq uint32) {
		q.begin(unix.RTM_DELROUTE, 0, seq)
		q.route(op.Key, op.Have)
		q.end()
	}
	switch {
	case op.Verb == reconcile.Add:
		add(placing[op.Want.Place])
	case op.Verb == reconcile.Remove:
		remove(seq)
	case op.Key.Dst.Addr().Is6(): // two of a key would share the traffic
		add(unix.NLM_F_REPLACE)
	default:
		add(placing[Front])
		remove(seq + 1)
		return 2
	}
	return 1
}

// route is struct rtmsg and the route's attributes.
func (q *requests) route(k RouteKey, r Route) {
	table := byte(unix.RT_TABLE_UNSPEC)
	if k.Table < 256 {
		table = byte(k.Table)
	}
	q.bytes(family(k.Dst.Addr()), byte(k.Dst.Bits()), 0, k.TOS, table, r.Protocol, r.Scope, r.Type)
	flags := uint32(0)
	if len(r.Hops) == 1 && r.Hops[0].OnLink {
		flags = unix.RTNH_F_ONLINK
	}
	q.u32(flags)
	if k.Dst.Bits() != 0 {
		q.attrAddr(unix.RTA_DST, k.Dst.Addr())
	}
	q.attr32(unix.RTA_TABLE, k.Table)
	if k.Metric != 0 {
		q.attr32(unix.RTA_PRIORITY, k.Metric)
	}
	if r.Source.IsValid() {
		q.attrAddr(unix.RTA_PREFSRC, r.Source)
	}
	if k.Dst.Addr().Is6() && r.Pref != 0 {
		q.attr(unix.RTA_PREF, []byte{r.Pref})
	}
	if k.Dst.Addr().Is6() && r.Expires != 0 {
		q.attr32(unix.RTA_EXPIRES, r.Expires)
	}
	q.routeMetrics(r)
	if len(r.Hops) == 1 {
		h := r.Hops[0]
		q.gateway(k, h)
		if h.Link != 0 {
			q.attr32(unix.RTA_OIF, uint32(h.Link)) // an index
		}
		return
	}
	if len(r.Hops) > 1 {
		q.hops(k, r)
	}
}

func (q *requests) routeMetrics(r Route) {
	if r.Metrics == (Metrics{}) && r.Congestion == "" {
		return
	}
	at := q.nest(unix.RTA_METRICS)
	for typ, v := range r.Metrics {
		if v != 0 {
			q.attr32(uint16(typ), v) // an index
		}
	}
	if r.Congestion != "" {
		q.attr(unix.RTAX_CC_ALGO, append([]byte(r.Congestion), 0))
	}
	q.endNest(at)
}

// gateway is all of a hop but its link: RTA_GATEWAY, or RTA_VIA for an IPv4
// route over an IPv6 neighbour, realms and encapsulation.
func (q *requests) gateway(k RouteKey, h Hop) {
	if h.Realms != 0 {
		q.attr32(unix.RTA_FLOW, h.Realms)
	}
	q.encap(h.Encap)
	switch {
	case !h.Via.IsValid():
	case h.Via.Is6() == k.Dst.Addr().Is6():
		q.attrAddr(unix.RTA_GATEWAY, h.Via)
	default:
		q.attr(unix.RTA_VIA, append(native.AppendUint16(nil, uint16(family(h.Via))), h.Via.AsSlice()...))
	}
}

// hops is RTA_MULTIPATH: a struct rtnexthop and its attributes for each.
func (q *requests) hops(k RouteKey, r Route) {
	at := q.nest(unix.RTA_MULTIPATH)
	for _, h := range r.Hops {
		begin := len(q.buf)
		flags := byte(0)
		if h.OnLink {
			flags = unix.RTNH_F_ONLINK
		}
		q.bytes(0, 0, flags, byte(max(h.Weight, 1)-1))
		q.u32(uint32(h.Link)) // an index
		q.gateway(k, h)
		native.PutUint16(q.buf[begin:], uint16(len(q.buf)-begin)) // short
	}
	q.endNest(at)
}

// routeMessage takes RTM_NEWROUTE and RTM_DELROUTE (struct rtmsg) of our
// protocols. again: what is there must be looked at once more.
func (m *Mirror) routeMessage(msg message) (c Change, changed, again bool) {
	d := msg.data
	if len(d) < unix.SizeofRtMsg || native.Uint32(d[8:])&unix.RTM_F_CLONED != 0 ||
		d[0] != unix.AF_INET && d[0] != unix.AF_INET6 {
		return Change{}, false, false
	}
	k, r, ok := decodeRoute(d)
	if !ok {
		return Change{}, false, false
	}
	was, had := m.routes[k]
	c = Change{Kind: RouteChanged, Route: k}
	switch {
	case !m.protocols[d[5]]:
		// Somebody's replaced one of the same key: perhaps ours, which the
		// kernel does not say.
		return Change{}, false, had && msg.flags&unix.NLM_F_REPLACE != 0
	case msg.typ == unix.RTM_DELROUTE && had && !RouteKind.Same(r, was.Route) && !RouteKind.Same(was.Route, r):
		return Change{}, false, true // another of the same key, or some of its hops
	case msg.typ == unix.RTM_DELROUTE:
		delete(m.routes, k)
		c.Gone = true
		return c, had, false
	}
	m.routes[k] = routeEntry{Route: r, seen: m.generation}
	return c, !had || !was.Equal(r), false
}

func decodeRoute(d []byte) (RouteKey, Route, bool) {
	k := RouteKey{Table: uint32(d[4]), TOS: d[3]}
	r := Route{Type: d[7], Protocol: d[5]}
	dst := netip.IPv4Unspecified()
	if d[0] == unix.AF_INET6 {
		dst = netip.IPv6Unspecified()
	} else {
		r.Scope = d[6]
	}
	h := hopReader{Hop: Hop{Weight: 1, OnLink: native.Uint32(d[8:])&unix.RTNH_F_ONLINK != 0}}
	err := attrs(d, unix.SizeofRtMsg, func(typ uint16, v []byte) {
		switch typ {
		case unix.RTA_DST:
			dst = attrAddr(v)
		case unix.RTA_TABLE:
			k.Table = attrU32(v)
		case unix.RTA_PRIORITY:
			k.Metric = attrU32(v)
		case unix.RTA_PREFSRC:
			r.Source = attrAddr(v)
		case unix.RTA_PREF:
			if len(v) == 1 {
				r.Pref = v[0]
			}
		case unix.RTA_METRICS:
			_ = attrs(v, 0, r.takeMetric)
		case unix.RTA_MULTIPATH:
			r.Hops = decodeHops(v)
		default:
			h.take(typ, v)
		}
	})
	first := h.hop()
	// The kernel says that nothing leads there by the loopback interface (IPv6).
	if r.Type >= unix.RTN_BLACKHOLE {
		first = Hop{}
	}
	if r.Hops == nil && (first.Link != 0 || first.Via.IsValid()) {
		r.Hops = []Hop{first}
	}
	k.Dst = netip.PrefixFrom(dst, int(d[1]))
	return k, r, err == nil && k.Dst.IsValid()
}

func (r *Route) takeMetric(typ uint16, v []byte) {
	switch {
	case typ == unix.RTAX_CC_ALGO:
		r.Congestion = attrString(v)
	case int(typ) < len(r.Metrics):
		r.Metrics[typ] = attrU32(v)
	}
}

// hopReader reads a next hop. The kernel tells the type of an encapsulation
// behind what it holds.
type hopReader struct {
	Hop
	encap []byte
}

// take reads what an attribute says of a next hop.
func (h *hopReader) take(typ uint16, v []byte) {
	switch typ {
	case unix.RTA_OIF:
		h.Link = int(attrU32(v))
	case unix.RTA_GATEWAY:
		h.Via = attrAddr(v)
	case unix.RTA_VIA:
		if len(v) > 2 {
			h.Via = attrAddr(v[2:])
		}
	case unix.RTA_FLOW:
		h.Realms = attrU32(v)
	case unix.RTA_ENCAP:
		h.encap = v
	case unix.RTA_ENCAP_TYPE:
		if len(v) >= 2 {
			h.Encap.Type = native.Uint16(v)
		}
	}
}

func (h *hopReader) hop() Hop {
	if h.Encap.Type != 0 {
		_ = attrs(h.encap, 0, h.Encap.take)
	}
	return h.Hop
}

func decodeHops(b []byte) []Hop {
	hops := []Hop{}
	for len(b) >= unix.SizeofRtNexthop && len(hops) < MaxHops {
		size := int(native.Uint16(b))
		if size < unix.SizeofRtNexthop || size > len(b) {
			break
		}
		h := hopReader{Hop: Hop{
			Link: int(native.Uint32(b[4:])), Weight: int(b[3]) + 1, OnLink: b[2]&unix.RTNH_F_ONLINK != 0,
		}}
		_ = attrs(b[:size], unix.SizeofRtNexthop, h.take)
		hops = append(hops, h.hop())
		b = b[min(align(size), len(b)):]
	}
	return hops
}
