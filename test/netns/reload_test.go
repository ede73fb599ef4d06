package netns_test

import (
	"strings"
	"testing"

	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

func TestReloadKeepsMastership(t *testing.T) {
	const second = "192.0.2.101"
	_, a, b := pair(t)
	// Excluded from the adverts, so that b, which lacks it, has nothing to object to.
	Must(t, a.Configure(config(Instance{Priority: 150,
		Extra: "virtual_ipaddress_excluded {\n        " + second + "/24\n    }"})))
	Must(t, a.Reload())
	Wait(t, "the new address", func() bool { return a.Node.Has(second) })
	if !a.Node.Has(Virtual) || b.Node.Has(Virtual) || Logged(b, enteringMaster) > 0 {
		t.Error("the mastership moved")
	}
	Must(t, a.Configure(config(Instance{Priority: 150})))
	Must(t, a.Reload())
	Wait(t, "the second address is gone again", func() bool { return !a.Node.Has(second) })
	if !a.Node.Has(Virtual) || Logged(b, enteringMaster) > 0 {
		t.Error("the mastership moved")
	}
	if n := Logged(a, enteringMaster); n != 1 {
		t.Errorf("a became master %d times, want once", n)
	}
}

func TestReloadOfPriority(t *testing.T) {
	_, a, b := pair(t)
	Must(t, a.Configure(config(Instance{Priority: 50})))
	Must(t, a.Reload())
	WaitMaster(t, Virtual, b, a)
	Must(t, a.Configure(config(Instance{Priority: 150})))
	Must(t, a.Reload())
	WaitMaster(t, Virtual, a, b)
}

// A file with a mistake that the running one does not have changes nothing.
func TestReloadOfABrokenFile(t *testing.T) {
	_, a, b := pair(t)
	broken := strings.Replace(config(Instance{Priority: 50}), "priority 50", "priority 50\n    priorty 60", 1)
	Must(t, a.Configure(broken))
	Must(t, a.Reload())
	Wait(t, "the refusal is told by status", func() bool {
		s, err := a.Status()
		return err == nil && s.Reload != nil && strings.Contains(s.Reload.Why, "priorty")
	})
	WaitLog(t, a, "priorty", 1)
	i := a.Instance("VI_1")
	if i == nil || i.State != "MASTER" || i.Priority != 150 {
		t.Errorf("the instance is %+v, want the master with priority 150", i)
	}
	if Logged(b, enteringMaster) > 0 {
		t.Error("b took over")
	}
	Must(t, a.Configure(config(Instance{Priority: 150})))
	Must(t, a.Reload())
	Wait(t, "the next good reload clears it", func() bool {
		s, err := a.Status()
		return err == nil && s.Reload == nil
	})
}
