package outletd

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/dump"
	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/loop"
	"github.com/holdfast-ha/holdfast/internal/notify/dbus"
)

// patience is how long anything may take before a test gives up.
const patience = 20 * time.Second

// listener is a way out that writes down what it hears.
type listener struct {
	heard  chan string
	closed chan struct{}
}

func newListener() *listener {
	return &listener{heard: make(chan string, 100), closed: make(chan struct{})}
}

func (l *listener) News(n *feed.VRRP) {
	out := []string{string(n.Why)}
	for _, r := range n.Routers {
		out = append(out, r.Name+" "+r.State)
	}
	for _, g := range n.Groups {
		out = append(out, g.Name+" "+g.State)
	}
	for _, r := range n.Refused {
		out = append(out, r.Name+" refused "+r.Source)
	}
	l.heard <- strings.Join(out, ", ")
}

func (l *listener) Pool(n *feed.Pool) {
	l.heard <- fmt.Sprintf("%s %s %v", n.Service, n.Server, n.ServerUp)
}

func (l *listener) Close() { close(l.closed) }

func (l *listener) want(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-l.heard:
		if got != want {
			t.Fatalf("heard %q, want %q", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("heard nothing, want %q", want)
	}
}

// world is a daemon that runs, without what Run does to the process.
type world struct {
	t *testing.T
	*daemon
	parent *ipc.Conn
}

func start(t *testing.T) *world {
	t.Helper()
	l, err := loop.New()
	if err != nil {
		t.Fatal(err)
	}
	log := bus.New()
	parent, file, err := ipc.Pair()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	w := &world{t, &daemon{conn: ipc.FromFD(fd), loop: l, log: log, ways: ways{}}, parent}
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }()
	t.Cleanup(func() {
		l.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.end()
		log.Close()
		_ = parent.Close()
		_ = w.conn.Close()
	})
	return w
}

// on runs f on the loop and waits for it.
func (w *world) on(f func()) {
	w.t.Helper()
	done := make(chan struct{})
	w.loop.Post(func() { defer close(done); f() })
	select {
	case <-done:
	case <-time.After(patience):
		w.t.Fatal("the loop hangs")
	}
}

// child links another child and returns its end.
func (w *world) child(name string) *ipc.Conn {
	w.t.Helper()
	theirs, file, err := ipc.Pair()
	if err != nil {
		w.t.Fatal(err)
	}
	fd, err := unix.Dup(int(file.Fd()))
	if err != nil {
		w.t.Fatal(err)
	}
	_ = file.Close()
	w.t.Cleanup(func() { _ = theirs.Close() })
	w.on(func() { w.linkTo(name, fd) })
	return theirs
}

func (w *world) say(c *ipc.Conn, kind ipc.Kind, body any) {
	w.t.Helper()
	if err := c.Send(ipc.Message{Kind: kind, Body: ipc.Marshal(body)}); err != nil {
		w.t.Fatal(err)
	}
}

func router(name, state string) feed.Router { return feed.Router{Name: name, State: state} }

// Every way out hears of everything; one that comes later, or anew, of how
// things are now.
func TestWaysHear(t *testing.T) {
	w := start(t)
	vrrp, checker := w.child("vrrp"), w.child(checkerChild)
	one := newListener()
	w.on(func() { w.open("one", one) })
	w.say(vrrp, ipc.Routers, feed.VRRP{
		Why: feed.Began, Routers: []feed.Router{router("VI_1", "BACKUP"), router("VI_2", "BACKUP")}, Groups: []feed.Group{{Name: "G", State: "BACKUP"}},
	})
	one.want(t, "began, VI_1 BACKUP, VI_2 BACKUP, G BACKUP")
	w.say(vrrp, ipc.Routers, feed.VRRP{Why: feed.Changed, Routers: []feed.Router{router("VI_2", "MASTER")}, Refused: []feed.Refused{{Name: "VI_1", Source: "192.0.2.9"}}})
	one.want(t, "changed, VI_2 MASTER, VI_1 refused 192.0.2.9")
	w.say(checker, ipc.Pools, feed.Pool{Service: "S", Server: "R", ServerUp: true})
	one.want(t, "S R true")

	again := newListener()
	w.on(func() { w.shut("one"); w.open("one", again) })
	again.want(t, "began, VI_1 BACKUP, VI_2 MASTER, G BACKUP")
	select {
	case <-one.closed:
	case <-time.After(patience):
		t.Fatal("the first is not closed")
	}
	w.say(vrrp, ipc.Routers, feed.VRRP{Why: feed.Reloaded, Routers: []feed.Router{router("VI_2", "MASTER")}})
	again.want(t, "reloaded, VI_2 MASTER")
	late := newListener()
	w.on(func() { w.open("late", late) })
	late.want(t, "began, VI_2 MASTER") // of what is gone nothing
}

