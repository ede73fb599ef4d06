// Package directortest is the suite of promises that every director keeps,
// whatever is behind it. An engine's own tests call Run; what only that engine
// promises is tested beside it.
package directortest

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// Options say what the director under test can do and where.
type Options struct {
	// Open makes a director with nothing of ours in it. It is closed by Run.
	Open func(t *testing.T) director.Director
	// Keys are at least four services that may be set, all different.
	Keys []lvs.ServiceKey
	// Schedulers are at least two that it knows.
	Schedulers []string
	// World, if not nil, looks past the director at what is really there.
	World func(t *testing.T) lvs.Table
}

// Run runs the suite.
func Run(t *testing.T, o Options) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"starts with nothing", startsWithNothing},
		{"read equals set", readEqualsSet},
		{"setting again changes nothing", idempotent},
		{"only the difference is written", onlyTheDifference},
		{"an empty table removes all", emptyRemovesAll},
		{"from any table to any other", anyToAny},
		{"changes add up to the table", changesAddUp},
		{"close removes what is ours", closeRemoves},
		{"close may keep what is ours", closeKeeps},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.run(t, &bench{t: t, o: o, d: o.Open(t)})
		})
	}
}

type bench struct {
	t *testing.T
	o Options
	d director.Director
}

func (b *bench) set(want lvs.Table) director.Changes {
	b.t.Helper()
	return b.change(lvs.Whole(want))
}

func (b *bench) change(d lvs.Delta) director.Changes {
	b.t.Helper()
	changes, err := b.d.Set(context.Background(), d)
	if err != nil {
		b.t.Fatalf("Set: %v", err)
	}
	return changes
}

// sees compares Read, and the world if we can look at it, with want.
func (b *bench) sees(want lvs.Table) {
	b.t.Helper()
	have, err := b.d.Read(context.Background())
	if err != nil {
		b.t.Fatalf("Read: %v", err)
	}
	Same(b.t, "Read", have, want)
	if b.o.World != nil {
		Same(b.t, "the world", b.o.World(b.t), want)
	}
}

func (b *bench) close() {
	b.t.Helper()
	if err := b.d.Close(context.Background(), false); err != nil {
		b.t.Errorf("Close: %v", err)
	}
}

// Same fails the test where two tables differ in meaning.
func Same(t *testing.T, who string, have, want lvs.Table) {
	t.Helper()
	have, want = director.CanonicalTable(have), director.CanonicalTable(want)
	if reflect.DeepEqual(have, want) {
		return
	}
	for _, op := range director.Diff(have, want) {
		t.Errorf("%s differs from what was set: %+v", who, op)
	}
	if !t.Failed() {
		t.Errorf("%s: have %v, want %v", who, have, want)
	}
}

func server(n byte) lvs.ServerKey {
	return lvs.ServerKey{Addr: netip.AddrFrom4([4]byte{127, 0, 9, n}), Port: 8080}
}

// table is two services with three servers each.
func (b *bench) table() lvs.Table {
	t := lvs.Table{}
	for i, key := range b.o.Keys[:2] {
		t[key] = lvs.Service{Scheduler: b.o.Schedulers[i], Servers: map[lvs.ServerKey]lvs.Server{
			server(1): {Weight: 1}, server(2): {Weight: 2}, server(3): {Weight: 0},
		}}
	}
	return t
}

func startsWithNothing(_ *testing.T, b *bench) {
	defer b.close()
	b.sees(lvs.Table{})
}

func readEqualsSet(_ *testing.T, b *bench) {
	defer b.close()
	want := b.table()
	if got := b.set(want); got != (director.Changes{Added: 8}) {
		b.t.Errorf("two services with three servers each: %+v, want 8 added", got)
	}
	b.sees(want)
}

func idempotent(_ *testing.T, b *bench) {
	defer b.close()
	b.set(b.table())
	if got := b.set(b.table()); got != (director.Changes{}) {
		b.t.Errorf("the same table again: %+v, want nothing", got)
	}
	b.sees(b.table())
}

