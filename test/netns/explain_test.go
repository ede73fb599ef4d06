package netns_test

import (
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/control"
	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// remembered are the whole lines of a daemon's flight recorder.
func remembered(t *testing.T, d *lab.Daemon) string {
	t.Helper()
	e, err := control.Explain(t.Context(), strings.TrimSuffix(d.ConfigFile(), ".conf")+".sock")
	Must(t, err)
	var b strings.Builder
	for _, r := range e.Records {
		b.WriteString(r.What + "\n")
	}
	return b.String()
}

// What a child has said is still known when it is dead, and so is its death.
func TestFlightRecorderOutlivesTheChild(t *testing.T) {
	l := New(t)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(Instance{Priority: 150}))
	WaitMaster(t, Virtual, a)
	WaitLog(t, a, enteringMaster, 1)
	Wait(t, "the recorder has it", func() bool { return strings.Contains(remembered(t, a), enteringMaster) })
	kill(t, childOf(t, a, "vrrp"))
	WaitLog(t, a, enteringMaster, 2)
	Wait(t, "the recorder has all", func() bool { return strings.Count(remembered(t, a), enteringMaster) == 2 })
	story := remembered(t, a)
	for _, next := range []string{
		"Starting holdfast", enteringBackup, enteringMaster, "VRRP child process died: it ended: signal: killed",
		"Starting VRRP child process", enteringMaster,
	} {
		_, after, found := strings.Cut(story, next)
		if !found {
			t.Fatalf("%q is not there, or not in its place:\n%s", next, remembered(t, a))
		}
		story = after
	}
}

// A master that hears another one shouts, once, and status shows it; when the
// other is silent it is over. A backup says what it would do.
func TestTwoMastersAndReadiness(t *testing.T) {
	l, a, b := pair(t)
	Wait(t, "b is ready", func() bool {
		i := b.Instance("VI_1")
		return i != nil && strings.HasPrefix(i.Readiness, "hears 192.0.2.11 (priority 150), last ") &&
			strings.Contains(i.Readiness, "; would take over after ")
	})
	send := sender(t, Node(t, l, "stranger", stranger+"/24"))
	var split *api.Split
	Wait(t, "a knows of two masters", func() bool {
		send(advert(51, 90), 255)
		i := a.Instance("VI_1")
		if i != nil && i.Split != nil {
			split = i.Split
		}
		return split != nil
	})
	if split.With != stranger || split.Priority != 90 {
		t.Errorf("the other master is %+v", split)
	}
	WaitLog(t, a, "(VI_1) TWO MASTERS: 192.0.2.66 advertises with priority 90, and so do we, 192.0.2.11, with priority 150; we stay", 1)
	WaitLog(t, a, "(VI_1) no longer two masters: 192.0.2.66 is not heard any more; it lasted ", 1)
	i := a.Instance("VI_1")
	if i == nil || i.Split != nil || i.Counters["splits"] != 1 || i.State != "MASTER" {
		t.Errorf("afterwards a is %+v", i)
	}
	if n := Logged(a, "TWO MASTERS"); n != 1 {
		t.Errorf("it is told %d times", n)
	}
}
