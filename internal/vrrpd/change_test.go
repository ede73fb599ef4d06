package vrrpd

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/kernel"
)

// drawFile is up to five instances that share interfaces, addresses and routes,
// in any order, and what is static.
func drawFile(t *rapid.T) *conf.Config {
	some := func(what string, of ...string) (out []string) {
		for _, s := range of {
			if rapid.Bool().Draw(t, what) {
				out = append(out, s)
			}
		}
		return out
	}
	c := &conf.Config{}
	for n := range 5 {
		if !rapid.Bool().Draw(t, "there") {
			continue
		}
		i := instance(fmt.Sprint("VI_", n), 51+n, rapid.SampledFrom([]int{100, 150, 255}).Draw(t, "priority"),
			some("address", "192.0.2.100/24", "192.0.2.101/24", "192.0.2.11/24", "198.51.100.1/32")...)
		i.Interface = rapid.SampledFrom([]string{"eth0", "eth0", "eth1", "eth7"}).Draw(t, "interface")
		i.StateMaster = rapid.Bool().Draw(t, "master")
		for _, s := range some("excluded", "192.0.2.110/24", "10.0.0.1/8") {
			a := prefix(s)
			a.Label = rapid.SampledFrom([]string{"", "eth0:1", "eth0:2"}).Draw(t, "label")
			i.Excluded = append(i.Excluded, a)
		}
		for _, s := range some("route", "203.0.113.0/24 via 192.0.2.1 dev eth0", "203.0.113.0/25 via 192.0.2.2 dev eth0", "203.0.113.64/26 dev eth9") {
			i.Routes = append(i.Routes, conf.Route{Words: strings.Fields(s), Pos: conf.Pos{Line: rapid.Int().Draw(t, "line")}})
		}
		for _, s := range some("rule", "from 192.0.2.100 table 7", "from 192.0.2.101 table 8") {
			i.Rules = append(i.Rules, conf.Route{Words: strings.Fields(s)})
		}
		c.Instances = append(c.Instances, i)
	}
	c.Instances = rapid.Permutation(c.Instances).Draw(t, "order")
	for _, s := range some("static", "192.0.2.12/24", "192.0.2.100/24") {
		a := prefix(s)
		a.Dev = "eth0"
		c.StaticAddresses = append(c.StaticAddresses, a)
	}
	return c
}

// found is where a daemon believes that everything is; of what several have, who
// has it, in whatever order.
func (b *bench) found(sources bool) string {
	names := func(edges []*edge) string {
		var out []string
		for _, e := range edges {
			out = append(out, e.Name)
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	var s []string
	for _, e := range b.holders() {
		if sources {
			s = append(s, fmt.Sprint(e.Name, e.source, e.problem))
		}
		s = append(s, fmt.Sprint(e.Name, e.index, e.onLink, e.spoken, e.fits))
		for _, h := range e.holds {
			h.away, h.counted = false, false
			s = append(s, fmt.Sprintf(" %+v", h))
		}
		for _, r := range e.routes {
			s = append(s, fmt.Sprintf(" %v %v", r.key, r.problem))
		}
	}
	for k, o := range b.owners {
		s = append(s, fmt.Sprint("address ", k, names(o)))
	}
	for k, o := range b.routeOwners {
		s = append(s, fmt.Sprint("route ", k, names(o)))
	}
	for k, o := range b.ruleOwners {
		s = append(s, fmt.Sprint("rule ", k, names(o)))
	}
	for k, n := range b.virtual {
		s = append(s, fmt.Sprint("virtual ", k, n))
	}
	for k, e := range b.routers {
		s = append(s, fmt.Sprint("router ", k, e.Name))
	}
	slices.Sort(s)
	return strings.Join(s, "\n")
}

// However configurations follow one another, what a reload looks at is enough:
// a look at everything finds the same, and the kernel has it. Adverts and
// takeovers in the midst of it change nothing of that.
func TestReloadsLookAtEnough(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := start(t, drawFile(rt))
		defer func() { b.yield = func() {} }()
		for range rapid.IntRange(1, 4).Draw(rt, "reloads") {
			b.yield = func() {}
			b.pass(time.Duration(rapid.IntRange(0, 4).Draw(rt, "seconds")) * time.Second)
			if rapid.IntRange(0, 4).Draw(rt, "stranger") == 0 {
				p := netip.MustParsePrefix(rapid.SampledFrom([]string{"192.0.2.100/24", "192.0.2.11/24"}).Draw(rt, "address"))
				b.changed(b.kernel.Take(kernel.Key(1, p)))
				b.moved = true
				b.yield = func() { b.pass(time.Duration(rapid.IntRange(0, 3).Draw(rt, "in the midst")) * time.Second) }
				b.settle()
				b.yield = func() {}
				b.looksAtAll(rt, false)
			}
			b.kernel.Told()
			early := rapid.Bool().Draw(rt, "early")
			b.yield = func() {
				if early && b.kernel.Told() == "" {
					b.looksAtAll(rt, true)
				}
				early = false
				b.pass(time.Duration(rapid.IntRange(0, 3).Draw(rt, "in the midst")) * time.Second)
			}
			before := b.counted()
			b.adopt(build.FromVRRP(drawFile(rt)))
			for name, n := range b.counted() {
				if had, ok := before[name]; ok && n < had {
					rt.Fatalf("%x had sent %d adverts, and now %d", name, had, n)
				}
			}
			b.looksAtAll(rt, false)
			b.kernel.Told()
			b.compareAll()
			if told := b.kernel.Told(); told != "" {
				rt.Fatalf("the kernel lacked\n%s", told)
			}
		}
	})
}

