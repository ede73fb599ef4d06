package proxyd

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// TestGateCallsInTurn: each place that is free calls one of those that were
// refused, and a higher limit calls all.
func TestGateCallsInTurn(t *testing.T) {
	var called []int
	g := gate{limit: 1}
	word := func(i int) func() { return func() { called = append(called, i) } }
	if !g.enter(word(0)) || g.enter(word(1)) || g.enter(word(2)) || g.enter(word(3)) {
		t.Fatal("want room for one")
	}
	g.leave()
	if !slices.Equal(called, []int{1}) {
		t.Fatalf("called %v, want 1 alone", called)
	}
	if !g.try() {
		t.Fatal("no place after leave")
	}
	g.leave()
	if !slices.Equal(called, []int{1, 2}) {
		t.Fatalf("called %v, want 2 next", called)
	}
	g.set(2)
	if !slices.Equal(called, []int{1, 2, 3}) || g.inside() != 0 {
		t.Fatalf("called %v with %d inside, want all and 0", called, g.inside())
	}
}

// TestPlaceGoesToTheServiceWithClients: a service that waits for a place of all
// and has no client any more, or is gone itself, does not keep it from one that
// has.
func TestPlaceGoesToTheServiceWithClients(t *testing.T) {
	a := newBackend(t, "a")
	bal := balancer(t)
	bal.conns = newEngine(1, 1)
	var keys []lvs.ServiceKey
	want := lvs.Table{}
	for range 4 {
		key := serviceAt(free(t, "tcp"), lvs.TCP)
		keys = append(keys, key)
		want[key] = lvs.Service{Scheduler: "rr", Servers: weights{a.key: {Weight: 1}}}
	}
	if _, err := bal.Apply(want); err != nil {
		t.Fatal(err)
	}
	first := dialTo(t, keys[0])
	if got := first.ask(); got != "a" {
		t.Fatalf("answer of %q, want a", got)
	}
	answers := make(chan string, 2)
	for _, c := range []*client{dialTo(t, keys[1]), dialTo(t, keys[3])} {
		go func() { // one of them has the place, and then the other
			_, _ = fmt.Fprintln(c, "hello")
			line, _ := c.r.ReadString('\n')
			answers <- line
			_ = c.Close()
		}()
	}
	_ = dialTo(t, keys[2]).Close()
	delete(want, keys[2]) // a service that waits and is gone passes the place on
	if _, err := bal.Apply(want); err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	for range 2 {
		if line := <-answers; !strings.HasPrefix(line, "a ") {
			t.Errorf("answer of %q after a place was free, want a's", line)
		}
	}
	eventually(t, "all is given back", func() bool { return bal.conns.place.inside() == 0 })
}

// TestLimitOfAllServices: whoever is too many waits, whichever service it is,
// and the operator is told once.
func TestLimitOfAllServices(t *testing.T) {
	a := newBackend(t, "a")
	one, other := serviceAt(free(t, "tcp"), lvs.TCP), serviceAt(free(t, "tcp"), lvs.TCP)
	var told []string
	bal := NewBalancer(func(key lvs.ServiceKey, _ slog.Level, what string) {
		if !key.Addr.IsValid() {
			told = append(told, what)
		}
	})
	t.Cleanup(bal.Close)
	bal.SetLimit(2)
	servers := weights{a.key: {Weight: 1}}
	if _, err := bal.Apply(lvs.Table{one: {Scheduler: "rr", Servers: servers}, other: {Scheduler: "rr", Servers: servers}}); err != nil {
		t.Fatal(err)
	}
	first, second := dialTo(t, one), dialTo(t, one)
	if first.ask() != "a" || second.ask() != "a" {
		t.Fatal("no answer within the limit")
	}
	third, said := dialTo(t, other), make(chan string, 1)
	go func() { said <- third.ask() }()
	eventually(t, "the third finds no place", bal.conns.full.Load)
	bal.sayFull()
	bal.conns.full.Store(true)
	bal.sayFull()
	if len(told) != 1 || !strings.HasPrefix(told[0], "All 2 connections are in use") {
		t.Errorf("told %q, want once that all are in use", told)
	}
	select {
	case got := <-said:
		t.Errorf("the third has %q already", got)
	default:
	}
	_ = first.Close()
	if got := <-said; got != "a" {
		t.Errorf("answer of %q, want a", got)
	}
	fourth := dialTo(t, one)
	go func() { said <- fourth.ask() }()
	bal.SetLimit(10)
	if got := <-said; got != "a" {
		t.Errorf("answer of %q under a higher limit, want a", got)
	}
}

// TestShareOfFewDescriptors: what is given out is there, and somewhat remains.
func TestShareOfFewDescriptors(t *testing.T) {
	for _, files := range []int{minFiles, 256, 1024, 4096, 65536} {
		l := shareOf(files, defaultConnections)
		if used := 2*l.conns + 2*l.pipes + l.sessions; l.conns < 1 || l.pipes < 1 || l.sessions < 1 || used > files-files/8 {
			t.Errorf("of %d descriptors %+v are given out", files, l)
		}
	}
	if l := share(7); l.conns != 7 {
		t.Errorf("%d connections, want the 7 that were asked for", l.conns)
	}
}
