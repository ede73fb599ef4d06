package proxyd

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/director/directortest"
	"github.com/holdfast-ha/holdfast/internal/director/proxy"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"golang.org/x/sys/unix"
)

var ctx = context.Background()

// child is a proxy child in this process.
type child struct {
	t      *testing.T
	parent *ipc.Conn
	ended  chan error
}

// spawn starts a child on the parent's socket, as parent does.
func spawn(t *testing.T, socket *os.File) *child {
	t.Helper()
	raw, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	fd := -1
	if ctlErr := raw.Control(func(s uintptr) { fd, err = unix.Dup(int(s)) }); ctlErr != nil || err != nil {
		t.Fatal(ctlErr, err)
	}
	parent, file, err := ipc.Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	end, err := unix.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, parent: parent, ended: make(chan error, 1)}
	b := bus.New()
	go func() {
		defer b.Close()
		c.ended <- Run(ipc.FromFD(end), ipc.BootInfo{Child: "proxy", ProxyFD: fd}, nil, b)
	}()
	if m := c.hear(); m.Kind != ipc.Ready {
		t.Fatalf("first message %q, want ready", m.Kind)
	}
	return c
}

func (c *child) hear() ipc.Message {
	c.t.Helper()
	m, _, err := c.parent.Recv()
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

func (c *child) say(m ipc.Message) {
	c.t.Helper()
	if err := c.parent.Send(m); err != nil {
		c.t.Fatal(err)
	}
}

func (c *child) stop() {
	c.t.Helper()
	c.say(ipc.Message{Kind: ipc.Stop})
	if err := <-c.ended; err != nil {
		c.t.Errorf("the child ended with %v", err)
	}
	_ = c.parent.Close()
}

func listen(t *testing.T) (*os.File, string) {
	t.Helper()
	socket, name, err := proxy.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return socket, name
}

func TestSuite(t *testing.T) {
	socket, name := listen(t)
	c := spawn(t, socket)
	defer c.stop()
	directortest.Run(t, directortest.Options{
		Open: func(*testing.T) director.Director { return proxy.Open(name) },
		Keys: []lvs.ServiceKey{
			serviceAt(free(t, "tcp"), lvs.TCP), serviceAt(free(t, "udp"), lvs.UDP),
			serviceAt(free(t, "tcp"), lvs.TCP), serviceAt(free(t, "udp"), lvs.UDP),
		},
		Schedulers: []string{"rr", "wlc", "sh"},
		World: func(t *testing.T) lvs.Table {
			d := proxy.Open(name)
			defer func() { _ = d.Close(ctx, true) }()
			table, err := d.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return table
		},
	})
}

// TestConnectionsOutliveTheChecker: the checker's end goes and a new one
// comes, as after a crash; the connection does not notice.
func TestConnectionsOutliveTheChecker(t *testing.T) {
	socket, name := listen(t)
	c := spawn(t, socket)
	defer c.stop()
	a := newBackend(t, "a")
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	want := lvs.Table{key: {Scheduler: "rr", Servers: weights{a.key: {Weight: 1}}}}
	first := proxy.Open(name)
	if _, err := first.Set(ctx, lvs.Whole(want)); err != nil {
		t.Fatal(err)
	}
	held := dialTo(t, key)
	if held.ask() != "a" {
		t.Fatal("no answer")
	}
	_ = first.Close(ctx, true)
	if held.ask() != "a" || dialTo(t, key).ask() != "a" {
		t.Error("no answer without a checker")
	}
	second := proxy.Open(name)
	if changes, err := second.Set(ctx, lvs.Whole(want)); err != nil || changes != (director.Changes{}) {
		t.Errorf("the next checker wrote %+v, %v; want nothing", changes, err)
	}
	counters, err := second.Counters(ctx)
	if err != nil || counters[key].Connections != 2 || counters[key].Servers[a.key].Connections != 2 {
		t.Errorf("counters %+v %v, want 2 connections", counters[key], err)
	}
	if held.ask() != "a" {
		t.Error("the connection broke when the next checker came")
	}
	if err := second.Close(ctx, false); err != nil {
		t.Error(err)
	}
}

// TestNextChildIsToldByItself: the data path dies; its successor gets the
// table without a new Set, since nothing changed for the checker.
func TestNextChildIsToldByItself(t *testing.T) {
	socket, name := listen(t)
	first := spawn(t, socket)
	a := newBackend(t, "a")
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	d := proxy.Open(name)
	if _, err := d.Set(ctx, lvs.Whole(lvs.Table{key: {Scheduler: "rr", Servers: weights{a.key: {Weight: 1}}}})); err != nil {
		t.Fatal(err)
	}
	first.stop()
	second := spawn(t, socket)
	defer second.stop()
	eventually(t, "the second child offers the service", func() bool {
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		table, err := d.Read(short)
		return err == nil && len(table[key].Servers) == 1
	})
	if got := dialTo(t, key).ask(); got != "a" {
		t.Errorf("answer of %q, want a", got)
	}
	if err := d.Close(ctx, false); err != nil {
		t.Error(err)
	}
}

// TestSetBeforeTheChildIsThere: the checker may be earlier.
func TestSetBeforeTheChildIsThere(t *testing.T) {
	socket, name := listen(t)
	d := proxy.Open(name)
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	set := make(chan error, 1)
	go func() {
		_, err := d.Set(ctx, lvs.Whole(lvs.Table{key: {Scheduler: "rr"}}))
		set <- err
	}()
	c := spawn(t, socket)
	defer c.stop()
	if err := <-set; err != nil {
		t.Error(err)
	}
	if err := d.Close(ctx, false); err != nil {
		t.Error(err)
	}
}

// TestCommonEnd: everybody is told to stop at once, and the data path is the
// first to go. The checker does not wait for a next one.
func TestCommonEnd(t *testing.T) {
	socket, name := listen(t)
	c := spawn(t, socket)
	d := proxy.Open(name)
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	if _, err := d.Set(ctx, lvs.Whole(lvs.Table{key: {Scheduler: "rr"}})); err != nil {
		t.Fatal(err)
	}
	c.stop()
	if err := d.Close(ctx, false); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestSetSaysWhatCannotBeOffered(t *testing.T) {
	socket, name := listen(t)
	c := spawn(t, socket)
	defer c.stop()
	d := proxy.Open(name)
	good, bad := serviceAt(free(t, "tcp"), lvs.TCP), lvs.ServiceKey{FWMark: 3, Family: 4}
	changes, err := d.Set(ctx, lvs.Whole(lvs.Table{good: {Scheduler: "rr"}, bad: {Scheduler: "rr"}}))
	if err == nil || changes.Added != 2 {
		t.Errorf("%+v, %v; want an error for the mark", changes, err)
	}
	table, err := d.Read(ctx)
	if _, ok := table[good]; err != nil || !ok || len(table) != 1 {
		t.Errorf("offered %v, %v", table, err)
	}
	if err := d.Close(ctx, false); err != nil {
		t.Error(err)
	}
}

func TestParentIsAnswered(t *testing.T) {
	socket, _ := listen(t)
	c := spawn(t, socket)
	c.say(ipc.Message{Kind: ipc.Hello, Seq: 4})
	if m := c.hear(); m.Kind != ipc.Hello || m.Seq != 4 {
		t.Errorf("answer %+v", m)
	}
	c.say(ipc.Message{Kind: ipc.Reload})
	if m := c.hear(); m.Kind != ipc.Reloaded || m.Error != "" {
		t.Errorf("answer %+v", m)
	}
	c.say(ipc.Message{Kind: ipc.Query, Seq: 5, Topic: "status"})
	if m := c.hear(); m.Kind != ipc.Answer || m.Seq != 5 || m.Topic != "status" {
		t.Errorf("answer %+v", m)
	}
	_ = c.parent.Close() // the parent dies
	if err := <-c.ended; err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestRunWithoutSocket(t *testing.T) {
	if err := Run(nil, ipc.BootInfo{}, nil, nil); err == nil {
		t.Error("runs without a socket")
	}
}
