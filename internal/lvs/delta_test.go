package lvs

import (
	"maps"
	"net/netip"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"pgregory.net/rapid"
)

// crowd is a pool of n servers that are up.
func crowd(n int) PoolConfig {
	cfg := PoolConfig{Keys: []ServiceKey{{Port: 80, Protocol: TCP}}, Quorum: 1}
	for i := range n {
		key := ServerKey{Addr: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), Port: 80}
		cfg.Servers = append(cfg.Servers, ServerConfig{Key: key, Server: Server{Weight: 1}, Checks: []CheckState{{Up: true}}})
	}
	return cfg
}

// However large the pool is, a verdict is one server, and as many bytes.
func TestOneVerdictTellsOneServer(t *testing.T) {
	var bytes []float64
	for _, size := range []int{10, 10_000} {
		p, _ := NewPool(1, crowd(size))
		var first Delta
		p.Update(&first)
		server := p.cfg.Servers[size/2].Key
		for _, up := range []bool{false, true} {
			var d Delta
			p.Step(2, Turned{Server: server, Up: up})
			p.Update(&d)
			if s := d.Services[p.cfg.Keys[0]]; len(s.Servers) != 1 || s.Servers[server] != (Placed{Server{Weight: 1}, up}) {
				t.Errorf("of %d servers told %+v", size, s)
			}
		}
		bytes = append(bytes, testing.AllocsPerRun(100, func() {
			var d Delta
			p.Step(2, Turned{Server: server})
			p.Step(2, Turned{Server: server, Up: true})
			p.Update(&d)
		}))
	}
	if bytes[0] != bytes[1] {
		t.Errorf("%v allocations in a pool of ten, %v in one of ten thousand", bytes[0], bytes[1])
	}
}

// What is told step by step adds up to what would be computed anew, whatever
// happens, and also where several steps are gathered.
func TestWhatIsToldIsTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := crowd(40)
		cfg.MaxEject, cfg.Panic, cfg.Quorum = rapid.SampledFrom([]int{0, 20}).Draw(t, "max_eject"), 30, 10
		sorry := rapid.SampledFrom([]ServerKey{{Port: 1}, cfg.Servers[3].Key}).Draw(t, "sorry")
		cfg.Sorry = &SorryConfig{Key: sorry, Server: Server{Weight: 5}, Inhibit: rapid.Bool().Draw(t, "stays")}
		for i := range cfg.Servers {
			s := &cfg.Servers[i]
			s.Inhibit, s.Reset, s.Tier = i%3 == 0, i%5 == 0, i%2
			s.Drain, s.SlowStart = time.Duration(i%4)*20*time.Second, time.Duration(i%7)*20*time.Second
		}
		now := clock.Instant(1)
		p, _ := NewPool(now, cfg)
		table, d, away := Table{}, Delta{}, 0
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			now += clock.Instant(rapid.IntRange(0, 3).Draw(t, "seconds")) * 1e9
			server := cfg.Servers[rapid.IntRange(0, 39).Draw(t, "server")].Key
			if rapid.IntRange(0, 9).Draw(t, "reload") == 0 { // one server goes, the one before comes back
				other := *p.Config()
				other.Servers = append([]ServerConfig(nil), cfg.Servers...)
				away = rapid.IntRange(0, 39).Draw(t, "away")
				other.Servers = append(other.Servers[:away:away], other.Servers[away+1:]...)
				p.Step(now, Reconfigure{other})
			}
			p.Step(now, rapid.SampledFrom([]Event{
				Turned{Server: server}, Turned{Server: server, Up: true}, Weighed{Server: server, Weight: 7}, Ended{Server: server},
				Overridden{Server: server, Override: Override{Kind: Drained}}, Overridden{Server: server},
				Tick{},
			}).Draw(t, "event"))
			p.Step(now, Tick{})
			var one Delta
			p.Update(&one)
			d.Merge(one)
			if rapid.Bool().Draw(t, "gathers") {
				continue
			}
			table.Apply(d)
			d = Delta{}
			if want := p.offer(); !maps.Equal(table[cfg.Keys[0]].Servers, want.Servers) {
				t.Fatalf("offers %v, want %v", table[cfg.Keys[0]].Servers, want.Servers)
			}
		}
	})
}

