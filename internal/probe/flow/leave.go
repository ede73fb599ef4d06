package flow

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/raw"
)

// leavingShare is the part of the descriptors that may be held for goodbyes.
const leavingShare = 4

// mayLeave reports whether the peer may close first: its answer was judged, and
// nothing that is held meanwhile runs out. A port that is bound to is needed
// again at once.
func (e *Engine[T]) mayLeave(a *attempt[T], r probe.Result) bool {
	answered := r.OK || r.Reason == probe.BadAnswer
	return answered && !a.talk.Clean() && a.watched&unix.EPOLLIN != 0 && a.to.BindPort == 0 &&
		e.leaving < min(probe.MaxLeaving, e.limit/leavingShare)
}

// leave reports an attempt's result and lets the peer, whose answer it was,
// close first: that leaves no TIME_WAIT with us and no error with the peer.
func (e *Engine[T]) leave(now clock.Instant, a *attempt[T], r probe.Result) {
	e.report(a, r)
	var nobody T
	a.tag, a.to, a.talk, a.leaving = nobody, probe.Endpoint{}, nil, true
	e.leaving++
	e.timeouts.Set(&a.timeout, now.Add(probe.Goodbye))
}

// listen throws away what else the peer has to say, until it closes.
func (e *Engine[T]) listen(a *attempt[T]) {
	for {
		n, err := raw.Read(a.fd, e.buf)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case n == 0 && err == nil:
			e.release(a, true)
			return
		case err != nil:
			e.release(a, false)
			return
		}
		if a.rest += n; a.rest > probe.MaxGoodbye {
			e.release(a, false)
			return
		}
	}
}
