package flow

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

// None of these calls waits. But on a near network they do the peer's part as
// well and take longer than the runtime looks on: told of them (as unix.Read
// and its like do), it hands our processor to another thread and back, several
// times for each check. So it is not told (RawSyscall).

// direct makes a system call on size bytes at p, again if a signal came in
// between. p becomes a number only here: what it points to may lie on the
// stack, and move when that grows, until the call itself is made.
func direct(number uintptr, fd int, p unsafe.Pointer, size uintptr) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(number, uintptr(fd), uintptr(p), size)
		switch errno {
		case 0:
			return int(n), nil //nolint:gosec // at most what was asked for
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// Take is read(2), which no signal interrupts.
func Take(fd int, b []byte) (int, error) {
	return direct(unix.SYS_READ, fd, unsafe.Pointer(unsafe.SliceData(b)), uintptr(len(b)))
}

// Give is write(2), which no signal interrupts.
func Give(fd int, b []byte) (int, error) {
	return direct(unix.SYS_WRITE, fd, unsafe.Pointer(unsafe.SliceData(b)), uintptr(len(b)))
}

// connect is connect(2).
func connect(fd int, to netip.AddrPort) error {
	var err error
	switch a := to.Addr(); {
	case a.Is4():
		sa := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: a.As4()}
		setPort(&sa.Port, to.Port())
		_, err = direct(unix.SYS_CONNECT, fd, unsafe.Pointer(&sa), unix.SizeofSockaddrInet4)
	case a.Zone() == "":
		sa := unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: a.As16()}
		setPort(&sa.Port, to.Port())
		_, err = direct(unix.SYS_CONNECT, fd, unsafe.Pointer(&sa), unix.SizeofSockaddrInet6)
	default:
		return unix.Connect(fd, probe.Sockaddr(to)) // finds the interface
	}
	return err
}

// setPort writes a port as the network has it.
func setPort(at *uint16, port uint16) {
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(at))[:], port)
}

// disconnect makes a connected socket one that may connect again; the kernel
// tells the peer by a reset and forgets the local port.
func disconnect(fd int) error {
	none := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	_, err := direct(unix.SYS_CONNECT, fd, unsafe.Pointer(&none), unsafe.Sizeof(none))
	return err
}

// setInt sets a socket option that may fail without harm.
func setInt(fd, level, option, value int) {
	v := int32(value) //nolint:gosec // a flag
	_, _, _ = unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option),
		uintptr(unsafe.Pointer(&v)), unsafe.Sizeof(v), 0)
}

// watch is epoll_ctl(2).
func watch(epoll, op, fd int, ev *unix.EpollEvent) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epoll), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(ev)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// glance is epoll_pwait(2) without waiting; an error shows when we are called
// again.
func glance(epoll int, events []unix.EpollEvent) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll),
		uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n) //nolint:gosec // at most len(events)
}

// hangUp is close(2), which is over even if a signal came.
func hangUp(fd int) { _, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }
