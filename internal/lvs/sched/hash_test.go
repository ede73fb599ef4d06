package sched

import (
	"math"
	"net/netip"
	"slices"
	"testing"
)

const clients = 6000

func hashes() map[string]Scheduler {
	return map[string]Scheduler{"sh": mustNew("sh", 0), "sh-port": mustNew("sh", FlagPort), "mh": mustNew("mh", 0), "mh-port": mustNew("mh", FlagPort)}
}

// TestHashesShare: clients stay, and shares follow weights within a tenth.
func TestHashesShare(t *testing.T) {
	for name, choose := range hashes() {
		s := set(1, 2, 3)
		for i := range clients {
			first := choose.Pick(s, from(i))
			if choose.Pick(s, from(i)) != first {
				t.Fatalf("%s: a client moved without a reason", name)
			}
			first.Active++
		}
		for i, v := range s.Servers {
			if want := clients * (i + 1) / 6; math.Abs(float64(v.Active-want)) > float64(want)/10 {
				t.Errorf("%s: server %d has %d clients, want about %d", name, i, v.Active, want)
			}
		}
	}
}

// TestHashesDoNotDependOnHistory: another director with the same servers, and
// the same one after changes to and fro, come to the same choice.
func TestHashesDoNotDependOnHistory(t *testing.T) {
	for name, choose := range hashes() {
		s := set(1, 2, 3, 1)
		all := s.Servers
		s.Servers, s.Version = all[:2], 2
		choose.Pick(s, from(1))
		s.Servers, s.Version = all, 3
		for i := range 500 {
			fresh := hashes()[name]
			if a, b := choose.Pick(s, from(i)), fresh.Pick(set(1, 2, 3, 1), from(i)); a.Key != b.Key {
				t.Fatalf("%s: %v and %v", name, a.Key, b.Key)
			}
		}
	}
}

// TestDisruption: when one of ten servers goes, its clients move, and few
// others: none of sh, a few in a hundred of mh (section 5.3 of Maglev's paper).
func TestDisruption(t *testing.T) {
	for name, most := range map[string]int{"sh": 0, "mh": clients * 4 / 100} {
		s, choose := set(1, 1, 1, 1, 1, 1, 1, 1, 1, 1), mustNew(name, 0)
		before := make([]*Server, clients)
		for i := range before {
			before[i] = choose.Pick(s, from(i))
		}
		lost := s.Servers[4]
		s.Servers = slices.Delete(slices.Clone(s.Servers), 4, 5)
		s.Version++
		moved := 0
		for i, was := range before {
			if now := choose.Pick(s, from(i)); was != lost && now != was {
				moved++
			}
		}
		if moved > most {
			t.Errorf("%s: %d of %d clients of others moved, want at most %d", name, moved, clients, most)
		}
	}
}

// TestHashFallback: without the flag the clients of an overloaded server get
// nobody, with it another, and the others notice nothing. A server of weight 0
// keeps its place with mh and loses it with sh.
func TestHashFallback(t *testing.T) {
	for _, name := range []string{"sh", "mh"} {
		s := set(1, 1, 1)
		strict, soft := mustNew(name, 0), mustNew(name, FlagFallback)
		was := make([]*Server, 300)
		for i := range was {
			was[i] = strict.Pick(s, from(i))
		}
		s.Servers[1].Overloaded = true
		for i := range was {
			hard, gentle := strict.Pick(s, from(i)), soft.Pick(s, from(i))
			if was[i] != s.Servers[1] && (hard != was[i] || gentle != was[i]) {
				t.Errorf("%s: a client of another server moved", name)
			}
			if was[i] == s.Servers[1] && (hard != nil || gentle == nil) {
				t.Errorf("%s: %v without and %v with fallback", name, hard, gentle)
			}
		}
		s.Servers[1].Overloaded, s.Servers[1].Weight = false, 0
		s.Version++
		for i := range was {
			if got := strict.Pick(s, from(i)); was[i] == s.Servers[1] && (got == nil) != (name == "mh") {
				t.Errorf("%s: %v for a client of a server of weight 0", name, got)
			}
		}
	}
}

// TestPortCounts: with the flag the connections of one client are spread.
func TestPortCounts(t *testing.T) {
	for _, name := range []string{"sh", "mh"} {
		for flags, most := range map[uint32]int{0: 1, FlagPort: 3} {
			s, choose, seen := set(1, 1, 1), mustNew(name, flags), map[*Server]bool{}
			for i := range 100 {
				r := from(0)
				r.Client = netip.AddrPortFrom(r.Client.Addr(), uint16(1024+i))
				seen[choose.Pick(s, r)] = true
			}
			if len(seen) != most {
				t.Errorf("%s with flags %#x: %d servers, want %d", name, flags, len(seen), most)
			}
		}
	}
}

// TestDestinationHash: all clients of a virtual address go to one server.
func TestDestinationHash(t *testing.T) {
	s, choose, seen := set(1, 1, 1), mustNew("dh", 0), map[*Server]bool{}
	for i := range 100 {
		r := from(i)
		seen[choose.Pick(s, r)] = true
		r.Client = from(1).Client
		if choose.Pick(s, r) != choose.Pick(s, from(i)) {
			t.Fatal("the client counts")
		}
	}
	if len(seen) != 3 {
		t.Errorf("100 virtual addresses went to %d of 3 servers", len(seen))
	}
}

// TestMaglevTable: every place has a server, and shares differ by the weights.
func TestMaglevTable(t *testing.T) {
	if table := fill(set(0, 0).Servers); len(table) != 0 {
		t.Errorf("%d places without a weight", len(table))
	}
	s := set(100, 200, 300, 0)
	count := map[*Server]int{}
	for _, v := range fill(s.Servers) {
		count[v]++
	}
	for i, share := range []int{1, 2, 3, 0} {
		if want := places * share / 6; count[s.Servers[i]] < want-share || count[s.Servers[i]] > want+share+1 {
			t.Errorf("server %d has %d places, want %d", i, count[s.Servers[i]], want)
		}
	}
	heavy := set(65535, 1)
	count = map[*Server]int{}
	for _, v := range fill(heavy.Servers) {
		count[v]++
	}
	if count[heavy.Servers[1]] == 0 {
		t.Error("a light server beside a heavy one has no place")
	}
}

// TestHashIsTheKernels: a vector of lib/tests/siphash_kunit.c.
func TestHashIsTheKernels(t *testing.T) {
	if got := hash32(0x03020100, key{0x0706050403020100, 0x0f0e0d0c0b0a0908}); got != 0x88d38328 {
		t.Errorf("%#x", got)
	}
}
