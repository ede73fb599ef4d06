package director

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

func numbered(i int) lvs.ServerKey {
	return lvs.ServerKey{Addr: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), Port: 80}
}

// Only what a delta names is looked at: a difference elsewhere, which cannot
// be, is not even found.
func TestStepsLookOnlyAtWhatIsNamed(t *testing.T) {
	key := lvs.ServiceKey{Addr: netip.AddrFrom4([4]byte{10, 9, 0, 1}), Port: 80, Protocol: lvs.TCP, Family: 4}
	had := lvs.Service{Servers: map[lvs.ServerKey]lvs.Server{}}
	for i := range 1000 {
		had.Servers[numbered(i)] = lvs.Server{Weight: 1}
	}
	d := lvs.Delta{Services: map[lvs.ServiceKey]lvs.ServiceDelta{key: {Servers: map[lvs.ServerKey]lvs.Placed{
		numbered(7): {Server: lvs.Server{Weight: 2}, In: true}, numbered(5): {}, numbered(1000): {}, numbered(6): {Server: lvs.Server{Weight: 1}, In: true},
	}}}}
	got := slices.Collect(Steps(lvs.Table{key: had}, d))
	want := []Op{
		{Verb: ChangeServer, Service: key, Server: numbered(7), WantServer: lvs.Server{Weight: 2}},
		{Verb: RemoveServer, Service: key, Server: numbered(5)},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d steps %+v, want %+v", len(got), got, want)
	}
}

// What a director makes of what a pool tells step by step is what it would make
// of the whole, also behind a mark, where servers that differ by their port only
// are one.
func TestPoolsStepsAreItsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := []lvs.ServiceKey{{Addr: netip.AddrFrom4([4]byte{10, 9, 0, 1}), Port: 80, Protocol: lvs.TCP}, {FWMark: 7}}
		cfg := lvs.PoolConfig{Keys: keys[rapid.IntRange(0, 1).Draw(t, "first key"):], Quorum: rapid.IntRange(1, 9).Draw(t, "quorum")}
		for i := range 10 {
			s := lvs.Server{Weight: 1, Forward: rapid.SampledFrom([]lvs.Forward{lvs.NAT, lvs.DirectRoute}).Draw(t, "forward")}
			key := numbered(i)
			if rapid.IntRange(0, 19).Draw(t, "twin") == 0 {
				key = lvs.ServerKey{Addr: numbered(i / 2).Addr, Port: uint16(1 + i)}
			}
			cfg.Servers = append(cfg.Servers, lvs.ServerConfig{Key: key, Server: s, Drain: time.Duration(i%2) * time.Second, Checks: []lvs.CheckState{{Up: i < 7}}})
		}
		if rapid.Bool().Draw(t, "sorry") {
			cfg.Sorry = &lvs.SorryConfig{Key: numbered(rapid.IntRange(5, 12).Draw(t, "sorry")), Server: lvs.Server{Forward: lvs.DirectRoute, Weight: 9}}
		}
		p, _ := lvs.NewPool(1, cfg)
		var b Book
		now := clock.Instant(1)
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			server := cfg.Servers[rapid.IntRange(0, 9).Draw(t, "server")].Key
			now += clock.Instant(rapid.IntRange(0, 2).Draw(t, "halves")) * 5e8
			switch rapid.IntRange(0, 9).Draw(t, "event") {
			case 0:
				some := *p.Config()
				some.Servers = slices.Clone(cfg.Servers)
				at := rapid.IntRange(0, 9).Draw(t, "goes")
				some.Servers = slices.Delete(some.Servers, at, at+1)
				p.Step(now, lvs.Reconfigure{Config: some})
			case 1:
				p.Step(now, lvs.Ended{Server: server})
			default:
				p.Step(now, lvs.Turned{Server: server, Up: rapid.Bool().Draw(t, "up")})
			}
			p.Step(now, lvs.Tick{})
			var d lvs.Delta
			p.Update(&d)
			b.Take(d)
			b.Done()
			if want := CanonicalTable(lvs.Wanted(p)); !reflect.DeepEqual(b.Have(), want) {
				t.Fatalf("step by step %+v, want %+v", b.Have(), want)
			}
		}
	})
}

// world is a table that somebody else meddles with, and that takes steps or not.
type world struct {
	t    *rapid.T
	have lvs.Table
}

// write takes the book's steps, of which some fail and some are never tried.
func (w *world) write(b *Book) {
	steps := slices.Collect(b.Steps())
	tried := rapid.IntRange(0, len(steps)).Draw(w.t, "tried")
	if rapid.Bool().Draw(w.t, "all") {
		tried = len(steps)
	}
	var failed []int
	refused := map[lvs.ServiceKey]bool{}
	for i, op := range steps[:tried] {
		if refused[op.Service] || rapid.IntRange(0, 19).Draw(w.t, "fails") == 0 {
			refused[op.Service] = refused[op.Service] || op.Verb == AddService
			failed = append(failed, i)
		} else {
			op.Apply(w.have)
		}
	}
	if tried == len(steps) && failed == nil {
		b.Done()
	} else {
		b.Partly(tried, failed)
	}
}

