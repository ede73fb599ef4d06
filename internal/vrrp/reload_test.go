package vrrp

import (
	"net/netip"
	"reflect"
	"testing"
	"time"
)

func named(name string, vrid VRID, p Priority) RouterConfig {
	c := plain(p)
	c.Name, c.VRID = name, vrid
	return c
}

func routers(cs ...RouterConfig) Config { return Config{Routers: cs} }

func TestReloadKeepsWhatIsThere(t *testing.T) {
	n := NewNode(routers(named("A", 1, 150), named("B", 2, 150), named("C", 3, 150)))
	n.Step(0, Start{})
	n.Step(at(down150), Tick{})
	n.Step(at(4*time.Second), Heard{Router: 2, Source: them, Local: us, Priority: 200})

	changed := named("A", 1, 140)
	expect(t, "reload", n.Step(at(5*time.Second), Reconfigure{Config: routers(named("C", 3, 150), named("D", 4, 150), changed)}),
		"1 send 0; 1 INIT: no longer configured; renumbered [2 -1 0]; "+
			"2 tell Changing effective priority from 150 to 140: configuration reloaded; 2 send 140; 1 BACKUP: started")
	for i, want := range []State{Backup, Backup, Active} {
		if got := n.Router(i).State; got != want {
			t.Errorf("router %d is in %v, want %v", i, got, want)
		}
	}
	deadline(t, n, 6*time.Second) // A's advert; C is heard of until 4 s + 3.414 s
	n.Step(at(6*time.Second), Tick{})
	deadline(t, n, 7*time.Second)
	n.Step(at(7*time.Second), Tick{})
	deadline(t, n, 4*time.Second+down150)
}

func TestReloadOfTheSameDoesNothing(t *testing.T) {
	cfg := pair(plain(150), plain(100))
	n := NewNode(cfg)
	n.Step(0, Start{})
	n.Step(0, Track{Name: "interface eth0", Up: true})
	n.Step(0, Track{Name: "interface eth1", Up: true})
	n.Step(at(4*time.Second), Tick{})
	before, _ := n.Deadline()
	if n.Router(0).State != Active {
		t.Fatalf("state %v", n.Router(0).State)
	}
	expect(t, "reload", n.Step(at(4100*time.Millisecond), Reconfigure{Config: cfg}), "renumbered [0 1]")
	if after, _ := n.Deadline(); after != before {
		t.Errorf("deadline moved from %v to %v", before, after)
	}
	expect(t, "tracks are known still", n.Step(at(4200*time.Millisecond), Track{Name: "interface eth0", Up: true}), "")
}

func TestReloadOfTracks(t *testing.T) {
	c := named("A", 1, 100)
	c.Tracks = []TrackRef{{Name: "interface eth0"}}
	n := NewNode(routers(c))
	n.Step(0, Start{})
	n.Step(0, Track{Name: "interface eth0", Why: "no carrier"})
	expect(t, "what forbade is gone", n.Step(at(time.Second), Reconfigure{Config: routers(named("A", 1, 100))}),
		"renumbered [0]; 0 BACKUP: configuration reloaded")
	expect(t, "it returns, unknown: nothing is upset", n.Step(at(2*time.Second), Reconfigure{Config: routers(c)}), "renumbered [0]")
	expect(t, "and is down", n.Step(at(3*time.Second), Track{Name: "interface eth0", Why: "no carrier"}),
		"0 FAULT: interface eth0 is down: no carrier")
}

// A router that joins the group of active ones is active with them; one that
// may not take part takes them all along.
func TestReloadIntoAGroup(t *testing.T) {
	n := NewNode(routers(named("VI_1", 51, 150)))
	n.Step(0, Start{})
	n.Step(at(down150), Tick{})
	cfg := pair(plain(150), plain(150))
	cfg.Routers[0].Tracks, cfg.Routers[1].Tracks = nil, nil
	expect(t, "join", n.Step(at(4*time.Second), Reconfigure{Config: cfg}),
		"renumbered [0 -1]; 1 send 150; 1 MASTER: group G: member VI_1 is in MASTER; group 0 MASTER: configuration reloaded")
	cfg.Groups = nil
	expect(t, "part", n.Step(at(5*time.Second), Reconfigure{Config: cfg}), "renumbered [0 1]")
}

