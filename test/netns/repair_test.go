package netns_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

func TestAddressRemovedBehindItsBackComesBack(t *testing.T) {
	_, a, b := pair(t)
	Must(t, a.Node.DelAddress("eth0", Virtual+"/24"))
	Wait(t, "the address is back", func() bool { return a.Node.Has(Virtual) })
	Wait(t, "the log names it once more", func() bool {
		return strings.Contains(afterLast(a.Log(), enteringMaster), Virtual)
	})
	if b.Node.Has(Virtual) || Logged(b, enteringMaster) > 0 {
		t.Error("b took over, though a was the master all along")
	}
}

// afterLast is the text behind the last place where mark stands.
func afterLast(text, mark string) string {
	return text[max(0, strings.LastIndex(text, mark)):]
}

func TestInterfaceDown(t *testing.T) {
	_, a, b := pair(t)
	Must(t, a.Node.SetLink("eth0", false))
	WaitLog(t, a, "(VI_1) "+enteringFault, 1)
	WaitMaster(t, Virtual, b)
	Must(t, a.Node.SetLink("eth0", true))
	WaitMaster(t, Virtual, a, b)
}

func TestCarrierLost(t *testing.T) {
	l, a, b := pair(t)
	Must(t, l.Cut("a"))
	WaitLog(t, a, "(VI_1) "+enteringFault, 1)
	WaitMaster(t, Virtual, b, a)
	Must(t, l.Heal("a"))
	WaitMaster(t, Virtual, a, b)
}

// Neither router can see the cut, so both serve; healed, one yields.
func TestPartitionHeals(t *testing.T) {
	l, a, b := pair(t)
	Must(t, l.Isolate("a"))
	Wait(t, "both have the address", func() bool { return a.Node.Has(Virtual) && b.Node.Has(Virtual) })
	Must(t, l.Heal("a"))
	WaitMaster(t, Virtual, a, b)
}

// child returns the process that handles VRRP.
func child(t *testing.T, d *lab.Daemon) int {
	t.Helper()
	pid := 0
	Wait(t, "the VRRP child's pid file", func() bool {
		pid = d.ChildPID("vrrp")
		return pid > 0
	})
	return pid
}

func TestKilledChildIsStartedAgain(t *testing.T) {
	_, a, b := pair(t)
	old := child(t, a)
	kill(t, old)
	Wait(t, "another child", func() bool { pid := a.ChildPID("vrrp"); return pid > 0 && pid != old })
	WaitMaster(t, Virtual, a, b)
	if !a.Running() {
		t.Error("the parent has ended")
	}
}

// A child that hangs is as dead as one that has ended: it does not answer the
// parent's hello.
func TestStoppedChildIsStartedAgain(t *testing.T) {
	_, a, b := pair(t)
	old := child(t, a)
	Must(t, syscall.Kill(old, syscall.SIGSTOP))
	Wait(t, "b takes the address", func() bool { return b.Node.Has(Virtual) })
	Wait(t, "another child", func() bool { pid := a.ChildPID("vrrp"); return pid > 0 && pid != old })
	WaitMaster(t, Virtual, a, b)
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if pid <= 1 {
		t.Fatalf("there is no process %d to kill", pid)
	}
	Must(t, syscall.Kill(pid, syscall.SIGKILL))
}
