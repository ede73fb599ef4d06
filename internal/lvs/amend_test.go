package lvs

import (
	"maps"
	"net/netip"
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

// However large the pool is, a verdict is one server to be looked at.
func TestOneVerdictTouchesOneServer(t *testing.T) {
	for _, size := range []int{10, 10_000} {
		var v Versions
		p, _ := NewPool(1, crowd(size))
		table, key := Table{}, ServiceKey{Port: 80, Protocol: TCP}
		p.Update(table, &v)
		for i := range 2 {
			had := table[key]
			server := p.cfg.Servers[size/2+i].Key
			p.Step(2, Turned{Server: server})
			p.Update(table, &v)
			is := table[key]
			if touched, ok := is.Since(&had); !ok || len(touched) != 1 || touched[0] != server {
				t.Errorf("of %d servers %v can differ (known: %v), want %v", size, touched, ok, server)
			}
			if _, in := is.Servers[server]; in || len(is.Servers) != size-1-i || len(had.Servers) != size-i {
				t.Errorf("%d servers are offered after %d", len(is.Servers), len(had.Servers))
			}
		}
		had := table[key]
		if p.Step(3, Weighed{Server: p.cfg.Servers[0].Key, Weight: 1}); p.Update(table, &v) || table[key].Version != had.Version {
			t.Error("what changes nothing is a new version")
		}
	}
}

// What is amended is what would be computed anew, whatever happens.
func TestAmendedServiceIsTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v Versions
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
		table := Table{}
		p.Update(table, &v)
		had := table[cfg.Keys[0]]
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			now += clock.Instant(rapid.IntRange(0, 3).Draw(t, "seconds")) * 1e9
			server := cfg.Servers[rapid.IntRange(0, 39).Draw(t, "server")].Key
			p.Step(now, rapid.SampledFrom([]Event{
				Turned{Server: server}, Turned{Server: server, Up: true}, Weighed{Server: server, Weight: 7}, Ended{Server: server},
				Overridden{Server: server, Override: Override{Kind: Drained}}, Overridden{Server: server},
				Tick{},
			}).Draw(t, "event"))
			p.Step(now, Tick{})
			if rapid.Bool().Draw(t, "gathers") {
				continue
			}
			p.Update(table, &v)
			is := table[cfg.Keys[0]]
			if want := p.offer(); !maps.Equal(is.Servers, want.Servers) {
				t.Fatalf("offers %v, want %v", is.Servers, want.Servers)
			}
			touched, ok := is.Since(&had)
			if ok {
				rest, was := maps.Clone(is.Servers), maps.Clone(had.Servers)
				for _, k := range touched {
					delete(rest, k)
					delete(was, k)
				}
				if !maps.Equal(rest, was) {
					t.Fatalf("more than %v differs", touched)
				}
			}
			if rapid.Bool().Draw(t, "knows") {
				had = is
			}
		}
	})
}

func BenchmarkVerdict(b *testing.B) {
	for _, size := range []int{10, 1000, 10_000, 100_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			var v Versions
			p, _ := NewPool(1, crowd(size))
			table := Table{}
			p.Update(table, &v)
			for i := 0; b.Loop(); i++ {
				p.Step(2, Turned{Server: p.cfg.Servers[i/2%size].Key, Up: i%2 == 1})
				p.Update(table, &v)
			}
		})
	}
}
