package proxyd

import (
	"container/list"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/wire"
	"golang.org/x/sys/unix"
)

const (
	// defaultUDPIdle is how long a session lives without a datagram, as in
	// IPVS (lvs_timeouts udp).
	defaultUDPIdle = 300 * time.Second
	// onePacketIdle is the same for one-packet scheduling (ops), where every
	// datagram is a question of its own: the session only waits for answers.
	onePacketIdle = 3 * time.Second
	// datagram is the longest that there is, in bytes.
	datagram = 64 << 10
)

// udpFront takes the datagrams of one virtual service.
type udpFront struct {
	pool   *pool
	budget *budget       // sessions of all services
	idle   *atomic.Int64 // nanoseconds
	c      *net.UDPConn
	fd     int // of c
	ended  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	sessions map[pair]*session
	order    *list.List // of *session; the front spoke last
}

// pair is what tells sessions apart: the client and, where each datagram is
// scheduled by itself, the server.
type pair struct {
	client netip.AddrPort
	server *server
}

// session is one client with its server.
type session struct {
	pair     pair
	grip     grip
	once     bool   // one-packet scheduling
	header   []byte // of the PROXY protocol, before every datagram
	upstream *net.UDPConn
	place    *list.Element
	lastSeen atomic.Int64 // nanoseconds since the front began, either direction
}

// newUDPFront takes over fd.
func newUDPFront(fd int, p *pool, budget *budget, idle *atomic.Int64) (*udpFront, error) {
	file := os.NewFile(uintptr(fd), director.ServiceName(p.key))
	c, err := net.FilePacketConn(file)
	_ = file.Close() // c has a copy
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", director.ServiceName(p.key), err)
	}
	f := &udpFront{pool: p, budget: budget, idle: idle, c: c.(*net.UDPConn), fd: -1, sessions: map[pair]*session{}, order: list.New()}
	raw, err := f.c.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { f.fd = int(fd) })
	}
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("listen on %s: %w", director.ServiceName(p.key), err)
	}
	f.ended.Go(f.receive)
	return f, nil
}

func (f *udpFront) socket() int { return f.fd }

// close ends the sessions too: without the service's socket there is no way
// back to the clients.
func (f *udpFront) close() {
	retire(f.fd)
	_ = f.c.Close()
	f.mu.Lock()
	f.closed = true
	for _, s := range f.sessions {
		f.endLocked(s)
	}
	f.mu.Unlock()
	f.ended.Wait()
}

func (f *udpFront) receive() {
	buf := make([]byte, wire.MaxProxyHeader+datagram)
	for {
		n, from, err := f.c.ReadFromUDPAddrPort(buf[wire.MaxProxyHeader:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			f.forward(netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), buf[:wire.MaxProxyHeader+n])
		}
	}
}

// forward sends one datagram on; before it, b has room for a header. A server
// that refused an earlier one is noticed by the write, and another one is tried.
func (f *udpFront) forward(client netip.AddrPort, b []byte) {
	var tried []*server
	for len(tried) < maxTries {
		s := f.session(client, tried)
		if s == nil {
			return
		}
		at := wire.MaxProxyHeader - len(s.header)
		copy(b[at:], s.header)
		_, err := s.upstream.Write(b[at:])
		if errors.Is(err, unix.EMSGSIZE) {
			return // with its header it is longer than datagrams may be
		}
		if err == nil {
			s.lastSeen.Store(time.Now().UnixNano())
			n := len(b) - wire.MaxProxyHeader
			count(&f.pool.inPackets, &f.pool.inBytes, n)
			count(&s.grip.server.inPackets, &s.grip.server.inBytes, n)
			return
		}
		s.grip.server.refused.Add(1)
		tried = append(tried, s.grip.server)
		f.end(s)
	}
}

func count(packets, bytes *atomic.Uint64, n int) {
	packets.Add(1)
	bytes.Add(uint64(n))
}

// session returns the client's, or begins one: also where the server of the
// one it had was removed. Only receive calls it.
func (f *udpFront) session(client netip.AddrPort, tried []*server) *session {
	if f.pool.onePacket() {
		return f.forOne(client, tried)
	}
	if s := f.known(pair{client: client}); s != nil {
		return s
	}
	g, ok := f.pool.take(client, tried)
	if !ok {
		return nil
	}
	return f.begin(pair{client: client}, g, false)
}

