// Package dbus serves VRRP instances on the system's D-Bus as keepalived does:
// the same paths, interfaces, properties, signals and errors.
//
// book.go has the objects and makes signals of news, names.go their names,
// introspect.go what they say of themselves, calls.go what methods answer; none
// of them does I/O. This file has the connection: one that breaks, or a bus that
// is not there, is tried again for ever. What a method brings about, and whom the
// bus lets call it, is decided elsewhere.
package dbus

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/holdfast-ha/holdfast/internal/feed"
)

const (
	// MaxSignals is how many signals wait for the bus; the oldest are dropped,
	// for properties say how things are.
	MaxSignals = 4096

	connectPatience = 10 * time.Second
	closePatience   = time.Second
	firstPause      = 500 * time.Millisecond // before the bus is tried again
	longestPause    = 30 * time.Second
)

// Options say how to serve.
type Options struct {
	// Service is the name on the bus.
	Service string
	// NetNS and Instance are the daemon's names of its own, which paths have.
	NetNS, Instance string
	// NoInterface stands for the interface of an instance without one.
	NoInterface string
	// Asked is called when a method was, from any goroutine; it must not wait.
	Asked func(Request)
	// Told has a line for the log, from any goroutine.
	Told func(level slog.Level, what string)
}

// Outlet is D-Bus as a way out.
type Outlet struct {
	options Options
	ctx     context.Context // of connections
	cancel  context.CancelFunc
	wake    chan struct{} // capacity 1
	closing chan struct{}
	ended   chan struct{}

	mu      sync.Mutex // held for moments only
	book    book
	waiting []signal
	lost    uint64
	online  bool // signals are wanted
}

// New begins to serve, once there was News.
func New(o Options) *Outlet {
	ctx, cancel := context.WithCancel(context.Background())
	out := &Outlet{
		options: o, ctx: ctx, cancel: cancel, book: book{names: namesOf(o.NetNS, o.Instance, o.NoInterface)},
		wake: make(chan struct{}, 1), closing: make(chan struct{}), ended: make(chan struct{}),
	}
	go out.run()
	return out
}

// News takes what the VRRP child says. It does not wait.
func (o *Outlet) News(n *feed.VRRP) {
	o.mu.Lock()
	signals := o.book.news(n)
	if o.online {
		o.waiting = append(o.waiting, signals...)
		if over := len(o.waiting) - MaxSignals; over > 0 {
			o.waiting = append([]signal(nil), o.waiting[over:]...)
			o.lost += uint64(over)
		}
	}
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Close says goodbye to the bus, and does not wait for it for long.
func (o *Outlet) Close() {
	close(o.closing)
	hurry := time.AfterFunc(closePatience, o.cancel)
	<-o.ended
	hurry.Stop()
	o.cancel()
}

// run keeps a connection until Close.
func (o *Outlet) run() {
	defer close(o.ended)
	if !o.begun() {
		return
	}
	pause, said := firstPause, ""
	for {
		conn, err := o.connect()
		if err == nil {
			pause, said = firstPause, ""
			err = o.serve(conn)
			_ = conn.Close()
			if err == nil {
				return
			}
		}
		if what := err.Error(); what != said {
			said = what
			o.options.Told(slog.LevelWarn, fmt.Sprintf("D-Bus: %s; it is tried again", what))
		}
		select {
		case <-time.After(pause):
		case <-o.closing:
			return
		}
		pause = min(2*pause, longestPause)
	}
}

// begun waits until there is something to serve.
func (o *Outlet) begun() bool {
	for {
		o.mu.Lock()
		known := o.book.known
		o.mu.Unlock()
		if known {
			return true
		}
		select {
		case <-o.wake:
		case <-o.closing:
			return false
		}
	}
}

// connect connects with the system's bus (DBUS_SYSTEM_BUS_ADDRESS).
func (o *Outlet) connect() (*dbus.Conn, error) {
	ctx, cancel := context.WithCancel(o.ctx)
	impatient := time.AfterFunc(connectPatience, cancel)
	conn, err := dbus.ConnectSystemBus(dbus.WithContext(ctx), dbus.WithHandler(o))
	if !impatient.Stop() && err == nil {
		_ = conn.Close()
		err = fmt.Errorf("no answer within %v", connectPatience)
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("connect with the system's bus: %w", err)
	}
	context.AfterFunc(conn.Context(), cancel)
	return conn, nil
}

// serve tells the bus what there is to tell, until Close or until the bus goes.
func (o *Outlet) serve(conn *dbus.Conn) error {
	if err := o.own(conn); err != nil {
		return err
	}
	o.mu.Lock()
	o.online, o.waiting, o.lost = true, o.book.all(), 0
	o.mu.Unlock()
	defer o.offline()
	for {
		if err := o.emit(conn); err != nil {
			return err
		}
		select {
		case <-o.wake:
		case <-conn.Context().Done():
			return fmt.Errorf("the bus has gone")
		case <-o.closing:
			return o.leave(conn)
		}
	}
}

func (o *Outlet) offline() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.online, o.waiting = false, nil
}

// own takes the name.
func (o *Outlet) own(conn *dbus.Conn) error {
	reply, err := conn.RequestName(o.options.Service, 0)
	switch {
	case err != nil:
		return fmt.Errorf("take the name %s: %w", o.options.Service, err)
	case reply == dbus.RequestNameReplyInQueue:
		o.options.Told(slog.LevelWarn, fmt.Sprintf("D-Bus: somebody else has the name %s; it is ours when he gives it up", o.options.Service))
	default:
		o.options.Told(slog.LevelInfo, "Acquired DBus bus "+o.options.Service)
	}
	return nil
}

// emit sends the signals that wait.
func (o *Outlet) emit(conn *dbus.Conn) error {
	o.mu.Lock()
	signals, lost := o.waiting, o.lost
	o.waiting, o.lost = nil, 0
	o.mu.Unlock()
	if lost > 0 {
		o.options.Told(slog.LevelWarn, fmt.Sprintf("D-Bus: the bus is slow, and %d signals were dropped", lost))
	}
	for _, s := range signals {
		if err := conn.Emit(dbus.ObjectPath(s.path), s.iface+"."+s.member, s.args...); err != nil {
			return fmt.Errorf("emit %s: %w", s.member, err)
		}
	}
	return nil
}

// leave says that nothing more will come.
func (o *Outlet) leave(conn *dbus.Conn) error {
	err := o.emit(conn)
	if err == nil {
		err = conn.Emit(dbus.ObjectPath(o.book.vrrp()), vrrpIface+".VrrpStopped")
	}
	if err == nil {
		_, err = conn.ReleaseName(o.options.Service)
	}
	if err != nil {
		return fmt.Errorf("say goodbye: %w", err)
	}
	o.options.Told(slog.LevelInfo, "Released DBus")
	return nil
}
