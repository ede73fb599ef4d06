package lvs

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func key(s string) ServerKey {
	ap := netip.MustParseAddrPort(s)
	return ServerKey{Addr: ap.Addr(), Port: ap.Port()}
}

var vip = ServiceKey{Addr: netip.MustParseAddr("192.0.2.1"), Port: 80, Protocol: TCP, Family: 4}

func server(addr string, weight int, checks ...CheckState) ServerConfig {
	return ServerConfig{Key: key(addr), Name: addr, Server: Server{Weight: weight}, Checks: checks}
}

var up, down = CheckState{Up: true}, CheckState{}

func pool(quorum int, servers ...ServerConfig) PoolConfig {
	return PoolConfig{
		Name: "vs", Keys: []ServiceKey{vip}, Service: Service{Scheduler: "rr"},
		Quorum: quorum, Servers: servers,
	}
}

func words(changes []Change) string {
	var out []string
	for _, c := range changes {
		switch c := c.(type) {
		case ServerUp:
			out = append(out, "up "+c.Server.Name)
		case ServerDown:
			out = append(out, "down "+c.Server.Name)
		case ServerAdded:
			out = append(out, "new "+c.Server.Name)
		case ServerRemoved:
			out = append(out, "gone "+c.Server.Name)
		case WeightChanged:
			out = append(out, fmt.Sprintf("weight %s %d>%d", c.Server.Name, c.From, c.To))
		case QuorumGained:
			out = append(out, fmt.Sprintf("gained %d", c.Weight))
		case QuorumLost:
			out = append(out, fmt.Sprintf("lost %d", c.Weight))
		case SorryIn:
			out = append(out, "sorry in")
		case SorryOut:
			out = append(out, "sorry out")
		case TierChanged:
			out = append(out, fmt.Sprintf("tier %d>%d", c.From, c.To))
		case PanicBegan:
			out = append(out, fmt.Sprintf("panic %d/%d", c.Up, c.Of))
		case PanicEnded:
			out = append(out, fmt.Sprintf("calm %d/%d", c.Up, c.Of))
		case ServerHeld:
			out = append(out, fmt.Sprintf("held %s %d", c.Server.Name, c.Allowed))
		case HeldRecovered:
			out = append(out, "well "+c.Server.Name)
		case DrainBegan:
			out = append(out, fmt.Sprintf("drains %s %v", c.Name, c.For))
		case DrainEnded:
			out = append(out, fmt.Sprintf("drained %s %v", c.Name, c.Empty))
		case RampBegan:
			out = append(out, "rises "+c.Server.Name)
		case RampEnded:
			out = append(out, fmt.Sprintf("risen %s %d", c.Server.Name, c.Weight))
		}
	}
	return strings.Join(out, ", ")
}

// offered writes what the pool offers: "10.0.0.1:80=1".
func offered(p *Pool) string {
	s := Wanted(p)[vip]
	var out []string
	for _, c := range p.cfg.Servers {
		if x, ok := s.Servers[c.Key]; ok {
			out = append(out, fmt.Sprintf("%s=%d", c.Name, x.Weight))
		}
	}
	if c := p.cfg.Sorry; c != nil {
		if x, ok := s.Servers[c.Key]; ok {
			out = append(out, fmt.Sprintf("sorry=%d", x.Weight))
		}
	}
	return strings.Join(out, " ")
}

func expect(t *testing.T, p *Pool, got []Change, changes, offers string) {
	t.Helper()
	if w := words(got); w != changes {
		t.Errorf("changes: got %q, want %q", w, changes)
	}
	if o := offered(p); o != offers {
		t.Errorf("offers: got %q, want %q", o, offers)
	}
}

func turn(addr string, up bool) Event { return Turned{Server: key(addr), Up: up, Cause: "because"} }

