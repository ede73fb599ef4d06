package kernel

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// ifaProto is IFA_PROTO (linux/if_addr.h, Linux 5.18): who added an address.
// Older kernels pass over it.
const ifaProto = 11

// forever is an infinite lifetime (INFINITY_LIFE_TIME).
const forever = 1<<32 - 1

// op appends the messages of an operation, the first with sequence number seq,
// and returns how many there are.
func (q *requests) op(op Op, seq uint32) int {
	if op.IsRoute {
		q.routeOp(op.Route, seq)
		return 1
	}
	a := op.Addr
	switch {
	case a.Verb == reconcile.Add:
		q.newAddr(a.Key, a.Want, unix.NLM_F_EXCL, seq)
	case a.Verb == reconcile.Remove:
		q.delAddr(a.Key, a.Have, seq)
	case onlyLifetime(a.Want, a.Have):
		q.newAddr(a.Key, a.Want, unix.NLM_F_REPLACE, seq)
	default: // the kernel replaces nothing else of an address
		q.delAddr(a.Key, a.Have, seq)
		q.newAddr(a.Key, a.Want, unix.NLM_F_EXCL, seq+1)
		return 2
	}
	return 1
}

func onlyLifetime(want, have Address) bool {
	want.Deprecated = have.Deprecated
	return AddrKind.Same(want, have)
}

