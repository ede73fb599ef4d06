package proxyd

import (
	"sync"

	"golang.org/x/sys/unix"
)

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
