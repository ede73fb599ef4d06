package lvs

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// model says what a pool should offer, from scratch after each event. All that
// it remembers is in which order servers failed and which tiers have quorum.
type model struct {
	order  []ServerKey // of failing servers, the first first
	quorum map[int]bool
	left   bool
	before map[ServerKey]bool // offered before the event
	until  map[ServerKey]clock.Instant
	drains map[ServerKey]time.Duration
	told   Table // what a director has that heard every change
}

func (c *ServerConfig) well() (ok, unknown bool) {
	ok, unknown = true, true
	for _, s := range c.Checks {
		ok, unknown = ok && s.Up, unknown && (s.Up || s.Unknown)
	}
	return ok, unknown && !ok
}

func (c *ServerConfig) effective() int {
	w := c.Server.Weight
	for _, s := range c.Checks {
		if s.WeightSet {
			w += s.Weight - c.Server.Weight
		}
	}
	if c.Override.Kind == Weighted {
		w = c.Override.Weight
	}
	return min(max(w, 0), MaxWeight)
}

// expected gives the servers that must be offered, with their whole weight;
// those that may still drain are not among them.
func (m *model) expected(cfg *PoolConfig) (all map[ServerKey]int, resets map[ServerKey]bool, orderly map[ServerKey]bool) {
	all, resets, orderly = map[ServerKey]int{}, map[ServerKey]bool{}, map[ServerKey]bool{}
	eligible := 0
	m.order = slices.DeleteFunc(m.order, func(k ServerKey) bool {
		return !slices.ContainsFunc(cfg.Servers, func(c ServerConfig) bool {
			ok, unknown := c.well()
			return c.Key == k && !ok && !unknown
		})
	})
	weight, up, total, tiers := map[int]int{}, map[int]int{}, map[int]int{}, []int(nil)
	out := map[ServerKey]bool{}
	for i := range cfg.Servers {
		c := &cfg.Servers[i]
		ok, unknown := c.well()
		if !ok && !unknown && !slices.Contains(m.order, c.Key) {
			m.order = append(m.order, c.Key)
		}
		if !slices.Contains(tiers, c.Tier) {
			tiers = append(tiers, c.Tier)
		}
		if out[c.Key] = c.Override.Kind == Drained || c.Override.Kind == Disabled; out[c.Key] {
			continue
		}
		eligible++
		if !unknown {
			total[c.Tier]++
		}
		if ok {
			up[c.Tier]++
			weight[c.Tier] += c.effective()
		}
	}
	slices.Sort(tiers)
	for n := range m.quorum {
		if !slices.Contains(tiers, n) {
			delete(m.quorum, n)
		}
	}
	serves := func(int) bool { return true }
	found := false
	for _, n := range tiers {
		if m.quorum[n] {
			m.quorum[n] = weight[n] >= max(cfg.Quorum-cfg.Hysteresis, 1)
		} else {
			m.quorum[n] = weight[n] >= cfg.Quorum+cfg.Hysteresis
		}
		if m.quorum[n] && !found {
			found = true
			serves = func(t int) bool { return t == n }
		}
	}
	sorry := !found && cfg.Sorry != nil
	if sorry {
		serves = func(int) bool { return false }
	}
	held := map[ServerKey]bool{}
	if cfg.MaxEject > 0 {
		rank := 0
		for _, k := range m.order {
			if !out[k] {
				held[k] = rank >= max(1, eligible*cfg.MaxEject/100)
				rank++
			}
		}
	}
	ups, totals := 0, 0
	for _, n := range tiers {
		if serves(n) {
			ups, totals = ups+up[n], totals+total[n]
		}
	}
	panics := !sorry && totals > 0 && 100*ups < cfg.Panic*totals
	for i := range cfg.Servers {
		c := &cfg.Servers[i]
		ok, unknown := c.well()
		in := ok || held[c.Key]
		switch {
		case m.left:
			orderly[c.Key] = in && c.Override.Kind != Disabled
		case c.Override.Kind == Disabled:
			if c.Reset {
				all[c.Key], resets[c.Key] = 0, true
			}
		case unknown:
			if c.Inhibit {
				all[c.Key] = 0
			}
		case !in && (out[c.Key] || !panics || !serves(c.Tier)):
			if c.Reset || c.Inhibit {
				all[c.Key], resets[c.Key] = 0, c.Reset
			}
		case out[c.Key] && c.Drain == 0, (out[c.Key] || !serves(c.Tier)) && c.Inhibit:
			all[c.Key] = 0
		case out[c.Key] || !serves(c.Tier):
			orderly[c.Key] = true
		default:
			all[c.Key] = c.effective()
		}
	}
	if sorry && !m.left {
		all[cfg.Sorry.Key] = cfg.Sorry.Server.Weight
	}
	return all, resets, orderly
}

