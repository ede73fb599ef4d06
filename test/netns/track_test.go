package netns_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// tracked is a pair whose a watches for a file through a vrrp_script.
func tracked(t *testing.T, weight int) (a, b *lab.Daemon, file string) {
	t.Helper()
	l := New(t)
	file = l.Path("well")
	Must(t, os.WriteFile(file, nil, 0o644))
	script := fmt.Sprintf(`
vrrp_script well {
    script "/usr/bin/test -e %s"
    interval 1
    fall 1
    rise 1
    weight %d
    user root
}`, file, weight)
	a = Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(script,
		Instance{Priority: 150, Extra: "track_script {\n        well\n    }"}))
	b = Start(t, Node(t, l, "b", "192.0.2.12/24"), Holdfast(), config(Instance{Priority: 100}))
	WaitMaster(t, Virtual, a, b)
	return a, b, file
}

// A track_file's number counts: written, renamed into place, gone, too low.
func TestTrackFile(t *testing.T) {
	l := New(t)
	file := l.Path("load")
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(fmt.Sprintf(`
track_file load {
    file %s
    weight -1
    init_file 3
}`, file), Instance{Priority: 150, Extra: "track_file {\n        load\n    }"}))
	b := Start(t, Node(t, l, "b", "192.0.2.12/24"), Holdfast(), config(Instance{Priority: 100}))
	WaitMaster(t, Virtual, a, b)
	if text, err := os.ReadFile(file); err != nil || string(text) != "3\n" {
		t.Errorf("it begins with %q, %v", text, err)
	}
	Must(t, os.WriteFile(file, []byte("80\n"), 0o644))
	WaitMaster(t, Virtual, b, a)
	Must(t, os.WriteFile(file+".new", []byte("0\n"), 0o644))
	Must(t, os.Rename(file+".new", file))
	WaitMaster(t, Virtual, a, b)
	Must(t, os.WriteFile(file, []byte("300\n"), 0o644))
	WaitLog(t, a, "(VI_1) "+enteringFault, 1)
	WaitMaster(t, Virtual, b, a)
	Must(t, os.Remove(file))
	WaitMaster(t, Virtual, a, b)
}

func TestTrackScriptLowersPriority(t *testing.T) {
	a, b, file := tracked(t, -80)
	Must(t, os.Remove(file))
	WaitMaster(t, Virtual, b, a)
	if n := Logged(a, enteringFault); n > 0 {
		t.Error("a went to FAULT, though the script has a weight")
	}
	Must(t, os.WriteFile(file, nil, 0o644))
	WaitMaster(t, Virtual, a, b)
}

func TestTrackScriptWithoutWeightIsFault(t *testing.T) {
	a, b, file := tracked(t, 0)
	Must(t, os.Remove(file))
	WaitLog(t, a, "(VI_1) "+enteringFault, 1)
	WaitMaster(t, Virtual, b, a)
	Must(t, os.WriteFile(file, nil, 0o644))
	WaitMaster(t, Virtual, a, b)
}

// keepalived disables a script that is not there, and so do we: who runs the
// same file must get the same master.
func TestTrackScriptThatIsNotThere(t *testing.T) {
	l := New(t)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(`
vrrp_script gone {
    script "/nowhere/to/be/found"
    interval 1
    user root
}`, Instance{Priority: 150, Extra: "track_script {\n        gone\n    }"}))
	WaitMaster(t, Virtual, a)
	WaitLog(t, a, "vrrp_script gone is ignored", 1)
}