func TestServersComeAndGo(t *testing.T) {
	p, start := NewPool(0, pool(1, server("10.0.0.1:80", 1, up), server("10.0.0.2:80", 3, up), server("10.0.0.3:80", 2)))
	expect(t, p, start, "gained 6", "10.0.0.1:80=1 10.0.0.2:80=3 10.0.0.3:80=2")
	got := p.Step(0, turn("10.0.0.2:80", false))
	if d, ok := got[0].(ServerDown); !ok || d.Cause != "because" {
		t.Errorf("got %+v", got)
	}
	expect(t, p, got, "down 10.0.0.2:80", "10.0.0.1:80=1 10.0.0.3:80=2")
	expect(t, p, p.Step(0, turn("10.0.0.2:80", false)), "", "10.0.0.1:80=1 10.0.0.3:80=2")
	expect(t, p, p.Step(0, turn("10.0.0.2:80", true)), "up 10.0.0.2:80", "10.0.0.1:80=1 10.0.0.2:80=3 10.0.0.3:80=2")
	expect(t, p, p.Step(0, turn("10.9.9.9:80", false)), "", "10.0.0.1:80=1 10.0.0.2:80=3 10.0.0.3:80=2")
}

func TestEveryCheckMustAgree(t *testing.T) {
	p, _ := NewPool(0, pool(1, server("10.0.0.1:80", 1, up, up)))
	step := func(check int, up bool) []Change {
		return p.Step(0, Turned{Server: key("10.0.0.1:80"), Check: check, Up: up})
	}
	expect(t, p, step(0, false), "down 10.0.0.1:80, lost 0", "")
	expect(t, p, step(1, false), "", "")
	expect(t, p, step(0, true), "", "")
	expect(t, p, step(1, true), "up 10.0.0.1:80, gained 1", "10.0.0.1:80=1")
	expect(t, p, step(7, false), "", "10.0.0.1:80=1")
}

// keepalived.conf(5), quorum: "Minimum total weight of all live servers in
// the pool necessary to operate VS with no quality regression."
// sorry_server: "RS to add to LVS topology when the quorum isn't achieved."
func TestSorryServerStandsIn(t *testing.T) {
	cfg := pool(2, server("10.0.0.1:80", 1, up), server("10.0.0.2:80", 1, up))
	cfg.Sorry = &SorryConfig{Key: key("10.0.0.9:80"), Server: Server{Weight: 1}}
	p, start := NewPool(0, cfg)
	expect(t, p, start, "gained 2", "10.0.0.1:80=1 10.0.0.2:80=1")
	expect(t, p, p.Step(0, turn("10.0.0.1:80", false)), "down 10.0.0.1:80, lost 1, sorry in", "sorry=1")
	expect(t, p, p.Step(0, turn("10.0.0.1:80", true)), "up 10.0.0.1:80, gained 2, sorry out", "10.0.0.1:80=1 10.0.0.2:80=1")
}

func TestWithoutSorryServerTheRestServes(t *testing.T) {
	p, _ := NewPool(0, pool(2, server("10.0.0.1:80", 1, up), server("10.0.0.2:80", 1, up)))
	expect(t, p, p.Step(0, turn("10.0.0.1:80", false)), "down 10.0.0.1:80, lost 1", "10.0.0.2:80=1")
}

// inhibit_on_failure: "Set weight to 0 when healthchecker detects failure".
func TestInhibited(t *testing.T) {
	one := server("10.0.0.1:80", 5, up)
	one.Inhibit = true
	cfg := pool(6, one, server("10.0.0.2:80", 1, up))
	cfg.Sorry = &SorryConfig{Key: key("10.0.0.9:80"), Server: Server{Weight: 3}, Inhibit: true}
	p, start := NewPool(0, cfg)
	expect(t, p, start, "gained 6", "10.0.0.1:80=5 10.0.0.2:80=1 sorry=0")
	expect(t, p, p.Step(0, turn("10.0.0.2:80", false)), "down 10.0.0.2:80, lost 5, sorry in", "10.0.0.1:80=0 sorry=3")
	expect(t, p, p.Step(0, turn("10.0.0.1:80", false)), "down 10.0.0.1:80", "10.0.0.1:80=0 sorry=3")
}

