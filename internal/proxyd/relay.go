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
	for {
		n := 0
		err := lend(raw, &chunks, func(b []byte) error {
			if len(b) == 0 {
				return io.EOF
			}
			var err error
			n, err = dst.Write(b)
			return err
		})
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

// lend waits without a buffer until there is something to read, and lends use
// one with what was read; empty at the end of a stream.
func lend(raw rawReader, buffers *sync.Pool, use func([]byte) error) error {
	var n int
	var readErr error
	var lent *[]byte
	err := raw.Read(func(fd uintptr) bool {
		lent = buffers.Get().(*[]byte)
		for {
			n, readErr = unix.Read(int(fd), *lent)
			if readErr != unix.EINTR {
				break
			}
		}
		if readErr == unix.EAGAIN {
			buffers.Put(lent)
			return false
		}
		return true
	})
	if err != nil {
		return err
	}
	defer buffers.Put(lent)
	if readErr != nil {
		return readErr
	}
	return use((*lent)[:n])
}

// rawReader is the half of syscall.RawConn that lend uses.
type rawReader interface {
	Read(f func(fd uintptr) (done bool)) error
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