func family(a netip.Addr) byte {
	if a.Is6() {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// addrHeader is struct ifaddrmsg and the address itself.
func (q *requests) addrHeader(k AddrKey, a Address) {
	q.bytes(family(k.Addr), byte(a.Bits), byte(a.Flags), a.Scope)
	q.u32(uint32(k.Link)) //nolint:gosec // an index
	q.attrAddr(unix.IFA_LOCAL, k.Addr)
	if a.Peer.IsValid() {
		q.attrAddr(unix.IFA_ADDRESS, a.Peer)
	} else {
		q.attrAddr(unix.IFA_ADDRESS, k.Addr)
	}
}

func (q *requests) newAddr(k AddrKey, a Address, flags uint16, seq uint32) {
	q.begin(unix.RTM_NEWADDR, flags|unix.NLM_F_CREATE, seq)
	q.addrHeader(k, a)
	if k.Addr.Is4() {
		if a.Broadcast.IsValid() {
			q.attrAddr(unix.IFA_BROADCAST, a.Broadcast)
		}
		if a.Label != "" {
			q.attr(unix.IFA_LABEL, append([]byte(a.Label), 0))
		}
	}
	if a.Flags != 0 {
		q.attr32(unix.IFA_FLAGS, a.Flags)
	}
	q.attr(ifaProto, []byte{Protocol})
	preferred := uint32(forever)
	if a.Deprecated {
		preferred = 0
	}
	var info [16]byte // struct ifa_cacheinfo: preferred, valid, created, updated
	native.PutUint32(info[0:], preferred)
	native.PutUint32(info[4:], forever)
	q.attr(unix.IFA_CACHEINFO, info[:])
	q.end()
}

func (q *requests) delAddr(k AddrKey, a Address, seq uint32) {
	q.begin(unix.RTM_DELADDR, 0, seq)
	a.Flags = 0
	q.addrHeader(k, a)
	q.end()
}

func (q *requests) routeOp(op RouteOp, seq uint32) {
	switch op.Verb {
	case reconcile.Add:
		q.begin(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, seq)
		q.route(op.Key, op.Want)
	case reconcile.Change:
		q.begin(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, seq)
		q.route(op.Key, op.Want)
	case reconcile.Remove:
		q.begin(unix.RTM_DELROUTE, 0, seq)
		q.route(op.Key, op.Have)
	}
	q.end()
}

// route is struct rtmsg and the route's attributes.
func (q *requests) route(k RouteKey, r Route) {
	table := byte(unix.RT_TABLE_UNSPEC)
	if k.Table < 256 {
		table = byte(k.Table)
	}
	q.bytes(family(k.Dst.Addr()), byte(k.Dst.Bits()), 0, k.TOS, table, Protocol, r.Scope, r.Type)
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
	q.routeMetrics(r)
	if len(r.Hops) == 1 {
		h := r.Hops[0]
		q.gateway(k, h)
		if h.Link != 0 {
			q.attr32(unix.RTA_OIF, uint32(h.Link)) //nolint:gosec // an index
		}
		return
	}
	if len(r.Hops) > 1 {
		q.hops(k, r)
	}
}

func (q *requests) routeMetrics(r Route) {
	if r.MTU|r.AdvMSS|r.InitCwnd|r.InitRwnd == 0 {
		return
	}
	at := q.nest(unix.RTA_METRICS)
	for _, m := range r.metrics() {
		if *m.value != 0 {
			q.attr32(m.typ, *m.value)
		}
	}
	q.endNest(at)
}

// gateway is RTA_GATEWAY, or RTA_VIA for an IPv4 route over an IPv6 neighbour.
func (q *requests) gateway(k RouteKey, h Hop) {
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
		q.u32(uint32(h.Link)) //nolint:gosec // an index
		q.gateway(k, h)
		native.PutUint16(q.buf[begin:], uint16(len(q.buf)-begin)) //nolint:gosec // short
	}
	q.endNest(at)
}

// routeMessage takes RTM_NEWROUTE and RTM_DELROUTE (struct rtmsg) of our
// protocol.
func (m *Mirror) routeMessage(msg message) (Change, bool) {
	d := msg.data
	if len(d) < unix.SizeofRtMsg || d[5] != Protocol || native.Uint32(d[8:])&unix.RTM_F_CLONED != 0 {
		return Change{}, false
	}
	if d[0] != unix.AF_INET && d[0] != unix.AF_INET6 {
		return Change{}, false
	}
	k, r, ok := decodeRoute(d)
	if !ok {
		return Change{}, false
	}
	was, had := m.routes[k]
	c := Change{Kind: RouteChanged, Route: k}
	if msg.typ == unix.RTM_DELROUTE {
		delete(m.routes, k)
		c.Gone = true
		return c, had
	}
	m.routes[k] = routeEntry{Route: r, seen: m.generation}
	return c, !had || !was.Equal(r)
}

func decodeRoute(d []byte) (RouteKey, Route, bool) {
	k := RouteKey{Table: uint32(d[4]), TOS: d[3]}
	r := Route{Type: d[7]}
	dst := netip.IPv4Unspecified()
	if d[0] == unix.AF_INET6 {
		dst = netip.IPv6Unspecified()
	} else {
		r.Scope = d[6]
	}
	h := Hop{Weight: 1, OnLink: native.Uint32(d[8:])&unix.RTNH_F_ONLINK != 0}
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
		case unix.RTA_METRICS:
			_ = attrs(v, 0, r.takeMetric)
		case unix.RTA_MULTIPATH:
			r.Hops = decodeHops(v)
		default:
			h.take(typ, v)
		}
	})
	// The kernel says that nothing leads there by the loopback interface (IPv6).
	if r.Type >= unix.RTN_BLACKHOLE {
		h = Hop{}
	}
	if r.Hops == nil && (h.Link != 0 || h.Via.IsValid()) {
		r.Hops = []Hop{h}
	}
	k.Dst = netip.PrefixFrom(dst, int(d[1]))
	return k, r, err == nil && k.Dst.IsValid()
}

func (r *Route) takeMetric(typ uint16, v []byte) {
	for _, m := range r.metrics() {
		if m.typ == typ {
			*m.value = attrU32(v)
		}
	}
}

// take reads what an attribute says of a next hop.
func (h *Hop) take(typ uint16, v []byte) {
	switch typ {
	case unix.RTA_OIF:
		h.Link = int(attrU32(v))
	case unix.RTA_GATEWAY:
		h.Via = attrAddr(v)
	case unix.RTA_VIA:
		if len(v) > 2 {
			h.Via = attrAddr(v[2:])
		}
	}
}

func decodeHops(b []byte) []Hop {
	hops := []Hop{}
	for len(b) >= unix.SizeofRtNexthop && len(hops) < MaxHops {
		size := int(native.Uint16(b))
		if size < unix.SizeofRtNexthop || size > len(b) {
			break
		}
		h := Hop{
			Link: int(native.Uint32(b[4:])), Weight: int(b[3]) + 1, OnLink: b[2]&unix.RTNH_F_ONLINK != 0,
		}
		_ = attrs(b[:size], unix.SizeofRtNexthop, h.take)
		hops = append(hops, h)
		b = b[min(align(size), len(b)):]
	}
	return hops
}
