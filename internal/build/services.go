package build

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// maxGroupKeys bounds the services that one virtual_server_group makes.
const maxGroupKeys = 1 << 16

// names are what a virtual server is called.
type names struct {
	keys []lvs.ServiceKey // none: it is left out
	name string           // in keepalived's words
	id   string           // over reloads
	// markable: all are addresses of a group.
	markable bool
}

// owner is the virtual server that offers a service.
type owner struct {
	pool int // in Services.Pools
	pos  conf.Pos
}

// name finds the services that a virtual server offers, but for those that
// another one offers.
func (b *lvsBuilder) name(vs *conf.VirtualServer) (n names) {
	switch {
	case vs.Group != "":
		n = b.group(vs)
	case vs.FWMark != 0:
		n.keys = []lvs.ServiceKey{{FWMark: vs.FWMark, Family: family(vs)}}
	case !vs.Addr.IsValid():
		b.ignore(vs.Pos, "virtual_server without an address")
	default:
		n.keys = []lvs.ServiceKey{addressKey(vs.Addr, vs.Port, vs)}
	}
	if len(n.keys) == 1 && vs.Group == "" && b.join(n.keys[0], vs) {
		return names{}
	}
	n.keys = b.fresh(n.keys, vs.Pos)
	if n.name == "" && len(n.keys) > 0 {
		n.name = n.keys[0].String()
		n.id = fmt.Sprintf("%s IPv%d", n.name, n.keys[0].Family)
	}
	return n
}

// join adds the servers of a virtual server that is there already to the first
// of that name, whose settings hold: in the kernel the two are one service.
func (b *lvsBuilder) join(key lvs.ServiceKey, vs *conf.VirtualServer) bool {
	first, twice := b.taken[key]
	if !twice || len(b.out.Pools[first.pool].Keys) != 1 {
		return false
	}
	b.ignore(vs.Pos, "virtual_server %s is there already (line %d), its real servers join that one, the rest of it is ignored", key, first.pos.Line)
	p := *b.out.Pools[first.pool] // which may be as it was before
	p.Servers, p.PoolConfig.Servers = slices.Clip(p.Servers), slices.Clip(p.PoolConfig.Servers)
	b.servers(&p, key, vs, nil)
	b.out.Pools[first.pool] = &p
	return true
}

func addressKey(a netip.Addr, port uint16, vs *conf.VirtualServer) lvs.ServiceKey {
	return lvs.ServiceKey{Addr: a, Port: port, Protocol: protocol(vs.Protocol), Family: familyOf(a)}
}

// fresh leaves out the services that another virtual server offers.
func (b *lvsBuilder) fresh(keys []lvs.ServiceKey, pos conf.Pos) []lvs.ServiceKey {
	out := keys[:0]
	for _, k := range keys {
		if before, twice := b.taken[k]; twice {
			b.ignore(pos, "virtual_server %s is there already (line %d)", k, before.pos.Line)
			continue
		}
		b.taken[k] = owner{len(b.out.Pools), pos}
		out = append(out, k)
	}
	return out
}

// group spreads a virtual_server_group out.
func (b *lvsBuilder) group(vs *conf.VirtualServer) (n names) {
	n.name = fmt.Sprintf("[%s]:%d", vs.Group, vs.Port)
	n.id = fmt.Sprintf("group %s %s IPv%d", vs.Group, protocol(vs.Protocol), family(vs))
	g := b.groups[vs.Group]
	if g == nil {
		b.ignore(vs.Pos, "virtual_server_group %s does not exist", vs.Group)
		return names{}
	}
	n.markable = true
	for i := range g.Members {
		m := &g.Members[i]
		if m.FWMark != 0 {
			n.markable = false
			f := family(vs)
			if m.Family != 0 {
				f = uint8(m.Family) // 4 or 6
			}
			n.keys = append(n.keys, lvs.ServiceKey{FWMark: m.FWMark, Family: f})
			continue
		}
		if !b.member(&n, m, vs) {
			b.ignore(m.Pos, "virtual_server_group %s: more than %d services; the rest is left out", g.Name, maxGroupKeys)
			break
		}
	}
	return n
}

// member adds a range of addresses and ports, as far as there is room.
func (b *lvsBuilder) member(n *names, m *conf.GroupMember, vs *conf.VirtualServer) bool {
	last := m.To
	if !last.IsValid() {
		last = m.From
	}
	for a := m.From; a.IsValid() && a.Compare(last) <= 0; a = a.Next() {
		for port := int(m.Port); port <= max(int(m.PortTo), int(m.Port)); port++ {
			if len(n.keys) >= maxGroupKeys {
				return false
			}
			n.keys = append(n.keys, addressKey(a, uint16(port), vs)) // a port
		}
	}
	return true
}
