package netns_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// session writes a bfd_instance: slow enough for a busy machine.
func session(name, source, neighbour string, more ...string) string {
	return fmt.Sprintf(`
bfd_instance %s {
    neighbor_ip %s
    source_ip %s
    min_rx 100
    min_tx 100
    multiplier 10
    %s
}
`, name, neighbour, source, strings.Join(more, "\n    "))
}

// sessionOf returns a session out of a daemon's status, or an empty one.
func sessionOf(d *lab.Daemon, name string) api.BFDSession {
	status, err := d.Status()
	if err != nil {
		return api.BFDSession{}
	}
	for _, s := range status.BFD {
		if s.Name == name {
			return s
		}
	}
	return api.BFDSession{}
}

func waitUp(t *testing.T, d *lab.Daemon, names ...string) {
	t.Helper()
	for _, name := range names {
		Wait(t, fmt.Sprintf("session %s of %s is up", name, d.Name), func() bool {
			s := sessionOf(d, name)
			return s.State == "Up" && s.RemoteState == "Up" && s.DetectMS <= 1000
		})
	}
}

// bfdPair is a pair with sessions over IPv4, IPv6 and several hops; a must
// have the first of them to take part in VRRP.
func bfdPair(t *testing.T) (l *lab.Lab, a, b *lab.Daemon, conf func(more string) []any) {
	t.Helper()
	l = New(t)
	na := Node(t, l, "a", "192.0.2.11/24", "2001:db8::11/64", "198.51.100.11/24")
	nb := Node(t, l, "b", "192.0.2.12/24", "2001:db8::12/64", "198.51.100.12/24")
	script := l.Path("notify")
	Must(t, os.WriteFile(script, []byte("#!/bin/sh\necho \"$HOLDFAST_CAUSE\" >>"+l.Path("causes")+"\n"), 0o755)) // it is run
	conf = func(more string) []any {
		return []any{
			"global_defs {\n    script_user root\n}\n", session("four", "192.0.2.11", "192.0.2.12", more), session("six", "2001:db8::11", "2001:db8::12", "passive", "weight 10"),
			session("hops", "198.51.100.11", "198.51.100.12", "multihop"),
			Instance{Priority: 150, Extra: "track_bfd {\n        four\n        six\n    }\n    notify " + script},
		}
	}
	a = Start(t, na, Holdfast(), config(conf("")...))
	b = Start(t, nb, Holdfast(), config(session("four", "192.0.2.12", "192.0.2.11"), session("six", "2001:db8::12", "2001:db8::11"),
		session("hops", "198.51.100.12", "198.51.100.11", "multihop", "passive"), Instance{Priority: 100}))
	waitUp(t, a, "four", "six", "hops")
	waitUp(t, b, "four", "six", "hops")
	WaitMaster(t, Virtual, a, b)
	return l, a, b, conf
}

const wentDown = "(VI_1) Entering FAULT STATE: BFD session four went down: control detection time expired after "

func TestBFD(t *testing.T) {
	l, a, b, _ := bfdPair(t)
	na := l.Get("a")
	if i := a.Instance("VI_1"); i == nil || i.Priority != 160 {
		t.Errorf("%+v, want priority 160", i)
	}
	// Nobody loses the carrier; only packets tell.
	Must(t, l.Isolate("a"))
	WaitLog(t, a, wentDown, 1)
	WaitMaster(t, Virtual, b, a)
	// The cause is the same, in full, wherever it is told.
	s := sessionOf(a, "four")
	cause := regexp.MustCompile(`^control detection time expired after 1s, exceeded by [0-9.]+[mµ]?s: nothing is heard from 192\.0\.2\.12$`)
	if s.State != "Down" || !cause.MatchString(s.Cause) {
		t.Errorf("%+v", s)
	}
	WaitLog(t, a, "(four) Entering Down state: "+s.Cause, 1)
	WaitLog(t, a, "Tracked BFD instance four is DOWN: "+s.Cause, 1)
	const fault = "BFD session four went down: "
	if i := a.Instance("VI_1"); i == nil || i.Cause != fault+s.Cause || i.Tracks["bfd four"] != "down: "+s.Cause || i.Readiness != "would not take over: "+fault+s.Cause {
		t.Errorf("%+v", i)
	}
	Wait(t, "the script was told the cause", func() bool {
		told, _ := os.ReadFile(l.Path("causes"))
		return strings.Contains(string(told), fault+s.Cause+"\n")
	})
	out, err := na.Run(Holdfast()[0], append(Holdfast()[1:], "explain", "--control", strings.TrimSuffix(a.ConfigFile(), ".conf")+".sock", "VI_1")...)
	Must(t, err)
	for _, want := range []string{"(four) Entering Down state: ", "(VI_1) Entering FAULT STATE: " + fault + s.Cause, "BFD session four to 192.0.2.12 is Down for "} {
		if !strings.Contains(out, want) {
			t.Errorf("explain does not say %q:\n%s", want, out)
		}
	}
	Must(t, l.Heal("a"))
	waitUp(t, a, "four", "six", "hops")
	WaitMaster(t, Virtual, a, b)
}

// A session that its neighbour takes down in an orderly way is down at once and
// says why, but that is no failure (RFC 5882 §3.2).
func TestBFDStops(t *testing.T) {
	_, a, b, _ := bfdPair(t)
	Must(t, b.Stop())
	WaitLog(t, a, "(four) Entering Down state: 192.0.2.12 took it down (administratively down), which is no failure", 1)
	Must(t, b.Start())
	waitUp(t, a, "four", "six", "hops")
	WaitMaster(t, Virtual, a, b)
	if n := Logged(a, enteringFault); n > 0 {
		t.Error("a went to FAULT")
	}
}