// meddle is what others do; read is what an audit makes of it.
func (w *world) meddle() {
	for key, s := range w.have {
		switch rapid.IntRange(0, 3).Draw(w.t, "meddles") {
		case 0:
			delete(w.have, key)
		case 1:
			s.Servers = map[lvs.ServerKey]lvs.Server{numbered(3): {Weight: 7}}
			w.have[key] = s
		}
	}
}

func (w *world) read(b *Book) {
	for key := range w.have {
		if !b.Knows(key) {
			continue
		}
		if want, wanted := b.Want(key); wanted && SameService(want, w.have[key]) && maps.Equal(want.Servers, w.have[key].Servers) {
			b.Saw(key, want)
		} else {
			s := w.have[key]
			s.Servers = maps.Clone(s.Servers)
			b.Found(key, s)
		}
	}
	b.Missed(func(key lvs.ServiceKey) bool { _, there := w.have[key]; return there })
}

// Whatever fails, and whatever others do: what is there and what is due are
// what is wanted, and once nothing fails it is there.
func TestBookAddsUpToWhatIsWanted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Book
		w := &world{t, lvs.Table{}}
		wanted := lvs.Table{}
		for range rapid.IntRange(1, 20).Draw(t, "turns") {
			d := drawDelta(t, wanted)
			wanted.Apply(copyOf(d))
			b.Take(d)
			if rapid.IntRange(0, 4).Draw(t, "others") == 0 {
				w.meddle()
				w.read(&b)
			}
			w.write(&b)
			for key := range wanted {
				want := CanonicalTable(lvs.Table{key: wanted[key]})
				if got, ok := b.Want(Canonical(key)); !ok || !reflect.DeepEqual(lvs.Table{Canonical(key): got}, want) {
					t.Fatalf("the book wants %+v, want %+v", got, want)
				}
			}
		}
		w.read(&b)
		for _, op := range slices.Collect(b.Steps()) {
			op.Apply(w.have)
		}
		b.Done()
		if want := CanonicalTable(wanted); !reflect.DeepEqual(w.have, want) || !reflect.DeepEqual(b.Have(), want) {
			t.Fatalf("there is %v, the book has %v, want %v", w.have, b.Have(), want)
		}
	})
}

func copyOf(d lvs.Delta) lvs.Delta {
	out := lvs.Delta{All: d.All}
	for key, c := range d.Services {
		if c.Service != nil {
			s := *c.Service
			s.Servers, c.Service = maps.Clone(s.Servers), &s
		}
		c.Servers = maps.Clone(c.Servers)
		out.Put(key, c)
	}
	return out
}

// drawDelta changes a table that is wanted.
func drawDelta(t *rapid.T, wanted lvs.Table) lvs.Delta {
	table := tables().Draw(t, "table")
	if rapid.IntRange(0, 9).Draw(t, "whole") == 0 {
		return lvs.Whole(table)
	}
	var d lvs.Delta
	for key, s := range table {
		_, there := wanted[key]
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			d.Put(key, lvs.ServiceDelta{Gone: true})
			continue
		case 1:
			d.Put(key, lvs.ServiceDelta{Service: &s})
			continue
		}
		if !there {
			continue
		}
		c := lvs.ServiceDelta{Servers: map[lvs.ServerKey]lvs.Placed{}}
		for sk, server := range s.Servers {
			c.Servers[sk] = lvs.Placed{Server: server, In: rapid.Bool().Draw(t, "in")}
		}
		d.Put(key, c)
	}
	return d
}

// What a verdict costs in bytes does not depend on how large the table is.
func TestOneChangeCostsTheSameInAnyTable(t *testing.T) {
	cost := func(services, servers int) float64 {
		var b Book
		b.Take(lvs.Whole(many(services, servers)))
		b.Done()
		up := false
		return testing.AllocsPerRun(100, func() {
			up = !up
			b.Take(verdict(up))
			for range b.Steps() { // only counted
			}
			b.Done()
		})
	}
	if small, large := cost(10, 10), cost(100, 100); small != large {
		t.Errorf("%v allocations in a small table, %v in a large one", small, large)
	}
}

// verdict takes one server of many out, or in.
func verdict(up bool) lvs.Delta {
	key := lvs.ServiceKey{Addr: netip.AddrFrom4([4]byte{10, 1, 0, 1}), Port: 80, Protocol: lvs.TCP, Family: 4}
	server := lvs.ServerKey{Addr: numbered(1).Addr, Port: 8080}
	return lvs.Delta{Services: map[lvs.ServiceKey]lvs.ServiceDelta{key: {
		Servers: map[lvs.ServerKey]lvs.Placed{server: {Server: lvs.Server{Weight: 1}, In: up}}}}}
}

func BenchmarkVerdict(b *testing.B) {
	for _, size := range []struct {
		name              string
		services, servers int
	}{{"10x10", 10, 10}, {"1000x10", 1000, 10}, {"5000x10", 5000, 10}, {"1x10000", 2, 10_000}, {"1x100000", 2, 100_000}} {
		b.Run(size.name, func(b *testing.B) {
			var book Book
			book.Take(lvs.Whole(many(size.services, size.servers)))
			book.Done()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				book.Take(verdict(i%2 == 1))
				for range book.Steps() { // only counted
				}
				book.Done()
			}
		})
	}
}