// deltas name few services and servers, so that they meet often.
func deltas() *rapid.Generator[Delta] {
	return rapid.Custom(func(t *rapid.T) Delta {
		d := Delta{All: rapid.IntRange(0, 9).Draw(t, "all") == 0}
		for range rapid.IntRange(0, 3).Draw(t, "services") {
			var c ServiceDelta
			kind := rapid.IntRange(0, 3).Draw(t, "kind")
			switch {
			case kind == 0:
				c.Gone = true
			case kind == 1 || d.All:
				c.Service = &Service{Scheduler: rapid.SampledFrom([]string{"rr", "wlc"}).Draw(t, "scheduler"), Servers: map[ServerKey]Server{}}
			default:
				c.Servers = map[ServerKey]Placed{}
			}
			for range rapid.IntRange(0, 3).Draw(t, "servers") {
				key, s := ServerKey{Port: rapid.Uint16Range(1, 4).Draw(t, "server")}, Server{Weight: rapid.IntRange(0, 2).Draw(t, "weight")}
				if c.Service != nil {
					c.Service.Servers[key] = s
				} else if !c.Gone {
					c.Servers[key] = Placed{s, rapid.Bool().Draw(t, "in")}
				}
			}
			d.Put(ServiceKey{Port: rapid.Uint16Range(1, 3).Draw(t, "service")}, c)
		}
		return d
	})
}

func (d Delta) clone() Delta {
	out := Delta{All: d.All}
	for key, c := range d.Services {
		if c.Service != nil {
			s := *c.Service
			s.Servers = maps.Clone(s.Servers)
			c.Service = &s
		}
		c.Servers = maps.Clone(c.Servers)
		out.Put(key, c)
	}
	return out
}

// Several deltas make of a table what their sum does.
func TestDeltasAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := Table{}
		start.Apply(deltas().Draw(t, "start"))
		steps, sum := Table{}, Delta{}
		steps.Apply(Whole(start))
		for _, d := range rapid.SliceOfN(deltas(), 0, 6).Draw(t, "deltas") {
			for key, c := range d.Services { // servers change in services that are there
				if _, there := steps[key]; c.Servers != nil && !there {
					delete(d.Services, key)
				}
			}
			sum.Merge(d.clone())
			steps.Apply(d)
		}
		if start.Apply(sum); !reflect.DeepEqual(start, steps) {
			t.Fatalf("the sum makes %v, the steps %v", start, steps)
		}
	})
}

func BenchmarkVerdict(b *testing.B) {
	for _, size := range []int{10, 1000, 10_000, 100_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			p, _ := NewPool(1, crowd(size))
			var first Delta
			p.Update(&first)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				var d Delta
				p.Step(2, Turned{Server: p.cfg.Servers[i/2%size].Key, Up: i%2 == 1})
				p.Update(&d)
			}
		})
	}
}

// A service that goes since all do is not there for its servers to change.
func TestServersOfAServiceThatGoes(t *testing.T) {
	key, server := ServiceKey{Port: 80, Protocol: TCP}, ServerKey{Port: 81}
	servers := Delta{Services: map[ServiceKey]ServiceDelta{key: {Servers: map[ServerKey]Placed{server: {Server{Weight: 2}, true}}}}}
	table := func() Table { return Table{key: {Servers: map[ServerKey]Server{server: {Weight: 1}}}} }
	apart := table()
	apart.Apply(Delta{All: true})
	apart.Apply(servers)
	merged := Delta{All: true}
	merged.Merge(servers)
	if together := table(); len(apart) != 0 {
		t.Errorf("one after the other leave %v", apart)
	} else if together.Apply(merged); len(together) != 0 {
		t.Errorf("merged they leave %v", together)
	}
}
