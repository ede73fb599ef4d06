// Package flow makes very many short attempts at once over TCP: sockets that
// do not block on one epoll, driven by the owner's loop, without a goroutine
// for each. Ten thousand checks a second need it.
//
// What is said over a connection is a Talk's affair (probe/http has one; a
// TCP_CHECK says nothing). An Engine belongs to one goroutine, which watches
// Fd for reading, calls Ready when it is, and Expire when Deadline has come.
package flow

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/proc"
	"github.com/holdfast-ha/holdfast/internal/raw"
)

// reserve is how many descriptors are left to the rest of the process.
const reserve = 128

// eventsTurn bounds how many sockets one Ready serves.
const eventsTurn = 256

// expiresTurn bounds how many attempts one Expire ends: when a network fails,
// those of all its servers are over at once.
const expiresTurn = 64

// bufferSize is how much one read takes; the buffer is shared by all talks.
const bufferSize = 32 << 10

// Wait says what a Talk needs before it can go on.
type Wait uint8

// What a Talk can wait for.
const (
	Done  Wait = iota // nothing: it has its result
	Read              // the socket to be readable
	Write             // the socket to be writable
)

// Talk is a conversation over a connected socket. Step goes as far as it can
// without blocking, first when the connection is there and then each time the
// socket is ready. The buffer is good until Step returns.
type Talk interface {
	Step(fd int, buf []byte) (Wait, probe.Result)
	// Clean reports, once it is Done, whether the peer has closed its side,
	// so that an ordinary close leaves no TIME_WAIT with us. Else the peer is
	// given the time to (probe.Goodbye) if its answer was judged.
	Clean() bool
}

// Engine runs attempts; T is what the owner knows them by.
type Engine[T any] struct {
	epoll    int
	limit    int
	open     map[int]*attempt[T] // by descriptor
	queued   int                 // wait for a descriptor; the owner starts one for each checker
	well     queue[T]            // of those: who goes first
	doubted  queue[T]            // and who leaves room to others
	timeouts check.Schedule[*attempt[T]]
	done     []Outcome[T]
	events   []unix.EpollEvent
	buf      []byte
	serial   int32
	spares   spares
	free     []*attempt[T] // to be used again, at most maxFree
	leaving  int           // of open: those whose peer has still to close
}

// Outcome is an attempt's end.
type Outcome[T any] struct {
	Tag    T
	Result probe.Result
}

type attempt[T any] struct {
	tag     T
	to      probe.Endpoint
	talk    Talk
	fd      int
	serial  int32 // tells its events from those of an earlier use of fd
	doubted bool  // the last one failed
	up      bool  // connected
	leaving bool  // it has its result; the peer is to close
	rest    int   // bytes that have come since
	watched uint32
	begun   time.Time
	timeout check.Slot[*attempt[T]]
	// In a queue.
	before, behind *attempt[T]
}

// New returns an engine that may use as many descriptors as the process has,
// but for some that others need.
func New[T any]() (*Engine[T], error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an epoll: %w", err)
	}
	return &Engine[T]{
		epoll:  fd,
		limit:  room(0),
		open:   map[int]*attempt[T]{},
		events: make([]unix.EpollEvent, eventsTurn),
		buf:    make([]byte, bufferSize),
	}, nil
}

// minRoom is what there is at least, in descriptors.
const minRoom = 16

// room is what there is for attempts when n of them are expected at once, those
// that say goodbye aside.
func room(n int) int { return max(proc.Descriptors(n+probe.MaxLeaving+reserve)-reserve, minRoom) }

// Expect makes room for so many attempts at once, as far as we may.
func (e *Engine[T]) Expect(n int) { e.limit = room(n) }

// Fd is readable when an attempt can go on.
func (e *Engine[T]) Fd() int { return e.epoll }

// Running is the number of attempts that have not ended.
func (e *Engine[T]) Running() int { return len(e.open) + e.queued - e.leaving }

// Done returns the attempts that have ended since the last call. The slice is
// good until the next call of any method.
func (e *Engine[T]) Done() []Outcome[T] {
	out := e.done
	e.done = e.done[:0]
	return out
}

// Start begins an attempt; without a Talk it ends with the connection. It may
// have ended when Start returns. One in doubt, for the last one
// failed, does not take the last descriptors.
func (e *Engine[T]) Start(now clock.Instant, tag T, to *probe.Endpoint, talk Talk, doubted bool) {
	a := e.fresh()
	a.tag, a.to, a.talk, a.fd, a.doubted = tag, *to, talk, -1, doubted
	e.enqueue(a)
	e.timeouts.Set(&a.timeout, now.Add(to.Patience()))
	e.admit(now)
}

// maxFree bounds the attempts that are kept to be used again.
const maxFree = 256

func (e *Engine[T]) fresh() *attempt[T] {
	if n := len(e.free); n > 0 {
		a := e.free[n-1]
		e.free = e.free[:n-1]
		return a
	}
	a := &attempt[T]{}
	a.timeout.Item = a
	return a
}

