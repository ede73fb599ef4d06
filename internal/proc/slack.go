package proc

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// ordinary is the timer slack of programs that Start starts.
var ordinary = slackOf()

// OrdinarySlack is the timer slack that programs get: what this process was
// born with, unless SetOrdinarySlack said otherwise. The slack of a thread is by
// how much the kernel may put off the end of its sleeps (PR_SET_TIMERSLACK of
// prctl(2)); Linux gives 50 µs to who asks for nothing.
func OrdinarySlack() time.Duration { return ordinary }

// SetOrdinarySlack is for a process that was born with a slack of its own, which
// programs are not to inherit; 0 changes nothing. Call it before the first Start.
func SetOrdinarySlack(d time.Duration) {
	if d > 0 {
		ordinary = d
	}
}

// WithSlack calls start while the thread has that timer slack: the process that
// it starts inherits it with all its threads, and cannot lose it by asking for
// the default, which is what it was born with. 0 leaves the thread as it is.
// None of our own threads gets it: the runtime starts none from one that is
// locked.
func WithSlack(d time.Duration, start func() error) error {
	if d <= 0 {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if had := slackOf(); had != d && setSlack(d) == nil {
		defer func() { _ = setSlack(had) }()
	}
	return start()
}

// slackOf is the slack of the calling thread, 0 if the kernel does not say.
func slackOf() time.Duration {
	ns, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return 0
	}
	return time.Duration(ns)
}

// setSlack sets it; 0 means what the thread was born with.
func setSlack(d time.Duration) error {
	return unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(d.Nanoseconds()), 0, 0, 0) // not below 0
}
