package vrrpd

import (
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// What somebody undoes is put back at once, also the second and the third time;
// a fight that does not end is slowed down, and forgotten when it has ended.
func TestFight(t *testing.T) {
	var f fight
	now := clock.Instant(time.Hour)
	for i := range 3 {
		if now = now.Add(50 * time.Millisecond); !f.allow(now, 3) {
			t.Errorf("round %d was not fought at once", i)
		}
		if !f.allow(now, 3) {
			t.Errorf("round %d: what happened together was told apart", i)
		}
	}
	if now = now.Add(50 * time.Millisecond); f.allow(now, 3) {
		t.Error("a fight goes on at full pace")
	}
	if now = now.Add(calm); !f.allow(now, 3) || !f.allow(now.Add(time.Millisecond), 3) {
		t.Error("a fight that has ended is not forgotten")
	}
}
