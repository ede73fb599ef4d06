package raw

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Sleeper waits for an epoll, and does so in the runtime's, which holds ours as
// it would a connection.
//
// A thread that waits in a system call of its own is lost to the runtime: when
// it returns, the monitor is woken, finds that one goroutine has been running
// "since" before the sleep and interrupts it by a signal, and as long as deadlines
// are near it looks up to every 20 µs whether the thread is back. What the
// runtime's epoll brings is simply run next, by the thread that was woken.
// (docs/decisions/0020)
type Sleeper struct {
	f     *os.File
	epoll int
	raw   syscall.RawConn
	ready []unix.EpollEvent
	n     int
	err   error
	look  func(fd uintptr) bool // made once
}

// Open makes the epoll, which Close closes.
func (s *Sleeper) Open() (epoll int, err error) {
	if epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return -1, fmt.Errorf("make an epoll: %w", err)
	}
	_ = unix.SetNonblock(epoll, true) // or the runtime would not take it
	s.f, s.epoll = os.NewFile(uintptr(epoll), "epoll"), epoll
	s.look = func(uintptr) bool {
		s.n, s.err = poll(epoll, s.ready)
		return s.n != 0 || s.err != nil
	}
	if s.raw, err = s.f.SyscallConn(); err != nil {
		s.Close()
		return -1, fmt.Errorf("wait in the runtime's epoll: %w", err)
	}
	return epoll, nil
}

// Wait fills ready and returns how many have something; without waiting for
// the first where atOnce is set. Nothing is allocated.
func (s *Sleeper) Wait(ready []unix.EpollEvent, atOnce bool) (int, error) {
	if atOnce {
		return poll(s.epoll, ready)
	}
	s.ready = ready
	if err := s.raw.Read(s.look); err != nil {
		return 0, err
	}
	return s.n, s.err
}

// Close closes the epoll, if it was opened; once more does nothing.
func (s *Sleeper) Close() { _ = s.f.Close() }