// admit begins what waits, as far as descriptors go.
func (e *Engine[T]) admit(now clock.Instant) {
	for a := e.next(); a != nil; a = e.next() {
		e.unqueue(a)
		a.begun = time.Now()
		e.connect(now, a)
	}
}

// connect opens the socket. On a near network the answer is often there when
// connect returns: asking once more costs less than waiting for epoll.
func (e *Engine[T]) connect(now clock.Instant, a *attempt[T]) {
	fd, err := e.spares.socket(&a.to)
	if err != nil {
		e.finish(a, probe.Ours(err))
		return
	}
	a.fd = fd
	e.serial++
	a.serial = e.serial
	e.open[fd] = a
	if a.talk != nil {
		// We speak first: the request may carry the handshake's last
		// acknowledgement, which saves a packet and a wake-up of the server.
		_ = raw.Set(fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0)
	}
	if err = connect(fd, a.to.Addr); errors.Is(err, unix.EINPROGRESS) {
		err = connect(fd, a.to.Addr)
	}
	if underWay(err) {
		e.wait(now, a, Write)
		return
	}
	e.connected(now, a, err)
}

// connect begins a connection, or asks how one goes that has begun.
func connect(fd int, to netip.AddrPort) error {
	if to.Addr().Zone() != "" {
		return unix.Connect(fd, probe.Sockaddr(to)) // finds the interface
	}
	return raw.Connect(fd, to)
}

// underWay: connect(2) has begun and not ended.
func underWay(err error) bool {
	return errors.Is(err, unix.EALREADY) || errors.Is(err, unix.EINPROGRESS)
}

func (e *Engine[T]) connected(now clock.Instant, a *attempt[T], err error) {
	switch {
	case underWay(err):
		return // woken for nothing
	case errors.Is(err, unix.EADDRNOTAVAIL): // bind(2) has its own; here it means ports
		e.finish(a, probe.Result{Reason: probe.Exhausted, Detail: "no local port is free"})
	case err != nil && !errors.Is(err, unix.EISCONN):
		e.finish(a, probe.Failed(err))
	case a.talk == nil:
		e.finish(a, probe.Result{OK: true, Reason: probe.OK})
	default:
		a.up = true
		e.timeouts.Set(&a.timeout, now.Add(a.to.Patience()))
		e.talk(now, a)
	}
}

func (e *Engine[T]) talk(now clock.Instant, a *attempt[T]) {
	wait, r := a.talk.Step(a.fd, e.buf)
	switch {
	case wait != Done:
		e.wait(now, a, wait)
	case e.mayLeave(a, r):
		e.leave(now, a, r)
	default:
		e.finish(a, r)
	}
}

// wait watches the socket, and the clock if nothing does yet.
func (e *Engine[T]) wait(now clock.Instant, a *attempt[T], w Wait) {
	events := uint32(unix.EPOLLIN | unix.EPOLLRDHUP)
	if w == Write {
		events = unix.EPOLLOUT
	}
	if a.watched == events {
		return
	}
	if w == Read {
		// The answer is acknowledged when it comes, not when we come to read it:
		// a near peer takes 6 ms of silence for a loss, sends the end once more,
		// and may get a reset for it if we have closed meanwhile.
		_ = raw.Set(a.fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
	}
	op := unix.EPOLL_CTL_MOD
	if a.watched == 0 {
		op = unix.EPOLL_CTL_ADD
	}
	ev := unix.EpollEvent{Events: events, Fd: int32(a.fd), Pad: a.serial} // a descriptor
	if err := raw.Watch(e.epoll, op, a.fd, &ev); err != nil {
		e.finish(a, probe.Ours(fmt.Errorf("watch a socket: %w", err)))
		return
	}
	a.watched = events
	if !a.up {
		e.timeouts.Set(&a.timeout, now.Add(a.to.Patience()))
	}
}

// Ready goes on with the attempts whose sockets are ready.
func (e *Engine[T]) Ready(now clock.Instant) {
	for i := range raw.Ready(e.epoll, e.events) {
		a := e.open[int(e.events[i].Fd)]
		if a == nil || a.serial != e.events[i].Pad {
			continue
		}
		switch {
		case a.leaving:
			e.listen(a)
		case a.up:
			e.talk(now, a)
		default:
			e.connected(now, a, connect(a.fd, a.to.Addr))
		}
	}
	e.admit(now)
}

// Deadline is when Expire is to be called.
func (e *Engine[T]) Deadline() (clock.Instant, bool) { return e.timeouts.Deadline() }

// Expire ends attempts whose time is up, some of them: then Deadline stays in
// the past. What has come in time counts, even if we come late to look at it: it
// is our own machine that was slow.
func (e *Engine[T]) Expire(now clock.Instant) {
	for range expiresTurn {
		slot, ok := e.timeouts.Due(now)
		if !ok {
			break
		}
		a := slot.Item
		if a.fd < 0 {
			e.unqueue(a)
			e.finish(a, probe.Result{Reason: probe.Exhausted, Detail: "no descriptor was free in time"})
			continue
		}
		e.lastLook(now, a)
	}
	e.admit(now)
}
