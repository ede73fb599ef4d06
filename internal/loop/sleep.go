package loop

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sleeper waits for the loop's epoll, and does so in the runtime's, which holds
// ours as it would a connection.
//
// A thread that waits in a system call of its own is lost to the runtime: when
// it returns, the monitor is woken, finds that one goroutine has been running
// "since" before the sleep and interrupts it by a signal, and as long as deadlines
// are near it looks up to every 20 µs whether the thread is back. What the
// runtime's epoll brings is simply run next, by the thread that was woken.
// (docs/decisions/0020)
type sleeper struct {
	ep    uintptr
	f     *os.File
	raw   syscall.RawConn
	ready []unix.EpollEvent
	n     int
	errno syscall.Errno
	look  func(fd uintptr) bool // poll, made once
}

// open takes over the epoll: closing the file closes it.
func (s *sleeper) open(ep int) error {
	if err := unix.SetNonblock(ep, true); err != nil {
		return err
	}
	s.ep = uintptr(ep)
	s.f = os.NewFile(s.ep, "epoll")
	s.look = func(uintptr) bool {
		s.poll()
		return s.n != 0 || s.errno != 0
	}
	var err error
	s.raw, err = s.f.SyscallConn()
	return err
}

// wait fills ready and returns how many have something; without waiting for
// the first where atOnce is set.
func (s *sleeper) wait(ready []unix.EpollEvent, atOnce bool) (int, error) {
	s.ready = ready
	if atOnce {
		s.poll()
	} else if err := s.raw.Read(s.look); err != nil {
		return 0, err
	}
	if s.errno != 0 {
		return 0, s.errno
	}
	return s.n, nil
}

// poll looks what is ready. Nothing is waited for, so the scheduler is not told.
func (s *sleeper) poll() {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, s.ep, uintptr(unsafe.Pointer(&s.ready[0])),
			uintptr(len(s.ready)), 0, 0, 0)
		s.n, s.errno = int(n), errno
		switch errno {
		case 0:
			return
		case unix.EINTR: // not looked: what came before the runtime was asked would be slept over
		default:
			s.n = 0
			return
		}
	}
}

// settime sets a timerfd to an absolute time; that does not block either.
func settime(fd int, at *unix.ItimerSpec) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_TIMERFD_SETTIME, uintptr(fd), unix.TFD_TIMER_ABSTIME,
		uintptr(unsafe.Pointer(at)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
