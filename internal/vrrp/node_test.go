package vrrp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

var (
	us   = netip.MustParseAddr("192.0.2.1")
	them = netip.MustParseAddr("192.0.2.2")
)

func at(d time.Duration) clock.Instant { return clock.Instant(d) }

// config is one router of priority p with keepalived's defaults.
func config(p Priority) RouterConfig {
	return RouterConfig{
		Name: "VI_1", Interface: "eth0", Version: 2, VRID: 51, Priority: p, Advert: time.Second,
		DownAdverts: 3, Preempt: true,
		GARP: GARP{Delay: 5 * time.Second, Repeat: 5, RefreshRepeat: 1, LowerPrioDelay: 5 * time.Second, LowerPrioRepeat: 5},
	}
}

func one(c RouterConfig) *Node { return NewNode(Config{Routers: []RouterConfig{c}}) }

// text prints actions shortly, as the tests below compare them.
func text(as []Action) string {
	var out []string
	for _, a := range as {
		switch a := a.(type) {
		case Send:
			out = append(out, fmt.Sprintf("%d send %d", a.Router, a.Priority))
		case Become:
			out = append(out, fmt.Sprintf("%d %s: %s", a.Router, a.To, a.Cause))
		case BecomeGroup:
			out = append(out, fmt.Sprintf("group %d %s: %s", a.Group, a.To, a.Cause))
		case Announce:
			out = append(out, fmt.Sprintf("%d announce %d", a.Router, a.Repeat))
		case Tell:
			out = append(out, fmt.Sprintf("%d tell %s", a.Router, a.Text))
		case Renumbered:
			out = append(out, fmt.Sprintf("renumbered %v", a.From))
		}
	}
	return strings.Join(out, "; ")
}

func expect(t *testing.T, what string, got []Action, want string) {
	t.Helper()
	if g := text(got); g != want {
		t.Errorf("%s:\n got %s\nwant %s", what, g, want)
	}
}

// deadline fails unless the node wants to be woken at d.
func deadline(t *testing.T, n *Node, d time.Duration) {
	t.Helper()
	if got, ok := n.Deadline(); !ok || got != at(d) {
		t.Errorf("deadline %v %v, want %v", time.Duration(got), ok, d)
	}
}

func heard(p Priority) Heard { return Heard{Source: them, Local: us, Priority: p} }

const down150 = 3*time.Second + 106*time.Second/256

// RFC 9568 §6.4.1–6.4.3: a router listens, takes over, advertises.
func TestTakesOverWhenNobodyIsHeard(t *testing.T) {
	n := one(config(150))
	expect(t, "start", n.Step(0, Start{}), "0 BACKUP: started")
	deadline(t, n, down150)
	expect(t, "too early", n.Step(at(down150-1), Tick{}), "")
	expect(t, "timer", n.Step(at(down150), Tick{}), "0 send 150; 0 MASTER: heard nobody for 3.414s; 0 announce 5")
	deadline(t, n, down150+time.Second)
	expect(t, "advert", n.Step(at(down150+time.Second), Tick{}), "0 send 150")
	expect(t, "stop", n.Step(at(5*time.Second), Stop{}), "0 send 0; 0 INIT: operation ends")
	if _, ok := n.Deadline(); ok {
		t.Error("a stopped node waits for something")
	}
}

func TestAdvertsStayOnTheirSchedule(t *testing.T) {
	n := active(t, config(150))
	for i := 1; i <= 4; i++ {
		deadline(t, n, down150+time.Duration(i)*time.Second)
		n.Step(at(down150+time.Duration(i)*time.Second+20*time.Millisecond), Tick{Late: 20 * time.Millisecond})
	}
	expect(t, "late by more than two intervals: one advert, no burst",
		n.Step(at(down150+7*time.Second+time.Millisecond), Tick{}), "0 send 150; 0 announce 5")
	deadline(t, n, down150+8*time.Second)
}

// active returns a node whose only router took over at down150.
func active(t *testing.T, c RouterConfig) *Node {
	t.Helper()
	n := one(c)
	n.Step(0, Start{})
	n.Step(at(down150), Tick{})
	if n.Router(0).State != Active {
		t.Fatalf("state %v, want MASTER", n.Router(0).State)
	}
	return n
}

