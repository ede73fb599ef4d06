package loop

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// origin ties the runtime's monotonic clock to CLOCK_MONOTONIC. They are one
// clock, but time.Time keeps its zero for itself; reading it through time.Since
// costs no system call.
type origin struct {
	at   time.Time
	zero clock.Instant // CLOCK_MONOTONIC at at
}

// newOrigin looks at both several times and keeps the closest pair; the error
// is some tens of nanoseconds and constant.
func newOrigin() origin {
	var best origin
	least := time.Duration(1<<63 - 1)
	for range 16 {
		before := time.Now()
		mono := gettime(unix.CLOCK_MONOTONIC)
		took := time.Since(before)
		if took < least {
			least = took
			best = origin{at: before, zero: clock.Instant(mono) - clock.Instant(took/2)}
		}
	}
	return best
}

func (o origin) mono() clock.Instant { return o.zero.Add(time.Since(o.at)) }

func (o origin) read() clock.Reading {
	boot := gettime(unix.CLOCK_BOOTTIME)
	t := time.Now() // both clocks at once: packets' stamps are reckoned by their difference
	return clock.Reading{Mono: o.zero.Add(t.Sub(o.at)), Boot: boot, Wall: t.UnixNano()}
}

// between is how far boot time is ahead of monotonic time: it grows by the
// time that the machine is suspended.
func (l *Loop) between() time.Duration {
	return time.Duration(gettime(unix.CLOCK_BOOTTIME) - int64(l.origin.mono()))
}

// gettime reads a clock in nanoseconds; it does not block, so it does not
// tell the scheduler that it might.
func gettime(id uintptr) int64 {
	var ts unix.Timespec
	_, _, _ = unix.RawSyscall(unix.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}