func TestTrackInterface(t *testing.T) {
	l := New(t)
	node := func(name, address string) *lab.Node {
		return NodeWith(t, l, name, lab.Port{LAN: "lan", Name: "eth0", Addresses: []string{address}},
			lab.Port{LAN: "other", Name: "eth1"})
	}
	a := Start(t, node("a", "192.0.2.11/24"), Holdfast(),
		config(Instance{Priority: 150, Extra: "track_interface {\n        eth1\n    }"}))
	b := Start(t, node("b", "192.0.2.12/24"), Holdfast(), config(Instance{Priority: 100}))
	WaitMaster(t, Virtual, a, b)
	Must(t, l.Cut("a", "eth1"))
	WaitMaster(t, Virtual, b, a)
	Must(t, l.Heal("a", "eth1"))
	WaitMaster(t, Virtual, a, b)
}

// What happens to one member of a sync group happens to all.
func TestSyncGroup(t *testing.T) {
	const inside = "198.51.100.100"
	l := New(t)
	router := func(name string, host, priority int) *lab.Daemon {
		n := NodeWith(t, l, name,
			lab.Port{LAN: "lan", Name: "eth0", Addresses: []string{fmt.Sprintf("192.0.2.%d/24", host)}},
			lab.Port{LAN: "inside", Name: "eth1", Addresses: []string{fmt.Sprintf("198.51.100.%d/24", host)}})
		return Start(t, n, Holdfast(), config(`
vrrp_sync_group both {
    group {
        VI_1
        VI_2
    }
}`, Instance{Priority: priority},
			Instance{Name: "VI_2", VRID: 52, Interface: "eth1", Priority: priority, Addresses: []string{inside + "/24"}}))
	}
	a, b := router("a", 11, 150), router("b", 12, 100)
	WaitMaster(t, Virtual, a, b)
	WaitMaster(t, inside, a, b)
	Must(t, l.Cut("a", "eth1"))
	WaitMaster(t, inside, b, a)
	WaitMaster(t, Virtual, b, a)
	Must(t, l.Heal("a", "eth1"))
	WaitMaster(t, Virtual, a, b)
	WaitMaster(t, inside, a, b)
}

// Processes are counted as they come and go; delays keep a restart from counting.
func TestTrackProcess(t *testing.T) {
	l := New(t)
	text, err := os.ReadFile(Program(t, "sleep"))
	Must(t, err)
	program := l.Path("hf-tracked")
	Must(t, os.WriteFile(program, text, 0o755))
	n := Node(t, l, "a", "192.0.2.11/24")
	a := Start(t, n, Holdfast(), config(fmt.Sprintf(`
vrrp_track_process name {
    process hf-tracked
    quorum 2
    weight 10
}
vrrp_track_process line {
    process %s 7
    param_match initial
    weight -20
}
vrrp_track_process none {
    process %[1]s
    full_command
    quorum_max 1
    weight 40 reverse
}`, program), Instance{Priority: 100, Extra: "track_process {\n        name\n        line\n        none\n    }"}))
	priority := func(want int) {
		t.Helper()
		Wait(t, fmt.Sprintf("priority %d", want), func() bool { i := a.Instance("VI_1"); return i != nil && i.Priority == want })
	}
	priority(80)
	first, err := n.Start(program, "7777")
	Must(t, err)
	priority(60) // line is up; so is none, which is reversed
	second, err := n.Start(program, "8888")
	Must(t, err)
	priority(110) // name has its quorum, and none is down: one too many
	Must(t, first.Signal(syscall.SIGKILL))
	priority(40)
	Must(t, second.Signal(syscall.SIGKILL))
	priority(80)
	WaitLog(t, a, "Quorum lost for tracked process name: one process hf-tracked runs, 2 wanted", 1)
	WaitLog(t, a, "(VI_1) Changing effective priority from 110 to 100: process name is down: one process hf-tracked runs, 2 wanted", 1)
	WaitLog(t, a, fmt.Sprintf("Quorum gained for tracked process none: one process %s runs, 1 wanted", program), 1)
	Wait(t, "the status counts on", func() bool { // it was down already when the last one ended
		i := a.Instance("VI_1")
		return i != nil && i.Tracks["process name"] == "down: no process hf-tracked runs, 2 wanted"
	})
}
