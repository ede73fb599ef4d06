package proxyd

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/raw"
)

const (
	// maxTries bounds how many real servers are tried for one connection.
	maxTries = 3
	// acceptBatch bounds how many a worker accepts before it looks after those
	// that it has.
	acceptBatch = 64
	// acceptPause is the wait after an accept that failed for want of
	// descriptors or memory.
	acceptPause = 50 * time.Millisecond
)

// tcpFront accepts the connections of one virtual service. Its socket is in
// every worker's epoll, and the kernel wakes one of those that sleep.
type tcpFront struct {
	pool   *pool
	engine *engine
	number int32  // in engine.fronts
	call   func() // for gates: accept again

	using  sync.RWMutex // shared while fd is used, against close
	fd     int
	closed bool

	mu     sync.Mutex
	paused bool // out of the epolls, until there is a place
}

// newTCPFront takes over fd.
func newTCPFront(fd int, p *pool, e *engine) (*tcpFront, error) {
	f := &tcpFront{pool: p, engine: e, fd: fd, paused: true}
	f.call = func() { e.callFor(f) }
	if err := e.admit(f); err != nil {
		_ = unix.Close(fd)
		return nil, listenError(p.key, err)
	}
	return f, nil
}

func (f *tcpFront) socket() int { return f.fd }

// close stops accepting; what was accepted goes on.
func (f *tcpFront) close() {
	f.using.Lock()
	defer f.using.Unlock()
	f.pause()
	f.closed = true
	f.engine.fronts.Delete(f.number)
	retire(f.fd)
	_ = unix.Close(f.fd)
}

// accept takes a place before a connection: when all are used, clients wait in
// the kernel's backlog, and no memory of ours grows.
func (f *tcpFront) accept(w *worker) {
	f.using.RLock()
	defer f.using.RUnlock()
	for range acceptBatch {
		if !f.enter() {
			return
		}
		if f.closed {
			f.leave()
			return
		}
		fd, from, err := raw.Accept(f.fd)
		if err == nil {
			f.begin(w, fd, from)
			continue
		}
		f.leave()
		switch err {
		case unix.EAGAIN: //nolint:errorlint // a bare errno
			f.resume()
			return
		case unix.ECONNABORTED, unix.EINTR:
		default: // those who wait are told of without end: not to us, for a while
			f.pool.lacks(err)
			f.pause()
			time.AfterFunc(acceptPause, f.call) // one that was closed meanwhile is found out
			return
		}
	}
	f.resume()
}

// enter takes one place of the service's and one of all. Without one the front
// pauses, and is called when there may be one.
func (f *tcpFront) enter() bool {
	if f.pool.place.try() {
		if f.engine.place.try() {
			return true
		}
		f.engine.full.Store(true)
		f.pool.place.leave()
	}
	f.pause() // before leaving word, so that whoever resumes it comes later
	if !f.pool.place.enter(f.call) {
		return false
	}
	if !f.engine.place.enter(f.call) {
		f.pool.place.leave()
		return false
	}
	return true
}

func (f *tcpFront) leave() {
	f.engine.place.leave()
	f.pool.place.leave()
}

// pause takes the listener out of the epolls, which would else tell of waiting
// clients without end.
func (f *tcpFront) pause() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.paused {
		return
	}
	f.paused = true
	for _, w := range f.engine.workers {
		_ = unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, f.fd, nil)
	}
}

func (f *tcpFront) resume() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.paused {
		f.paused = f.attend() != nil
	}
}

// attend puts the listener into the epolls.
func (f *tcpFront) attend() error {
	for _, w := range f.engine.workers {
		ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLEXCLUSIVE, Fd: f.number}
		if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, f.fd, &ev); err != nil && err != unix.EEXIST {
			return err
		}
	}
	return nil
}
