package lab

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

const helperEnv = "HOLDFAST_LAB_TEST_HELPER"

// TestHelper is what the tests below run isolated: it starts a process on a
// node and waits to be ended.
func TestHelper(t *testing.T) {
	if os.Getenv(helperEnv) == "" {
		t.Skip("runs only as the other tests' helper")
	}
	l, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	n, err := l.Node("one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Start("sh", "-c", "sleep 1000 & wait"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Hour)
}

// Whichever of the processes is killed, nothing that the lab started is left:
// the outer one, process 1 of the new namespace, or the program inside.
func TestKillNineLeavesNothing(t *testing.T) {
	if noNamespaces != "" {
		t.Skip(noNamespaces)
	}
	for depth, who := range []string{"the outer process", "process 1", "the program inside"} {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestHelper$")
		cmd.Env = append(os.Environ(), helperEnv+"=1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var tree []int
		eventually(t, "five processes: two more of the program, a shell and a sleep", func() bool {
			tree = descendants(cmd.Process.Pid)
			return len(tree) == 4
		})
		victim := append([]int{cmd.Process.Pid}, tree...)[depth]
		if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		eventually(t, "the end of all after kill -9 of "+who, func() bool {
			alive := parents()
			for _, pid := range tree {
				if _, ok := alive[pid]; ok {
					return false
				}
			}
			return true
		})
	}
}
