package director

import (
	"maps"
	"slices"
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
func CanonicalTable(t lvs.Table) lvs.Table { return Clone(canonical(t, nil, false)) }

// Wanted is CanonicalTable for a kernel's table that is compared with known,
// what was written before, and then forgotten: services of the same version
// are taken from there and servers that are canonical from t, so that a change
// among thousands of services costs little and a first table no copy. What
// only the embedded director knows is left out.
func Wanted(t, known lvs.Table) lvs.Table { return canonical(t, known, true) }

func canonical(t, known lvs.Table, kernel bool) lvs.Table {
	out := make(lvs.Table, len(t))
	for key, s := range t {
		key = Canonical(key)
		k, ok := known[key]
		if ok && s.Version != 0 && k.Version == s.Version {
			out[key] = k
			continue
		}
		s = CanonicalService(key, s)
		if !canonicalTouched(key, &s, &k, kernel) {
			servers, same := canonicalServers(key, s.Servers, kernel)
			if s.Servers = servers; !same {
				s.Base, s.Touched = 0, nil // they are of the others
			}
		}
		if kernel {
			s.Proxy = lvs.ProxyService{}
		}
		out[key] = s
	}
	return out
}

// canonicalTouched reports whether a service needs no change since the known
// version needed none.
func canonicalTouched(service lvs.ServiceKey, s, known *lvs.Service, kernel bool) bool {
	touched, ok := s.Since(known)
	return ok && !slices.ContainsFunc(touched, func(k lvs.ServerKey) bool {
		server, in := s.Servers[k]
		return in && !isCanonical(service, k, server, kernel)
	})
}

func isCanonical(service lvs.ServiceKey, k lvs.ServerKey, s lvs.Server, kernel bool) bool {
	return k == CanonicalServer(service, k, s.Forward) && s.Weight >= 0 && !(kernel && s.SendProxy != 0)
}

// canonicalServers returns servers itself if there is nothing to change.
func canonicalServers(service lvs.ServiceKey, servers map[lvs.ServerKey]lvs.Server, kernel bool) (out map[lvs.ServerKey]lvs.Server, same bool) {
	same = servers != nil
	for sk, server := range servers {
		same = same && isCanonical(service, sk, server, kernel)
	}
	if same {
		return servers, true
	}
	out = make(map[lvs.ServerKey]lvs.Server, len(servers))
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
	return out, false
}

// CanonicalServer returns a server's key as the kernel has it: behind a mark,
// who cannot change the port has none.
func CanonicalServer(service lvs.ServiceKey, k lvs.ServerKey, f lvs.Forward) lvs.ServerKey {
	if k.Addr = k.Addr.Unmap(); service.FWMark != 0 && f != lvs.NAT {
		k.Port = 0
	}
	return k
}

// CanonicalService does for one service's own fields what CanonicalTable does;
// the version stays.
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

// Owned makes of a table that Wanted has returned one that may be kept: what
// has no version may still be changed by who wanted it, and is copied.
func Owned(t lvs.Table) lvs.Table {
	for key, s := range t {
		if s.Version == 0 {
			s.Servers = maps.Clone(s.Servers)
			t[key] = s
		}
	}
	return t
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
