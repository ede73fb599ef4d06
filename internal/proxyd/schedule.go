package proxyd

import (
	"math"
	"net/netip"
)

// A scheduler chooses one of servers, none of which is full and all of which
// have a weight above 0. Every service has its own; its lock is held.
type scheduler func(servers []*server, client netip.Addr) *server

// fallback is used where the wanted scheduler makes no sense without a kernel
// or is not built; the log says so.
const fallback = "wlc"

// newScheduler returns the scheduler and whether the name is one of ours.
func newScheduler(name string) (scheduler, bool) {
	switch name {
	case "rr":
		return roundRobin(), true
	case "wrr":
		return smooth, true
	case "lc":
		return func(s []*server, _ netip.Addr) *server { return least(s, func(*server) int { return 1 }) }, true
	case "wlc":
		return weightedLeast, true
	case "sh":
		return sourceHash, true
	}
	return weightedLeast, false
}

// roundRobin goes from one to the next, whatever the weights.
func roundRobin() scheduler {
	next := 0
	return func(servers []*server, _ netip.Addr) *server {
		next %= len(servers)
		s := servers[next]
		next++
		return s
	}
}

// smooth gives each its share and spreads the turns of a heavy server evenly
// (5, 1, 1 becomes a a b a c a a).
func smooth(servers []*server, _ netip.Addr) *server {
	total := 0
	var best *server
	for _, s := range servers {
		total += s.want.Weight
		s.credit += s.want.Weight
		if best == nil || s.credit > best.credit {
			best = s
		}
	}
	best.credit -= total
	return best
}

func weightedLeast(servers []*server, _ netip.Addr) *server {
	return least(servers, func(s *server) int { return s.want.Weight })
}

// least takes the server with the fewest connections for its share. Among
// equals the turns are spread, or a quiet service would only ever use the first.
func least(servers []*server, share func(*server) int) *server {
	var equals []*server
	for _, s := range servers {
		if len(equals) > 0 {
			// a/b < c/d without dividing
			have, best := s.active*share(equals[0]), equals[0].active*share(s)
			if have > best {
				continue
			}
			if have < best {
				equals = equals[:0]
			}
		}
		equals = append(equals, s)
	}
	if len(equals) == 1 {
		return equals[0]
	}
	return smooth(equals, netip.Addr{})
}

// sourceHash gives a client the same server as long as that is there, and
// moves few clients when servers come and go (weighted rendezvous hashing).
// Every director with the same servers comes to the same choice.
func sourceHash(servers []*server, client netip.Addr) *server {
	var best *server
	bestScore := math.Inf(-1)
	for _, s := range servers {
		u := (float64(hash(client, s.key.Addr, s.key.Port)>>11) + 0.5) / (1 << 53) // in (0, 1)
		score := float64(s.want.Weight) / -math.Log(u)
		if score > bestScore {
			best, bestScore = s, score
		}
	}
	return best
}

// hash is FNV-1a with a finish that spreads neighbouring addresses.
func hash(client, server netip.Addr, port uint16) uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	for _, a := range [...][16]byte{client.As16(), server.As16()} {
		for _, b := range a {
			h = (h ^ uint64(b)) * prime
		}
	}
	h = (h ^ uint64(port)) * prime
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
