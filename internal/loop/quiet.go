package loop

import (
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// quietGC is how far the heap may grow, in percent, before it is collected.
const quietGC = 400

// spareProcs is how many goroutines at least may run at once, however few
// processors there are: when the loop wakes, it must not wait for a processor
// of the runtime's that a collector or a parser holds for up to 10 ms, but be
// left to the kernel's scheduler, which has priorities.
const spareProcs = 4

// Quiet asks the Go runtime of this process to keep out of a loop's way.
func Quiet() {
	debug.SetGCPercent(quietGC)
	if runtime.GOMAXPROCS(0) < spareProcs {
		runtime.GOMAXPROCS(spareProcs)
	}
}

// Exact asks the kernel not to round the sleeps of this thread up, nor those of
// threads that it starts (PR_SET_TIMERSLACK). The loop's own are exact anyway.
func Exact() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) }
