package lvs

import (
	"slices"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// at gives a pool an event at a moment, in seconds.
func at(p *Pool, seconds float64, ev Event) []Change {
	return p.Step(clock.Instant(seconds*float64(time.Second)), ev)
}

func override(addr string, kind OverrideKind, weight int) Event {
	return Overridden{Server: key(addr), Override: Override{kind, weight}}
}

func TestOverrides(t *testing.T) {
	cfg := pool(1, server("10.0.0.1:80", 5, up), server("10.0.0.2:80", 5, up))
	p, _ := NewPool(0, cfg)
	expect(t, p, at(p, 1, override("10.0.0.1:80", Drained, 0)), "", "10.0.0.1:80=0 10.0.0.2:80=5")
	expect(t, p, at(p, 2, override("10.0.0.1:80", Disabled, 0)), "", "10.0.0.2:80=5")
	expect(t, p, at(p, 3, override("10.0.0.1:80", Weighted, 9)), "weight 10.0.0.1:80 5>9", "10.0.0.1:80=9 10.0.0.2:80=5")
	expect(t, p, at(p, 4, turn("10.0.0.1:80", false)), "down 10.0.0.1:80", "10.0.0.2:80=5")
	expect(t, p, at(p, 5, turn("10.0.0.1:80", true)), "up 10.0.0.1:80", "10.0.0.1:80=9 10.0.0.2:80=5")
	expect(t, p, at(p, 6, override("10.0.0.1:80", NoOverride, 0)), "weight 10.0.0.1:80 9>5", "10.0.0.1:80=5 10.0.0.2:80=5")
	expect(t, p, at(p, 7, override("10.0.0.2:80", Drained, 0)), "", "10.0.0.1:80=5 10.0.0.2:80=0")
	expect(t, p, at(p, 8, turn("10.0.0.1:80", false)), "down 10.0.0.1:80, lost 0", "10.0.0.2:80=0") // a command keeps it out
}

func TestDrain(t *testing.T) {
	cfg := pool(1, server("10.0.0.1:80", 5, up), server("10.0.0.2:80", 5, up), server("10.0.0.3:80", 5, up))
	for i := range cfg.Servers {
		cfg.Servers[i].Drain = 10 * time.Second
	}
	p, _ := NewPool(0, cfg)
	expect(t, p, at(p, 1, override("10.0.0.1:80", Drained, 0)), "drains 10.0.0.1:80 10s", "10.0.0.1:80=0 10.0.0.2:80=5 10.0.0.3:80=5")
	expect(t, p, at(p, 2, Ended{key("10.0.0.1:80")}), "drained 10.0.0.1:80 true", "10.0.0.2:80=5 10.0.0.3:80=5")
	// A reload, and the time is up.
	less := cfg
	less.Servers = []ServerConfig{cfg.Servers[1]}
	expect(t, p, at(p, 3, Reconfigure{less}), "gone 10.0.0.1:80, gone 10.0.0.3:80, drains 10.0.0.3:80 10s", "10.0.0.2:80=5")
	if s := Wanted(p)[vip].Servers[key("10.0.0.3:80")]; s.Weight != 0 || len(p.Leaving()) != 1 {
		t.Errorf("it does not drain: %v", s)
	}
	at(p, 11, Tick{}) // of the first, which has gone
	if d, ok := p.Deadline(); !ok || d != clock.Instant(13*time.Second) {
		t.Errorf("deadline %v", d)
	}
	expect(t, p, at(p, 13, Tick{}), "drained 10.0.0.3:80 false", "10.0.0.2:80=5")
	// A failing check does not wait, and neither does a failing server.
	expect(t, p, at(p, 14, turn("10.0.0.2:80", false)), "down 10.0.0.2:80, lost 0", "")
	expect(t, p, at(p, 15, turn("10.0.0.2:80", true)), "up 10.0.0.2:80, gained 5", "10.0.0.2:80=5")
	expect(t, p, at(p, 16, Leave{}), "drains 10.0.0.2:80 10s", "10.0.0.2:80=0")
	expect(t, p, at(p, 17, turn("10.0.0.2:80", false)), "down 10.0.0.2:80, lost 0", "")
}

func TestSlowStart(t *testing.T) {
	cfg := pool(1, server("10.0.0.1:80", 100, up), server("10.0.0.2:80", 100, up))
	cfg.Servers[0].SlowStart = 4 * time.Second
	p, start := NewPool(0, cfg)
	expect(t, p, start, "gained 200", "10.0.0.1:80=100 10.0.0.2:80=100")
	at(p, 1, turn("10.0.0.1:80", false))
	expect(t, p, at(p, 10.5, turn("10.0.0.1:80", true)), "up 10.0.0.1:80, rises 10.0.0.1:80", "10.0.0.1:80=1 10.0.0.2:80=100")
	for _, c := range []struct {
		second float64
		weight string
	}{{11.5, "25"}, {12.5, "50"}, {12.9, "50"}, {13.5, "75"}} {
		at(p, c.second, Tick{})
		expect(t, p, nil, "", "10.0.0.1:80="+c.weight+" 10.0.0.2:80=100")
	}
	expect(t, p, at(p, 14.5, Tick{}), "risen 10.0.0.1:80 100", "10.0.0.1:80=100 10.0.0.2:80=100")
	if _, ok := p.Deadline(); ok {
		t.Error("it still waits for something")
	}
}

func TestTiers(t *testing.T) {
	cfg := pool(2, server("10.0.0.1:80", 1, up), server("10.0.0.2:80", 1, up), server("10.0.0.3:80", 2, up), server("10.0.0.4:80", 1, up))
	cfg.Servers[2].Tier, cfg.Servers[3].Tier = 1, 7
	p, start := NewPool(0, cfg)
	expect(t, p, start, "gained 2", "10.0.0.1:80=1 10.0.0.2:80=1")
	expect(t, p, at(p, 1, turn("10.0.0.1:80", false)), "down 10.0.0.1:80, tier 0>1", "10.0.0.3:80=2")
	// None has quorum alone: all that is up serves.
	expect(t, p, at(p, 2, turn("10.0.0.3:80", false)), "down 10.0.0.3:80, lost 1, tier 1>-1", "10.0.0.2:80=1 10.0.0.4:80=1")
	expect(t, p, at(p, 3, turn("10.0.0.1:80", true)), "up 10.0.0.1:80, gained 2, tier -1>0", "10.0.0.1:80=1 10.0.0.2:80=1")
	cfg.Sorry = &SorryConfig{Key: key("10.0.0.9:80"), Server: Server{Weight: 1}}
	at(p, 4, Reconfigure{cfg})
	at(p, 5, turn("10.0.0.3:80", false))
	expect(t, p, at(p, 6, turn("10.0.0.1:80", false)), "down 10.0.0.1:80, lost 1, sorry in", "sorry=1")
}

func TestPanic(t *testing.T) {
	cfg := pool(1, server("10.0.0.1:80", 1, up), server("10.0.0.2:80", 1, up), server("10.0.0.3:80", 1, up))
	cfg.Panic = 60
	p, _ := NewPool(0, cfg)
	expect(t, p, at(p, 1, turn("10.0.0.1:80", false)), "down 10.0.0.1:80", "10.0.0.2:80=1 10.0.0.3:80=1")
	expect(t, p, at(p, 2, turn("10.0.0.2:80", false)), "down 10.0.0.2:80, panic 1/3", "10.0.0.1:80=1 10.0.0.2:80=1 10.0.0.3:80=1")
	expect(t, p, at(p, 3, turn("10.0.0.3:80", false)), "down 10.0.0.3:80, lost 0", "10.0.0.1:80=1 10.0.0.2:80=1 10.0.0.3:80=1")
	expect(t, p, at(p, 4, override("10.0.0.3:80", Disabled, 0)), "", "10.0.0.1:80=1 10.0.0.2:80=1")
	at(p, 5, turn("10.0.0.1:80", true))
	expect(t, p, at(p, 6, turn("10.0.0.2:80", true)), "up 10.0.0.2:80, calm 2/2", "10.0.0.1:80=1 10.0.0.2:80=1")
}

// Who was never checked is neither up nor down.
func TestNoPanicBeforeTheFirstChecks(t *testing.T) {
	unknown := CheckState{Unknown: true}
	cfg := pool(1, server("10.0.0.1:80", 1, unknown), server("10.0.0.2:80", 1, unknown))
	cfg.Panic = 100
	p, start := NewPool(0, cfg)
	expect(t, p, start, "lost 0", "")
	expect(t, p, at(p, 1, turn("10.0.0.1:80", true)), "up 10.0.0.1:80, gained 1", "10.0.0.1:80=1")
	expect(t, p, at(p, 2, turn("10.0.0.2:80", false)), "panic 1/2", "10.0.0.1:80=1 10.0.0.2:80=1")
}

func TestMaxEject(t *testing.T) {
	cfg := pool(1, server("10.0.0.1:80", 1, up), server("10.0.0.2:80", 1, up), server("10.0.0.3:80", 1, up))
	cfg.MaxEject = 40
	p, _ := NewPool(0, cfg)
	expect(t, p, at(p, 1, turn("10.0.0.2:80", false)), "down 10.0.0.2:80", "10.0.0.1:80=1 10.0.0.3:80=1")
	expect(t, p, at(p, 2, turn("10.0.0.1:80", false)), "held 10.0.0.1:80 1", "10.0.0.1:80=1 10.0.0.3:80=1")
	expect(t, p, at(p, 3, turn("10.0.0.3:80", false)), "held 10.0.0.3:80 1, lost 0", "10.0.0.1:80=1 10.0.0.3:80=1")
	got := at(p, 4, turn("10.0.0.2:80", true)) // who failed next goes now
	expect(t, p, got, "up 10.0.0.2:80, down 10.0.0.1:80, gained 1", "10.0.0.2:80=1 10.0.0.3:80=1")
	if d, ok := got[1].(ServerDown); !ok || d.Cause != "because" {
		t.Errorf("it goes without its cause: %+v", got)
	}
	expect(t, p, at(p, 5, turn("10.0.0.3:80", true)), "well 10.0.0.3:80", "10.0.0.2:80=1 10.0.0.3:80=1")
}

func TestReset(t *testing.T) {
	cfg := pool(1, server("10.0.0.1:80", 1, up), server("10.0.0.2:80", 1, up))
	cfg.Servers[0].Reset = true
	p, _ := NewPool(0, cfg)
	at(p, 1, turn("10.0.0.1:80", false))
	if s, ok := Wanted(p)[vip].Servers[key("10.0.0.1:80")]; !ok || !s.Reset || s.Weight != 0 {
		t.Errorf("got %+v, %v", s, ok)
	}
	if _, _, offered := p.Where(0); offered {
		t.Error("it counts as offered")
	}
}

func TestFind(t *testing.T) {
	names := []string{"[192.0.2.1]:tcp:80", "[192.0.2.1]:udp:80", "[192.0.2.2]:tcp:443", "[2001:db8::1]:tcp:80", "FWM 7", "[web]:80"}
	for given, want := range map[string]string{
		"[192.0.2.1]:tcp:80": "0", "192.0.2.1": "0 1", "192.0.2.1:80": "0 1", "192.0.2.1:udp:80": "1", "192.0.2.1:udp": "1",
		"192.0.2.2": "2", "192.0.2.2:80": "", "2001:DB8:0::1": "3", "[2001:db8::1]:80": "3", "[2001:db8::1]": "3",
		"fwm7": "4", "fwmark 7": "4", "7": "4", "fwm 8": "", "web": "5", "": "", "[": "", "::": "", ":::": "", "[web]:80": "5",
	} {
		got := ""
		for i, k := range Find(names, given) {
			if i > 0 {
				got += " "
			}
			got += string(rune('0' + k))
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}

func TestCompareNames(t *testing.T) {
	want := []string{"[10.1.0.9]:tcp:80", "[10.1.0.10]:tcp:80", "[10.1.0.10]:tcp:443", "[10.1.0.100]:tcp:80", "[2001:db8::1]:tcp:80", "FWM 7", "[web]:80"}
	got := slices.Clone(want)
	slices.Reverse(got)
	if slices.SortFunc(got, CompareNames); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func FuzzFind(f *testing.F) {
	f.Add("[2001:db8::1]:tcp:80")
	f.Add("fwmark 7")
	f.Fuzz(func(t *testing.T, given string) {
		if got := Find([]string{given}, given); len(got) != 1 {
			t.Errorf("%q does not find itself", given)
		}
	})
}
