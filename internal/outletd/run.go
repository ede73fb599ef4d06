// Package outletd is the outlet child: it tells the world over buses that may
// be slow what the other children do, so that they never wait for one.
//
// One loop hears of the VRRP child's instances and the checker child's servers
// (vrrp.go, pools.go) over links that the parent made (child.go), keeps what it
// heard last, and hands it to every way out (outlets.go), each of which has
// goroutines of its own. What the world asks for goes back over the link, or to
// the parent. reload.go takes a configuration over; confine.go gives up
// privileges.
//
// Everything here belongs to the loop's goroutine unless it says otherwise.
package outletd

import (
	"fmt"
	"log/slog"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/event"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/loop"
)

// Kinds of records.
const (
	kindConfig  = "config"
	kindNotify  = "notify"
	kindProcess = "process"
)

// daemon is the child's whole state.
type daemon struct {
	conn *ipc.Conn
	boot ipc.BootInfo
	log  *bus.Bus
	loop *loop.Loop

	cfg   build.Outlet
	vrrp  vrrpChild
	pools child // the checker child
	ways  ways

	hands    sync.WaitGroup
	reloads  ipc.Reloads[build.Outlet]
	stopping bool
}

// Run is the outlet child; it is an ipc.ChildMain.
func Run(conn *ipc.Conn, boot ipc.BootInfo, snapshot []byte, log *bus.Bus) error {
	loop.Quiet()
	cfg, err := read(snapshot, boot)
	if err != nil {
		return fmt.Errorf("%w: %w", err, ipc.ErrPermanent)
	}
	l, err := loop.New()
	if err != nil {
		return err
	}
	l.Holds(log)
	d := &daemon{conn: conn, boot: boot, log: log, loop: l}
	if err := l.Watch(conn.Fd(), unix.EPOLLIN, func(uint32) { d.listen() }); err != nil {
		return err
	}
	d.reloads = ipc.Reloads[build.Outlet]{
		Conn: conn, Read: func(b []byte) (build.Outlet, error) { return read(b, boot) }, Post: l.Post, Adopt: d.reload,
	}
	d.confine()
	d.adopt(cfg)
	_ = conn.Send(ipc.Message{Kind: ipc.Ready}) // a parent that is gone is noticed by listen
	err = d.loop.Run()
	d.end()
	return err
}

// listen takes what the parent says.
func (d *daemon) listen() {
	why := d.conn.Obey(ipc.Orders{Stop: d.stop, Query: d.answer, Reload: d.reloads.Begin, Link: d.linkTo})
	if why != "" {
		d.stop(why)
	}
}

// answer: whatever there is to know, others know.
func (d *daemon) answer(m ipc.Message) {
	a := ipc.Message{Kind: ipc.Answer, Seq: m.Seq, Topic: m.Topic, Body: ipc.Marshal(struct{}{})}
	if m.Topic == ipc.TopicStatus {
		a.Body = ipc.Marshal(api.Status{Version: api.Version})
	}
	_ = d.conn.Send(a)
}

// stop ends operation, and the loop. The parent says so when no other child is
// left.
func (d *daemon) stop(why string) {
	if d.stopping {
		return
	}
	d.stopping = true
	d.say(slog.LevelInfo, kindProcess, why, "Stopped: "+why)
	d.loop.Unwatch(d.conn.Fd())
	d.loop.Stop()
}

// end gives everything back.
func (d *daemon) end() {
	d.vrrp.Detach()
	d.pools.Detach()
	d.ways.close()
	d.hands.Wait()
	d.reloads.Wait()
}

// say publishes one line. It may be called from any goroutine.
func (d *daemon) say(level slog.Level, kind, cause, what string) {
	d.log.Publish(event.Record{When: d.loop.Read(), Level: level, Part: "outlet", Kind: kind, Cause: cause, What: what})
}

// wish asks the parent for something that is its business.
func (d *daemon) wish(topic string) { _ = d.conn.Send(ipc.Message{Kind: ipc.Wish, Topic: topic}) }
