package vrrp

import (
	"math"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// OwnerPriority is that of the router that owns the addresses (RFC 9568
// §5.2.4); nothing changes it.
const OwnerPriority Priority = 255

// never is a time that does not come.
const never = clock.Instant(math.MaxInt64)

// Skew is Skew_Time: the lower the priority, the longer a backup hesitates.
//
//	version 2: (256 − priority) / 256 seconds (RFC 3768 §6.1)
//	version 3: (256 − priority) × Active_Adver_Interval / 256 (RFC 9568 §6.1)
func Skew(version int, p Priority, masterAdvert time.Duration) time.Duration {
	unit := masterAdvert
	if version == 2 {
		unit = time.Second
	}
	return time.Duration(256-int(p)) * unit / 256
}

// MasterDown is Master_Down_Interval: how long a backup hears nobody before it
// takes over. adverts is how many may be missed, 3 by default.
func MasterDown(version int, p Priority, adverts int, masterAdvert time.Duration) time.Duration {
	return time.Duration(adverts)*masterAdvert + Skew(version, p, masterAdvert)
}

// Routers that begin to advertise at one instant, as all do when a lone node
// starts, would for ever fall due together: a thousand adverts keep a processor
// for 5 ms and more, and the last of them wander by as much as that varies. So
// the first wait of each is shorter by some steps, and their schedules lie side
// by side. Backups set their timers anew at every advert, however early it is
// (RFC 9568 §6.4.2).
const (
	// stepRouters is how many may share a step; fewer than twice as many routers
	// wait a whole interval.
	stepRouters = 64
	// minStep is between two steps: what lies closer may as well be one.
	minStep = time.Millisecond
	// golden is the golden ratio less one, of 1<<32. Its multiples, less the whole,
	// are spread evenly however many of them are taken.
	golden = 0x9e3779b9
)

// lead is by how much the first wait of the i-th of so many routers is shorter
// than its interval: by less than a half.
func lead(i, routers int, advert time.Duration) time.Duration {
	half := advert / 2
	steps := min(time.Duration(routers/stepRouters), half/minStep)
	if steps < 2 {
		return 0
	}
	part := uint64(uint32(i) * golden)                        // wraps on purpose
	return time.Duration(part) * steps >> 32 * (half / steps) // below 1<<32
}

// first is how long an active router waits after an advert that was not on its
// schedule.
func (n *Node) first(r *router) time.Duration {
	return r.cfg.Advert - lead(r.index, len(n.routers), r.cfg.Advert)
}