// hold compares what is offered with the model.
func (m *model) hold(t *rapid.T, p *Pool, now clock.Instant) {
	cfg := p.Config()
	want, resets, orderly := m.expected(cfg)
	have := Wanted(p)[vip].Servers
	var d Delta
	p.Update(&d)
	if m.told.Apply(d); !maps.Equal(m.told[vip].Servers, have) {
		t.Fatalf("told %v by steps, is %v", m.told[vip].Servers, have)
	}
	ups := 0
	for i := range cfg.Servers {
		if up, _ := p.Server(cfg.Servers[i].Key); up {
			ups++
		}
	}
	if ups != p.Ups() {
		t.Fatalf("%d servers are up, counted %d", ups, p.Ups())
	}
	slow, rising := map[ServerKey]bool{}, false
	anyUp, anyIn := false, false
	for i := range cfg.Servers {
		c := &cfg.Servers[i]
		ok, _ := c.well()
		slow[c.Key] = c.SlowStart > 0 && ok
		anyUp = anyUp || ok && c.effective() > 0 && !c.Override.out() && !m.left
		m.drains[c.Key] = c.Drain
	}
	for k, s := range have {
		anyIn = anyIn || s.Weight > 0
		w, meant := want[k]
		switch {
		case meant && s.Reset != resets[k]:
			t.Fatalf("%v: reset %v, want %v", k, s.Reset, resets[k])
		case meant && s.Weight == w:
		case meant && slow[k] && s.Weight >= 1 && s.Weight < w:
			rising = true
		case meant:
			t.Fatalf("%v has weight %d, want %d", k, s.Weight, w)
		case s.Weight != 0 || s.Reset || !m.before[k] || m.drains[k] == 0:
			t.Fatalf("%v is offered as %+v, and should not be", k, s)
		default:
			m.drain(t, cfg, k, orderly[k], now)
		}
	}
	for k := range want {
		if _, ok := have[k]; !ok {
			t.Fatalf("%v is not offered, want weight %d", k, want[k])
		}
		delete(m.until, k)
	}
	if anyUp && !anyIn {
		t.Fatalf("a server is up, and nobody is offered: %v", have)
	}
	if at, ok := p.Deadline(); rising && !ok || ok && at.Before(now) {
		t.Fatalf("deadline %v %v at %v", at, ok, now)
	}
	m.before = map[ServerKey]bool{}
	for k := range have {
		m.before[k] = true
	}
	for k := range m.until {
		if !m.before[k] {
			delete(m.until, k)
		}
	}
}

// drain: a server that leaves was well, and its time is not up.
func (m *model) drain(t *rapid.T, cfg *PoolConfig, k ServerKey, orderly bool, now clock.Instant) {
	known := slices.ContainsFunc(cfg.Servers, func(c ServerConfig) bool { return c.Key == k })
	if known && !orderly {
		t.Fatalf("%v drains though it is not well, or has no reason to go", k)
	}
	if _, ok := m.until[k]; !ok {
		m.until[k] = now.Add(m.drains[k])
	}
	if !now.Before(m.until[k]) {
		t.Fatalf("%v drains longer than %v", k, m.drains[k])
	}
}