// hysteresis: "Tolerate this much weight units compared to the nominal quorum,
// when considering quorum gain or loss."
func TestHysteresis(t *testing.T) {
	cfg := pool(4, server("10.0.0.1:80", 4, up), server("10.0.0.2:80", 2, up), server("10.0.0.3:80", 2, down))
	cfg.Hysteresis = 2
	p, start := NewPool(0, cfg)
	if got := words(start); got != "gained 6" {
		t.Fatalf("start: %s", got)
	}
	for _, x := range []struct {
		addr string
		up   bool
		want string
	}{
		{"10.0.0.2:80", false, "down 10.0.0.2:80"},         // 4: between
		{"10.0.0.1:80", false, "down 10.0.0.1:80, lost 0"}, // 0 < 4-2
		{"10.0.0.1:80", true, "up 10.0.0.1:80"},            // 4: between
		{"10.0.0.3:80", true, "up 10.0.0.3:80, gained 6"},  // 6 >= 4+2
		{"10.0.0.1:80", false, "down 10.0.0.1:80"},         // 2: between
		{"10.0.0.3:80", false, "down 10.0.0.3:80, lost 0"}, //
	} {
		if got := words(p.Step(0, turn(x.addr, x.up))); got != x.want {
			t.Errorf("%s %v: got %q, want %q", x.addr, x.up, got, x.want)
		}
	}
}

func TestAllDownIsNeverQuorum(t *testing.T) {
	cfg := pool(1, server("10.0.0.1:80", 1, up))
	cfg.Hysteresis = 5
	cfg.Servers[0].Server.Weight = 9
	p, _ := NewPool(0, cfg)
	if got := words(p.Step(0, turn("10.0.0.1:80", false))); got != "down 10.0.0.1:80, lost 0" {
		t.Errorf("got %q", got)
	}
}

func TestStartWithoutQuorum(t *testing.T) {
	cfg := pool(1, server("10.0.0.1:80", 1, down))
	cfg.Sorry = &SorryConfig{Key: key("10.0.0.9:80"), Server: Server{Weight: 1}}
	p, start := NewPool(0, cfg)
	expect(t, p, start, "lost 0, sorry in", "sorry=1")
	expect(t, p, p.Step(0, turn("10.0.0.1:80", true)), "up 10.0.0.1:80, gained 1, sorry out", "10.0.0.1:80=1")
}

// misc_dynamic: "the RS weight is increased by (exit status - 2 - rs
// configured weight)"; of several such checks the changes add up.
func TestWeightsAddUp(t *testing.T) {
	p, _ := NewPool(0, pool(1, server("10.0.0.1:80", 5, up, up)))
	step := func(check, weight int) []Change {
		return p.Step(0, Weighed{Server: key("10.0.0.1:80"), Check: check, Weight: weight})
	}
	expect(t, p, step(0, 8), "weight 10.0.0.1:80 5>8", "10.0.0.1:80=8")
	expect(t, p, step(1, 7), "weight 10.0.0.1:80 8>10", "10.0.0.1:80=10")
	expect(t, p, step(0, 0), "weight 10.0.0.1:80 10>2", "10.0.0.1:80=2")
	expect(t, p, step(1, 0), "weight 10.0.0.1:80 2>0, lost 0", "10.0.0.1:80=0")
	expect(t, p, step(1, 253), "weight 10.0.0.1:80 0>248, gained 248", "10.0.0.1:80=248")
	expect(t, p, p.Step(0, Turned{Server: key("10.0.0.1:80"), Check: 1}), "down 10.0.0.1:80, lost 0", "")
}

func TestSorryServerMayBeARealServer(t *testing.T) {
	cfg := pool(2, server("10.0.0.1:80", 1, up), server("10.0.0.9:80", 1, up))
	cfg.Sorry = &SorryConfig{Key: key("10.0.0.9:80"), Server: Server{Weight: 7}, Inhibit: true}
	p, start := NewPool(0, cfg)
	if got := words(start); got != "gained 2" {
		t.Errorf("start: %s", got)
	}
	if w := Wanted(p)[vip].Servers[key("10.0.0.9:80")].Weight; w != 1 {
		t.Errorf("with quorum: weight %d", w)
	}
	p.Step(0, turn("10.0.0.1:80", false))
	if s := Wanted(p)[vip].Servers; len(s) != 1 || s[key("10.0.0.9:80")].Weight != 7 {
		t.Errorf("without: %v", s)
	}
}

