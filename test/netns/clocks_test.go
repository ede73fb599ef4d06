package netns_test

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// A router whose machine has just booted, one that has run for decades, and
// one that was suspended for years, go by the same clock as everybody.
func TestOtherClocks(t *testing.T) {
	var now unix.Timespec
	Must(t, unix.ClockGettime(unix.CLOCK_BOOTTIME, &now))
	const decades = 40 * 365 * 24 * 3600
	for name, at := range map[string]struct{ monotonic, boot int64 }{
		"just booted":     {1 - now.Sec, 1 - now.Sec},
		"up for decades":  {decades, decades},
		"asleep for long": {0, decades},
	} {
		t.Run(name, func(t *testing.T) {
			l := New(t)
			command := append([]string{Program(t, "unshare"), "-T",
				fmt.Sprintf("--monotonic=%d", at.monotonic), fmt.Sprintf("--boottime=%d", at.boot)}, Holdfast()...)
			a := Start(t, Node(t, l, "a", "192.0.2.11/24"), slices.Clone(Holdfast()), config(Instance{Priority: 150}))
			WaitMaster(t, Virtual, a)
			b := Start(t, Node(t, l, "b", "192.0.2.12/24"), command, config(Instance{Priority: 100}))
			Wait(t, "b hears a", func() bool { i := b.Instance("VI_1"); return i != nil && i.Master == "192.0.2.11" })
			if since := b.Instance("VI_1").Since; time.Since(since).Abs() > time.Minute {
				t.Errorf("b says it is backup since %v", since)
			}
			Must(t, a.Stop())
			WaitMaster(t, Virtual, b)
			kill(t, child(t, b))
			WaitLog(t, b, "goes on: its process died", 1)
			// On a busy machine it may have been late, but not so late.
			for _, slept := range regexp.MustCompile(`slept for (\d+)`).FindAllStringSubmatch(b.Log(), -1) {
				if len(slept[1]) > 2 {
					t.Errorf("b believes it %s s", slept[0])
				}
			}
		})
	}
}
