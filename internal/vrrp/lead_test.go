package vrrp

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

const brief = 100 * time.Millisecond // the interval of the routers below

// lone runs a node that is alone, and returns the batches of adverts, and when
// they were sent, from the instant when all routers have taken over.
func lone(t *testing.T, routers, intervals int) (at []clock.Instant, batches [][]int) {
	t.Helper()
	var cfg Config
	for i := range routers {
		c := plain(150)
		c.Name, c.VRID, c.Version, c.Advert = fmt.Sprint("VI_", i), VRID(i%255+1), 3, brief
		cfg.Routers = append(cfg.Routers, c)
	}
	n := NewNode(cfg)
	n.Step(0, Start{})
	now, _ := n.Deadline()
	for end := now.Add(time.Duration(intervals) * brief); now <= end; now, _ = n.Deadline() {
		var sent []int
		for _, a := range n.Step(now, Tick{}) {
			if s, ok := a.(Send); ok {
				sent = append(sent, s.Router)
			}
		}
		at, batches = append(at, now), append(batches, sent)
	}
	return at, batches
}

// Schedules lie side by side: no batch is long, no first wait is shorter than
// half an interval, and every later one is exactly an interval.
func TestManyRoutersShareTheInterval(t *testing.T) {
	const routers, intervals = 1000, 4
	at, batches := lone(t, routers, intervals)
	if len(batches[0]) != routers {
		t.Fatalf("%d routers take over at once, want all %d", len(batches[0]), routers)
	}
	sent := make([][]clock.Instant, routers)
	for i, batch := range batches {
		if i > 0 && len(batch) > stepRouters*5/4 {
			t.Errorf("%d adverts at once, want about %d", len(batch), stepRouters)
		}
		for _, r := range batch {
			sent[r] = append(sent[r], at[i])
		}
	}
	for r, times := range sent {
		if len(times) < intervals+1 {
			t.Fatalf("router %d sent %d adverts in %d intervals", r, len(times), intervals)
		}
		if first := times[1].Sub(times[0]); first <= brief/2 || first > brief {
			t.Errorf("router %d waits %v at first", r, first)
		}
		for i := 2; i < len(times); i++ {
			if gap := times[i].Sub(times[i-1]); gap != brief {
				t.Errorf("router %d waits %v, want %v", r, gap, brief)
			}
		}
	}
}

// Where a batch is short anyway, the schedule is that of the RFC.
func TestFewRoutersWaitAnIntervalAtFirst(t *testing.T) {
	const routers = 2*stepRouters - 1
	at, batches := lone(t, routers, 2)
	for i, batch := range batches {
		if len(batch) != routers || at[i] != at[0].Add(time.Duration(i)*brief) {
			t.Errorf("%d adverts %v after the first, want all %d, %v after", len(batch), at[i].Sub(at[0]), routers, time.Duration(i)*brief)
		}
	}
}

func TestLeadLeavesRoomBetweenSteps(t *testing.T) {
	for _, advert := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Second, 255 * time.Second} {
		had := map[time.Duration]bool{}
		for i := range 4096 {
			had[lead(i, 4096, advert)] = true
		}
		for a := range had {
			if a < 0 || a >= advert/2 {
				t.Errorf("lead %v of an interval of %v", a, advert)
			}
			for b := range had {
				if d := (a - b).Abs(); d != 0 && d < minStep {
					t.Errorf("two steps %v apart at an interval of %v", d, advert)
				}
			}
		}
	}
}
