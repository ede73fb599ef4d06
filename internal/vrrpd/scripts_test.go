package vrrpd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/track"
)

// limit only bounds a failing test.
const limit = 20 * time.Second

// pump has posts of other goroutines wait for the test, which is the loop.
func pump(b *bench) (until func(what string, ok func() bool)) {
	posts := make(chan func(), 64) // more than any test posts
	b.post = func(fn func()) bool { posts <- fn; return true }
	b.t.Cleanup(func() {
		done := make(chan struct{})
		go func() { b.hands.Wait(); close(done) }()
		for {
			select {
			case <-posts:
			case <-done:
				return
			}
		}
	})
	return func(what string, ok func() bool) {
		b.t.Helper()
		end := time.After(limit)
		for !ok() {
			select {
			case fn := <-posts:
				fn()
			case <-end:
				b.t.Fatalf("%s: not within %v", what, limit)
			}
		}
	}
}

// watched is a router that watches a script.
func watched(weight int, argv ...string) *conf.Config {
	i := instance("VI_1", 51, 100, "192.0.2.100/24")
	i.TrackScripts = []conf.Track{{Name: "chk"}}
	c := config(i)
	c.Scripts = []*conf.VRRPScript{{
		Name: "chk", Command: conf.Command{Argv: argv}, Weight: weight, Interval: time.Second, Rise: 1, Fall: 1,
	}}
	return c
}

func (b *bench) tickScripts() {
	if at, ok := b.nextTrack(); ok {
		b.at = max(b.at, at)
		b.tickTrack(b.at, 0)
	}
}

func TestScriptForbids(t *testing.T) {
	b := newBench(t)
	until := pump(b)
	b.begin(build.FromVRRP(watched(0, "/bin/false")))
	b.want("before the first result", b.state(), "INIT")
	b.tickScripts()
	until("failed", func() bool { return b.state() == "FAULT" })
	s := b.said()
	for _, want := range []string{"VRRP_Script(chk) failed: exit status 1", "(VI_1) Entering FAULT STATE: script chk failed: exit status 1"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in %s", want, s)
		}
	}
	if got := b.survey(false).status().Instances[0].Tracks["script chk"]; got != "down: exit status 1" {
		t.Errorf("status says %q", got)
	}
	// Another program of the same name: nothing is known until it has run.
	b.adopt(build.FromVRRP(watched(0, "/bin/true")))
	b.tickScripts()
	until("succeeded", func() bool { return b.state() == "BACKUP" })
}

func TestScriptWeighs(t *testing.T) {
	b := newBench(t)
	until := pump(b)
	b.begin(build.FromVRRP(watched(-30, "/bin/false")))
	b.tickScripts()
	until("failed", func() bool { return b.node.Router(0).Priority == 70 })
	// A reload that changes nothing about the script keeps what is known of it.
	b.adopt(build.FromVRRP(watched(-40, "/bin/false")))
	if p := b.node.Router(0).Priority; p != 60 {
		t.Errorf("priority %d after the reload, want 60", p)
	}
}

// A script that outlives its timeout has failed at once, and is ended.
func TestScriptTimesOut(t *testing.T) {
	b := newBench(t)
	until := pump(b)
	b.begin(build.FromVRRP(watched(0, "/bin/sleep", "1000")))
	b.tickScripts()
	until("started", func() bool { return b.trackers[0].process != nil })
	b.tickScripts() // the deadline of the run
	b.want("state", b.state(), "FAULT")
	until("ended", func() bool { return b.trackers[0].process == nil })
	if b.trackers[0].machine.Running() {
		t.Error("the machine still waits")
	}
}

// A script that a reload removes is ended, and its result means nothing.
func TestScriptIsRemoved(t *testing.T) {
	b := newBench(t)
	until := pump(b)
	b.begin(build.FromVRRP(watched(0, "/bin/sleep", "1000")))
	b.tickScripts()
	old := b.trackers[0]
	until("started", func() bool { return old.process != nil })
	b.adopt(build.FromVRRP(config(instance("VI_1", 51, 100, "192.0.2.100/24"))))
	until("ended", func() bool { return old.process == nil })
	b.want("state", b.state(), "BACKUP")
}

func TestRestartOfASchedule(t *testing.T) {
	b := newBench(t)
	pump(b)
	b.begin(build.FromVRRP(watched(0, "/bin/true")))
	c := watched(0, "/bin/true")
	c.Scripts[0].Interval = time.Hour
	b.adopt(build.FromVRRP(c))
	if b.trackers[0].Track != (track.Config{Interval: time.Hour, Rise: 1, Fall: 1}) {
		t.Errorf("got %+v", b.trackers[0].Track)
	}
}

// keepalived.conf(5): "INSTANCE "VI_1" MASTER 100", and for scripts the same as
// their last four arguments, after the state's own script.
func TestNotifications(t *testing.T) {
	dir := t.TempDir()
	out, pipe := filepath.Join(dir, "out"), filepath.Join(dir, "fifo")
	script := func(word string) *conf.Command {
		return &conf.Command{Argv: []string{"/bin/sh", "-c", `echo "$0 $*" >>` + out, word}}
	}
	i := instance("VI_1", 51, 100, "192.0.2.100/24")
	i.Notify = conf.Notify{Master: script("own-master"), Stop: script("own-stop"), Any: script("any"), MasterRxLowerPri: script("lower")}
	i.NotifyPriority = true
	i.TrackFiles = []conf.Track{{Name: "load"}}
	c := config(i)
	c.TrackFiles = []*conf.TrackFile{{Name: "load", Path: "/run/load", Weight: 1}}
	c.Global.VRRPNotifyFIFO = conf.FIFO{Path: pipe}
	c.Groups = []*conf.SyncGroup{{Name: "G", Members: []string{"VI_1"}, TrackingWeight: true, Notify: conf.Notify{Any: script("group")}}}
	b := newBench(t)
	b.begin(build.FromVRRP(c))
	r, err := os.Open(pipe)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b.file(0, nil)
	b.file(3, nil)
	b.file(0, nil)
	b.pass(4 * time.Second)
	b.file(7, nil)
	b.file(0, nil)
	b.hear("192.0.2.12", 51, 50, "192.0.2.100")
	b.endOperation("a test")
	b.end()

	text, _ := os.ReadFile(out)
	for _, want := range []string{
		"any INSTANCE VI_1 BACKUP 100", "own-master ", "any INSTANCE VI_1 MASTER 100", "lower ",
		"own-stop ", "any INSTANCE VI_1 STOP 100",
		"group GROUP G BACKUP 0", "group GROUP G MASTER 0", "group GROUP G STOP 0",
	} {
		if strings.Count(string(text), want+"\n") != 1 {
			t.Errorf("not once %q in\n%s", want, text)
		}
	}
	buf := make([]byte, 4096)
	n, _ := r.Read(buf)
	want := `INSTANCE "VI_1" BACKUP 100
GROUP "G" BACKUP 0
INSTANCE "VI_1" BACKUP_PRIORITY 103
INSTANCE "VI_1" BACKUP_PRIORITY 100
INSTANCE "VI_1" MASTER 100
GROUP "G" MASTER 0
INSTANCE "VI_1" MASTER_PRIORITY 107
INSTANCE "VI_1" MASTER_PRIORITY 100
INSTANCE "VI_1" MASTER_RX_LOWER_PRI 100
INSTANCE "VI_1" STOP 100
GROUP "G" STOP 0
`
	if string(buf[:n]) != want {
		t.Errorf("FIFO:\n%s", buf[:n])
	}
}