func onlyTheDifference(t *testing.T, b *bench) {
	defer b.close()
	want := b.table()
	b.set(want)
	first, second, third := b.o.Keys[0], b.o.Keys[1], b.o.Keys[2]
	steps := []struct {
		name string
		do   func()
		want director.Changes
	}{
		{"another weight", func() { want[first].Servers[server(1)] = lvs.Server{Weight: 7} }, director.Changes{Changed: 1}},
		{"a server replaced", func() {
			delete(want[first].Servers, server(2))
			want[first].Servers[server(4)] = lvs.Server{Weight: 1}
		}, director.Changes{Added: 1, Removed: 1}},
		{"thresholds", func() {
			want[first].Servers[server(4)] = lvs.Server{Weight: 1, Upper: 100, Lower: 50}
		}, director.Changes{Changed: 1}},
		{"another scheduler", func() {
			s := want[first]
			s.Scheduler = b.o.Schedulers[1]
			want[first] = s
		}, director.Changes{Changed: 1}},
		{"persistence", func() {
			s := want[first]
			s.Persistence = 50 * time.Second
			want[first] = s
		}, director.Changes{Changed: 1}},
		{"a service less", func() { delete(want, second) }, director.Changes{Removed: 1}},
		{"a service without servers", func() { want[third] = lvs.Service{Scheduler: b.o.Schedulers[0]} }, director.Changes{Added: 1}},
	}
	for _, s := range steps {
		s.do()
		if got := b.set(want); got != s.want {
			t.Errorf("%s: %+v, want %+v", s.name, got, s.want)
		}
		b.sees(want)
	}
}

func emptyRemovesAll(_ *testing.T, b *bench) {
	defer b.close()
	b.set(b.table())
	b.set(lvs.Table{})
	b.sees(lvs.Table{})
}

// anyToAny walks through random tables with a seed of its own.
func anyToAny(t *testing.T, b *bench) {
	defer b.close()
	rng := rand.New(rand.NewPCG(7, 8))
	have := lvs.Table{}
	for range 30 {
		want := b.random(rng)
		expect := between(have, want)
		if got := b.set(want); got != expect {
			t.Errorf("%+v were written, want %+v", got, expect)
		}
		b.sees(want)
		have = want
	}
}

// changesAddUp gives random changes, of which some are told together: the table
// is what they add up to, and only what is different is written.
func changesAddUp(t *testing.T, b *bench) {
	defer b.close()
	rng := rand.New(rand.NewPCG(9, 10))
	want, told := b.random(rng), lvs.Delta{}
	b.set(want)
	have := director.Clone(want)
	for range 60 {
		one := b.randomChange(rng, want)
		want.Apply(copyOf(one))
		told.Merge(one)
		if rng.IntN(3) == 0 {
			continue
		}
		expect := between(have, want)
		if got := b.change(told); got != expect {
			t.Errorf("%+v were written, want %+v", got, expect)
		}
		b.sees(want)
		told, have = lvs.Delta{}, director.Clone(want)
	}
}

// between is how much is different from one table to another.
func between(have, want lvs.Table) (c director.Changes) {
	for _, op := range director.Diff(director.CanonicalTable(have), director.CanonicalTable(want)) {
		c.Count(op)
	}
	return c
}

// randomChange changes servers of services that are there, and now and then
// whole services.
func (b *bench) randomChange(rng *rand.Rand, have lvs.Table) (d lvs.Delta) {
	for key, s := range b.random(rng) {
		_, there := have[key]
		switch rng.IntN(6) {
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
			c.Servers[sk] = lvs.Placed{Server: server, In: rng.IntN(3) > 0}
		}
		d.Put(key, c)
	}
	return d
}

// copyOf shares nothing with d.
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

func (b *bench) random(rng *rand.Rand) lvs.Table {
	t := lvs.Table{}
	for _, key := range b.o.Keys {
		if rng.IntN(3) == 0 {
			continue
		}
		s := lvs.Service{Scheduler: b.o.Schedulers[rng.IntN(len(b.o.Schedulers))], Servers: map[lvs.ServerKey]lvs.Server{}}
		if rng.IntN(3) == 0 {
			s.Persistence = time.Duration(1+rng.IntN(100)) * time.Second
		}
		for n := range byte(6) {
			if rng.IntN(2) == 0 {
				s.Servers[server(n+1)] = lvs.Server{Weight: rng.IntN(4), Upper: uint32(rng.IntN(2) * 10)}
			}
		}
		t[key] = s
	}
	return t
}

func closeRemoves(t *testing.T, b *bench) {
	b.set(b.table())
	b.close()
	if b.o.World == nil {
		t.Skip("nobody can look at this director's world after it has closed")
	}
	Same(t, "the world after Close", b.o.World(t), lvs.Table{})
}

func closeKeeps(t *testing.T, b *bench) {
	want := b.table()
	b.set(want)
	if err := b.d.Close(context.Background(), true); err != nil {
		t.Errorf("Close: %v", err)
	}
	if b.o.World == nil {
		t.Skip("nobody can look at this director's world after it has closed")
	}
	Same(t, "the world after Close", b.o.World(t), want)
	// What was left behind is taken over: nothing is written, and it can go.
	b.d = b.o.Open(t)
	if got := b.set(maps.Clone(want)); got != (director.Changes{}) {
		t.Errorf("taking over the same table: %+v, want nothing", got)
	}
	b.close()
	Same(t, "the world after the second Close", b.o.World(t), lvs.Table{})
}
