package parent

import (
	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// reading takes one look at the clocks.
func reading() clock.Reading {
	return clock.Reading{
		Mono: clock.Instant(nanos(unix.CLOCK_MONOTONIC)),
		Boot: nanos(unix.CLOCK_BOOTTIME),
		Wall: nanos(unix.CLOCK_REALTIME),
	}
}

func now() clock.Instant { return clock.Instant(nanos(unix.CLOCK_MONOTONIC)) }

func nanos(id int32) int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(id, &ts) // these clocks always exist
	return ts.Nano()
}
