package proxyd

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

func TestThresholdHysteresis(t *testing.T) {
	s := &server{want: lvs.Server{Upper: 4, Lower: 2}}
	for i, c := range []struct {
		active int
		full   bool
	}{{3, false}, {4, true}, {3, true}, {2, true}, {1, false}, {3, false}} {
		s.Active = c.active
		if s.measure(); s.Overloaded != c.full {
			t.Errorf("step %d, %d active: full %v, want %v", i, c.active, s.Overloaded, c.full)
		}
	}
	s.want.Lower, s.Overloaded, s.Active = 0, true, 3
	if s.measure(); !s.Overloaded {
		t.Error("free again at three quarters, without a lower threshold")
	}
	s.Active = 2
	if s.measure(); s.Overloaded {
		t.Error("still full below three quarters")
	}
}

func TestMemoryForgets(t *testing.T) {
	const timeout = 10 * time.Second
	m, zero := newMemory(), time.Unix(0, 0)
	at := func(s int) time.Time { return zero.Add(time.Duration(s) * time.Second) }
	client := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, byte(i >> 16), byte(i >> 8), byte(i)}) }
	server := lvs.ServerKey{Port: 1}
	m.hold(client(0), server, at(0), timeout)
	if got, ok := m.get(client(0), at(50)); !ok || got != server {
		t.Errorf("while a connection lasts: %v %v", got, ok)
	}
	m.drop(client(0), server, at(50), timeout)
	if _, ok := m.get(client(0), at(59)); !ok {
		t.Error("forgotten before its time")
	}
	if _, ok := m.get(client(0), at(60)); ok || m.len() != 0 {
		t.Error("remembered beyond its time")
	}
	for i := range maxRemembered + 10 {
		m.hold(client(i), server, at(70), timeout)
		m.drop(client(i), server, at(70), timeout)
	}
	if m.len() != maxRemembered {
		t.Errorf("%d remembered, want at most %d", m.len(), maxRemembered)
	}
	m.hold(client(0), server, at(81), timeout)
	if got := m.len(); got != maxRemembered-forgetAtOnce+1 {
		t.Errorf("%d remembered after a hold past their time, want %d", got, maxRemembered-forgetAtOnce+1)
	}
}

// TestMemoryFollows: a client that moved does not come back when the
// connections to its former server end.
func TestMemoryFollows(t *testing.T) {
	m, now := newMemory(), time.Unix(0, 0)
	client, a, b := netip.MustParseAddr("192.0.2.1"), lvs.ServerKey{Port: 1}, lvs.ServerKey{Port: 2}
	m.hold(client, a, now, time.Second)
	m.hold(client, b, now, time.Second)
	m.drop(client, a, now, time.Second)
	if got, ok := m.get(client, now.Add(time.Hour)); !ok || got != b {
		t.Errorf("%v %v, want the second server, which holds", got, ok)
	}
	m.drop(client, b, now, time.Second)
	if _, ok := m.get(client, now.Add(time.Second)); ok {
		t.Error("remembered beyond its time")
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
