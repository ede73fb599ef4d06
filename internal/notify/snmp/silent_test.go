package snmp

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-ha/holdfast/internal/notify/snmp/mib"
)

// A master that takes the connection and then says nothing, or does not even
// read, is left after patience and tried again, each time later; a goodbye is
// short. The clock is the bubble's.
func TestSilentMaster(t *testing.T) {
	for what, reads := range map[string]bool{"does not answer within 5s": true, "tell the AgentX master": false} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			var dialed []time.Duration
			var told []string
			o := begin(Options{
				Roots: mib.Parts{VRRP: true}.Roots(), Tree: func() *mib.Tree { return nil },
				Told: func(_ slog.Level, what string) { told = append(told, what) },
			}, func(context.Context, string) (net.Conn, error) {
				dialed = append(dialed, time.Since(began))
				ours, theirs := net.Pipe()
				if reads {
					go func() { _, _ = io.Copy(io.Discard, theirs) }()
				}
				return ours, nil
			})
			for range maxTraps + 1 {
				o.Trap(mib.Trap{})
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			want := []time.Duration{0}
			for pause := firstPause; ; pause = min(2*pause, longPause) {
				next := want[len(want)-1] + patience + pause
				if next > time.Minute {
					break
				}
				want = append(want, next)
			}
			if len(dialed) != len(want) || dialed[len(dialed)-1] != want[len(want)-1] {
				t.Errorf("%s: tried at %v, want %v", what, dialed, want)
			}
			if len(told) != 1 || !strings.Contains(told[0], what) {
				t.Errorf("told %q, want %q once", told, what)
			}
			end := time.Now()
			o.Close()
			if long := time.Since(end); long > patience {
				t.Errorf("%s: the end took %v", what, long)
			}
		})
	}
}
