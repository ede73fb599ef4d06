package sched

import (
	"math"
	"net/netip"
)

// hashed gives one client (sh) or one virtual address (dh) the same server as
// long as that is there. Where the kernel has a table of 256 places that moves
// with every change, this is weighted rendezvous hashing: when a server comes
// or goes, or gets weight 0, only its own clients move.
//
// As in the kernel, without fallback nobody else takes the clients of a server
// that is overloaded or refused.
type hashed struct {
	key      func(Request) (netip.Addr, uint16)
	equal    bool // weights do not count (dh)
	fallback bool
}

func clientHash(port bool) func(Request) (netip.Addr, uint16) {
	return func(r Request) (netip.Addr, uint16) {
		if port {
			return r.Client.Addr(), r.Client.Port()
		}
		return r.Client.Addr(), 0
	}
}

func virtualHash(r Request) (netip.Addr, uint16) { return r.Virtual, 0 }

func (h hashed) Pick(set *Set, r Request) *Server {
	addr, port := h.key(r)
	var best *Server
	bestScore := math.Inf(-1)
	for _, s := range set.Servers {
		if s.Weight <= 0 || h.fallback && !s.Available() {
			continue
		}
		share := 1.0
		if !h.equal {
			share = float64(s.Weight)
		}
		if score := share / distance(mix(addr, port, s.Key.Addr, s.Key.Port)); score > bestScore {
			best, bestScore = s, score
		}
	}
	if best == nil || !best.Available() {
		return nil
	}
	return best
}

// distance makes of a hash an exponentially distributed number above 0.
func distance(hash uint64) float64 {
	return -math.Log((float64(hash>>11) + 0.5) / (1 << 53))
}

// mix is FNV-1a with a finish that spreads neighbouring addresses.
func mix(client netip.Addr, clientPort uint16, server netip.Addr, port uint16) uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	for _, a := range [...][16]byte{client.As16(), server.As16()} {
		for _, b := range a {
			h = (h ^ uint64(b)) * prime
		}
	}
	h = (h ^ uint64(clientPort)<<16 ^ uint64(port)) * prime
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
