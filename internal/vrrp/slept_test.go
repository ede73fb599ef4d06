package vrrp

import (
	"strings"
	"testing"
	"time"
)

const (
	took   = down150 // when active has taken over, and sent its last advert
	second = time.Second
)

// asleep is a master that wakes when it was silent for so long.
func asleep(t *testing.T, c RouterConfig, silent time.Duration) *Node {
	t.Helper()
	n := active(t, c)
	expect(t, "woke", n.Step(at(took+silent), Woke{Slept: silent - second}), "")
	return n
}

// Nobody takes over within Master_Down_Interval.
func TestShortSleepIsNobodysBusiness(t *testing.T) {
	n := asleep(t, config(150), 3*second)
	if n.Listens(0) {
		t.Error("listens")
	}
	expect(t, "drained", n.Step(at(took+3*second), Drained{Lost: "much"}), "")
	expect(t, "goes on", n.Step(at(took+3*second), Tick{}), "0 send 150")
}

// Backups of lower priority may still be waiting: what counts is to be heard.
func TestGoesOnAtOnceWhereNobodyHasTakenOver(t *testing.T) {
	const silent = 3500 * time.Millisecond
	n := asleep(t, config(150), silent)
	expect(t, "not before all is heard", n.Step(at(took+silent), Tick{}), "")
	expect(t, "drained", n.Step(at(took+silent), Drained{}),
		"0 tell slept for 2.500s and goes on at once: nobody has taken over; 0 send 150")
	deadline(t, n, took+4*second) // on its schedule

	n = asleep(t, config(150), silent)
	expect(t, "something is lost", n.Step(at(took+silent), Drained{Lost: "the receive buffer overflowed"}),
		"0 tell slept for 2.500s and listens for 1.000s before it goes on: the receive buffer overflowed")
	deadline(t, n, took+silent+second)
}

// When everybody who could has taken over, silence costs nothing: it is broken
// after an interval in which nobody was heard. The addresses stay.
func TestListensForAnIntervalAfterALongSleep(t *testing.T) {
	n := asleep(t, config(150), 10*second)
	now := took + 10*second
	expect(t, "drained", n.Step(at(now), Drained{}),
		"0 tell slept for 9.000s and listens for 1.000s before it goes on: nobody was heard meanwhile")
	if v := n.Router(0); !n.Listens(0) || v.State != Active || v.Listens != at(now+second) {
		t.Errorf("%+v", v)
	}
	expect(t, "not yet", n.Step(at(now+second-1), Tick{}), "")
	expect(t, "goes on", n.Step(at(now+second), Tick{}),
		"0 send 150; 0 announce 5; 0 tell goes on after it slept for 9.000s: nobody has taken over")
	deadline(t, n, now+2*second)
	if n.Listens(0) {
		t.Error("listens still")
	}
}

// CLOCK_MONOTONIC does not show that a machine was suspended.
func TestSuspended(t *testing.T) {
	n := active(t, config(150))
	now := took + second/2
	n.Step(at(now), Woke{Slept: 3 * second, Suspended: 3 * second})
	expect(t, "drained", n.Step(at(now), Drained{Lost: "the machine was suspended"}),
		"0 tell slept for 3.000s and listens for 1.000s before it goes on: the machine was suspended")
}

// Whoever is heard has taken over, whatever its priority.
func TestYieldsToWhoTookOver(t *testing.T) {
	const silent = 10 * second
	for name, c := range map[string]struct {
		heard Heard
		want  string
	}{
		"a lower one":    {heard(100), "0 BACKUP: slept for 9.000s, and 192.0.2.2 of priority 100 has taken over"},
		"a higher one":   {heard(200), "0 send 150; 0 BACKUP: slept for 9.000s, and 192.0.2.2 of priority 200 has taken over"},
		"who resigns":    {heard(0), ""},
		"ourselves":      {Heard{Source: us, Local: us, Priority: 150}, ""},
		"another router": {Heard{Router: 1, Source: them, Local: us, Priority: 100}, ""},
		"who is refused": {Heard{Source: them, Local: us, Priority: 100, Advert: 3 * second}, "0 tell advertisement interval mismatch: ours is 1s, that of 192.0.2.2 is 3s"},
	} {
		cfg := config(150)
		cfg.HigherPrioSendAdvert = true
		for when, drained := range map[string]bool{"while draining": false, "later": true} {
			n := asleep(t, cfg, silent)
			if drained {
				n.Step(at(took+silent), Drained{})
			}
			got := text(n.Step(at(took+silent), c.heard))
			if got != c.want {
				t.Errorf("%s, %s:\n got %s\nwant %s", name, when, got, c.want)
			}
			if goes := strings.Contains(c.want, "BACKUP"); goes == n.Listens(0) {
				t.Errorf("%s, %s: listens %v", name, when, !goes)
			}
		}
	}
	// Then it preempts as anybody would.
	n := asleep(t, plain(150), silent)
	n.Step(at(took+silent), heard(100))
	n.Step(at(took+silent), Drained{})
	deadline(t, n, took+silent+down150)
	n.Step(at(took+silent+second), heard(100))
	expect(t, "preempts", n.Step(at(took+silent+down150), Tick{}), "0 send 150; 0 MASTER: 192.0.2.2 has lower priority 100")
}

