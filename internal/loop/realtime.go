package loop

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Bounds of a real-time priority (sched(7)).
const (
	MinRealTime = 1
	MaxRealTime = 99
)

// quietGC is how far the heap may grow, in percent, before it is collected.
const quietGC = 400

// spareProcs is how many goroutines at least may run at once, however few
// processors there are: when the loop wakes, it must not wait for a processor
// of the runtime's that a collector or a parser holds for up to 10 ms, but be
// left to the kernel's scheduler, which has priorities.
const spareProcs = 4

// Quiet asks the Go runtime of this process to keep out of a loop's way, and
// the kernel not to round this thread's sleeps up (PR_SET_TIMERSLACK).
func Quiet() {
	debug.SetGCPercent(quietGC)
	if runtime.GOMAXPROCS(0) < spareProcs {
		runtime.GOMAXPROCS(spareProcs)
	}
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
}

// RealTime gives all threads of the process the real-time priority prio
// (SCHED_RR), as vrrp_rt_priority wants it: a loop whose garbage collector
// waits behind somebody else's computation waits too. Programs started by us
// do not inherit it. A thread that the runtime starts later gets it with the
// next call; calling again is cheap while there is none.
func (l *Loop) RealTime(prio int) error {
	if prio < MinRealTime || prio > MaxRealTime {
		return fmt.Errorf("real-time priority %d: expected %d to %d", prio, MinRealTime, MaxRealTime)
	}
	names, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("set real-time priority %d: %w", prio, err)
	}
	for _, n := range names {
		tid, err := strconv.Atoi(n.Name())
		if err != nil {
			continue
		}
		if err := setRealTime(tid, prio); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("set real-time priority %d: %w", prio, err)
		}
	}
	return nil
}

// schedResetOnFork keeps a child from inheriting the policy (sched(7)).
const schedResetOnFork = 0x40000000

func setRealTime(tid, prio int) error {
	param := struct{ priority int32 }{int32(prio)} //nolint:gosec // 1–99
	_, _, errno := unix.RawSyscall(unix.SYS_SCHED_SETSCHEDULER, uintptr(tid),
		unix.SCHED_RR|schedResetOnFork, uintptr(unsafe.Pointer(&param)))
	if errno != 0 {
		return errno
	}
	return nil
}

// NoSwap keeps the process's memory from being swapped out (vrrp_no_swap).
func NoSwap() error {
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		return fmt.Errorf("lock memory: %w", err)
	}
	return nil
}

// warmThreads is how many threads the runtime is made to have before they get
// a priority: more than ever run at once, so that none starts without it later.
const warmThreads = 12

// warm makes the runtime start its threads now: a goroutine that sleeps in the
// kernel keeps one, and leaves it for whoever needs one next.
func warm() {
	var asleep sync.WaitGroup
	for range warmThreads {
		asleep.Go(func() {
			ts := unix.NsecToTimespec(int64(5 * time.Millisecond))
			_ = unix.Nanosleep(&ts, nil)
		})
	}
	asleep.Wait()
}

// KeepRealTime calls RealTime anew whenever the process has more threads than
// before; it ends when done is closed. It runs beside the loop.
func (l *Loop) KeepRealTime(prio int, done <-chan struct{}) {
	warm()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var threads uint64
	for {
		var st unix.Stat_t
		if unix.Stat("/proc/self/task", &st) == nil && uint64(st.Nlink) != threads {
			threads = uint64(st.Nlink)
			_ = l.RealTime(prio)
		}
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}
