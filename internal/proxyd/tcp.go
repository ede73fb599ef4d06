package proxyd

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxTries bounds how many real servers are tried for one connection.
	maxTries = 3
	// acceptPause is the wait after an accept that failed for want of
	// descriptors or memory.
	acceptPause = 50 * time.Millisecond
)

// tcpFront accepts the connections of one virtual service.
type tcpFront struct {
	pool   *pool
	engine *engine
	l      *os.File
	stop   chan struct{}
	ended  sync.WaitGroup // the accepting goroutine
}

func newTCPFront(p *pool, e *engine) (*tcpFront, error) {
	l, err := listenTCP(p.key)
	if err != nil {
		return nil, err
	}
	raw, err := l.SyscallConn()
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("the listener's socket: %w", err)
	}
	f := &tcpFront{pool: p, engine: e, l: l, stop: make(chan struct{})}
	f.ended.Go(func() { f.accept(raw) })
	return f, nil
}

// close stops accepting; what was accepted goes on.
func (f *tcpFront) close() {
	close(f.stop)
	_ = f.l.Close()
	f.ended.Wait()
}

// accept takes a place before a connection: when all are used, clients wait in
// the kernel's backlog, and no memory of ours grows.
func (f *tcpFront) accept(raw rawReader) {
	var fd int
	var from unix.Sockaddr
	var acceptErr error
	try := func(l uintptr) bool {
		fd, from, acceptErr = unix.Accept4(int(l), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		return acceptErr != unix.EAGAIN //nolint:errorlint // a bare errno
	}
	for f.enter() {
		err := raw.Read(try)
		if err == nil && acceptErr == nil {
			f.begin(fd, addrPort(from))
			continue
		}
		f.leave()
		if err != nil { // it is closed
			return
		}
		if errors.Is(acceptErr, unix.ECONNABORTED) || errors.Is(acceptErr, unix.EINTR) {
			continue
		}
		select {
		case <-f.stop:
			return
		case <-time.After(acceptPause):
		}
	}
}

func addrPort(a unix.Sockaddr) netip.AddrPort {
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	return netip.AddrPort{}
}

// enter waits for one place of the service's and one of all.
func (f *tcpFront) enter() bool {
	if !f.pool.place.enter(f.stop) {
		return false
	}
	if !f.engine.slots.take(f.stop) {
		f.pool.place.leave()
		return false
	}
	return true
}

func (f *tcpFront) leave() {
	f.engine.slots.give()
	f.pool.place.leave()
}
