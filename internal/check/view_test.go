package check

import (
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"pgregory.net/rapid"
)

// Users that wait (alpha) and users that do not hear of the first success each
// in their own way.
func TestUsersBeginEachInTheirWay(t *testing.T) {
	c := New(0, Config{Interval: time.Second, Alpha: true})
	trusts, waits := c.Join(false), c.Join(true)
	if !trusts.Up() || trusts.Waits() || waits.Up() || !waits.Waits() {
		t.Fatalf("at first %+v and %+v", trusts, waits)
	}
	drive(c, 0, 0, always(good))
	if v, news := trusts.Hear(c); news || !v.First {
		t.Errorf("who took it for up is told %+v", v)
	}
	if v, news := waits.Hear(c); !news || !v.Up || !v.First {
		t.Errorf("who waited is told %+v, %v", v, news)
	}
	late := c.Join(true)
	if !late.Up() || !late.Known() {
		t.Errorf("who comes late has %+v", late)
	}
}

func TestFirstFailureIsNewsForAll(t *testing.T) {
	c := New(0, Config{Interval: time.Second, Alpha: true})
	trusts, waits := c.Join(false), c.Join(true)
	drive(c, 0, 0, always(bad))
	for _, v := range []*View{&trusts, &waits} {
		if said, news := v.Hear(c); !news || said.Up || !said.First || said.Detail != bad.Detail {
			t.Errorf("told %+v, %v", said, news)
		}
		if _, news := v.Hear(c); news {
			t.Error("told twice")
		}
	}
}

// A user with alpha that joins one without has it wait, and one that goes
// before anything is known leaves no trace.
func TestReconfiguredBeforeAnythingIsKnown(t *testing.T) {
	c := New(0, Config{Interval: time.Second})
	c.Step(0, Reconfigure{Config{Interval: time.Second, Alpha: true, Rise: 2}})
	expect(t, drive(c, second, 0, always(good)), `
		0.000 start 0
		1.000 start 0
		1.000 Verdict {Up:true Detail: Retries:0 First:true}`)
	c = New(0, Config{Interval: time.Second, Alpha: true})
	c.Step(0, Reconfigure{Config{Interval: time.Second}})
	if !c.Up() {
		t.Error("still waits")
	}
}

func TestForkKnowsAndGoesItsOwnWay(t *testing.T) {
	c := New(0, Config{Interval: 10 * time.Second})
	drive(c, 0, 0, always(bad))
	c.Step(10*second, Tick{})
	f := c.Fork(11*second, Config{Interval: 4 * time.Second, Spread: 0.5})
	if at, ok := f.Deadline(); !ok || at != 13*second || f.Up() || !f.Known() || f.Last().Detail != bad.Detail {
		t.Errorf("due %v %v, up %v, last %+v", at, ok, f.Up(), f.Last())
	}
	f.Step(13*second, Tick{})
	f.Step(13*second, Finished{good})
	if c.Up() || !f.Up() {
		t.Errorf("up: the old one %v, the new one %v", c.Up(), f.Up())
	}
	if _, ok := c.Deadline(); ok {
		t.Error("the old one's attempt is lost")
	}
}

// Whatever happens: who does not stand aside has its checker's verdict, or
// what it began with, and is told exactly of the changes.
func TestViewsFollow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := New(0, Config{Interval: time.Second, Alpha: true, Retry: rapid.IntRange(0, 2).Draw(t, "retry")})
		views := make([]View, 3)
		alpha, heard := make([]bool, len(views)), make([]bool, len(views))
		for i := range views {
			alpha[i] = rapid.Bool().Draw(t, "alpha")
			views[i] = c.Join(alpha[i])
			heard[i] = !alpha[i]
		}
		now := clock.Instant(0)
		for range rapid.IntRange(1, 40).Draw(t, "n") {
			i := rapid.IntRange(-1, len(views)-1).Draw(t, "who")
			if i < 0 {
				now, _ = c.Deadline()
				c.Step(now, Tick{})
				c.Step(now, Finished{Result{OK: rapid.Bool().Draw(t, "ok")}})
			} else {
				views[i].Pause(!views[i].Paused())
			}
			for k := range views {
				if v, news := views[k].Hear(c); news {
					if v.Up == heard[k] && !(v.First && !v.Up) {
						t.Fatalf("user %d is told again: %+v", k, v)
					}
					heard[k] = v.Up
				}
				if heard[k] != views[k].Up() {
					t.Fatalf("user %d was told %v and has %v", k, heard[k], views[k].Up())
				}
				if !views[k].Paused() && c.Known() && views[k].Up() != c.Up() {
					t.Fatalf("user %d has missed something", k)
				}
			}
		}
	})
}
