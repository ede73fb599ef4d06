package sched

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

const (
	// places is the size of a Maglev table: the kernel's default, a prime
	// (CONFIG_IP_VS_MH_TAB_INDEX 12).
	places = 4093
	// turnBits bounds how many places in a row a heavy server may claim.
	turnBits = 6
)

// The keys of the two hashes; the kernel's, so that both choose alike.
var (
	firstKey  = key{2654435761, 2654435761}
	secondKey = key{2654446892, 2654446892}
)

// key is of SipHash.
type key [2]uint64

// maglev is consistent hashing by a table in which each server prefers places
// in an order of its own (Eisenbud et al., Maglev, NSDI 2016, section 3.4), with
// the kernel's hashes and size (mh). A server of weight 0 keeps its places, as
// there: without fallback its clients get nobody.
type maglev struct {
	port, fallback bool

	table   []*Server
	version uint64
}

func (m *maglev) Pick(set *Set, r Request) *Server {
	if m.table == nil || m.version != set.Version {
		m.table, m.version = fill(set.Servers), set.Version
	}
	if len(m.table) == 0 {
		return nil
	}
	port := uint16(0)
	if m.port {
		port = r.Client.Port()
	}
	base := fold(r.Client.Addr()) + uint32(port)
	first := hash32(base, firstKey) % places
	if s := m.table[first]; s.Available() || !m.fallback {
		return available(s)
	}
	for i := range uint32(places) {
		at := hash32(base+(i+first)%places, firstKey) % places
		if s := m.table[at]; s.Available() {
			return s
		}
	}
	return nil
}

func available(s *Server) *Server {
	if !s.Available() {
		return nil
	}
	return s
}

// preference is the order in which a server claims places: offset, offset +
// skip and so on, turns of them at a time.
type preference struct {
	server   *Server
	at, skip uint32
	turns    int
}

// fill returns the table, empty if nobody has weight. More servers than places
// leave some without.
func fill(servers []*Server) []*Server {
	wishes := wishes(servers)
	table := make([]*Server, 0, places)
	if len(wishes) == 0 {
		return table
	}
	table = table[:places]
	for taken := 0; ; {
		for i := range wishes {
			w := &wishes[i]
			for range w.turns {
				for table[w.at] != nil {
					w.at = (w.at + w.skip) % places
				}
				table[w.at] = w.server
				if taken++; taken == places {
					return table
				}
			}
		}
	}
}

func wishes(servers []*Server) []preference {
	divisor, heaviest := 0, 0
	for _, s := range servers {
		divisor, heaviest = gcd(divisor, s.LastWeight), max(heaviest, s.LastWeight)
	}
	if divisor == 0 {
		return nil
	}
	shift := max(bits.Len(uint(heaviest/divisor))-turnBits, 0)
	out := make([]preference, 0, len(servers))
	for _, s := range servers {
		if s.LastWeight == 0 {
			continue
		}
		v := fold(s.Key.Addr) + uint32(s.Key.Port)
		out = append(out, preference{
			server: s, at: hash32(v, firstKey) % places, skip: hash32(v, secondKey)%(places-1) + 1,
			turns: max(s.LastWeight/divisor>>shift, 1),
		})
	}
	return out
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// fold makes 32 bits of an address.
func fold(a netip.Addr) uint32 {
	if a.Unmap().Is4() {
		b := a.Unmap().As4()
		return binary.BigEndian.Uint32(b[:])
	}
	b := a.As16()
	var out uint32
	for i := 0; i < len(b); i += 4 {
		out ^= binary.BigEndian.Uint32(b[i:])
	}
	return out
}

// hash32 is SipHash-1-3 of one 32 bit word, cut to 32 bits: the kernel's
// hsiphash where words have 64 bits.
func hash32(word uint32, k key) uint32 {
	v0, v1 := k[0]^0x736f6d6570736575, k[1]^0x646f72616e646f6d
	v2, v3 := k[0]^0x6c7967656e657261, k[1]^0x7465646279746573
	round := func() {
		v0 += v1
		v1 = bits.RotateLeft64(v1, 13) ^ v0
		v0 = bits.RotateLeft64(v0, 32)
		v2 += v3
		v3 = bits.RotateLeft64(v3, 16) ^ v2
		v0 += v3
		v3 = bits.RotateLeft64(v3, 21) ^ v0
		v2 += v1
		v1 = bits.RotateLeft64(v1, 17) ^ v2
		v2 = bits.RotateLeft64(v2, 32)
	}
	const length = 4
	last := uint64(length)<<56 | uint64(word)
	v3 ^= last
	round()
	v0 ^= last
	v2 ^= 0xff
	for range 3 {
		round()
	}
	return uint32(v0 ^ v1 ^ v2 ^ v3)
}
