package vrrpd

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/kernel"
)

// announcer is a pacer whose packets are written down with their time.
func announcer() (p *pacer, said *[]string, now *clock.Instant) {
	at := clock.Instant(time.Hour)
	var list []string
	return newPacer(func(e *edge, h *holding) {
		list = append(list, fmt.Sprintf("%v %s %s", at.Sub(clock.Instant(time.Hour)), e.Name, h.key.Addr))
	}, func() {}), &list, &at
}

func announced(name string, link, addresses int) *edge {
	e := &edge{Router: &build.Router{Name: name}}
	for i := range addresses {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), 24)
		e.holds = append(e.holds, holding{key: kernel.Key(link, p), lane: link})
	}
	return e
}

// run serves deadlines, none of them early or in the past, until none is left.
func run(t *testing.T, p *pacer, now *clock.Instant) {
	t.Helper()
	for range 1000 {
		at, ok := p.deadline()
		if !ok {
			return
		}
		if at < *now && *now-at > clock.Instant(time.Second) {
			t.Fatalf("a deadline %v ago", now.Sub(at))
		}
		*now = max(*now, at)
		p.tick(*now, 0)
	}
	t.Fatal("no end")
}

func TestFirstRoundsGoFirst(t *testing.T) {
	p, said, now := announcer()
	a, b := announced("a", 1, 2), announced("b", 1, 1)
	p.announce(*now, a, 2)
	p.announce(*now, b, 2)
	run(t, p, now)
	want := []string{
		"0s a 192.0.2.1", "0s a 192.0.2.2", "0s b 192.0.2.1",
		"0s a 192.0.2.1", "0s a 192.0.2.2", "0s b 192.0.2.1",
	}
	if !slices.Equal(*said, want) {
		t.Errorf("got %q", *said)
	}
}

// "Delay between gratuitous ARP messages sent on an interface."
func TestIntervalIsKeptOnEachInterface(t *testing.T) {
	p, said, now := announcer()
	a, b := announced("a", 1, 2), announced("b", 2, 1)
	paced(10*time.Millisecond, a, b)
	p.announce(*now, a, 2)
	p.announce(*now, b, 1)
	p.burst(*now)
	run(t, p, now)
	want := []string{
		"0s a 192.0.2.1", "0s b 192.0.2.1", "10ms a 192.0.2.2", "20ms a 192.0.2.1", "30ms a 192.0.2.2",
	}
	if !slices.Equal(*said, want) {
		t.Errorf("got %q", *said)
	}
}

func paced(pause time.Duration, edges ...*edge) {
	for _, e := range edges {
		for i := range e.holds {
			e.holds[i].pause = pause
		}
	}
}

// "A list of interfaces across which the delays are aggregated."
func TestIntervalIsKeptAcrossAGroup(t *testing.T) {
	p, said, now := announcer()
	a, b := announced("a", 1, 2), announced("b", 2, 1)
	paced(10*time.Millisecond, a, b)
	for _, e := range []*edge{a, b} {
		for i := range e.holds {
			e.holds[i].lane = -1
		}
	}
	p.announce(*now, a, 1)
	p.announce(*now, b, 1)
	p.burst(*now)
	run(t, p, now)
	if len(*said) != 3 || (*said)[0][:2] != "0s" || (*said)[1][:4] != "10ms" || (*said)[2][:4] != "20ms" {
		t.Errorf("got %q", *said)
	}
}

// garp_extra_if is for addresses on other interfaces, and goes without saying
// while all are announced.
func TestExtraAnnouncements(t *testing.T) {
	p, said, now := announcer()
	a, b := announced("a", 1, 2), announced("b", 2, 1)
	a.holds[1].beyond = true
	p.extra(*now, a)
	p.extra(*now, b)
	run(t, p, now)
	if !slices.Equal(*said, []string{"0s a 192.0.2.2"}) {
		t.Errorf("got %q", *said)
	}
	*said = nil
	p.announce(*now, a, 1)
	p.extra(*now, a)
	run(t, p, now)
	if !slices.Equal(*said, []string{"0s a 192.0.2.1", "0s a 192.0.2.2"}) {
		t.Errorf("got %q", *said)
	}
}

// Adverts come between the bursts of a router with very many addresses.
func TestBurstsAreBounded(t *testing.T) {
	p, said, now := announcer()
	p.announce(*now, announced("a", 1, 200), 3)
	p.burst(*now)
	if len(*said) != maxBurst {
		t.Errorf("%d at once", len(*said))
	}
	run(t, p, now)
	if len(*said) != 600 {
		t.Errorf("%d in all", len(*said))
	}
}

func TestForgotten(t *testing.T) {
	p, said, now := announcer()
	a, b := announced("a", 1, 1), announced("b", 1, 1)
	p.announce(*now, a, 3)
	p.announce(*now, b, 1)
	p.forget(a)
	p.announce(*now, b, 2) // again before its first round: more rounds, no second place
	run(t, p, now)
	if !slices.Equal(*said, []string{"0s b 192.0.2.1", "0s b 192.0.2.1"}) {
		t.Errorf("got %q", *said)
	}
}