func TestActiveHears(t *testing.T) {
	now := at(down150 + 300*time.Millisecond)
	tie := heard(150)
	expect(t, "higher", active(t, config(150)).Step(now, heard(151)), "0 BACKUP: 192.0.2.2 has higher priority 151")
	expect(t, "tie, theirs greater", active(t, config(150)).Step(now, tie),
		"0 tell TWO MASTERS: 192.0.2.2 advertises with priority 150, and so do we, 192.0.2.1; we yield, having the lower address; "+
			"0 BACKUP: 192.0.2.2 has the same priority 150 and the higher address")
	tie.Source, tie.Local = us, them
	split := "0 tell TWO MASTERS: %s advertises with priority %d, and so do we, %s, with priority 150; we stay%s; "
	assert := "0 tell Received advert from %s with lower priority %d, ours 150; 0 send 150; 0 announce 5"
	expect(t, "tie, ours greater", active(t, config(150)).Step(now, tie),
		fmt.Sprintf(split+assert, us, 150, them, ", having the higher address", us, 150))
	expect(t, "lower", active(t, config(150)).Step(now, heard(100)), fmt.Sprintf(split+assert, them, 100, us, "", them, 100))
	expect(t, "resigned", active(t, config(150)).Step(now, heard(0)), "0 send 150")

	quiet := config(150)
	quiet.LowerPrioNoAdvert, quiet.GARP.LowerPrioRepeat = true, 0
	expect(t, "lower, no advert", active(t, quiet).Step(now, heard(100)),
		fmt.Sprintf(split, them, 100, us, "")+"0 tell Received advert from 192.0.2.2 with lower priority 100, ours 150")
	loud := config(150)
	loud.HigherPrioSendAdvert = true
	expect(t, "higher, last word", active(t, loud).Step(now, heard(200)),
		"0 send 150; 0 BACKUP: 192.0.2.2 has higher priority 200")
}

func TestAnnouncementsFollow(t *testing.T) {
	c := config(150)
	c.Advert, c.GARP.Refresh, c.GARP.LowerPrioDelay = 100*time.Second, 60*time.Second, 2*time.Second
	n := one(c)
	n.Step(0, Start{})
	begin, _ := n.Deadline()
	n.Step(begin, Tick{})
	expect(t, "second burst", n.Step(begin.Add(5*time.Second), Tick{}), "0 announce 5")
	n.Step(begin.Add(6*time.Second), heard(1))
	expect(t, "after a lower one", n.Step(begin.Add(8*time.Second), Tick{}), "0 announce 5")
	expect(t, "refresh", n.Step(begin.Add(60*time.Second), Tick{}), "0 announce 1")
	expect(t, "advert", n.Step(begin.Add(100*time.Second), Tick{}), "0 send 150")
	expect(t, "refresh again", n.Step(begin.Add(120*time.Second), Tick{}), "0 announce 1")
}

// "If the Priority in the ADVERTISEMENT is zero, then set the
// Active_Down_Timer to Skew_Time."
func TestResignationShortensTheWait(t *testing.T) {
	n := one(config(150))
	n.Step(0, Start{})
	n.Step(at(time.Second), heard(200))
	n.Step(at(2*time.Second), heard(0))
	skew := 106 * time.Second / 256
	deadline(t, n, 2*time.Second+skew)
	expect(t, "skew over", n.Step(at(2*time.Second+skew), Tick{}),
		"0 send 150; 0 MASTER: 192.0.2.2 resigned (priority 0); 0 announce 5")
}

func TestPreemption(t *testing.T) {
	n := one(config(150))
	n.Step(0, Start{})
	n.Step(at(time.Second), heard(100))
	deadline(t, n, down150)
	expect(t, "preempts", n.Step(at(down150), Tick{}),
		"0 send 150; 0 MASTER: 192.0.2.2 has lower priority 100; 0 announce 5")

	c := config(150)
	c.Preempt = false
	n = one(c)
	n.Step(0, Start{})
	n.Step(at(time.Second), heard(100))
	deadline(t, n, time.Second+down150)

	c = config(150)
	c.PreemptDelay = 3 * time.Second
	n = one(c)
	n.Step(0, Start{})
	for i := 1; i <= 6; i++ {
		n.Step(at(time.Duration(i)*time.Second), heard(100))
	}
	deadline(t, n, 3*time.Second+down150) // the last advert it bore with came at 3 s
}

// A better master ends the delay; the next lower one begins it anew.
func TestPreemptDelayBeginsAnew(t *testing.T) {
	c := config(150)
	c.PreemptDelay = 3 * time.Second
	n := one(c)
	n.Step(0, Start{})
	n.Step(at(1*time.Second), heard(100))
	n.Step(at(2*time.Second), heard(200))
	expect(t, "anew", n.Step(at(5*time.Second), heard(100)), "0 tell master 192.0.2.2 has priority 100 now, no longer 200; 0 tell waits 3.000s before it preempts 192.0.2.2 of priority 100")
	n.Step(at(7*time.Second), heard(100))
	n.Step(at(8*time.Second), heard(100))
	deadline(t, n, 7*time.Second+down150)
}

