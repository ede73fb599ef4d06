package proxyd

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls on a connection's way are here. None of them waits, so Go's
// scheduler need not hear of them (RawSyscall): being told it may wake threads
// in vain, and its monitor takes the processor away from a thread that the
// kernel suspends within such a call.

// address is a sockaddr_in (ip(7)) or sockaddr_in6 (ipv6(7)).
type address [unix.SizeofSockaddrInet6]byte

func (a *address) set(p netip.AddrPort) (length uintptr) {
	binary.BigEndian.PutUint16(a[2:], p.Port())
	if p.Addr().Is4() {
		binary.NativeEndian.PutUint16(a[:], unix.AF_INET)
		four := p.Addr().As4()
		copy(a[4:], four[:])
		return unix.SizeofSockaddrInet4
	}
	binary.NativeEndian.PutUint16(a[:], unix.AF_INET6)
	six := p.Addr().As16()
	copy(a[8:], six[:])
	return unix.SizeofSockaddrInet6
}

func (a *address) get() netip.AddrPort {
	port := binary.BigEndian.Uint16(a[2:])
	switch binary.NativeEndian.Uint16(a[:]) {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(a[4:])), port)
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(a[8:])).Unmap(), port)
	}
	return netip.AddrPort{}
}

// result makes Go's of what a system call returned.
func result(n, _ uintptr, errno unix.Errno) (int, error) {
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

// accept returns unix.EAGAIN when nobody waits.
func accept(listener int) (fd int, from netip.AddrPort, err error) {
	var a address
	length := uint32(len(a))
	fd, err = result(unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), uintptr(unsafe.Pointer(&a)),
		uintptr(unsafe.Pointer(&length)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0))
	return fd, a.get(), err
}

// stream makes a socket of TCP.
func stream(family int) (fd int, err error) {
	return result(unix.RawSyscall(unix.SYS_SOCKET, uintptr(family), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0))
}

// begin is connect(2), for which unix.EINPROGRESS is no error.
func begin(fd int, to netip.AddrPort) error {
	var a address
	length := a.set(to)
	_, err := result(unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&a)), length))
	if err == unix.EINPROGRESS { //nolint:errorlint // a bare errno
		return nil
	}
	return err
}

// set is setsockopt(2) for an option that is a number.
func set(fd, level, name int, value int32) error {
	_, err := result(unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name),
		uintptr(unsafe.Pointer(&value)), unsafe.Sizeof(value), 0))
	return err
}

// spoke reports whether there is something to read already.
func spoke(fd int) bool {
	var b [1]byte
	n, err := result(unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b)), uintptr(len(b)),
		unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0))
	return err == nil && n > 0
}

// finish ends one direction.
func finish(fd int) error {
	_, err := result(unix.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0))
	if err == unix.ENOTCONN { //nolint:errorlint // a bare errno
		return nil
	}
	return err
}

// shut closes a socket without SO_LINGER, or with one of 0 s.
func shut(fd int) { _, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// attach has epoll tell of fd.
func attach(epoll, fd int, event *unix.EpollEvent) error {
	_, err := result(unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epoll), unix.EPOLL_CTL_ADD, uintptr(fd), uintptr(unsafe.Pointer(event)), 0, 0))
	return err
}

// glance is epoll_pwait(2) without waiting; an error shows when we wait.
func glance(epoll int, events []unix.EpollEvent) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll),
		uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// read and write go on after a signal, and count no negative bytes.
func read(fd int, b []byte) (int, error) { return direct(unix.SYS_RECVFROM, fd, b, 0) }

func write(fd int, b []byte) (int, error) { return direct(unix.SYS_SENDTO, fd, b, unix.MSG_NOSIGNAL) }

// writeLast lets the end, which follows at once, go with the last bytes.
func writeLast(fd int, b []byte) (int, error) {
	return direct(unix.SYS_SENDTO, fd, b, unix.MSG_NOSIGNAL|unix.MSG_MORE)
}

func direct(call uintptr, fd int, b []byte, flags uintptr) (int, error) {
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
