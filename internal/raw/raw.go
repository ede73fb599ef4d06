// Package raw has the system calls that thousands of short connections a second
// are made of, for the proxy and for health checks, and the sleep of whoever
// waits for its own epoll (sleep.go).
//
// None of them waits, so Go's scheduler is not told of them (RawSyscall), as
// package unix does: where it is told, its monitor takes the processor away
// from a thread that the kernel keeps a little longer, as it does when the peer
// is on the same machine and its part of the work is done as well, and hands it
// to another thread and back. Callers set sockets to non-blocking.
//
// What a call points to becomes a number only in the call itself: it may lie on
// the stack, and move when that grows.
package raw

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// result makes Go's of what a system call returned.
func result(n, _ uintptr, errno unix.Errno) (int, error) {
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

// Stream makes a TCP socket of a family (unix.AF_INET …) that does not wait.
func Stream(family int) (fd int, err error) {
	return result(unix.RawSyscall(unix.SYS_SOCKET, uintptr(family), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0))
}

// Accept takes a client that waits; unix.EAGAIN says that none does.
func Accept(listener int) (fd int, from netip.AddrPort, err error) {
	var a address
	length := uint32(len(a))
	fd, err = result(unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), uintptr(unsafe.Pointer(&a)),
		uintptr(unsafe.Pointer(&length)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0))
	return fd, a.get(), err
}

// Connect begins a connection, which unix.EINPROGRESS says, or asks how one
// goes that has begun. Zones are not looked at.
func Connect(fd int, to netip.AddrPort) error {
	var a address
	length := a.set(to)
	_, err := result(unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&a)), length))
	return err
}

// Disconnect makes a connected socket one that may connect again; the kernel
// tells the peer by a reset and forgets the local port.
func Disconnect(fd int) error {
	none := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	_, err := result(unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&none)), unsafe.Sizeof(none)))
	return err
}

// Set sets a socket option that is a number (setsockopt(2)).
func Set(fd, level, option int, value int32) error {
	_, err := result(unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option),
		uintptr(unsafe.Pointer(&value)), unsafe.Sizeof(value), 0))
	return err
}

// Readable reports whether there are bytes to read already.
func Readable(fd int) bool {
	var b [1]byte
	n, err := result(unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b)), uintptr(len(b)),
		unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0))
	return err == nil && n > 0
}

// Read reads from a socket. It goes on after a signal, as Write does, and
// returns no negative count.
func Read(fd int, b []byte) (int, error) { return move(unix.SYS_RECVFROM, fd, b, 0) }

// Write writes to a socket, and raises no SIGPIPE.
func Write(fd int, b []byte) (int, error) { return move(unix.SYS_SENDTO, fd, b, unix.MSG_NOSIGNAL) }

// WriteLast is Write, and lets the end, which follows at once, go with the last
// bytes.
func WriteLast(fd int, b []byte) (int, error) {
	return move(unix.SYS_SENDTO, fd, b, unix.MSG_NOSIGNAL|unix.MSG_MORE)
}

func move(call uintptr, fd int, b []byte, flags uintptr) (int, error) {
	for {
		n, _, errno := unix.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// CloseWrite ends the direction from us; a peer that has gone needs no end.
func CloseWrite(fd int) error {
	_, err := result(unix.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0))
	if err == unix.ENOTCONN { //nolint:errorlint // a bare errno
		return nil
	}
	return err
}

// Close closes a socket that does not linger, or for 0 s only. It is over even
// if a signal came.
func Close(fd int) { _, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// Watch is epoll_ctl(2) with an operation (unix.EPOLL_CTL_ADD …); event may be
// nil for unix.EPOLL_CTL_DEL.
func Watch(epoll, operation, fd int, event *unix.EpollEvent) error {
	_, err := result(unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epoll), uintptr(operation), uintptr(fd), uintptr(unsafe.Pointer(event)), 0, 0))
	return err
}

// Ready returns how many events there are without waiting. An error shows when
// somebody waits.
func Ready(epoll int, events []unix.EpollEvent) int {
	n, _ := poll(epoll, events)
	return n
}

// poll looks what is ready. Interrupted it has not looked: what came before the
// runtime was asked would be slept over.
func poll(epoll int, events []unix.EpollEvent) (int, error) {
	for {
		n, err := result(unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll),
			uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0))
		if err != unix.EINTR { //nolint:errorlint // a bare errno
			return max(n, 0), err
		}
	}
}

// SetTimer sets a timerfd; flags as of timerfd_settime(2).
func SetTimer(fd, flags int, to *unix.ItimerSpec) error {
	_, err := result(unix.RawSyscall6(unix.SYS_TIMERFD_SETTIME, uintptr(fd), uintptr(flags), uintptr(unsafe.Pointer(to)), 0, 0, 0))
	return err
}