// Timers of one term of office do not go off in the next.
func TestTermsDoNotMix(t *testing.T) {
	c := config(150)
	c.Advert, c.GARP.Delay, c.GARP.LowerPrioDelay = 10*time.Second, 0, 100*time.Second
	n := one(c)
	n.Step(0, Start{})
	begin, _ := n.Deadline()
	n.Step(begin, Tick{})
	n.Step(begin, heard(100))
	n.Step(begin.Add(time.Second), heard(200))
	n.Step(begin.Add(time.Second), heard(0))
	again, _ := n.Deadline()
	n.Step(again, Tick{})
	if n.Router(0).State != Active {
		t.Fatalf("state %v", n.Router(0).State)
	}
	for _, now := 0, again; now < begin.Add(120*time.Second); {
		now, _ = n.Deadline()
		expect(t, "adverts only", n.Step(now, Tick{}), "0 send 150")
	}
}

// Version 3: Master_Down_Interval follows the master's own interval.
func TestLearnsTheInterval(t *testing.T) {
	c := config(100)
	c.Version = 3
	n := one(c)
	n.Step(0, Start{})
	deadline(t, n, 3*time.Second+156*time.Second/256)
	h := heard(200)
	h.Advert = 100 * time.Millisecond
	expect(t, "other interval", n.Step(at(time.Second), h), "0 tell hears master 192.0.2.2 of priority 200; 0 tell advertisement interval updated from 1s to 100ms by master 192.0.2.2")
	deadline(t, n, time.Second+300*time.Millisecond+156*100*time.Millisecond/256)

	n = one(config(100)) // version 2 discards it
	n.Step(0, Start{})
	expect(t, "version 2", n.Step(at(time.Second), h), "0 tell advertisement interval mismatch: ours is 1s, that of 192.0.2.2 is 100ms")
	deadline(t, n, 3*time.Second+156*time.Second/256)
}

func TestChecksAddresses(t *testing.T) {
	c := config(100)
	a, b, d := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")
	c.Addresses, c.CheckAddresses = []netip.Addr{b, a}, true
	h := heard(200)
	for _, k := range []struct {
		addrs []netip.Addr
		want  string
	}{
		{[]netip.Addr{b, a}, "0 tell hears master 192.0.2.2 of priority 200"},
		{[]netip.Addr{a, b}, "0 tell hears master 192.0.2.2 of priority 200"},
		{[]netip.Addr{a}, "0 tell advert of 192.0.2.2 has 1 addresses, not 2 as we have; 0 tell hears master 192.0.2.2 of priority 200"},
		{[]netip.Addr{a, d}, "0 tell advert of 192.0.2.2 has the address 10.0.0.3, which is not ours; 0 tell hears master 192.0.2.2 of priority 200"},
	} {
		n := one(c)
		n.Step(0, Start{})
		h.Addresses = k.addrs
		expect(t, fmt.Sprint(k.addrs), n.Step(at(time.Second), h), k.want)
		if !n.Router(0).Master.IsValid() {
			t.Errorf("%v: it is not heard", k.addrs)
		}
		expect(t, "again", n.Step(at(2*time.Second), h), "")
	}
	// skip_check_adv_addr: not again, if it is the same router's.
	c.CheckOnce = true
	n := one(c)
	n.Step(0, Start{})
	h.Addresses = c.Addresses
	n.Step(at(time.Second), h)
	h.Addresses = nil
	expect(t, "not looked at", n.Step(at(time.Second), h), "")
	h.Source = netip.MustParseAddr("192.0.2.3")
	expect(t, "another's are", n.Step(at(time.Second), h),
		"0 tell advert of 192.0.2.3 has 0 addresses, not 2 as we have; 0 tell hears master 192.0.2.3 of priority 200 now, no longer 192.0.2.2 of 200")
}