// looksAtAll compares what is known with what a look at everything finds. Where
// the kernel's addresses have changed since, that may be another source.
func (b *bench) looksAtAll(t interface {
	Fatalf(format string, args ...any)
}, sources bool) {
	some := b.found(sources)
	b.locateAll()
	if all := b.found(sources); all != some {
		t.Fatalf("a look at everything finds\n%s\nnot\n%s", all, some)
	}
}

// counted is how many adverts each router has sent, by what it is.
func (b *bench) counted() map[uint64]uint64 {
	out := map[uint64]uint64{}
	for _, e := range b.edges {
		out[identity(e.Router)] = e.counters.sent
	}
	return out
}

// One changed among many is all that is touched: no place is looked for again,
// no socket, and the others' edges, counters and deadlines are what they were.
func TestAReloadTouchesWhatChanges(t *testing.T) {
	var all []*conf.VRRPInstance
	for i := range 100 {
		all = append(all, instance(fmt.Sprint("VI_", i), i+1, 100, fmt.Sprintf("192.0.2.%d/24", 100+i)))
	}
	b := start(t, config(all...))
	b.pass(4500 * time.Millisecond)
	b.net.take()
	b.kernel.Told()
	edges, wants, counted := slices.Clone(b.edges), b.net.wants, b.counted()
	next := *all[50]
	next.Priority = 101
	all[50] = &next
	c := b.workOut(build.FromVRRP(config(all...)))
	if len(c.altered)+len(c.gone)+len(c.holders) != 0 || c.static || c.shared || c.whole {
		t.Errorf("a priority alters %d edges: %+v", len(c.altered), c)
	}
	b.daemon.adopt(c)
	b.want("adverts", b.net.take(), "VI_50 101 to 224.0.0.18")
	b.want("written", b.kernel.Told(), "")
	counted[identity(b.edges[50].Router)]++
	if !slices.Equal(edges, b.edges) || b.net.wants != wants || !maps.Equal(counted, b.counted()) {
		t.Error("others were touched")
	}

	next.Addresses = append(slices.Clone(next.Addresses), prefix("192.0.2.250/24"))
	c = b.workOut(build.FromVRRP(config(all...)))
	if len(c.altered) != 1 || c.altered[0].e.Name != "VI_50" {
		t.Errorf("an address alters %d edges", len(c.altered))
	}
	b.daemon.adopt(c)
	b.want("written", b.kernel.Told(), "ip addr add 192.0.2.250/24 dev eth0")
	b.want("adverts", b.net.take(), "VI_50 101 to 224.0.0.18")
}

// Where things stand in the file is nothing to a reload.
func TestLinesThatMoveAlterNothing(t *testing.T) {
	file := func(line int) build.VRRP {
		i := instance("VI_1", 51, 100, "192.0.2.100/24")
		i.Addresses[0].Pos.Line = line
		i.Routes = []conf.Route{{Words: strings.Fields("203.0.113.0/24 via 192.0.2.1 dev eth0"), Pos: conf.Pos{Line: line + 1}}}
		i.Notify.Any = &conf.Command{Argv: []string{"/bin/true"}}
		return build.FromVRRP(config(i))
	}
	b := newBench(t)
	b.begin(file(7))
	if c := b.workOut(file(8)); len(c.altered) != 0 || c.static || c.shared {
		t.Errorf("altered: %+v", c)
	}
	if reflect.DeepEqual(file(7), file(8)) {
		t.Error("positions are the same, and this proves nothing")
	}
}

// What a thousand routers that stay as they are cost to find out is a few tables
// as long as there are routers, and nothing for each of them: garbage would be
// collected while adverts are due.
func TestRoutersThatStayCostNoGarbage(t *testing.T) {
	const n = 1000
	b := newBench(t)
	b.begin(multitude(n, 100))
	next := multitude(n, 101)
	if got := testing.AllocsPerRun(5, func() { b.workOut(next) }); got > n/10 {
		t.Errorf("%v allocations for one router of %d that is changed", got, n)
	}
}

// Nor does looking whether the kernel has what a thousand routers want, which
// their adverts interrupt.
func TestComparingAllCostsNoGarbage(t *testing.T) {
	b := newBench(t)
	b.begin(multitude(1000, 100))
	b.pass(time.Second)
	b.kernel.Told()
	if got := testing.AllocsPerRun(5, b.compareAll); got > 10 {
		t.Errorf("%v allocations", got)
	}
	b.want("written", b.kernel.Told(), "")
}
