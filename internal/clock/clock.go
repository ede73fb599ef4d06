// Package clock has the words for time that everything else uses.
//
// Machines see only Instant; the loop reads Readings and tells from two of
// them whether the process or the whole machine has been asleep.
package clock

import "time"

// Instant is a point of CLOCK_MONOTONIC in nanoseconds. It is never a wall
// clock: it does not step, and it does not advance while the machine sleeps.
type Instant int64

// Add returns the instant d later (earlier when d is negative).
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d) }

// Sub returns the time from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i - j) }

// Before reports whether i comes before j.
func (i Instant) Before(j Instant) bool { return i < j }

// Following returns the first point of a schedule after now. The schedule has
// a point every interval from grid on, so that nothing drifts; points that have
// passed are left out, so that nothing is made up for in a burst. Less than an
// interval before grid it gives the point after grid.
func Following(grid, now Instant, interval time.Duration) Instant {
	n := now.Sub(grid)/interval + 1
	return grid.Add(max(n, 0) * interval)
}

// Reading is one look at the clocks of the machine, taken together.
type Reading struct {
	// Mono is CLOCK_MONOTONIC.
	Mono Instant
	// Boot is CLOCK_BOOTTIME in nanoseconds: as Mono, but it also advances
	// while the machine is suspended.
	Boot int64
	// Wall is CLOCK_REALTIME in nanoseconds since the Unix epoch, for people
	// and logs only; nothing is decided by it.
	Wall int64
}