// Who tracks a session takes the word of the next BFD child, and does not stumble
// while there is none.
func TestBFDChildDies(t *testing.T) {
	_, a, b, _ := bfdPair(t)
	before := sessionOf(a, "four").Discriminator
	Must(t, syscall.Kill(a.ChildPID("bfd"), syscall.SIGKILL))
	Wait(t, "another session is up", func() bool {
		s := sessionOf(a, "four")
		return s.State == "Up" && s.Discriminator != before
	})
	waitUp(t, b, "four", "six", "hops")
	WaitLog(t, a, "BFD child process died", 1)
	if n := Logged(a, enteringFault); n > 0 {
		t.Errorf("a went to FAULT though its sessions came back")
	}
	WaitMaster(t, Virtual, a, b)
}

// What does not change goes on; what changes is told by a Poll Sequence.
func TestBFDReload(t *testing.T) {
	_, a, b, conf := bfdPair(t)
	before := sessionOf(a, "four")
	Must(t, a.Configure(config(conf("min_tx 300")...)))
	Must(t, a.Reload())
	Wait(t, "b knows the new interval", func() bool {
		return sessionOf(a, "four").TxMS == 300 && sessionOf(b, "four").RxMS == 300
	})
	for _, d := range []*lab.Daemon{a, b} {
		for _, name := range []string{"four", "six", "hops"} {
			if s := sessionOf(d, name); s.State != "Up" || s.Counters["down_transitions"] != 0 {
				t.Errorf("%s: %+v", d.Name, s)
			}
		}
	}
	if after := sessionOf(a, "four"); after.Discriminator != before.Discriminator {
		t.Error("it is another session")
	}
	// Without the session it is not tracked either.
	Must(t, a.Configure(config(Instance{Priority: 150})))
	Must(t, a.Reload())
	Wait(t, "there is no BFD child", func() bool {
		s, err := a.Status()
		return err == nil && len(s.BFD) == 0 && len(s.Children) == 1
	})
	WaitMaster(t, Virtual, a, b)
	Wait(t, "b's session is down", func() bool { return sessionOf(b, "four").State == "Down" })
}

// A real server follows a session.
func TestBFDCheck(t *testing.T) {
	l := New(t)
	na := Node(t, l, "a", "192.0.2.11/24")
	nb := Node(t, l, "b", "192.0.2.12/24")
	a := Start(t, na, Holdfast(), config("global_defs {\n    lvs_director none\n}\n", session("far", "192.0.2.11", "192.0.2.12"), `
virtual_server 192.0.2.200 80 {
    lb_algo rr
    lb_kind NAT
    protocol TCP
    real_server 192.0.2.12 80 {
        BFD_CHECK {
            name far
            alpha
        }
    }
}
`))
	up := func(want bool) {
		t.Helper()
		Wait(t, fmt.Sprintf("the server is up: %v", want), func() bool {
			s, err := a.Status()
			return err == nil && len(s.Services) == 1 && len(s.Services[0].Servers) == 1 && s.Services[0].Servers[0].Up == want
		})
	}
	up(false)
	b := Start(t, nb, Holdfast(), config(session("far", "192.0.2.12", "192.0.2.11")))
	up(true)
	Must(t, b.Kill())
	up(false)
	WaitLog(t, a, "BFD check of [far] RS([192.0.2.12]:tcp:80) is DOWN: control detection time expired after 1s, exceeded by ", 1)
}

// With -B nobody has the sessions: for who tracks them they are down from the
// start, and a BFD_CHECK decides nothing. keepalived does the same.
func TestNoBFD(t *testing.T) {
	l := New(t)
	server := func(address, alpha string) string {
		return "    real_server " + address + " 80 {\n        BFD_CHECK {\n            name far\n            " + alpha + "\n        }\n    }\n"
	}
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), append(slices.Clone(Holdfast()), "-B"), config("global_defs {\n    lvs_director none\n}\n",
		session("far", "192.0.2.11", "192.0.2.12"),
		Instance{Name: "VI_1", Priority: 150, Extra: "track_bfd {\n        far\n    }"},
		Instance{Name: "VI_2", VRID: 52, Addresses: []string{"192.0.2.201/24"}, Priority: 150, Extra: "track_bfd {\n        far weight -20\n    }"},
		"virtual_server 192.0.2.200 80 {\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n"+server("192.0.2.12", "")+server("192.0.2.13", "alpha")+"}\n"))
	const why = "there is no BFD child (--no_bfd)"
	WaitLog(t, a, "(VI_1) Entering FAULT STATE: BFD session far went down: "+why, 1)
	Wait(t, "VI_2 is master without the weight", func() bool {
		i := a.Instance("VI_2")
		return i != nil && i.State == "MASTER" && i.Priority == 130 && i.Tracks["bfd far"] == "down: "+why
	})
	s, err := a.Status()
	Must(t, err)
	for i, up := range []bool{true, false} {
		r := &s.Services[0].Servers[i]
		if r.Up != up || r.Checks[0].Detail != "not checked: "+why {
			t.Errorf("%s: %+v", r.Name, r)
		}
	}
	WaitLog(t, a, "nobody learns whether the neighbour of bfd_instance far is up", 1)
}
