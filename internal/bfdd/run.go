// Package bfdd is the BFD child: one loop around the sessions of package bfd.
//
// The way of a packet is receive.go → bfd.Session → session.go, which sends and
// tells. link.go tells the VRRP and the checker child what became of a session,
// over sockets of their own, so that no third process stands in between;
// reload.go takes a configuration over, query.go has the status. What is
// decided is decided in package bfd.
//
// It needs next to no privilege, and gives up what it has (confine.go).
// Everything here belongs to the loop's goroutine unless it says otherwise.
package bfdd

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/bfd"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/event"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/loop"
	"github.com/holdfast-ha/holdfast/internal/socket"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// Kinds of records.
const (
	kindBFD     = "bfd"
	kindPacket  = "packet"
	kindConfig  = "config"
	kindProcess = "process"
)

// retryEvery is how often a socket that could not be made is tried again.
const retryEvery = time.Second

// daemon is the child's whole state.
type daemon struct {
	conn *ipc.Conn
	boot ipc.BootInfo
	log  *bus.Bus
	loop *loop.Loop

	cfg      build.BFD
	sessions []*session // as the configuration has them
	byLocal  map[uint32]*session
	byPeer   map[peer]*session
	due      check.Schedule[*session]

	sockets map[place]*socket.BFD
	retryAt clock.Instant // when sockets and senders are missing; 0 = none is

	links map[string]*ipc.Sibling // by the other child's name

	stray  [wire.NumBFDFaults]uint64 // packets of no session, by what was wrong
	quiet  [wire.NumBFDFaults]quiet
	parsed wire.BFD
	out    []byte

	reloads  ipc.Reloads[build.BFD]
	keeper   loop.Keeper
	stopping bool
}

// place is what a receiving socket is for.
type place struct {
	family   int
	multihop bool
}

// peer is how a packet without our discriminator finds its session.
type peer struct {
	addr     netip.Addr // without a zone
	multihop bool
}

// Run is the BFD child; it is an ipc.ChildMain.
func Run(conn *ipc.Conn, boot ipc.BootInfo, snapshot []byte, log *bus.Bus) error {
	loop.Quiet()
	loop.Exact()
	cfg, err := read(snapshot, boot)
	if err != nil {
		return fmt.Errorf("%w: %w", err, ipc.ErrPermanent)
	}
	d, err := newDaemon(conn, boot, log)
	if err != nil {
		return err
	}
	d.confine()
	d.adopt(cfg)
	d.sayf(slog.LevelInfo, kindProcess, "", "serving %d BFD sessions", len(d.sessions))
	_ = conn.Send(ipc.Message{Kind: ipc.Ready}) // a parent that is gone is noticed by listen
	err = d.loop.Run()
	d.end()
	return err
}

func newDaemon(conn *ipc.Conn, boot ipc.BootInfo, log *bus.Bus) (*daemon, error) {
	l, err := loop.New()
	if err != nil {
		return nil, err
	}
	l.Holds(log)
	d := &daemon{
		conn: conn, boot: boot, log: log, loop: l, byLocal: map[uint32]*session{}, byPeer: map[peer]*session{},
		sockets: map[place]*socket.BFD{}, links: map[string]*ipc.Sibling{},
	}
	d.reloads = ipc.Reloads[build.BFD]{
		Conn: conn, Read: func(b []byte) (build.BFD, error) { return read(b, boot) }, Post: l.Post, Adopt: d.reload,
	}
	l.OnDeadline(d.due.Deadline, d.tick)
	l.OnDeadline(func() (clock.Instant, bool) { return d.retryAt, d.retryAt != 0 }, d.retry)
	return d, l.Watch(conn.Fd(), unix.EPOLLIN, func(uint32) { d.listen() })
}

// precedence asks for what the configuration wants of the scheduler, and to be
// woken promptly in any case.
func (d *daemon) precedence() {
	defer loop.Prompt()
	if err := d.keeper.Set(d.loop, loop.Precedence(d.cfg.Process.Precedence)); err != nil {
		d.say(slog.LevelWarn, kindProcess, "", "", err.Error())
	}
}

// listen takes what the parent says.
func (d *daemon) listen() {
	why := d.conn.Obey(ipc.Orders{Stop: d.stop, Query: d.answer, Reload: d.reloads.Begin, Link: d.link})
	if why != "" {
		d.stop(why)
	}
}

// stop takes all sessions down in an orderly way: their neighbours are told.
func (d *daemon) stop(why string) {
	if d.stopping {
		return
	}
	d.stopping = true
	for _, s := range d.sessions {
		d.step(s, bfd.Stop{})
	}
	d.say(slog.LevelInfo, kindProcess, "", why, "Stopped: "+why)
	d.loop.Unwatch(d.conn.Fd())
	d.loop.Stop()
}

// end gives everything back.
func (d *daemon) end() {
	d.keeper.Close()
	d.reloads.Wait()
	for _, s := range d.sessions {
		s.close()
	}
	for _, s := range d.sockets {
		s.Close()
	}
	for _, l := range d.links {
		l.Detach()
	}
}

// tick serves the sessions that are due.
func (d *daemon) tick(now clock.Instant, _ time.Duration) {
	for {
		slot, ok := d.due.Due(now)
		if !ok {
			return
		}
		s := slot.Item
		d.step(s, bfd.Tick{})
		d.settle(s, now)
	}
}

// seed makes jitter and discriminators that nobody else has.
func seed() uint64 { return rand.Uint64() } // RFC 5880 §6.3 asks for unique and hard to guess, not secret

// say publishes one line.
func (d *daemon) say(level slog.Level, kind, object, cause, what string) {
	d.log.Publish(event.Record{
		When: d.loop.Read(), Level: level, Part: "bfd", Kind: kind, Object: object, Cause: cause, What: what,
	})
}

func (d *daemon) sayf(level slog.Level, kind, object, format string, args ...any) {
	d.say(level, kind, object, "", fmt.Sprintf(format, args...))
}

// quietFor is how long after a line its like are only counted.
const quietFor = time.Minute

// quiet lets the first line of a kind through, and then one a minute.
type quiet struct{ next clock.Instant }

func (q *quiet) allow(now clock.Instant) bool {
	if q.next != 0 && now < q.next {
		return false
	}
	q.next = max(now.Add(quietFor), 1)
	return true
}
