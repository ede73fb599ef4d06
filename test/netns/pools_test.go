package netns_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// What is said by command holds over a reload, the checker's death and a
// restart, until it is taken back; connections go on.
func TestServersByCommand(t *testing.T) {
	l := New(t)
	w, _ := services(t, l, 2)
	text := config(proxy, Instance{Priority: 100}, virtualServer(Virtual+" 80", "", httpGet, 2))
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), text)
	w.Answers(t, "s1", "s2")
	one := w.Stay(t, "s1")
	Order(t, a, api.ServerDrain, Virtual, "192.0.2.21")
	w.Answers(t, "s2")
	one.Holds(t, "s1")
	Must(t, a.Configure(strings.Replace(text, "lb_algo rr", "lb_algo wlc", 1)))
	Must(t, a.Reload())
	WaitLog(t, a, "Reloaded; checking", 1)
	w.Answers(t, "s2")
	kill(t, a.ChildPID("check"))
	WaitLog(t, a, "By command: drain service [192.0.2.21]:tcp:80 of VS [192.0.2.100]:tcp:80: a test", 2)
	w.Answers(t, "s2")
	one.Holds(t, "s1")
	Must(t, a.Stop())
	Must(t, a.Start())
	w.Answers(t, "s2")
	s, err := a.Status()
	Must(t, err)
	if o := s.Overrides; len(o) != 1 || o[0].Kind != api.ServerDrain || o[0].Why != "a test" || o[0].Since.IsZero() || o[0].Absent {
		t.Errorf("the status has %+v", o)
	}
	Order(t, a, api.ServerDisable, "all", "192.0.2.22:80")
	WaitLog(t, a, "Lost quorum", 1)
	Order(t, a, api.ServerClear, "", "")
	w.Answers(t, "s1", "s2")
}

// A server that a reload takes away ends its connections first, one that fails
// has them reset, and the end waits for those that are left.
func TestServersDrain(t *testing.T) {
	l := New(t)
	w, servers := services(t, l, 3)
	w.To = "192.0.2.11:80" // an address that does not move at the end
	with := func(servers int) string {
		return config(proxy, virtualServer("192.0.2.11 80", "drain 600\n    on_down reset", httpGet, servers))
	}
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), with(3))
	w.Answers(t, "s1", "s2", "s3")
	one, two, three := w.Stay(t, "s1"), w.Stay(t, "s2"), w.Stay(t, "s3")
	Must(t, a.Configure(with(2)))
	Must(t, a.Reload())
	w.Answers(t, "s1", "s2")
	three.Holds(t, "s3")
	_ = three.Close()
	WaitLog(t, a, "Service [192.0.2.23]:tcp:80 of VS [192.0.2.11]:tcp:80 has drained: it has no connections any more", 1)
	Must(t, servers[0].Fail(lab.Broken))
	WaitLog(t, a, "Removing service [192.0.2.21]:tcp:80 from VS", 1)
	_ = one.SetDeadline(time.Now().Add(Patience))
	Wait(t, "its connection is reset", func() bool {
		_, err := one.Ask()
		return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	})
	Must(t, a.Signal(syscall.SIGTERM))
	WaitLog(t, a, "Draining service [192.0.2.22]:tcp:80 of VS [192.0.2.11]:tcp:80 for 10m0s at most", 1)
	_ = two.Close()
	Wait(t, "it ends", func() bool { return !a.Up() })
	if Logged(a, "killed") > 0 {
		t.Error("somebody was killed")
	}
}

// The next tier stands in as a whole; with so few servers up that it is panic,
// those that fail get traffic too.
func TestTiersAndPanic(t *testing.T) {
	l := New(t)
	w, servers := services(t, l, 3)
	text := virtualServer(Virtual+" 80", "panic_threshold 50", httpGet, 3)
	at := strings.LastIndex(text, "weight 1")
	text = text[:at] + "tier 1\n        " + text[at:]
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(proxy, Instance{Priority: 100}, text))
	w.Answers(t, "s1", "s2")
	Must(t, servers[0].Fail(lab.Refuse))
	w.Answers(t, "s2")
	Must(t, servers[1].Fail(lab.Refuse))
	w.Answers(t, "s3")
	WaitLog(t, a, "VS [192.0.2.100]:tcp:80 is served by tier 1 instead of tier 0", 1)
	Must(t, servers[2].Fail(lab.Refuse))
	WaitLog(t, a, "PANIC: only 0 of 3 servers of VS [192.0.2.100]:tcp:80 are up, which is less than 50%", 1)
	Must(t, servers[1].Fail(lab.Healthy))
	w.Answers(t, "s2")
}
