package lvs

import (
	"cmp"
	"net/netip"
	"slices"
)

// Marks has the firewall mark packets, so that one service with a mark serves
// many addresses and ports (keepalived.conf(5), nftables_ipvs).
type Marks struct {
	Table    string
	Priority int // of its chains
	Counters bool
	Each     []Mark
}

// Mark is what is marked with one number.
type Mark struct {
	Mark     uint32
	Protocol Protocol
	Targets  []Target // none overlap
}

// Target are the addresses and the ports, both ends included.
type Target struct {
	From, To     netip.Addr
	Port, PortTo uint16
}

// Equal reports whether two are the same.
func (m *Marks) Equal(o *Marks) bool {
	return m.Table == o.Table && m.Priority == o.Priority && m.Counters == o.Counters &&
		slices.EqualFunc(m.Each, o.Each, func(a, b Mark) bool {
			return a.Mark == b.Mark && a.Protocol == b.Protocol && slices.Equal(a.Targets, b.Targets)
		})
}

// Targets joins the addresses and ports of services, of which none is there
// twice, to few ranges. Port 0 is every port.
func Targets(keys []ServiceKey) []Target {
	var out []Target
	sorted := slices.Clone(keys)
	slices.SortFunc(sorted, func(a, b ServiceKey) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Port, b.Port))
	})
	for start := 0; start < len(sorted); {
		end := start + 1
		for end < len(sorted) && sorted[end].Addr == sorted[start].Addr {
			end++
		}
		out = append(out, portRanges(sorted[start:end])...)
		start = end
	}
	return joinAddresses(out)
}

// portRanges joins the sorted ports of one address.
func portRanges(keys []ServiceKey) (out []Target) {
	a := keys[0].Addr
	if keys[0].Port == 0 {
		return []Target{{From: a, To: a, PortTo: 65535}}
	}
	for _, k := range keys {
		if n := len(out); n > 0 && out[n-1].PortTo+1 == k.Port {
			out[n-1].PortTo = k.Port
			continue
		}
		out = append(out, Target{From: a, To: a, Port: k.Port, PortTo: k.Port})
	}
	return out
}

// joinAddresses joins neighbours that have the same ports.
func joinAddresses(in []Target) []Target {
	slices.SortFunc(in, func(a, b Target) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.PortTo, b.PortTo), a.From.Compare(b.From))
	})
	out := in[:0]
	for _, t := range in {
		if n := len(out); n > 0 && out[n-1].Port == t.Port && out[n-1].PortTo == t.PortTo && out[n-1].To.Next() == t.From {
			out[n-1].To = t.To
			continue
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b Target) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Port, b.Port))
	})
	return out
}
