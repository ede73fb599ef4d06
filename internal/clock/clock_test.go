package clock

import (
	"testing"
	"time"
)

func TestFollowing(t *testing.T) {
	const interval = 10 * time.Nanosecond
	for _, c := range [][3]Instant{
		// grid, now, want
		{100, 100, 110},
		{100, 103, 110}, // served late: the grid stays
		{100, 109, 110},
		{100, 110, 120},
		{100, 135, 140}, // what has passed is left out
		{100, 80, 100},  // long before it begins
		{100, 95, 110},  // just before
	} {
		if got := Following(c[0], c[1], interval); got != c[2] {
			t.Errorf("grid %d, now %d: %d, want %d", c[0], c[1], got, c[2])
		}
	}
}
