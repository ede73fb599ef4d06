package proxyd

import (
	"net/netip"
	"sync"

	"github.com/holdfast-ha/holdfast/internal/raw"
	"github.com/holdfast-ha/holdfast/internal/wire"
	"golang.org/x/sys/unix"
)

// The two sides of a connection.
const (
	fromClient = 0
	fromServer = 1
)

// interest: the kernel tells each change once.
const interest = unix.EPOLLIN | unix.EPOLLPRI | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// conn is a client's connection and the one to its server.
type conn struct {
	front  *tcpFront
	worker *worker
	from   netip.AddrPort

	mu         sync.Mutex
	place, gen uint32
	tried      []*server
	grip       grip
	state      state
	queued     bool // in worker.again
	sides      [2]side
	flows      [2]flow // by the side they come from
}

type state uint8

const (
	connecting state = iota
	open
	over
)

// side is one of the two sockets, and what the kernel last said of it.
type side struct {
	fd                 int32
	readable, writable bool
	ending             bool // its end is here, behind what is to be read
	urgent             bool // there was urgent data, before which a read stops (tcp(7))
}

// begin connects a client that was accepted to a server.
func (f *tcpFront) begin(w *worker, fd int, from netip.AddrPort) {
	c := &conn{front: f, from: from, sides: [2]side{{fd: int32(fd)}, {fd: -1}}}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !f.engine.enroll(c, w) {
		raw.Close(fd)
		f.leave()
		return
	}
	c.dial()
}

// dial begins to connect to a server; the worker hears how it went. Nothing of
// the client's was sent to those that were tried before.
func (c *conn) dial() {
	pool := c.front.pool
	for len(c.tried) < maxTries {
		g, ok := pool.take(c.from, c.tried)
		if !ok {
			break
		}
		c.grip = g
		fd, err := connect(g.to, c.from.Addr(), g.to.sendProxy != 0 || raw.Readable(int(c.sides[fromClient].fd)))
		if err == nil {
			c.sides[fromServer] = side{fd: int32(fd)}
			if err = c.register(fromServer); err == nil {
				c.worker.watch(c)
				return
			}
		}
		if !c.refused(err) {
			break
		}
	}
	c.end(true)
}

// refused gives up the server that was tried and reports whether another one
// may do better.
func (c *conn) refused(err error) bool {
	if fd := c.sides[fromServer].fd; fd >= 0 {
		raw.Close(int(fd))
		c.sides[fromServer].fd = -1
	}
	s := c.grip.server
	c.front.pool.release(c.grip)
	c.grip = grip{}
	c.front.pool.lacks(err)
	if ours(err) {
		return false
	}
	s.refused.Add(1)
	c.tried = append(c.tried, s)
	return true
}

// ours reports whether an attempt failed for a reason that any server would
// meet: no descriptors, no memory, or no right to the client's address.
func ours(err error) bool {
	switch err {
	case unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.ENOBUFS, unix.EPERM: //nolint:errorlint // a bare errno
		return true
	}
	return false
}

func (c *conn) register(which int) error {
	return raw.Watch(c.worker.epoll, unix.EPOLL_CTL_ADD, int(c.sides[which].fd),
		&unix.EpollEvent{Events: interest, Fd: int32(c.place<<1) | int32(which), Pad: int32(c.gen)})
}

// event takes what the kernel said of one side.
func (c *conn) event(which int, gen, events uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gen != gen || c.state == over {
		return // of a connection that is over
	}
	s, broken := &c.sides[which], events&(unix.EPOLLHUP|unix.EPOLLERR) != 0
	s.readable = s.readable || broken || events&(unix.EPOLLIN|unix.EPOLLRDHUP) != 0
	s.writable = s.writable || broken || events&unix.EPOLLOUT != 0
	s.ending = s.ending || broken || events&unix.EPOLLRDHUP != 0
	s.urgent = s.urgent || events&unix.EPOLLPRI != 0
	switch {
	case c.state == open && events&unix.EPOLLERR != 0:
		c.end(true)
	case c.state == open:
		c.move()
	case s.writable:
		c.connected(broken)
	}
}

// connected finds out how the attempt to connect went.
func (c *conn) connected(broken bool) {
	err := error(nil)
	if broken {
		err = fault(int(c.sides[fromServer].fd))
	}
	if err == nil {
		err = c.introduce()
	}
	if err != nil {
		if c.refused(err) {
			c.dial()
		} else {
			c.end(true)
		}
		return
	}
	c.state, c.tried = open, nil
	c.front.pool.conns.Add(1)
	c.grip.server.conns.Add(1)
	c.sides[fromClient].readable = true // to be tried
	if err := c.register(fromClient); err != nil {
		c.end(true)
		return
	}
	c.move()
}

// fault is what befell a socket, if anything did.
func fault(fd int) error {
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = unix.Errno(errno)
	}
	return err
}

// introduce says whose connection it is, if the server is to know.
func (c *conn) introduce() error {
	if c.grip.to.sendProxy == 0 {
		return nil
	}
	var room [wire.MaxProxyHeader]byte
	key := c.front.pool.key
	b := wire.AppendProxyHeader(room[:0], c.grip.to.sendProxy, false, c.from, netip.AddrPortFrom(key.Addr, key.Port))
	n, err := raw.Write(int(c.sides[fromServer].fd), b) // the buffer of a new socket has room
	if err == nil && n < len(b) {
		err = unix.EIO
	}
	return err
}

// late gives up an attempt that took too long. A connection that there is
// lasts, and is worth the keepalives to its server: they count from when that
// was heard last.
func (c *conn) late(d dialing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.gen != d.gen:
	case c.state == open:
		keepAlive(int(c.sides[fromServer].fd))
	case c.state == connecting && len(c.tried) == d.tries && c.refused(unix.ETIMEDOUT):
		c.dial()
	}
}

// move does all that can be done without waiting. The end of one direction is
// passed on, the other goes on; a reset ends both as a reset.
func (c *conn) move() {
	if c.state != open {
		return
	}
	again := false
	for i := range c.flows {
		more, err := c.flows[i].pump(c.worker, &c.sides[i], &c.sides[1-i], c, i)
		if err != nil {
			c.end(true)
			return
		}
		again = again || more
	}
	switch {
	case c.flows[0].done && c.flows[1].done:
		c.end(false)
	case again && !c.queued:
		c.queued = true
		c.worker.again = append(c.worker.again, c)
	}
}

func (c *conn) count(from, n int) {
	pool, s := c.front.pool, c.grip.server
	if from == fromClient {
		pool.inBytes.Add(uint64(n))
		s.inBytes.Add(uint64(n))
		return
	}
	pool.outBytes.Add(uint64(n))
	s.outBytes.Add(uint64(n))
}

// end closes both sides, with a reset if something broke, and gives back all
// that c held.
func (c *conn) end(reset bool) {
	if c.state == over {
		return
	}
	c.state = over
	for i := range c.sides {
		c.flows[i].release(c.worker)
		fd := int(c.sides[i].fd)
		if fd < 0 {
			continue
		}
		if reset {
			_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		}
		raw.Close(fd)
	}
	if c.grip.server != nil {
		c.front.pool.release(c.grip)
	}
	c.front.engine.strike(c)
	c.front.leave()
}
