package ipc

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// MaxFiles bounds the descriptors that travel with one message.
const MaxFiles = 4

// MaxQueued bounds the bytes that wait for a peer that does not read. A frame
// is taken as long as less than this waits before it.
const MaxQueued = 8 << 20

// ErrFull is returned by Send when the peer does not read.
var ErrFull = errors.New("the peer does not read, and the queue is full")

// ErrClosed is returned after Close.
var ErrClosed = errors.New("the connection is closed")

// Conn is one end of the socket pair. Send may be called from anywhere;
// reading (either Recv or ReadReady, never both) belongs to one goroutine.
type Conn struct {
	fd int

	mu     sync.Mutex // held for moments only, never while anything waits
	queue  []byte     // what the socket would not take yet
	closed bool
	broken error          // why nothing can be sent any more
	file   *os.File       // fd in the runtime's poller, made when first waited on
	writer sync.WaitGroup // the goroutine that empties the queue

	in inbox
}

// Pair makes a connected pair: the parent's end, and the file that becomes
// descriptor ChildFD of the child.
func Pair() (*Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	return FromFD(fds[0]), os.NewFile(uintptr(fds[1]), "ipc"), nil
}

// Peers makes a connected pair for two children; either end becomes a Conn by
// FromFD.
func Peers() (a, b *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "link"), os.NewFile(uintptr(fds[1]), "link"), nil
}

// FromFD takes over a descriptor of a Unix stream socket.
func FromFD(fd int) *Conn {
	_ = unix.SetNonblock(fd, true)
	unix.CloseOnExec(fd)
	return &Conn{fd: fd}
}

// Fd is the descriptor for a child's epoll (level-triggered, for reading).
func (c *Conn) Fd() int { return c.fd }

// Send sends one message and never waits: what the socket does not take at
// once is written by a goroutine that lives until the queue is empty. The
// descriptors stay the caller's.
func (c *Conn) Send(m Message, files ...int) error {
	if len(files) > MaxFiles {
		return fmt.Errorf("send %s: %d descriptors, at most %d", m.Kind, len(files), MaxFiles)
	}
	m.Files = len(files)
	frame, err := encode(m)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return ErrClosed
	case c.broken != nil:
		return fmt.Errorf("send %s: %w", m.Kind, c.broken)
	case len(c.queue) >= MaxQueued || len(c.queue) > 0 && len(files) > 0:
		return fmt.Errorf("send %s: %w", m.Kind, ErrFull)
	case len(c.queue) > 0:
		c.queue = append(c.queue, frame...)
		return nil
	}
	var oob []byte
	if len(files) > 0 {
		oob = unix.UnixRights(files...)
	}
	n, err := c.write(frame, oob)
	if err != nil {
		c.broken = err
		return fmt.Errorf("send %s: %w", m.Kind, err)
	}
	if n == 0 && oob != nil {
		return fmt.Errorf("send %s: %w", m.Kind, ErrFull)
	}
	if n < len(frame) {
		c.queue = append(c.queue, frame[n:]...)
		c.startWriter()
	}
	return nil
}

// Flush waits until what was sent is written, or nobody reads it any more. It
// and Send belong to one goroutine where it is used.
func (c *Conn) Flush() { c.writer.Wait() }

// Queued is how many bytes wait for the peer to read, those that the kernel
// holds left out.
func (c *Conn) Queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue)
}

// write makes one attempt without waiting; a full socket is 0, nil.
func (c *Conn) write(b, oob []byte) (int, error) {
	for {
		n, err := unix.SendmsgN(c.fd, b, oob, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		switch err {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return 0, nil
		}
		return max(n, 0), err
	}
}

// startWriter empties the queue in a goroutine; c.mu is held.
func (c *Conn) startWriter() {
	raw, err := c.poller()
	if err != nil {
		c.broken = err
		return
	}
	c.writer.Add(1)
	go func() {
		defer c.writer.Done()
		err := raw.Write(func(uintptr) bool { return c.drain() })
		c.mu.Lock()
		defer c.mu.Unlock()
		if err != nil && c.broken == nil {
			c.broken, c.queue = err, nil
		}
	}()
}

// drain writes what the socket takes and reports whether nothing is left to do.
func (c *Conn) drain() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) > 0 {
		n, err := c.write(c.queue, nil)
		if err != nil {
			c.broken, c.queue = err, nil
			return true
		}
		if n == 0 {
			return false
		}
		c.queue = c.queue[n:]
	}
	c.queue = nil
	return true
}

// poller hands the descriptor to the runtime's poller when somebody first has
// to wait for it; a child that reads by its own epoll never does. c.mu is held.
func (c *Conn) poller() (syscall.RawConn, error) {
	if c.closed {
		return nil, ErrClosed
	}
	if c.file == nil {
		c.file = os.NewFile(uintptr(c.fd), "ipc")
	}
	return c.file.SyscallConn()
}

// Close ends the connection and waits for its writer, which drops what was
// not written.
func (c *Conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	file := c.file
	c.mu.Unlock()
	var err error
	if file != nil {
		err = file.Close()
	} else {
		err = unix.Close(c.fd)
	}
	c.writer.Wait()
	return err
}

// lengthSize is the size of each of a frame's two lengths, in bytes.
const lengthSize = 4

func encode(m Message) ([]byte, error) {
	head, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.Kind, err)
	}
	size := lengthSize + len(head) + len(m.Body)
	if size > MaxFrame {
		return nil, fmt.Errorf("encode %s: %d bytes, at most %d", m.Kind, size, MaxFrame)
	}
	frame := make([]byte, 0, lengthSize+size)
	frame = binary.BigEndian.AppendUint32(frame, uint32(size))      // bounded above
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(head))) // and so is this
	frame = append(frame, head...)
	return append(frame, m.Body...), nil
}
