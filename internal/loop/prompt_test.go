package loop

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// slicesKnown skips on a kernel that gives everybody the same slice.
func slicesKnown(t *testing.T) {
	t.Helper()
	if attr, err := unix.SchedGetAttr(0, 0); err != nil || attr.Runtime == 0 {
		t.Skip("this kernel knows no slices of one's own:", err)
	}
}

func TestPromptIsInherited(t *testing.T) {
	slicesKnown(t)
	Prompt()
	got := make(chan *unix.SchedAttr)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is this goroutine's alone
		attr, _ := unix.SchedGetAttr(0, 0)
		got <- attr
	}()
	if attr := <-got; attr == nil || attr.Runtime != uint64(slice) {
		t.Errorf("another thread has %+v, want slices of %v", attr, slice)
	}
}

func TestPromptLeavesNiceAlone(t *testing.T) {
	slicesKnown(t)
	runtime.LockOSThread() // never unlocked: the thread ends, and its nice value with it
	const nice = 4
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, nice); err != nil {
		t.Fatal(err)
	}
	promptThread(0, 0)
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil || attr.Nice != nice || attr.Runtime != uint64(slice) || attr.Flags&unix.SCHED_FLAG_RESET_ON_FORK != 0 {
		t.Errorf("attributes %+v (%v), want nice %d and slices of %v", attr, err, nice, slice)
	}
}
