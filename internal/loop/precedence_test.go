package loop

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPriorityBounds(t *testing.T) {
	var k Keeper
	for _, p := range []int{100, -1} {
		if k.Set(newLoop(t), Precedence{RTPriority: p}) == nil {
			t.Errorf("priority %d was taken", p)
		}
	}
}

func TestWhatIsNotWantedAnyMoreIsUndone(t *testing.T) {
	var was, got unix.CPUSet
	if err := unix.SchedGetaffinity(0, &was); err != nil || was.Count() < 2 {
		t.Skip("one CPU only:", err)
	}
	if unix.Geteuid() != 0 {
		t.Skip("needs root, to become less nice again")
	}
	one := 0
	for !was.IsSet(one) {
		one++
	}
	var k Keeper
	defer k.Close()
	if err := k.Set(newLoop(t), Precedence{Nice: 3, CPUs: []int{one}}); err != nil {
		t.Fatal(err)
	}
	_ = unix.SchedGetaffinity(0, &got)
	if got.Count() != 1 || !got.IsSet(one) || niceness() != 3 {
		t.Errorf("CPUs %v, nice %d", got, niceness())
	}
	if err := k.Set(newLoop(t), Precedence{}); err != nil {
		t.Fatal(err)
	}
	_ = unix.SchedGetaffinity(0, &got)
	if got != was || niceness() != k.born.nice {
		t.Errorf("CPUs %v, nice %d: not as before", got, niceness())
	}
}

// A thread that the runtime has started since anybody looked does not turn the
// loop as an ordinary one.
func TestTheThreadThatTurnsHasThePriority(t *testing.T) {
	l := newLoop(t)
	l.realTime = MinRealTime
	var policy uintptr
	l.Post(func() { policy, _, _ = unix.RawSyscall(unix.SYS_SCHED_GETSCHEDULER, 0, 0, 0) })
	l.Stop()
	over := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		over <- l.Run()
	}()
	if err := <-over; err != nil {
		t.Fatal(err)
	}
	if l.realTime == 0 {
		t.Skip("the kernel lets nobody have a real-time priority here")
	}
	if policy != unix.SCHED_RR|schedResetOnFork {
		t.Errorf("policy %#x, want SCHED_RR that is not inherited", policy)
	}
}
