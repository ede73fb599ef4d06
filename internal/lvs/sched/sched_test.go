package sched

import (
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lvs"
	"pgregory.net/rapid"
)

var names = []string{"rr", "wrr", "lc", "wlc", "sed", "nq", "sh", "dh", "mh", "fo", "ovf"}

func set(weights ...int) *Set {
	out := &Set{Version: 1}
	for i, w := range weights {
		out.Servers = append(out.Servers, &Server{
			Key:    lvs.ServerKey{Addr: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), Port: 80},
			Weight: w, LastWeight: w,
		})
	}
	return out
}

func from(i int) Request {
	return Request{
		Client:  netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), uint16(1024+i)),
		Virtual: netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}),
	}
}

// sets have servers of all kinds.
func sets() *rapid.Generator[*Set] {
	return rapid.Custom(func(t *rapid.T) *Set {
		s := set(rapid.SliceOfN(rapid.IntRange(0, 9), 0, 8).Draw(t, "weights")...)
		for _, v := range s.Servers {
			v.Active = rapid.IntRange(0, 12).Draw(t, "active")
			v.Overloaded = rapid.IntRange(0, 4).Draw(t, "overloaded") == 0
			v.Tried = rapid.IntRange(0, 4).Draw(t, "tried") == 0
			v.LastWeight = max(v.Weight, rapid.IntRange(0, 3).Draw(t, "last"))
		}
		return s
	})
}

// TestOnlyTheAvailable: whoever is chosen is available, and a scheduler that
// is no hash and knows no overflow finds one if there is one. So does a hash
// with fallback.
func TestOnlyTheAvailable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "scheduler")
		flags := rapid.Uint32().Draw(t, "flags") & (FlagFallback | FlagPort)
		s, choose := sets().Draw(t, "servers"), mustNew(name, flags)
		there := slices.ContainsFunc(s.Servers, (*Server).Available)
		for i := range 5 {
			got := choose.Pick(s, from(i))
			if got != nil && !got.Available() {
				t.Fatalf("%s chose %+v", name, got)
			}
			may := name == "ovf" || name == "dh" || (name == "sh" || name == "mh") && flags&FlagFallback == 0
			if got == nil && there && !may {
				t.Fatalf("%s chose nobody of %v", name, s.Servers)
			}
		}
	})
}

func mustNew(name string, flags uint32) Scheduler {
	s, known := New(name, flags)
	if !known {
		panic(name)
	}
	return s
}

// TestTurnsAreExact: in one cycle of rr each server is chosen once, in one of
// wrr as often as its weight says.
func TestTurnsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(0, 9), 1, 8).Draw(t, "weights")
		weighted := rapid.Bool().Draw(t, "weighted")
		name, cycle, want := "rr", 0, make([]int, len(weights))
		if weighted {
			name = "wrr"
		}
		for i, w := range weights {
			want[i] = min(w, 1)
			if weighted {
				want[i] = w
			}
			cycle += want[i]
		}
		s, choose := set(weights...), mustNew(name, 0)
		for range 3 {
			got := make([]int, len(weights))
			for i := range cycle {
				got[slices.Index(s.Servers, choose.Pick(s, from(i)))]++
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s: %v, want %v", name, got, want)
			}
		}
	})
}

// TestLeastIsLeast compares with exact fractions.
func TestLeastIsLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"lc", "wlc", "sed", "nq"}).Draw(t, "scheduler")
		s := sets().Draw(t, "servers")
		load := func(v *Server) *big.Rat {
			active, share := v.Active, v.Weight
			switch {
			case name == "lc":
				share = 1
			case name == "sed", name == "nq" && v.Active > 0:
				active++
			}
			return big.NewRat(int64(active), int64(share))
		}
		got := mustNew(name, 0).Pick(s, from(0))
		for _, v := range s.Servers {
			if v.Available() && load(v).Cmp(load(got)) < 0 {
				t.Fatalf("%s chose %+v, and %+v has less", name, got, v)
			}
		}
	})
}

// TestLoadFollowsWeight: when connections last, loads end up as weights are.
func TestLoadFollowsWeight(t *testing.T) {
	for _, name := range []string{"wrr", "wlc", "sed", "nq"} {
		s, choose := set(1, 2, 5, 0), mustNew(name, 0)
		for i := range 800 {
			choose.Pick(s, from(i)).Active++
		}
		for i, want := range []int{100, 200, 500, 0} {
			if got := s.Servers[i].Active; got < want-2 || got > want+2 {
				t.Errorf("%s: server %d has %d, want %d", name, i, got, want)
			}
		}
	}
}

func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, name := sets().Draw(t, "servers"), rapid.SampledFrom([]string{"fo", "ovf"}).Draw(t, "scheduler")
		want := -1
		for i, v := range s.Servers {
			if v.Available() && (name == "fo" || v.Active <= v.Weight) && (want < 0 || v.Weight > s.Servers[want].Weight) {
				want = i
			}
		}
		got := mustNew(name, 0).Pick(s, from(0))
		if want < 0 && got != nil || want >= 0 && got != s.Servers[want] {
			t.Fatalf("%s chose %+v, want number %d of %v", name, got, want, s.Servers)
		}
	})
}

// TestTurns pins a few sequences; each choice holds a connection.
func TestTurns(t *testing.T) {
	for _, c := range []struct {
		scheduler string
		weights   []int
		want      string
	}{
		{"rr", []int{1, 9, 1}, "abcabc"},
		{"wrr", []int{5, 1, 1}, "aabacaaaabacaa"},
		{"lc", []int{1, 9, 1}, "bacbca"},
		{"wlc", []int{2, 1}, "ababaa"},
		{"sed", []int{2, 1}, "aababa"},
		{"nq", []int{2, 1}, "abaaba"},
		{"fo", []int{1, 3, 2}, "bbbb"},
		{"ovf", []int{1, 2}, "bbbaa"},
	} {
		choose, s := mustNew(c.scheduler, 0), set(c.weights...)
		var b strings.Builder
		for i := range c.want {
			v := choose.Pick(s, from(i))
			v.Active++
			b.WriteByte('a' + v.Key.Addr.As4()[3])
		}
		if b.String() != c.want {
			t.Errorf("%s %v: %s, want %s", c.scheduler, c.weights, b.String(), c.want)
		}
	}
}

func TestUnknownSchedulersFallBack(t *testing.T) {
	for _, name := range []string{"lblc", "lblcr", "twos"} {
		s, known := New(name, 0)
		if want, _ := New(Fallback, 0); known || s.Pick(set(1, 2), from(0)) == nil || want == nil {
			t.Errorf("%s: known %v", name, known)
		}
	}
}
