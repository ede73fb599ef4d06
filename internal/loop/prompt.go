package loop

import (
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// slice is the shortest that Linux gives to who asks for one (6.12 and later;
// sched_runtime of sched_setattr(2)).
const slice = 100 * time.Microsecond

// Prompt asks the kernel to run the threads of this process in slices shorter
// than others': a thread that wakes then need not wait until who runs has used
// up its own, some 3 ms. It gets no more of the processor by that. Threads that
// start later inherit it; those with a real-time priority need none. An older
// kernel takes no notice.
func Prompt() {
	names, _ := os.ReadDir("/proc/self/task")
	for _, n := range names {
		if tid, err := strconv.Atoi(n.Name()); err == nil {
			promptThread(tid, 0)
		}
	}
}

// PromptMain does so for the main thread only, to which the kernel brings
// signals first. Programs do not inherit it; since they would not inherit a
// nice value below 0 either, a process that has one is left as it is.
func PromptMain() {
	if niceness() >= 0 {
		promptThread(unix.Getpid(), unix.SCHED_FLAG_RESET_ON_FORK)
	}
}

// promptThread leaves all else as it is. It never fails for one of ours but on a
// kernel that knows no slices, where nothing is lost.
func promptThread(tid int, flags uint64) {
	attr, err := unix.SchedGetAttr(tid, 0)
	if err != nil || attr.Policy != unix.SCHED_NORMAL && attr.Policy != unix.SCHED_BATCH {
		return
	}
	attr.Flags |= flags
	attr.Runtime = uint64(slice)
	_ = unix.SchedSetAttr(tid, attr, 0)
}
