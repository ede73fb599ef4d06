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