func TestReloadChangesIntervals(t *testing.T) {
	n := NewNode(routers(named("A", 1, 150)))
	n.Step(0, Start{})
	c := named("A", 1, 150)
	c.Advert = 2 * time.Second
	n.Step(at(time.Second), Reconfigure{Config: routers(c)})
	deadline(t, n, 3*time.Second+down150) // still counted from the start
	n.Step(at(3*time.Second+down150), Tick{})
	c.Advert = 100 * time.Millisecond
	expect(t, "active", n.Step(at(7*time.Second), Reconfigure{Config: routers(c)}), "renumbered [0]; 0 send 150")
	deadline(t, n, 7100*time.Millisecond)
}

// A router whose configuration has another value anywhere is not the same.
func TestEveryFieldOfARouterCounts(t *testing.T) {
	var c RouterConfig
	if o := c; !c.same(&o) {
		t.Error("nothing changed, and they differ")
	}
	for i := range reflect.TypeFor[RouterConfig]().NumField() {
		o := c
		f := reflect.ValueOf(&o).Elem().Field(i)
		if f.Kind() == reflect.Slice {
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		} else {
			change(t, f)
		}
		if c.same(&o) {
			t.Errorf("another %s is not noticed", reflect.TypeFor[RouterConfig]().Field(i).Name)
		}
	}
}

// change gives a value another one than zero.
func change(t *testing.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.Struct:
		change(t, v.Field(0))
	default:
		t.Fatalf("no other value of %s is known", v.Type())
	}
}

// Whom a router continues is the same wherever in the file others come and go.
func TestMatch(t *testing.T) {
	named := func(names string) (cs []RouterConfig) {
		for _, n := range names {
			cs = append(cs, RouterConfig{Name: string(n), VRID: 1, Addresses: []netip.Addr{us}})
		}
		return cs
	}
	for _, c := range []struct {
		have, want string
		from       []int
	}{
		{"", "", []int{}}, {"", "a", []int{-1}}, {"a", "", []int{}}, {"abc", "abc", []int{0, 1, 2}},
		{"abc", "ac", []int{0, 2}}, {"ac", "abc", []int{0, -1, 1}}, {"abcd", "acbd", []int{0, 2, 1, 3}},
		{"abc", "bc", []int{1, 2}}, {"abc", "ab", []int{0, 1}}, {"abc", "cba", []int{2, 1, 0}}, {"a", "aa", []int{0, -1}}, {"aa", "a", []int{0}},
	} {
		if got := Match(named(c.have), named(c.want)); !reflect.DeepEqual(got, c.from) {
			t.Errorf("%q to %q: %v, want %v", c.have, c.want, got, c.from)
		}
	}
}

// A group whose active member leaves it begins anew with those that stay and of
// which nothing is known yet; so it is told.
func TestReloadLeavesAGroupInInit(t *testing.T) {
	cfg := pair(plain(150), plain(150))
	cfg.Routers[0].Tracks, cfg.Routers[1].Tracks = nil, nil
	n := NewNode(cfg)
	n.Step(0, Start{})
	n.Step(at(down150), Tick{})
	if n.Group(0).State != Active {
		t.Fatalf("state %v", n.Group(0).State)
	}
	other := named("VI_3", 53, 150)
	other.Tracks = []TrackRef{{Name: "interface eth2"}}
	cfg.Routers = append(cfg.Routers, other)
	cfg.Groups[0].Members = []string{"VI_3"}
	expect(t, "reload", n.Step(at(4*time.Second), Reconfigure{Config: cfg}), "renumbered [0 1 -1]; group 0 INIT: started")
}
