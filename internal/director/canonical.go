package director

import (
	"maps"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// The bits of IP_VS_SVC_F_* that are not the caller's (linux/ip_vs.h): the
// first follows from Persistence, the second is the kernel's own.
const (
	FlagPersistent = 0x0001
	FlagHashed     = 0x0002
	FlagOnePacket  = 0x0004
)

// Canonical returns k with Family filled in from its address, so that keys
// compare as the kernel's do. A mark without a family is one of IPv4.
func Canonical(k lvs.ServiceKey) lvs.ServiceKey {
	switch {
	case k.FWMark != 0:
		family := k.Family
		if family != 6 {
			family = 4
		}
		return lvs.ServiceKey{FWMark: k.FWMark, Family: family}
	case k.Addr.Unmap().Is4():
		k.Addr, k.Family = k.Addr.Unmap(), 4
	default:
		k.Family = 6
	}
	return k
}

// CanonicalTable returns a copy of t in which equal settings are equal values:
// keys as Canonical has them, flags without those that follow from other
// fields, the netmask absent without persistence and whole where persistence
// has none, weights not negative.
func CanonicalTable(t lvs.Table) lvs.Table {
	out := make(lvs.Table, len(t))
	out.Apply(CanonicalDelta(lvs.Whole(t)))
	return out
}

// CanonicalDelta does for a delta what CanonicalTable does for a table, and
// takes over what it holds.
func CanonicalDelta(d lvs.Delta) lvs.Delta {
	out := lvs.Delta{All: d.All, Services: make(map[lvs.ServiceKey]lvs.ServiceDelta, len(d.Services))}
	for key, c := range d.Services {
		key = Canonical(key)
		out.Put(key, canonical(key, c, false))
	}
	return out
}

// canonical makes a service's change canonical. For a kernel what only the
// embedded director knows is left out, and so are servers whose connections are
// to be reset: IPVS cannot, and forgets those of a server that is gone if it was
// told to (SetExpiry).
func canonical(service lvs.ServiceKey, c lvs.ServiceDelta, kernel bool) lvs.ServiceDelta {
	if c.Service != nil {
		s := CanonicalService(service, *c.Service)
		if kernel {
			s.Proxy = lvs.ProxyService{}
			maps.DeleteFunc(s.Servers, func(_ lvs.ServerKey, r lvs.Server) bool { return r.Reset })
		}
		s.Servers = canonicalServers(service, s.Servers, kernel)
		c.Service = &s
		return c
	}
	for k, p := range c.Servers {
		is := p
		if is.Weight = max(is.Weight, 0); kernel {
			is.In, is.SendProxy = is.In && !is.Reset, 0
		}
		key := CanonicalServer(service, k, p.Forward)
		if key != k {
			delete(c.Servers, k)
		}
		if key != k || is != p {
			c.Servers[key] = is
		}
	}
	return c
}

func isCanonical(service lvs.ServiceKey, k lvs.ServerKey, s lvs.Server, kernel bool) bool {
	return k == CanonicalServer(service, k, s.Forward) && s.Weight >= 0 && !(kernel && s.SendProxy != 0)
}

// canonicalServers returns servers itself if there is nothing to change.
func canonicalServers(service lvs.ServiceKey, servers map[lvs.ServerKey]lvs.Server, kernel bool) map[lvs.ServerKey]lvs.Server {
	same := servers != nil
	for sk, server := range servers {
		same = same && isCanonical(service, sk, server, kernel)
	}
	if same {
		return servers
	}
	out := make(map[lvs.ServerKey]lvs.Server, len(servers))
	port := make(map[lvs.ServerKey]uint16, len(servers))
	for sk, server := range servers {
		key := CanonicalServer(service, sk, server.Forward)
		if before, twice := port[key]; twice && before < sk.Port {
			continue // of those that differ by their port only, the first
		}
		server.Weight = max(server.Weight, 0)
		if kernel {
			server.SendProxy = 0
		}
		out[key], port[key] = server, sk.Port
	}
	return out
}

// CanonicalServer returns a server's key as the kernel has it: behind a mark,
// who cannot change the port has none.
func CanonicalServer(service lvs.ServiceKey, k lvs.ServerKey, f lvs.Forward) lvs.ServerKey {
	if k.Addr = k.Addr.Unmap(); service.FWMark != 0 && f != lvs.NAT {
		k.Port = 0
	}
	return k
}

// CanonicalService does for one service's own fields what CanonicalTable does.
func CanonicalService(key lvs.ServiceKey, s lvs.Service) lvs.Service {
	s.Flags &^= FlagPersistent | FlagHashed
	s.Persistence = s.Persistence.Truncate(time.Second)
	switch {
	case s.Persistence <= 0:
		s.Persistence, s.Netmask = 0, 0
	case s.Netmask == 0 && key.Family == 6:
		s.Netmask = 128
	case s.Netmask == 0:
		s.Netmask = 0xffffffff
	}
	return s
}

// Clone returns a copy of t that shares nothing with it.
func Clone(t lvs.Table) lvs.Table {
	out := make(lvs.Table, len(t))
	for key, s := range t {
		s.Servers = maps.Clone(s.Servers)
		out[key] = s
	}
	return out
}
