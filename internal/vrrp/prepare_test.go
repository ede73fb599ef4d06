package vrrp

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// all makes a prepared configuration one that looks at every router and unit,
// whether anything changes for it or not.
func (p *Prepared) all(n *Node) *Prepared {
	p.moved, p.changed, p.touched = true, nil, p.units
	p.watch(n)
	for i, r := range p.routers {
		c := changed{r: r}
		if at := p.from[i]; at >= 0 {
			c.was = &n.cfg.Routers[at]
		}
		p.changed = append(p.changed, c)
	}
	return p
}

// Looking only at what changes comes to the same as looking at everything, then
// and ever after.
func TestAReloadLooksAtEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := drawConfig(t)
		some, all := NewNode(cfg), NewNode(cfg)
		now := clock.Instant(1)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "pass")) * time.Millisecond)
			ev := drawEvent(t)
			other := ev
			if r, ok := ev.(Reconfigure); ok {
				if rapid.Bool().Draw(t, "only one") {
					r.Config = cfg
					r.Config.Routers = slices.Clone(cfg.Routers)
					if len(cfg.Routers) > 0 {
						r.Config.Routers[0].Priority = Priority(rapid.IntRange(1, 255).Draw(t, "new priority"))
					}
				}
				cfg, ev = r.Config, r
				other = Reconfigure{Config: cfg, Prepared: all.Prepare(cfg).all(all)}
			}
			for _, e := range [][2]Event{{ev, other}, {Tick{}, Tick{}}} {
				a, b := slices.Clone(some.Step(now, e[0])), all.Step(now, e[1])
				if !reflect.DeepEqual(a, slices.Clone(b)) {
					t.Fatalf("%T: %+v\nwith a look at everything %+v", e[0], a, b)
				}
			}
			for i := range some.Routers() {
				if a, b := some.Router(i), all.Router(i); !reflect.DeepEqual(a, b) {
					t.Fatalf("router %d: %+v\nwith a look at everything %+v", i, a, b)
				}
			}
			for i := range some.Groups() {
				if a, b := some.Group(i), all.Group(i); !reflect.DeepEqual(a, b) {
					t.Fatalf("group %d: %+v\nwith a look at everything %+v", i, a, b)
				}
			}
		}
	})
}

// A configuration that was prepared for another one than runs is prepared anew.
func TestWhatWasPreparedForAnother(t *testing.T) {
	n := NewNode(routers(named("A", 1, 150)))
	n.Step(0, Start{})
	late := routers(named("A", 1, 150), named("B", 2, 150))
	p := n.Prepare(late)
	n.Step(1, Reconfigure{Config: routers(named("C", 3, 150), named("A", 1, 150))})
	expect(t, "the late one", n.Step(2, Reconfigure{Config: late, Prepared: p}),
		"0 INIT: no longer configured; renumbered [1 -1]; 1 BACKUP: started")
	if a, b := n.Router(0).Name, n.Router(1).Name; a != "A" || b != "B" {
		t.Errorf("routers %s and %s", a, b)
	}
}

// Among 1,000 routers, one that changes is all that a reload looks at.
func TestAReloadIsOfWhatChanges(t *testing.T) {
	n, now := many(Active)
	cfg := n.cfg
	cfg.Routers = slices.Clone(cfg.Routers)
	cfg.Routers[500].Priority--
	p := n.Prepare(cfg)
	if len(p.changed) != 1 || len(p.touched) != 1 || len(p.users) != 0 || p.moved {
		t.Errorf("%d routers changed, %d units and %d objects touched, moved: %v", len(p.changed), len(p.touched), len(p.users), p.moved)
	}
	before, _ := n.Deadline()
	ev := Event(Reconfigure{Config: cfg, Prepared: p})
	if a := n.Step(now, ev); len(a) != 3 { // renumbered, told of the priority, sent
		t.Errorf("%d actions: %+v", len(a), a)
	}
	if after, _ := n.Deadline(); after != before {
		t.Errorf("the next deadline moved by %v", after.Sub(before))
	}
}