// Of two owners of the addresses the one with the lower address lowers its
// priority, and keeps it so when the other is gone.
func TestTwoOwners(t *testing.T) {
	c := config(255)
	c.StartActive, c.GARP = true, GARP{}
	n := one(c)
	n.Step(0, Start{})
	h := heard(255)
	h.Source = netip.MustParseAddr("192.0.2.0")
	expect(t, "a lower address", n.Step(at(time.Second), h),
		"0 tell TWO MASTERS: 192.0.2.0 advertises with priority 255, and so do we, 192.0.2.1, with priority 255; we stay, having the higher address; "+
			"0 tell Received advert from 192.0.2.0 with lower priority 255, ours 255; 0 send 255")
	h.Source, h.Priority = them, 0
	n.Step(at(2*time.Second), h)
	n = one(c)
	n.Step(0, Start{})
	h.Priority = 255
	expect(t, "a higher address", n.Step(at(time.Second), h),
		"0 tell TWO MASTERS: 192.0.2.2 advertises with priority 255, and so do we, 192.0.2.1; we yield, having the lower address; "+
			"0 tell Changing effective priority from 255 to 254: 192.0.2.2 owns the addresses, too (priority 255), and has the higher address; "+
			"0 BACKUP: 192.0.2.2 has the same priority 255 and the higher address")
	h.Priority = 0
	n.Step(at(2*time.Second), h)
	expect(t, "it resigns", n.Step(at(3*time.Second), Tick{}), "0 send 254; 0 MASTER: 192.0.2.2 resigned (priority 0)")
	c.OwnerIgnores = true
	n = one(c)
	n.Step(0, Start{})
	h.Priority = 255
	expect(t, "owner_ignore_adverts", n.Step(at(time.Second), h),
		"0 tell TWO MASTERS: 192.0.2.2 advertises with priority 255, and so do we, 192.0.2.1, with priority 255; we stay, ignoring others' adverts")
}

// timer_expired_backup: whoever could not send in time does not go on as if
// nothing had happened.
func TestLateAdvert(t *testing.T) {
	c := config(150)
	c.YieldLate, c.GARP = 2*time.Second, GARP{}
	n := one(c)
	n.Step(0, Start{})
	n.Step(at(down150), Tick{})
	expect(t, "a little", n.Step(at(down150+3*time.Second), Tick{}), "0 send 150")
	expect(t, "too late", n.Step(at(down150+6*time.Second+1), Tick{}), "0 BACKUP: its advert was 2.000s late: others may have taken over, and it listens")
	deadline(t, n, down150+6*time.Second+1+down150)
}

// keepalived.conf(5), state: "If the priority is 255, then the instance will
// transition immediately to MASTER if state MASTER is specified".
func TestStateMaster(t *testing.T) {
	c := config(255)
	c.StartActive = true
	expect(t, "owner", one(c).Step(0, Start{}), "0 send 255; 0 MASTER: owns the addresses (priority 255); 0 announce 5")
	c.Priority = 254
	expect(t, "not owner", one(c).Step(0, Start{}), "0 BACKUP: started")
	c.Priority, c.StartActive = 255, false
	expect(t, "state BACKUP", one(c).Step(0, Start{}), "0 BACKUP: started")
}

func TestStartupDelay(t *testing.T) {
	owner := config(255)
	owner.StartActive = true
	n := NewNode(Config{Routers: []RouterConfig{config(150)}, StartupDelay: 4 * time.Second})
	n.Step(0, Start{})
	n.Step(at(time.Second), heard(200))
	deadline(t, n, 4*time.Second+down150)
	n = NewNode(Config{Routers: []RouterConfig{owner}, StartupDelay: 4 * time.Second})
	expect(t, "owner starts", n.Step(0, Start{}), "0 BACKUP: started")
	expect(t, "owner takes over", n.Step(at(4*time.Second), Tick{}),
		"0 send 255; 0 MASTER: owns the addresses (priority 255); 0 announce 5")
}

func TestTracking(t *testing.T) {
	c := config(100)
	c.Tracks = []TrackRef{{Name: "interface eth0"}, {Name: "script chk", Weight: 20}, {Name: "script bad", Weight: -30}}
	n := one(c)
	expect(t, "nothing known", n.Step(0, Start{}), "")
	expect(t, "weight", n.Step(0, Track{Name: "script chk", Up: true}), "0 tell Changing effective priority from 100 to 120: script chk succeeded")
	expect(t, "interface", n.Step(0, Track{Name: "interface eth0", Up: true}), "0 BACKUP: interface eth0 is up")
	expect(t, "negative weight", n.Step(0, Track{Name: "script bad", Why: "exit status 1"}), "0 tell Changing effective priority from 120 to 90: script bad failed: exit status 1")
	expect(t, "told again", n.Step(0, Track{Name: "script bad", Why: "exit status 2"}), "")
	deadline(t, n, 3*time.Second+166*time.Second/256)
	expect(t, "carrier", n.Step(1, Track{Name: "interface eth0", Why: "no carrier"}), "0 FAULT: interface eth0 is down: no carrier")
	expect(t, "not for us", n.Step(2, Track{Name: "interface eth9"}), "")
	expect(t, "again", n.Step(3, Track{Name: "interface eth0", Up: true}), "0 BACKUP: interface eth0 is up")
}

