package proxyd

import (
	"context"
	"errors"
	"net"
	"net/netip"
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
	pool  *pool
	conns *connections
	l     *net.TCPListener
	stop  chan struct{}
	ended sync.WaitGroup // the accepting goroutine
}

func newTCPFront(p *pool, conns *connections) (*tcpFront, error) {
	l, err := listenTCP(p.key)
	if err != nil {
		return nil, err
	}
	f := &tcpFront{pool: p, conns: conns, l: l, stop: make(chan struct{})}
	f.ended.Go(f.accept)
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
func (f *tcpFront) accept() {
	for f.enter() {
		c, err := f.l.AcceptTCP()
		if err == nil {
			f.conns.run(c, func() { f.serve(c) }, f.leave)
			continue
		}
		f.leave()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		select {
		case <-f.stop:
			return
		case <-time.After(acceptPause):
		}
	}
}

// enter waits for one place of the service's and one of all.
func (f *tcpFront) enter() bool {
	if !f.pool.place.enter(f.stop) {
		return false
	}
	if !f.conns.slots.take(f.stop) {
		f.pool.place.leave()
		return false
	}
	return true
}

func (f *tcpFront) leave() {
	f.conns.slots.give()
	f.pool.place.leave()
}

func (f *tcpFront) serve(client *net.TCPConn) {
	g, upstream := f.connect(client)
	if upstream == nil {
		_ = client.SetLinger(0) // a reset is heard at once
		_ = client.Close()
		return
	}
	defer f.pool.release(g)
	s := g.server
	if !f.conns.add(upstream, s) {
		_ = upstream.Close()
		_ = client.Close()
		return
	}
	defer f.conns.drop(upstream)
	if s.cut.Load() { // it failed while we connected
		_ = client.SetLinger(0)
		_ = client.Close()
		_ = upstream.Close()
		return
	}
	f.pool.conns.Add(1)
	s.conns.Add(1)
	relay(client, upstream, f.conns.pipes,
		func(n int64) { f.pool.inBytes.Add(uint64(n)); s.inBytes.Add(uint64(n)) },
		func(n int64) { f.pool.outBytes.Add(uint64(n)); s.outBytes.Add(uint64(n)) })
}

// connect tries servers until one takes the connection. It returns nil if
// none does, or if the fault is ours. Nothing of the client's was sent to those
// that did not.
func (f *tcpFront) connect(client *net.TCPConn) (grip, *net.TCPConn) {
	from := client.RemoteAddr().(*net.TCPAddr).AddrPort()
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	virtual := netip.AddrPortFrom(f.pool.key.Addr, f.pool.key.Port)
	var tried []*server
	for len(tried) < maxTries {
		g, ok := f.pool.take(from, tried)
		if !ok {
			break
		}
		c, err := dial(f.conns.ctx, g.to, from, virtual)
		if err == nil {
			return g, c
		}
		f.pool.release(g)
		if f.conns.ctx.Err() != nil || ours(err) {
			break
		}
		g.server.refused.Add(1)
		tried = append(tried, g.server)
	}
	return grip{}, nil
}

// ours reports whether an attempt failed for a reason that any server would
// meet: no descriptors, or no right to the client's address.
func ours(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.EPERM)
}

// connections are all that are open, of all services; they outlive the
// service that began them.
type connections struct {
	ctx    context.Context // ended by close
	cancel context.CancelFunc
	slots  slots
	pipes  slots // for relay

	mu      sync.Mutex
	open    map[*net.TCPConn]*server // those to a real server know which
	running sync.WaitGroup
}

func newConnections(limit, pipes int) *connections {
	ctx, cancel := context.WithCancel(context.Background())
	return &connections{ctx: ctx, cancel: cancel, slots: make(slots, limit), pipes: make(slots, pipes), open: map[*net.TCPConn]*server{}}
}

// run serves c in a goroutine and then calls leave.
func (cs *connections) run(c *net.TCPConn, serve, leave func()) {
	if !cs.add(c, nil) {
		_ = c.Close()
		leave()
		return
	}
	cs.running.Go(func() {
		defer leave()
		defer cs.drop(c)
		serve()
	})
}

// add reports false after close.
func (cs *connections) add(c *net.TCPConn, to *server) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.ctx.Err() != nil {
		return false
	}
	cs.open[c] = to
	return true
}

func (cs *connections) drop(c *net.TCPConn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.open, c)
}

// reset ends the connections to a server, whose clients get a reset too.
func (cs *connections) reset(to *server) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for c, s := range cs.open {
		if s == to {
			_ = c.SetLinger(0)
			_ = c.Close() // relay does the rest
		}
	}
}

// close ends every connection and waits for their goroutines.
func (cs *connections) close() {
	cs.mu.Lock()
	cs.cancel()
	for c := range cs.open {
		_ = c.Close()
	}
	cs.mu.Unlock()
	cs.running.Wait()
}