func drawServer(t *rapid.T, n int) ServerConfig {
	c := server(fmt.Sprintf("10.0.0.%d:80", n), rapid.IntRange(0, 5).Draw(t, "weight"))
	c.Tier = rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "tier")
	c.Drain = rapid.SampledFrom([]time.Duration{0, 5 * time.Second}).Draw(t, "drain")
	c.SlowStart = rapid.SampledFrom([]time.Duration{0, 4 * time.Second}).Draw(t, "slow start")
	c.Inhibit = rapid.IntRange(0, 4).Draw(t, "inhibit") == 0
	c.Reset = rapid.IntRange(0, 4).Draw(t, "reset") == 0
	return c
}

func drawPool(t *rapid.T, was *PoolConfig) PoolConfig {
	cfg := PoolConfig{
		Name: "vs", Keys: []ServiceKey{vip}, Service: Service{Scheduler: "wrr"},
		Quorum: rapid.IntRange(1, 6).Draw(t, "quorum"), Hysteresis: rapid.IntRange(0, 1).Draw(t, "hysteresis"),
		Panic: rapid.SampledFrom([]int{0, 30, 50, 100}).Draw(t, "panic"), MaxEject: rapid.SampledFrom([]int{0, 10, 50}).Draw(t, "max_eject"),
	}
	if rapid.Bool().Draw(t, "sorry") {
		cfg.Sorry = &SorryConfig{Key: key("10.0.0.99:80"), Server: Server{Weight: 1}}
	}
	for n := 1; n <= 5; n++ {
		if rapid.IntRange(0, 3).Draw(t, "there") == 0 {
			continue
		}
		c := drawServer(t, n)
		c.Checks = []CheckState{{Up: true}, {Up: rapid.Bool().Draw(t, "up")}}
		c.Checks[1].Unknown = !c.Checks[1].Up
		if was != nil { // checkers and overrides stay as they are
			for i := range was.Servers {
				if was.Servers[i].Key == c.Key {
					c.Checks, c.Override = slices.Clone(was.Servers[i].Checks), was.Servers[i].Override
				}
			}
		}
		cfg.Servers = append(cfg.Servers, c)
	}
	return cfg
}

func drawEvent(t *rapid.T, p *Pool) Event {
	k := key(fmt.Sprintf("10.0.0.%d:80", rapid.IntRange(1, 5).Draw(t, "server")))
	switch rapid.IntRange(0, 9).Draw(t, "event") {
	case 0:
		return Reconfigure{drawPool(t, p.Config())}
	case 1:
		kind := rapid.SampledFrom([]OverrideKind{NoOverride, NoOverride, Drained, Disabled, Weighted}).Draw(t, "override")
		return Overridden{Server: k, Override: Override{Kind: kind, Weight: map[OverrideKind]int{Weighted: 3}[kind]}}
	case 2:
		return Ended{Server: k}
	case 3, 4:
		return Tick{}
	case 5:
		return Weighed{Server: k, Check: 0, Weight: rapid.IntRange(0, 6).Draw(t, "weight")}
	}
	return Turned{Server: k, Check: rapid.IntRange(0, 1).Draw(t, "check"), Up: rapid.Bool().Draw(t, "up"), Cause: "because"}
}

// What is offered is what the model says after any history, and never nothing
// while a server is up.
func TestOfferFollowsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := clock.Instant(time.Hour)
		p, _ := NewPool(now, drawPool(t, nil))
		m := &model{quorum: map[int]bool{}, before: map[ServerKey]bool{}, until: map[ServerKey]clock.Instant{}, drains: map[ServerKey]time.Duration{}, told: Table{}}
		m.hold(t, p, now)
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "tenths")) * 100 * time.Millisecond)
			for at, ok := p.Deadline(); ok && !now.Before(at); at, ok = p.Deadline() { // as the daemon does
				p.Step(at, Tick{})
				m.hold(t, p, at)
			}
			if rapid.IntRange(0, 60).Draw(t, "leave") == 0 {
				m.left = true
				p.Step(now, Leave{})
			} else {
				p.Step(now, drawEvent(t, p))
			}
			m.hold(t, p, now)
		}
		if m.left { // it ends
			now = now.Add(5 * time.Second)
			p.Step(now, Tick{})
			m.hold(t, p, now)
			if len(p.Leaving()) > 0 {
				t.Fatalf("still there: %v", p.Leaving())
			}
		}
	})
}
