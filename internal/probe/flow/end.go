package flow

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/raw"
)

// lastLook ends an attempt unless it has just come one step further.
func (e *Engine[T]) lastLook(now clock.Instant, a *attempt[T]) {
	what := "no complete answer"
	if a.leaving {
		e.release(a, false)
		return
	}
	if !a.up {
		err := connect(a.fd, a.to.Addr)
		if !underWay(err) {
			e.connected(now, a, err)
			return
		}
		what = "no connection"
	} else if wait, r := a.talk.Step(a.fd, e.buf); wait == Done {
		e.finish(a, r)
		return
	}
	e.finish(a, probe.Result{Reason: probe.Timeout, Detail: fmt.Sprintf("%s within %v", what, a.to.Patience())})
}

// finish ends an attempt.
func (e *Engine[T]) finish(a *attempt[T], r probe.Result) {
	e.report(a, r)
	switch {
	case a.fd < 0:
	case a.talk != nil:
		e.release(a, a.up && a.talk.Clean())
		return
	case r.OK && e.spares.want(&a.to):
		if a.watched != 0 {
			_ = raw.Watch(e.epoll, unix.EPOLL_CTL_DEL, a.fd, nil)
		}
		delete(e.open, a.fd)
		e.spares.put(a.fd, &a.to)
		a.fd = -1
	}
	e.release(a, false)
}

func (e *Engine[T]) report(a *attempt[T], r probe.Result) {
	r.Took = time.Since(a.begun)
	e.done = append(e.done, Outcome[T]{Tag: a.tag, Result: r})
}

// release ends the connection, if there is one still, and forgets the attempt.
func (e *Engine[T]) release(a *attempt[T], clean bool) {
	e.timeouts.Remove(&a.timeout)
	if a.leaving {
		e.leaving--
	}
	if a.fd >= 0 {
		delete(e.open, a.fd)
		shut(a.fd, clean)
	}
	*a = attempt[T]{serial: a.serial}
	a.timeout.Item = a
	if len(e.free) < maxFree {
		e.free = append(e.free, a)
	}
}

// shut closes a socket. Unless the peer has closed already it does so with a
// reset, so that ten thousand checks a second leave no pile of sockets in
// TIME_WAIT, which an ordinary close would keep for a minute each.
func shut(fd int, clean bool) {
	if !clean {
		_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	raw.Close(fd)
}

// Close ends all attempts without a word.
func (e *Engine[T]) Close() {
	for fd := range e.open {
		shut(fd, false)
	}
	e.spares.close()
	e.open, e.done, e.queued, e.well, e.doubted = nil, nil, 0, queue[T]{}, queue[T]{}
	_ = unix.Close(e.epoll)
}