// Who is kept from running again and again, and hears nobody, is not silent for ever.
func TestSleepsWhileItListens(t *testing.T) {
	n := asleep(t, plain(150), 10*second)
	now := took + 10*second
	n.Step(at(now), Drained{})
	expect(t, "woke again", n.Step(at(now+2*second), Woke{Slept: second}), "")
	expect(t, "drained", n.Step(at(now+2*second), Drained{}), "")
	expect(t, "goes on", n.Step(at(now+2*second), Tick{}), "0 send 150; 0 tell goes on after it slept for 9.000s: nobody has taken over")

	n = asleep(t, plain(150), 10*second)
	n.Step(at(now), Drained{})
	n.Step(at(now+2*second), Woke{Slept: second})
	n.Step(at(now+2*second), Drained{Lost: "much"})
	deadline(t, n, now+3*second)
}

// Nothing makes a router speak while it listens, but that it gives up.
func TestSaysNothingWhileItListens(t *testing.T) {
	n := asleep(t, config(150), 10*second)
	now := at(took + 10*second)
	n.Step(now, Drained{})
	c := config(140)
	c.GARP.Refresh = time.Millisecond
	own := Heard{Source: us, Local: us, Priority: 150}
	for _, ev := range []Event{Reconfigure{Config: Config{Routers: []RouterConfig{c}}}, Tick{}, heard(0), own} {
		for _, a := range n.Step(now.Add(second/2), ev) {
			switch a.(type) {
			case Send, Announce:
				t.Errorf("%T: %s", ev, text([]Action{a}))
			}
		}
	}
	expect(t, "stop", n.Step(now.Add(second/2), Stop{}), "0 send 0; 0 INIT: operation ends")
}

// A group's members listen together until all is heard, and go back together;
// who was not silent for long goes on then.
func TestGroupSleeps(t *testing.T) {
	fast, slow := plain(150), plain(150)
	fast.Version, fast.Advert = 3, 100*time.Millisecond
	wake := func() *Node {
		n := NewNode(pair(fast, slow))
		n.Step(0, Track{Name: "interface eth0", Up: true})
		n.Step(0, Track{Name: "interface eth1", Up: true})
		n.Step(0, Start{})
		n.Step(at(took), Tick{})
		expect(t, "woke", n.Step(at(took+2*second), Woke{Slept: 2*second - 100*time.Millisecond}), "")
		if !n.Listens(0) || !n.Listens(1) {
			t.Error("a member does not listen")
		}
		return n
	}
	expect(t, "drained", wake().Step(at(took+2*second), Drained{}),
		"1 send 150; 0 tell slept for 1.900s and listens for 0.100s before it goes on: nobody was heard meanwhile")
	// Nor does a group that listens stand by who decides.
	n := wake()
	n.Step(at(took+2*second), Drained{})
	got := text(n.Step(at(took+2*second), Heard{Router: 1, Source: them, Local: us, Priority: 200}))
	if want := "1 BACKUP: 192.0.2.2 has higher priority 200; 0 BACKUP: group G"; !strings.HasPrefix(got, want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
	got = text(wake().Step(at(took+2*second), Heard{Router: 0, Source: them, Local: us, Priority: 100, Advert: 100 * time.Millisecond}))
	if want := "0 BACKUP: slept for 1.900s, and 192.0.2.2 of priority 100 has taken over; 1 BACKUP: group G: member VI_1 is in BACKUP; group 0 BACKUP"; !strings.HasPrefix(got, want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// timer_expired_backup wants it otherwise.
func TestLateAdvertAfterASleep(t *testing.T) {
	c := plain(150)
	c.YieldLate = 2 * second
	n := active(t, c)
	expect(t, "woke", n.Step(at(took+10*second), Woke{Slept: 9 * second}),
		"0 BACKUP: its advert was 9.000s late: others may have taken over, and it listens")
}

// A backup takes its own deafness for nobody's silence.
func TestBackupSleeps(t *testing.T) {
	n := one(config(150))
	n.Step(0, Start{})
	expect(t, "woke", n.Step(at(5*second), Woke{Slept: 5 * second}), "0 tell slept for 5.000s and listens anew before it may take over")
	deadline(t, n, 5*second+down150)
	expect(t, "drained", n.Step(at(5*second), Drained{}), "")
}

// What was lost in one sleep is not found in the next.
func TestLossIsRemembered(t *testing.T) {
	n := active(t, plain(150))
	now := took + second/2
	n.Step(at(now), Woke{Slept: 3 * second, Suspended: 3 * second})
	n.Step(at(now), Drained{Lost: "the machine was suspended"})
	now += second / 4
	n.Step(at(now), Woke{Slept: second / 5})
	expect(t, "drained", n.Step(at(now), Drained{}), "")
	deadline(t, n, took+second/2+second)
}
