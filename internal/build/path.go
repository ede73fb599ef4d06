package build

import (
	"hash/fnv"
	"net/netip"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// The marks of checks through a virtual address, but for those that virtual
// servers have: maxPaths from firstPath on.
const (
	firstPath = 0x48f00000
	maxPaths  = 1 << 20
)

// Path leads packets with a mark to one real server in the way in which its
// traffic goes: a service of the director for that alone, which is there
// whatever checks say of the server [check_path vip].
type Path struct {
	Service lvs.ServiceKey // a mark
	Server  lvs.ServerKey  // without a port
	Forward lvs.Server     // what of it says how packets get there
	// HearOn is the interface on which the server's answers come, from an
	// address that may be the machine's own; empty: any [bind_if].
	HearOn string
}

// Offer is the path's service for a director's table.
func (p *Path) Offer() lvs.Service {
	s := lvs.Service{Scheduler: "rr", Netmask: 0xffffffff, Servers: map[lvs.ServerKey]lvs.Server{p.Server: p.Forward}}
	if p.Service.Family == 6 {
		s.Netmask = 128
	}
	return s
}

// path sends a probe to the virtual address, and says where that is.
func (b *lvsBuilder) path(own netip.AddrPort, p *Manner, pos conf.Pos, service lvs.ServiceKey, rs *lvs.ServerConfig) (to netip.AddrPort) {
	if !service.Addr.IsValid() {
		b.ignore(pos, "check_path vip of %s: %s has no address to go to; the server's own is checked", rs.Name, service)
		return own
	}
	r := rs.Server
	way := Path{
		Service: lvs.ServiceKey{Family: service.Family}, Server: lvs.ServerKey{Addr: rs.Key.Addr}, HearOn: p.BindIf,
		Forward: lvs.Server{Forward: r.Forward, Tunnel: r.Tunnel, TunnelPort: r.TunnelPort, TunnelFlags: r.TunnelFlags, Weight: 1},
	}
	if !b.lead(&way) {
		b.ignore(pos, "check_path vip of %s: there are %d of them already; the server's own address is checked", rs.Name, maxPaths)
		return own
	}
	p.Direct, p.Mark = own, way.Service.FWMark
	return netip.AddrPortFrom(service.Addr, or(own.Port(), service.Port))
}

// lead finds the mark of a way, the same one for all who take it. It comes of
// the way itself, so that a reload does not change it.
func (b *lvsBuilder) lead(way *Path) bool {
	if mark := b.ways[*way]; mark != 0 {
		way.Service.FWMark = mark
		return true
	}
	if len(b.ways)+len(b.marked) >= maxPaths {
		return false
	}
	h := fnv.New32a()
	addr := way.Server.Addr.As16()
	_, _ = h.Write(append(addr[:], way.Service.Family, byte(way.Forward.Forward), byte(way.Forward.Tunnel), byte(way.Forward.TunnelPort>>8), byte(way.Forward.TunnelPort)))
	for at := h.Sum32(); ; at++ {
		mark := firstPath + at%maxPaths
		if b.marked[mark] {
			continue
		}
		b.ways[*way], b.marked[mark] = mark, true
		way.Service.FWMark = mark
		b.out.Paths = append(b.out.Paths, *way)
		return true
	}
}
