package proxyd

import (
	"errors"
	"io"
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	// chunk is how much is read at once while a connection talks in small
	// pieces, in bytes.
	chunk = 32 << 10
	// bulk is how much is then moved by splice(2) in one go, once chunks come
	// full: no copy to our memory, at the price of a pipe while it lasts, of
	// which there are only so many.
	bulk = 4 << 20
)

// chunks are lent only while there is something to move, so that an idle
// connection costs no buffer.
var chunks = sync.Pool{New: func() any { b := make([]byte, chunk); return &b }}

// relay moves bytes both ways until both sides have said all. The end of one
// direction is passed on, the other goes on; a reset ends both as a reset.
func relay(client, upstream *net.TCPConn, pipes slots, in, out func(int64)) {
	var once sync.Once
	abort := func() {
		once.Do(func() {
			for _, c := range [...]*net.TCPConn{client, upstream} {
				_ = c.SetLinger(0) // the other side gets the reset too
				_ = c.Close()
			}
		})
	}
	var other sync.WaitGroup
	other.Go(func() { oneWay(client, upstream, pipes, out, abort) })
	oneWay(upstream, client, pipes, in, abort)
	other.Wait()
	once.Do(func() {
		_ = client.Close()
		_ = upstream.Close()
	})
}

func oneWay(dst, src *net.TCPConn, pipes slots, count func(int64), abort func()) {
	if err := pump(dst, src, pipes, count); err != nil {
		abort()
		return
	}
	if err := dst.CloseWrite(); err != nil && !errors.Is(err, unix.ENOTCONN) {
		abort()
	}
}

// pump copies until src has said all (nil) or something broke.
func pump(dst, src *net.TCPConn, pipes slots, count func(int64)) error {
	raw, err := src.SyscallConn()
	if err != nil {
		return err
	}
	n := 0
	pass := func(b []byte) (err error) {
		if len(b) == 0 {
			return io.EOF
		}
		n, err = dst.Write(b)
		return err
	}
	from := newLender(raw, &chunks)
	for {
		n = 0
		err := from.lend(pass)
		count(int64(n))
		if err != nil {
			return ignoreEOF(err)
		}
		if n < chunk || !pipes.try() {
			continue
		}
		moved, err := io.CopyN(dst, src, bulk)
		pipes.give()
		count(moved)
		if err != nil {
			return ignoreEOF(err)
		}
	}
}

// lender reads into buffers that it has only while there is something in them.
// It belongs to one goroutine, and once made it allocates nothing.
type lender struct {
	raw     rawReader
	buffers *sync.Pool
	try     func(fd uintptr) bool // attempt
	lent    *[]byte
	n       int
	err     error
}

// rawReader is the half of syscall.RawConn that a lender uses.
type rawReader interface {
	Read(f func(fd uintptr) (done bool)) error
}

func newLender(raw rawReader, buffers *sync.Pool) *lender {
	l := &lender{raw: raw, buffers: buffers}
	l.try = l.attempt
	return l
}

// lend waits without a buffer until there is something to read, and lends use
// one with what was read; empty at the end of a stream.
func (l *lender) lend(use func([]byte) error) error {
	if err := l.raw.Read(l.try); err != nil {
		return err
	}
	defer l.buffers.Put(l.lent)
	if l.err != nil {
		return l.err
	}
	return use((*l.lent)[:l.n])
}

func (l *lender) attempt(fd uintptr) bool {
	l.lent = l.buffers.Get().(*[]byte)
	for {
		l.n, l.err = unix.Read(int(fd), *l.lent)
		if l.err != unix.EINTR { //nolint:errorlint // a bare errno
			break
		}
	}
	if l.err == unix.EAGAIN { //nolint:errorlint // a bare errno
		l.buffers.Put(l.lent)
		return false
	}
	return true
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// slots bounds how many of something there may be, by its capacity.
type slots chan struct{}

// take waits for a slot until stop is closed.
func (s slots) take(stop <-chan struct{}) bool {
	select {
	case s <- struct{}{}:
		return true
	case <-stop:
		return false
	}
}

// try takes a slot if there is one.
func (s slots) try() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) give() { <-s }
