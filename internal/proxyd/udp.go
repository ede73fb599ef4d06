package proxyd

import (
	"container/list"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
)

const (
	// udpIdle is how long a session lives without a datagram.
	udpIdle = 60 * time.Second
	// onePacketIdle is the same for one-packet scheduling (ops), where every
	// datagram is a question of its own and lives for its answer only.
	onePacketIdle = 3 * time.Second
	// datagram is the longest that there is, in bytes.
	datagram = 64 << 10
)

// udpFront takes the datagrams of one virtual service.
type udpFront struct {
	pool   *pool
	budget slots // sessions of all services
	c      *net.UDPConn
	ended  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	sessions map[netip.AddrPort]*session
	order    *list.List // of *session; the front spoke last
}

// session is one client with its server.
type session struct {
	client   netip.AddrPort
	server   *server
	upstream *net.UDPConn
	place    *list.Element
	lastSeen atomic.Int64 // nanoseconds since the front began, either direction
}

func newUDPFront(p *pool, budget slots) (*udpFront, error) {
	c, err := listenUDP(p.key)
	if err != nil {
		return nil, err
	}
	f := &udpFront{pool: p, budget: budget, c: c, sessions: map[netip.AddrPort]*session{}, order: list.New()}
	f.ended.Go(f.receive)
	return f, nil
}

// close ends the sessions too: without the service's socket there is no way
// back to the clients.
func (f *udpFront) close() {
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
	buf := make([]byte, datagram)
	for {
		n, from, err := f.c.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			f.forward(netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), buf[:n])
		}
	}
}

// forward sends one datagram on. A server that refused an earlier one is
// noticed by the write, and another one is tried.
func (f *udpFront) forward(client netip.AddrPort, b []byte) {
	var tried []*server
	for len(tried) < maxTries {
		s := f.session(client, tried)
		if s == nil {
			return
		}
		if _, err := s.upstream.Write(b); err == nil {
			s.lastSeen.Store(time.Now().UnixNano())
			count(&f.pool.inPackets, &f.pool.inBytes, len(b))
			count(&s.server.inPackets, &s.server.inBytes, len(b))
			return
		}
		s.server.refused.Add(1)
		tried = append(tried, s.server)
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
	f.mu.Lock()
	s := f.sessions[client]
	switch {
	case s == nil:
	case s.server.gone.Load():
		f.endLocked(s)
		s = nil
	default:
		f.order.MoveToFront(s.place)
	}
	f.mu.Unlock()
	if s != nil {
		return s
	}
	if !f.room() {
		f.pool.noRoom.Add(1)
		return nil
	}
	s = f.begin(client, tried)
	if s == nil {
		f.budget.give()
	}
	return s
}

// room takes a slot for a session; when all are used, our oldest one ends.
func (f *udpFront) room() bool {
	if f.budget.try() {
		return true
	}
	f.mu.Lock()
	oldest := f.order.Back()
	f.mu.Unlock()
	if oldest == nil {
		return false
	}
	f.end(oldest.Value.(*session))
	return f.budget.try()
}

func (f *udpFront) begin(client netip.AddrPort, tried []*server) *session {
	server := f.pool.take(client.Addr(), tried)
	if server == nil {
		return nil
	}
	// A UDP connect(2) sends nothing and does not wait.
	c, err := new(net.Dialer).DialContext(context.Background(), "udp", f.pool.target(server).String())
	if err != nil {
		f.pool.release(server)
		return nil
	}
	s := &session{client: client, server: server, upstream: c.(*net.UDPConn)}
	s.lastSeen.Store(time.Now().UnixNano())
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		_ = c.Close()
		f.pool.release(server)
		return nil
	}
	f.sessions[client] = s
	s.place = f.order.PushFront(s)
	f.pool.conns.Add(1)
	server.conns.Add(1)
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
	idle, from := f.idle(), newLender(raw, &datagrams)
	back := func(b []byte) error { f.back(s, b); return nil }
	for {
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

func (f *udpFront) idle() time.Duration {
	if f.pool.flags()&director.FlagOnePacket != 0 {
		return onePacketIdle
	}
	return udpIdle
}

// back sends one datagram to the client, from the virtual address.
func (f *udpFront) back(s *session, b []byte) {
	s.lastSeen.Store(time.Now().UnixNano())
	if _, err := f.c.WriteToUDPAddrPort(b, s.client); err != nil {
		return // as on the wire, a datagram may be lost
	}
	count(&f.pool.outPackets, &f.pool.outBytes, len(b))
	count(&s.server.outPackets, &s.server.outBytes, len(b))
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
	if f.sessions[s.client] != s {
		return // ended already
	}
	delete(f.sessions, s.client)
	f.order.Remove(s.place)
	_ = s.upstream.Close()
	f.pool.release(s.server)
	f.budget.give()
}