func TestReconfigure(t *testing.T) {
	p, _ := NewPool(0, pool(1, server("10.0.0.1:80", 1, up), server("10.0.0.2:80", 1, down)))
	cfg := pool(1, server("10.0.0.2:80", 4, down), server("10.0.0.3:80", 2))
	expect(t, p, p.Step(0, Reconfigure{cfg}),
		"gone 10.0.0.1:80, weight 10.0.0.2:80 1>4, new 10.0.0.3:80", "10.0.0.3:80=2")
	cfg.Quorum = 3
	cfg.Sorry = &SorryConfig{Key: key("10.0.0.9:80"), Server: Server{Weight: 1}}
	expect(t, p, p.Step(0, Reconfigure{cfg}), "lost 2, sorry in", "sorry=1")
	cfg.Sorry = nil
	expect(t, p, p.Step(0, Reconfigure{cfg}), "sorry out", "10.0.0.3:80=2")
	cfg.Quorum = 1
	expect(t, p, p.Step(0, Reconfigure{cfg}), "gained 2", "10.0.0.3:80=2")
	expect(t, p, p.Step(0, turn("10.0.0.2:80", true)), "up 10.0.0.2:80", "10.0.0.2:80=4 10.0.0.3:80=2")
}

// What a pool tells is what has become different since it told last.
func TestOnlyWhatChangedIsTold(t *testing.T) {
	p, _ := NewPool(0, pool(1, server("10.0.0.1:80", 1, up), server("10.0.0.2:80", 1, up)))
	q, _ := NewPool(0, PoolConfig{Keys: []ServiceKey{{FWMark: 1, Family: 4}, {FWMark: 2, Family: 4}}, Quorum: 1})
	var first, none, one, back Delta
	if !p.Update(&first) || !q.Update(&first) || len(first.Services) != 3 || len(first.Services[vip].Service.Servers) != 2 {
		t.Fatalf("told %+v first", first)
	}
	if p.Update(&none) || q.Update(&none) || !none.Empty() {
		t.Errorf("told %+v without a change", none)
	}
	p.Step(0, turn("10.0.0.1:80", false))
	if !p.Update(&one) || q.Update(&one) || len(one.Services) != 1 || len(one.Services[vip].Servers) != 1 || one.Services[vip].Servers[key("10.0.0.1:80")].In {
		t.Errorf("told %+v of a failure", one)
	}
	p.Restate()
	if p.Update(&back); len(back.Services[vip].Service.Servers) != 1 {
		t.Errorf("told %+v to somebody else", back)
	}
}

// Whatever happens, what is offered follows from configuration and state
// alone, and the changes told add up to it.
func TestOfferFollowsFromState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := pool(rapid.IntRange(1, 6).Draw(t, "quorum"))
		cfg.Hysteresis = rapid.IntRange(0, 2).Draw(t, "hysteresis")
		addrs := []string{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}
		live := map[string]bool{}
		for _, a := range addrs {
			s := server(a, rapid.IntRange(0, 3).Draw(t, "weight"), CheckState{Up: rapid.Bool().Draw(t, "up")})
			cfg.Servers = append(cfg.Servers, s)
			live[a] = s.Checks[0].Up
		}
		p, _ := NewPool(0, cfg)
		for range rapid.IntRange(0, 30).Draw(t, "n") {
			a := rapid.SampledFrom(addrs).Draw(t, "server")
			for _, c := range p.Step(0, turn(a, rapid.Bool().Draw(t, "up"))) {
				switch c := c.(type) {
				case ServerUp:
					if live[c.Server.Name] {
						t.Fatalf("%s up twice", c.Server.Name)
					}
					live[c.Server.Name] = true
				case ServerDown:
					if !live[c.Server.Name] {
						t.Fatalf("%s down twice", c.Server.Name)
					}
					live[c.Server.Name] = false
				}
			}
			sum := 0
			s := Wanted(p)[vip]
			for i, a := range addrs {
				if _, in := s.Servers[key(a)]; in != live[a] {
					t.Fatalf("%s offered %v, told %v", a, in, live[a])
				}
				if live[a] {
					sum += cfg.Servers[i].Server.Weight
				}
			}
			if p.HasQuorum() && sum < max(cfg.Quorum-cfg.Hysteresis, 1) || !p.HasQuorum() && sum >= cfg.Quorum+cfg.Hysteresis {
				t.Fatalf("quorum %v with weight %d of %d±%d", p.HasQuorum(), sum, cfg.Quorum, cfg.Hysteresis)
			}
		}
	})
}