// forOne schedules one datagram. Those of one client to one server share a
// session, which counts as one connection in use.
func (f *udpFront) forOne(client netip.AddrPort, tried []*server) *session {
	g, ok := f.pool.take(client, tried)
	if !ok {
		return nil
	}
	p := pair{client, g.server}
	if s := f.known(p); s != nil {
		f.pool.release(g)
		f.pool.conns.Add(1)
		g.server.conns.Add(1)
		return s
	}
	return f.begin(p, g, true)
}

// known returns a session that lasts.
func (f *udpFront) known(p pair) *session {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sessions[p]
	switch {
	case s == nil:
	case s.grip.server.gone.Load():
		f.endLocked(s)
		return nil
	default:
		f.order.MoveToFront(s.place)
	}
	return s
}

// room takes a place for a session, of the service's and of all; when all are
// used, one that was silent for longest ends: of ours, or of the service that
// has most of all.
func (f *udpFront) room() bool {
	for range 3 {
		poorer := f
		if f.pool.place.try() {
			if f.budget.try(f) {
				return true
			}
			f.pool.place.leave()
			poorer = f.budget.richest(f)
		}
		poorer.evict()
	}
	return false
}

// evict ends the session that was silent for longest.
func (f *udpFront) evict() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if oldest := f.order.Back(); oldest != nil {
		f.pool.evicted.Add(1)
		f.endLocked(oldest.Value.(*session))
	}
}

// begin makes a session of a grip, which is released if there is none.
func (f *udpFront) begin(p pair, g grip, once bool) *session {
	if !f.room() {
		f.pool.noRoom.Add(1)
		f.pool.release(g)
		return nil
	}
	c, err := dialUDP(g.to, p.client.Addr())
	if err == nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		if !f.closed {
			return f.add(&session{pair: p, grip: g, once: once, upstream: c, header: f.header(p.client, g.to.sendProxy)})
		}
		_ = c.Close()
	}
	f.pool.lacks(err)
	f.budget.give(f)
	f.pool.place.leave()
	f.pool.release(g)
	return nil
}

// header is of version 2 whatever is wanted: there is no other for datagrams.
func (f *udpFront) header(client netip.AddrPort, version uint8) []byte {
	if version == 0 {
		return nil
	}
	return wire.AppendProxyHeader(nil, 2, true, client, netip.AddrPortFrom(f.pool.key.Addr, f.pool.key.Port))
}

func (f *udpFront) add(s *session) *session {
	s.lastSeen.Store(time.Now().UnixNano())
	f.sessions[s.pair] = s
	s.place = f.order.PushFront(s)
	f.pool.conns.Add(1)
	s.grip.server.conns.Add(1)
	f.ended.Go(func() { f.answers(s) })
	return s
}

// answers carries what the server says back, until the session is idle or ended.
func (f *udpFront) answers(s *session) {
	defer f.end(s)
	raw, err := s.upstream.SyscallConn()
	if err != nil {
		return
	}
	from := newLender(raw, &datagrams)
	back := func(b []byte) error { f.back(s, b); return nil }
	for {
		idle := onePacketIdle
		if !s.once {
			idle = time.Duration(f.idle.Load())
		}
		seen := time.Unix(0, s.lastSeen.Load())
		if time.Since(seen) >= idle {
			return
		}
		if err := s.upstream.SetReadDeadline(seen.Add(idle)); err != nil {
			return
		}
		err := from.lend(back)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return // ended, or refused: the next datagram begins anew
		}
	}
}

// back sends one datagram to the client, from the virtual address.
func (f *udpFront) back(s *session, b []byte) {
	s.lastSeen.Store(time.Now().UnixNano())
	if _, err := f.c.WriteToUDPAddrPort(b, s.pair.client); err != nil {
		return // as on the wire, a datagram may be lost
	}
	count(&f.pool.outPackets, &f.pool.outBytes, len(b))
	count(&s.grip.server.outPackets, &s.grip.server.outBytes, len(b))
}

// datagrams are lent only while there is one.
var datagrams = sync.Pool{New: func() any { b := make([]byte, datagram); return &b }}

// end takes a session out of the table and gives back what it held.
func (f *udpFront) end(s *session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.endLocked(s)
}

func (f *udpFront) endLocked(s *session) {
	if f.sessions[s.pair] != s {
		return // ended already
	}
	delete(f.sessions, s.pair)
	f.order.Remove(s.place)
	_ = s.upstream.Close()
	f.pool.release(s.grip)
	f.budget.give(f)
	f.pool.place.leave()
}
