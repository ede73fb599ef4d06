package vrrp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

var trackNames = []string{"interface eth0", "script a", "script b"}

func drawRefs(t *rapid.T) []TrackRef {
	var refs []TrackRef
	for _, name := range trackNames {
		if rapid.Bool().Draw(t, name) {
			refs = append(refs, TrackRef{Name: name, Weight: rapid.IntRange(-2, 2).Draw(t, "weight") * 60, Reverse: rapid.Bool().Draw(t, "reverse")})
		}
	}
	return refs
}

// drawConfig is up to four routers, some in a group.
func drawConfig(t *rapid.T) Config {
	var c Config
	ms := func(most int, what string) time.Duration {
		return time.Duration(rapid.IntRange(0, most).Draw(t, what)) * time.Millisecond
	}
	var members []string
	for i := range rapid.IntRange(0, 4).Draw(t, "routers") {
		name := fmt.Sprint("VI_", i)
		c.Routers = append(c.Routers, RouterConfig{
			Name: name, Interface: "eth0", VRID: VRID(i + 1), Version: rapid.IntRange(2, 3).Draw(t, "version"),
			Priority: Priority(rapid.IntRange(1, 255).Draw(t, "priority")),
			Advert:   10*time.Millisecond + ms(3000, "advert"), DownAdverts: rapid.IntRange(0, 5).Draw(t, "down"),
			Preempt: rapid.Bool().Draw(t, "preempt"), PreemptDelay: ms(2000, "preempt delay"),
			StartActive: rapid.Bool().Draw(t, "master"), LowerPrioNoAdvert: rapid.Bool().Draw(t, "quiet"),
			HigherPrioSendAdvert: rapid.Bool().Draw(t, "last word"),
			GARP:                 GARP{ms(3000, "garp"), ms(500, "refresh"), ms(500, "lower"), 2, 1, rapid.IntRange(0, 1).Draw(t, "repeat")},
			Tracks:               drawRefs(t),
		})
		if rapid.Bool().Draw(t, "member") {
			members = append(members, name)
		}
	}
	if len(members) > 0 {
		c.Groups = []GroupConfig{{"G", members, drawRefs(t), rapid.Bool().Draw(t, "tracking weight")}}
	}
	c.StartupDelay = ms(1000, "startup delay")
	return c
}

func drawEvent(t *rapid.T) Event {
	switch rapid.IntRange(0, 12).Draw(t, "event") {
	case 0, 1, 2, 3:
		return Tick{}
	case 4, 5, 6, 7:
		return Heard{
			Router: rapid.IntRange(-1, 4).Draw(t, "router"), Local: us,
			Source:   netip.AddrFrom4([4]byte{192, 0, 2, rapid.Uint8Range(0, 2).Draw(t, "source")}),
			Priority: Priority(rapid.Byte().Draw(t, "priority")),
			Advert:   time.Duration(rapid.IntRange(0, 5).Draw(t, "interval")) * 500 * time.Millisecond,
		}
	case 8, 9:
		return Track{Name: rapid.SampledFrom(trackNames).Draw(t, "name"), Up: rapid.Bool().Draw(t, "up")}
	case 10:
		slept := time.Duration(rapid.IntRange(0, 5000).Draw(t, "slept")) * time.Millisecond
		return rapid.SampledFrom([]Event{Woke{Slept: slept}, Woke{slept, slept}, Drained{}, Drained{Lost: "much"}}).Draw(t, "sleep")
	case 11:
		return Reconfigure{Config: drawConfig(t)}
	default:
		return rapid.SampledFrom([]Event{Start{}, Start{}, Stop{}}).Draw(t, "turn")
	}
}

// follow checks that actions make sense to somebody who sees nothing else:
// every transition begins where the last one ended, nobody advertises or
// announces who is not active or about to be, and who goes says so.
func follow(t *rapid.T, states map[int]State, as []Action) map[int]State {
	resigned := map[int]bool{}
	for i, a := range as {
		switch a := a.(type) {
		case Become:
			if states[a.Router] != a.From || a.From == a.To || a.Cause == nil {
				t.Fatalf("%+v, but it was in %v", a, states[a.Router])
			}
			if leaves := a.From == Active && a.To != Backup; leaves != resigned[a.Router] {
				t.Fatalf("%+v, resigned %v", a, resigned[a.Router])
			}
			states[a.Router] = a.To
		case Send:
			resigned[a.Router] = a.Priority == 0
			next, _ := as[min(i+1, len(as)-1)].(Become)
			if states[a.Router] != Active && (next.Router != a.Router || next.To != Active) {
				t.Fatalf("%+v in %v", a, states[a.Router])
			}
		case Announce:
			if states[a.Router] != Active || a.Repeat <= 0 {
				t.Fatalf("%+v in %v", a, states[a.Router])
			}
		case Renumbered:
			next := map[int]State{}
			for i, from := range a.From {
				next[i] = Init
				if from >= 0 {
					next[i] = states[from]
					delete(states, from)
				}
			}
			for i, s := range states {
				if s != Init {
					t.Fatalf("router %d vanished in %v", i, s)
				}
			}
			states, resigned = next, map[int]bool{}
		}
	}
	return states
}

func TestAnythingMayHappen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := drawConfig(t)
		n := NewNode(cfg)
		states := map[int]State{}
		for i := range cfg.Routers {
			states[i] = Init
		}
		now := clock.Instant(rapid.IntRange(0, 1).Draw(t, "begin"))
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if d, ok := n.Deadline(); ok && rapid.Bool().Draw(t, "in time") {
				now = max(now, d)
			} else {
				now = now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "pass")) * time.Millisecond)
			}
			ev := drawEvent(t)
			states = follow(t, states, n.Step(now, ev))
			agree(t, n, states)
			states = follow(t, states, n.Step(now, Tick{}))
			agree(t, n, states)
			if d, ok := n.Deadline(); ok && d <= now {
				t.Fatalf("after a tick at %d there is a deadline at %d", now, d)
			}
		}
	})
}

// agree holds what a node shows against what it told.
func agree(t *rapid.T, n *Node, states map[int]State) {
	if n.Routers() != len(states) {
		t.Fatalf("%d routers, %d known", n.Routers(), len(states))
	}
	first := never
	for i := range n.Routers() {
		v := n.Router(i)
		if v.State != states[i] {
			t.Fatalf("%s is in %v, told %v", v.Name, v.State, states[i])
		}
		if v.Priority == 0 || v.Base != OwnerPriority && v.Priority == OwnerPriority {
			t.Fatalf("%s has priority %d", v.Name, v.Priority)
		}
		if v.Group >= 0 && n.Group(v.Group).State != v.State {
			t.Fatalf("%s is in %v, its group in %v", v.Name, v.State, n.Group(v.Group).State)
		}
		if v.Deadline != 0 {
			first = min(first, v.Deadline)
		}
	}
	if d, ok := n.Deadline(); first != never && (!ok || d > first) {
		t.Fatalf("deadline %d %v, a router's is %d", d, ok, first)
	}
}
