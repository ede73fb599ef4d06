package vrrp

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// many is a node of 1,000 routers, backups or active ones.
func many(s State) (*Node, clock.Instant) {
	var cfg Config
	for i := range 1000 {
		c := config(150)
		c.Name, c.VRID, c.Interface = fmt.Sprintf("VI_%d", i), VRID(i%255+1), fmt.Sprintf("eth%d", i/255)
		cfg.Routers = append(cfg.Routers, c)
	}
	n := NewNode(cfg)
	n.Step(0, Start{})
	now := clock.Instant(0)
	if s == Active {
		now = at(down150)
		n.Step(now, Tick{})
	}
	return n, now
}

// hear lets every router hear its master once, as time goes by evenly.
func hear(n *Node, now clock.Instant) clock.Instant {
	for i := range 1000 {
		now = now.Add(time.Millisecond)
		n.Step(now, Heard{Router: i, Source: them, Local: us, Priority: 200})
		n.Deadline()
	}
	return now
}

// advertise lets every active router send once.
func advertise(n *Node, now clock.Instant) clock.Instant {
	sent := 0
	for sent < 1000 {
		now, _ = n.Deadline()
		for _, a := range n.Step(now, Tick{}) {
			if _, ok := a.(Send); ok {
				sent++
			}
		}
	}
	return now
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	backup, now := many(Backup)
	now = hear(backup, now)
	if got := testing.AllocsPerRun(3, func() { now = hear(backup, now) }); got != 0 {
		t.Errorf("1,000 adverts heard: %v allocations", got)
	}
	act, now := many(Active)
	for range 6 { // until the announcements are over
		now = advertise(act, now)
	}
	if got := testing.AllocsPerRun(3, func() { now = advertise(act, now) }); got != 0 {
		t.Errorf("1,000 adverts sent: %v allocations", got)
	}
}

func BenchmarkHeard(b *testing.B) {
	n, now := many(Backup)
	b.ReportAllocs()
	for b.Loop() {
		now = hear(n, now)
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/1000, "ns/advert")
}

func BenchmarkTick(b *testing.B) {
	n, now := many(Active)
	b.ReportAllocs()
	for b.Loop() {
		now = advertise(n, now)
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/1000, "ns/advert")
}
