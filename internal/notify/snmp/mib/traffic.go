package mib

import (
	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// trafficPlan says which columns have which counters: of virtual and of real
// servers they have the same order, but other numbers.
type trafficPlan struct {
	counts uint32 // connections; packets in, out; bytes in, out follow first
	first  uint32
	rates  uint32 // connections, packets in, out, bytes in, out, a second
	wide   uint32 // connections, packets in, out in 64 bits
	halves uint32 // the rates in 64 bits, low and high
	now    uint32 // active, inactive, persistent connections; 0: none of it
}

var (
	serviceTraffic = trafficPlan{counts: 27, first: 28, rates: 32, wide: 38, halves: 41}
	serverTraffic  = trafficPlan{counts: 14, now: 15, first: 18, rates: 22, wide: 27, halves: 30}
)

// most is what a Gauge32 has room for; it stays there.
func most(n uint64) agentx.Value { return agentx.Unsigned(uint32(min(n, 1<<32-1))) } // at most

// trafficCols are the columns of a plan; what is not known is 0, as keepalived
// has it.
func trafficCols[R any](p trafficPlan, of func(*R) *api.Traffic) (out []col[R]) {
	var none api.Traffic
	add := func(n uint32, value func(uint64) agentx.Value, field func(*api.Traffic) uint64) {
		out = append(out, col[R]{n, func(r *R) agentx.Value {
			t := of(r)
			if t == nil {
				t = &none
			}
			return value(field(t))
		}})
	}
	conns := func(t *api.Traffic) uint64 { return t.Connections }
	packets := []func(*api.Traffic) uint64{
		func(t *api.Traffic) uint64 { return t.InPackets },
		func(t *api.Traffic) uint64 { return t.OutPackets },
	}
	bytes := []func(*api.Traffic) uint64{
		func(t *api.Traffic) uint64 { return t.InBytes },
		func(t *api.Traffic) uint64 { return t.OutBytes },
	}
	rates := []func(*api.Traffic) uint64{
		func(t *api.Traffic) uint64 { return t.ConnectionRate },
		func(t *api.Traffic) uint64 { return t.InPacketRate },
		func(t *api.Traffic) uint64 { return t.OutPacketRate },
		func(t *api.Traffic) uint64 { return t.InByteRate },
		func(t *api.Traffic) uint64 { return t.OutByteRate },
	}
	add(p.counts, most, conns)
	add(p.wide, agentx.Count64, conns)
	for i := range packets {
		add(p.first+part(i), agentx.Count, packets[i])
		add(p.first+2+part(i), agentx.Count64, bytes[i])
		add(p.wide+1+part(i), agentx.Count64, packets[i])
	}
	for i := range rates {
		add(p.rates+part(i), most, rates[i])
		add(p.halves+2*part(i), func(n uint64) agentx.Value { return agentx.Unsigned(uint32(n)) }, rates[i]) // a half
		add(p.halves+2*part(i)+1, func(n uint64) agentx.Value { return agentx.Unsigned(uint32(n >> 32)) }, rates[i])
	}
	if p.now != 0 {
		add(p.now, most, func(t *api.Traffic) uint64 { return t.Active })
		add(p.now+1, most, func(t *api.Traffic) uint64 { return t.Inactive })
		add(p.now+2, most, func(t *api.Traffic) uint64 { return t.Persistent })
	}
	return out
}
