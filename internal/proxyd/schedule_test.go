package proxyd

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

func someServers(weights ...int) []*server {
	var out []*server
	for i, w := range weights {
		out = append(out, &server{
			key:  lvs.ServerKey{Addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), Port: 80},
			want: lvs.Server{Weight: w},
		})
	}
	return out
}

// turns names the servers a, b, c in the order in which they are chosen; each
// choice holds a connection.
func turns(name string, n int, servers []*server) string {
	choose, _ := newScheduler(name)
	var b strings.Builder
	for range n {
		s := choose(servers, netip.MustParseAddr("192.0.2.1"))
		s.active++
		b.WriteByte('a' + s.key.Addr.As4()[3] - 1)
	}
	return b.String()
}

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
	} {
		if got := turns(c.scheduler, len(c.want), someServers(c.weights...)); got != c.want {
			t.Errorf("%s %v: %s, want %s", c.scheduler, c.weights, got, c.want)
		}
	}
}

func TestLeastConnections(t *testing.T) {
	s := someServers(1, 1, 4)
	s[0].active, s[1].active, s[2].active = 3, 2, 9
	if got := turns("lc", 1, s); got != "b" {
		t.Errorf("lc: %s, want b", got)
	}
	s[1].active = 3
	if got := turns("wlc", 1, s); got != "c" {
		t.Errorf("wlc: %s, want c (9 of 4 is less than 3 of 1)", got)
	}
}

func TestUnknownSchedulerFallsBack(t *testing.T) {
	if _, known := newScheduler("lblc"); known {
		t.Error("lblc is known")
	}
	if got := turns("lblc", 2, someServers(1, 1)); got != "ab" {
		t.Errorf("%s", got)
	}
}

// TestSourceHash: a client stays, shares follow weights, and when a server
// goes only its own clients move.
func TestSourceHash(t *testing.T) {
	const clients = 6000
	s := someServers(1, 2, 3)
	count, moved := map[*server]int{}, 0
	for i := range clients {
		client := netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)})
		first := sourceHash(s, client)
		if again := sourceHash(s, client); again != first {
			t.Fatal("a client moved without a reason")
		}
		count[first]++
		if first != s[1] && sourceHash([]*server{s[0], s[2]}, client) != first {
			moved++
		}
	}
	for i, share := range []int{1, 2, 3} {
		want := clients * share / 6
		if got := count[s[i]]; got < want*9/10 || got > want*11/10 {
			t.Errorf("server %d has %d clients, want about %d", i, got, want)
		}
	}
	if moved != 0 {
		t.Errorf("%d clients of others moved when one server went", moved)
	}
}

func TestThresholdHysteresis(t *testing.T) {
	s := &server{want: lvs.Server{Upper: 4, Lower: 2}}
	for i, c := range []struct {
		active int
		full   bool
	}{{3, false}, {4, true}, {3, true}, {2, true}, {1, false}, {3, false}} {
		s.active = c.active
		if s.measure(); s.full != c.full {
			t.Errorf("step %d, %d active: full %v, want %v", i, c.active, s.full, c.full)
		}
	}
	s.want.Lower, s.full, s.active = 0, true, 3
	if s.measure(); !s.full {
		t.Error("free again at three quarters, without a lower threshold")
	}
	s.active = 2
	if s.measure(); s.full {
		t.Error("still full below three quarters")
	}
}

func TestMemoryForgets(t *testing.T) {
	m, zero := newMemory(), time.Unix(0, 0)
	at := func(s int) time.Time { return zero.Add(time.Duration(s) * time.Second) }
	client := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, byte(i >> 16), byte(i >> 8), byte(i)}) }
	server := lvs.ServerKey{Port: 1}
	m.put(client(0), server, at(0), at(10))
	if got, ok := m.get(client(0), at(9)); !ok || got != server {
		t.Errorf("before its time: %v %v", got, ok)
	}
	if _, ok := m.get(client(0), at(10)); ok || m.len() != 0 {
		t.Error("remembered beyond its time")
	}
	for i := range maxRemembered + 10 {
		m.put(client(i), server, at(20), at(30))
	}
	if m.len() != maxRemembered {
		t.Errorf("%d remembered, want at most %d", m.len(), maxRemembered)
	}
	m.put(client(0), server, at(31), at(41))
	if got := m.len(); got != maxRemembered-forgetAtOnce+1 {
		t.Errorf("%d remembered after a put past their time, want %d", got, maxRemembered-forgetAtOnce+1)
	}
}

func TestMask(t *testing.T) {
	for _, c := range []struct {
		client  string
		netmask uint32
		want    string
	}{
		{"192.0.2.77", 0xffffffff, "192.0.2.77"},
		{"192.0.2.77", 0xffffff00, "192.0.2.0"},
		{"192.0.2.77", 0xff00ff00, "192.0.2.0"},
		{"192.9.2.77", 0xff00ff00, "192.0.2.0"},
		{"2001:db8:1:2:3::4", 64, "2001:db8:1:2::"},
		{"2001:db8::1", 128, "2001:db8::1"},
	} {
		if got := mask(netip.MustParseAddr(c.client), c.netmask); got.String() != c.want {
			t.Errorf("%s masked with %s: %s, want %s", c.client, fmt.Sprintf("%#x", c.netmask), got, c.want)
		}
	}
}
