package mib

import (
	"time"

	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// reasons are the numbers of vrrpv3StatisticsNewMasterReason.
var reasons = map[string]int{"priority": 1, "preempted": 2, "silence": 3}

// errors are the numbers of vrrpv3StatisticsProtoErrReason, worst first.
var protocolErrors = []struct {
	counter string
	n       int
}{{"vrid_err", 4}, {"chk_err", 3}, {"vers_err", 2}, {"ip_ttl_err", 1}}

// rfc6527 is VRRPV3-MIB: the routers of either version.
func (b *builder) rfc6527(all []router) {
	oper, stats := RFC6527.With(1, 1), RFC6527.With(1, 2)
	index := b.indexV3
	type rc = col[router]
	table(b.Tree, oper.With(1, 1), all, index,
		rc{3, func(r *router) agentx.Value { return inetOf(r, r.master().AsSlice()) }},
		rc{4, func(r *router) agentx.Value { return inetOf(r, r.source().AsSlice()) }},
		rc{5, b.mac},
		rc{6, func(r *router) agentx.Value { return agentx.Int(operState(r)) }},
		rc{7, func(r *router) agentx.Value { return agentx.Unsigned(part(r.base())) }},
		rc{8, func(r *router) agentx.Value { return agentx.Int(len(r.conf.Addresses)) }},
		rc{9, func(r *router) agentx.Value { return agentx.Int(int(r.conf.AdvertInt / (time.Second / 100))) }},
		rc{10, func(r *router) agentx.Value { return truth(r.preempts()) }},
		rc{11, func(r *router) agentx.Value { return truth(r.conf.Accept) }},
		rc{12, func(r *router) agentx.Value { return agentx.Ticks(b.since(r.is.Up)) }},
		rc{13, func(*router) agentx.Value { return agentx.Int(active) }})
	table(b.Tree, oper.With(2, 1), associations(all), func(a *associated) agentx.OID {
		return append(index(a.of), octets(a.ip)...)
	}, col[associated]{2, func(*associated) agentx.Value { return agentx.Int(active) }})
	for n, name := range []string{"chk_err", "vers_err", "vrid_err"} {
		b.scalar(stats.With(part(n+1)), agentx.Count64(total(all, name)))
	}
	b.scalar(stats.With(4), agentx.Ticks(0)) // counters go on from the start
	counter := func(n uint32, name string) rc {
		return rc{n, func(r *router) agentx.Value { return agentx.Count64(r.is.Counters[name]) }}
	}
	table(b.Tree, stats.With(5, 1), all, index,
		rc{1, func(r *router) agentx.Value { return agentx.Count(r.is.Counters["become_master"]) }},
		rc{2, newMasterReason},
		counter(3, "advert_rcvd"), counter(4, "advert_interval_err"), counter(5, "ip_ttl_err"),
		rc{6, protocolError},
		counter(7, "pri_zero_rcvd"), counter(8, "pri_zero_sent"), counter(9, "invalid_type_rcvd"),
		counter(10, "addr_list_err"), counter(11, "packet_len_err"),
		rc{12, func(*router) agentx.Value { return agentx.Ticks(0) }},
		rc{13, func(r *router) agentx.Value { return agentx.Unsigned(part(int(r.conf.AdvertInt / time.Millisecond))) }})
}

func (b *builder) indexV3(r *router) agentx.OID {
	return agentx.OID{part(b.ifIndex(r.conf.Interface)), part(r.conf.VRID), choose[uint32](r.conf.Family == 6, inet6, inet4)}
}

// inetOf is an address of the router's family, zeros if there is none.
func inetOf(r *router, a []byte) agentx.Value {
	if len(a) == 0 {
		a = make([]byte, choose(r.conf.Family == 6, 16, 4))
	}
	return agentx.Octets(a)
}

func newMasterReason(r *router) agentx.Value {
	if r.is.State != "MASTER" {
		return agentx.Int(0)
	}
	return agentx.Int(reasons[r.is.Took])
}

func protocolError(r *router) agentx.Value {
	for _, e := range protocolErrors {
		if r.is.Counters[e.counter] > 0 {
			return agentx.Int(e.n)
		}
	}
	return agentx.Int(0)
}