func TestFirstResultFails(t *testing.T) {
	c := config(100)
	c.Tracks = []TrackRef{{Name: "script chk"}}
	n := one(c)
	n.Step(0, Start{})
	expect(t, "fails", n.Step(1, Track{Name: "script chk", Why: "exit status 1"}), "0 FAULT: script chk failed: exit status 1")
	expect(t, "rises", n.Step(2, Track{Name: "script chk", Up: true}), "0 BACKUP: script chk succeeded")
}

func TestPriorityStaysInItsRange(t *testing.T) {
	for _, c := range []struct {
		base, want Priority
		weight     int
	}{{100, 254, 200}, {100, 1, -200}, {255, 255, -200}, {100, 80, -20}} {
		cfg := config(c.base)
		cfg.Tracks = []TrackRef{{Name: "script s", Weight: c.weight}}
		n := one(cfg)
		n.Step(0, Start{})
		n.Step(0, Track{Name: "script s", Up: c.weight > 0})
		if got := n.Router(0).Priority; got != c.want {
			t.Errorf("priority %d with weight %d is %d, want %d", c.base, c.weight, got, c.want)
		}
	}
}

// A resignation that was heard before a sleep still holds after it; after a long
// one, what came later may be lost.
func TestWokeAfterAResignation(t *testing.T) {
	const at0, skew = 5 * time.Second, 106 * time.Second / 256
	for _, c := range []struct{ slept, down time.Duration }{{time.Second, skew}, {down150, down150}} {
		n := one(config(150))
		n.Step(0, Start{})
		n.Step(at(at0), heard(200))
		n.Step(at(at0), heard(0))
		deadline(t, n, at0+skew)
		n.Step(at(at0+c.slept), Woke{Slept: c.slept})
		deadline(t, n, at0+c.slept+c.down)
		n.Step(at(at0+c.slept), heard(160)) // another took over meanwhile
		deadline(t, n, at0+c.slept+down150)
	}
}

// A member of a group that was ready to take over before a sleep is not after it.
func TestGroupWokeAfterAResignation(t *testing.T) {
	slow, fast := plain(150), plain(150)
	fast.Version, fast.Advert = 3, 100*time.Millisecond
	n := NewNode(pair(slow, fast))
	n.Step(0, Track{Name: "interface eth0", Up: true})
	n.Step(0, Track{Name: "interface eth1", Up: true})
	n.Step(0, Start{})
	resign := func(now time.Duration, router int) {
		for _, p := range []Priority{200, 0} {
			n.Step(at(now), Heard{Router: router, Source: them, Local: us, Priority: p, Advert: n.cfg.Routers[router].Advert})
		}
	}
	resign(0, 0)
	for _, now := range []time.Duration{second / 4, second / 2} { // the other master goes on
		n.Step(at(now), Heard{Router: 1, Source: them, Local: us, Priority: 200, Advert: fast.Advert})
		n.Step(at(now), Tick{})
	}
	if !n.Router(0).Waits {
		t.Fatal("the member whose master resigned is not ready")
	}
	resign(second/2, 1)
	n.Step(at(2*second), Woke{Slept: 3 * second / 2})
	if n.Router(0).Waits {
		t.Error("ready to take over before it has listened")
	}
}

// Two masters of one priority are heard, each with an interval of its own: the
// one with the higher address will stay (RFC 9568 §6.4.3), so it is the one that
// is waited for, whoever was heard last.
func TestWaitsForTheBetterOfTwoEqualMasters(t *testing.T) {
	const slow, fast = time.Second, 100 * time.Millisecond
	stays := Heard{Source: netip.MustParseAddr("192.0.2.20"), Local: us, Priority: 200, Advert: slow}
	yields := Heard{Source: netip.MustParseAddr("192.0.2.10"), Local: us, Priority: 200, Advert: fast}
	c := config(100)
	c.Version = 3
	n := one(c)
	n.Step(0, Start{})
	n.Step(at(second), stays)
	until, _ := n.Deadline()
	n.Step(at(second+fast), yields)
	if got, _ := n.Deadline(); got != until {
		t.Errorf("the one that yields has us wait until %v, want %v", got, until)
	}
	n.Step(at(2*second), stays)
	if got, _ := n.Deadline(); got != until.Add(second) {
		t.Errorf("the one that stays has us wait until %v, want %v", got, until.Add(second))
	}
}
