package vrrpd

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// heir is a process that finds the notes of another, and the kernel as that
// one left it.
func heir(t *testing.T, c *conf.Config, notes int, before *bench, at clock.Instant) *bench {
	t.Helper()
	b := newBench(t)
	fd, err := unix.Dup(notes)
	if err != nil {
		t.Fatal(err)
	}
	b.boot.NotesFD, b.at = fd, at
	if before != nil {
		b.kernel = before.kernel
		b.mirror, b.tables = before.mirror, before.tables
	}
	b.begin(build.FromVRRP(c))
	return b
}

func TestSuccessorGoesOn(t *testing.T) {
	f, err := ipc.NewNotes("test")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const second = clock.Instant(time.Second)
	i := instance("VI_1", 51, 100, "192.0.2.100/24")
	i.TrackScripts = []conf.Track{{Name: "chk", Weight: 20, WeightSet: true}}
	c := config(i)
	c.Scripts = []*conf.VRRPScript{{Name: "chk", Interval: time.Hour, Rise: 1, Fall: 1, Command: conf.Command{Argv: []string{"/bin/true"}}}}

	first := heir(t, c, int(f.Fd()), nil, 1000*second)
	first.step(vrrp.Track{Name: build.ScriptTrack("chk"), Up: true})
	first.pass(10 * time.Second)
	if !first.has("192.0.2.100/24") {
		t.Fatal("the first is no master")
	}
	next := heir(t, c, int(f.Fd()), first, first.at+second)
	if got := next.net.take(); got != "VI_1 120 to 224.0.0.18" {
		t.Errorf("the second says %q, with what the script is worth", got)
	}
	if got := next.said(); !strings.Contains(got, "Entering MASTER STATE: goes on") || strings.Contains(got, "earlier run") {
		t.Errorf("the second tells %q", got)
	}
	if !next.has("192.0.2.100/24") {
		t.Error("the address is gone")
	}
	next.pass(10 * time.Second)
	third := heir(t, c, int(f.Fd()), next, next.at+second)
	if got := third.said(); !strings.Contains(got, "died twice within 1m0s") || third.has("192.0.2.100/24") {
		t.Errorf("the third tells %q", got)
	}
	third.pass(2 * time.Minute)
	third.step(vrrp.Stop{})
	fourth := heir(t, c, int(f.Fd()), third, third.at+second)
	if got := fourth.said(); strings.Contains(got, "MASTER") {
		t.Errorf("after an orderly end there is nothing to go on with: %q", got)
	}
}

// What a reload adds is written down as well, in its place.
func TestSuccessorGoesOnWithWhatAReloadAdded(t *testing.T) {
	f, err := ipc.NewNotes("test")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const second = clock.Instant(time.Second)
	one, two := instance("VI_1", 51, 100, "192.0.2.101/24"), instance("VI_2", 52, 100, "192.0.2.102/24")
	two.TrackScripts = []conf.Track{{Name: "chk", Weight: 20, WeightSet: true}}
	first := heir(t, config(one), int(f.Fd()), nil, 1000*second)
	first.pass(10 * time.Second)
	c := config(two, one)
	c.Scripts = []*conf.VRRPScript{{Name: "chk", Interval: time.Hour, Rise: 1, Fall: 1, Command: conf.Command{Argv: []string{"/bin/true"}}}}
	first.adopt(build.FromVRRP(c))
	first.step(vrrp.Track{Name: build.ScriptTrack("chk"), Up: true})
	first.pass(10 * time.Second)
	next := heir(t, c, int(f.Fd()), first, first.at+second)
	if got := next.net.take(); got != "VI_2 120 to 224.0.0.18; VI_1 100 to 224.0.0.18" {
		t.Errorf("the second says %q", got)
	}
	if got := next.said(); strings.Count(got, "Entering MASTER STATE: goes on") != 2 {
		t.Errorf("the second tells %q", got)
	}
	// Who is gone is forgotten.
	next.adopt(build.FromVRRP(config(one)))
	next.pass(2 * time.Minute)
	third := heir(t, c, int(f.Fd()), next, next.at+second)
	if got := third.net.take(); got != "VI_1 100 to 224.0.0.18" {
		t.Errorf("the third says %q", got)
	}
}