// A child that goes leaves nobody without an answer, and what it said last; the
// next one is heard.
func TestChildrenGoAndCome(t *testing.T) {
	w := start(t)
	one := newListener()
	w.on(func() { w.open("one", one) })
	vrrp, checker := w.child("vrrp"), w.child(checkerChild)
	w.say(vrrp, ipc.Routers, feed.VRRP{Why: feed.Began, Routers: []feed.Router{router("VI_1", "MASTER")}})
	one.want(t, "began, VI_1 MASTER")
	answers := make(chan bool, 3*maxAsked)
	ask := func() {
		for range maxAsked + 1 { // one too many
			w.on(func() {
				w.askVRRP(func(v *dump.VRRP) { answers <- v != nil })
				w.pools.ask(ipc.Message{Kind: ipc.Query}, func(m *ipc.Message) { answers <- m != nil })
			})
		}
	}
	ask()
	_ = vrrp.Close()
	_ = checker.Close()
	for n := range 2*maxAsked + 2 {
		select {
		case good := <-answers:
			if good {
				t.Error("somebody answered")
			}
		case <-time.After(patience):
			t.Fatalf("%d got no answer", 2*maxAsked+2-n)
		}
	}
	vrrp = w.child("vrrp")
	w.say(vrrp, ipc.Routers, feed.VRRP{Why: feed.Began, Routers: []feed.Router{router("VI_1", "BACKUP")}})
	one.want(t, "began, VI_1 BACKUP")
}

// A reload opens, leaves alone, changes and shuts a way out; an agent that is
// silent, or is not there, holds nobody up.
func TestReloadsEquip(t *testing.T) {
	w := start(t)
	socket := filepath.Join(t.TempDir(), "agentx")
	l, err := net.Listen("unix", socket) // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	snmp := func(socket string, traps bool) build.Outlet {
		c := &conf.Config{}
		c.Global.SNMP = conf.SNMP{VRRP: true, Socket: socket, Traps: traps}
		return build.FromOutlet(c)
	}
	var last way
	for _, step := range []struct {
		what      string
		next      build.Outlet
		same, any bool
	}{
		{"nothing", build.Outlet{}, true, false},
		{"SNMP", snmp(socket, false), false, true},
		{"the same", snmp(socket, false), true, true},
		{"traps too", snmp(socket, true), false, true},
		{"elsewhere", snmp(socket+".gone", true), false, true},
		{"nothing again", build.Outlet{}, false, false},
	} {
		var now way
		w.on(func() { w.adopt(step.next); now = w.ways[waySNMP] })
		if (now != nil) != step.any || (now == last) != step.same {
			t.Errorf("%s: from %p to %p", step.what, last, now)
		}
		last = now
	}
}

// What is asked for over D-Bus goes to who can do it, once, until the end.
func TestAskedOverDBus(t *testing.T) {
	w := start(t)
	vrrp := w.child("vrrp")
	for _, method := range []string{dbus.PrintData, dbus.PrintStats, "Unheard", dbus.PrintStatsClear, dbus.SendGarp, dbus.ReloadConfig} {
		w.on(func() { w.askedOverDBus(dbus.Request{Method: method, Instance: "a"}) })
	}
	w.on(func() {
		w.stopping = true
		w.askedOverDBus(dbus.Request{Method: dbus.PrintData})
		w.wish("the end")
	})
	for _, want := range []string{ipc.WishData, ipc.WishStats, ipc.WishClear, ipc.WishReload, "the end"} {
		if m, files, err := w.parent.Recv(); err != nil || m.Kind != ipc.Wish || m.Topic != want || len(files) > 0 {
			t.Fatalf("the parent hears %+v, %v, want %s", m, err, want)
		}
	}
	if m, _, err := vrrp.Recv(); err != nil || m.Kind != ipc.Garp || m.Topic != "a" {
		t.Errorf("VRRP hears %+v, %v", m, err)
	}
}
