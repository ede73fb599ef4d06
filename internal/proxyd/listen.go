package proxyd

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"github.com/holdfast-ha/holdfast/internal/raw"
	"golang.org/x/sys/unix"
)

// Keepalives find dead peers on both sides; NAT devices forget a quiet
// connection after 90 s at the earliest. In seconds, and attempts.
const (
	keepIdle     = 30
	keepInterval = 10
	keepCount    = 3
)

// keepAlive sets them. What a listener has, those that it accepts have too. The
// order counts: on a connection with keepalives TCP_KEEPIDLE reckons with the
// silence that there was.
func keepAlive(fd int) {
	_ = raw.Set(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	_ = raw.Set(fd, unix.SOL_TCP, unix.TCP_KEEPIDLE, keepIdle)
	_ = raw.Set(fd, unix.SOL_TCP, unix.TCP_KEEPINTVL, keepInterval)
	_ = raw.Set(fd, unix.SOL_TCP, unix.TCP_KEEPCNT, keepCount)
}

// prompt has small pieces sent at once.
func prompt(fd int) { _ = raw.Set(fd, unix.SOL_TCP, unix.TCP_NODELAY, 1) }

// socketKind is what a service's socket is, if there is one. Its family is the
// address's: one of IPv6 must not take IPv4's port too.
func socketKind(key lvs.ServiceKey) (int, error) {
	switch {
	case key.FWMark != 0:
		return 0, errors.New("a firewall mark exists in the kernel only; use lvs_director ipvs")
	case key.Port == 0:
		return 0, errors.New("port 0 (all ports) exists in the kernel only; use lvs_director ipvs")
	case key.Protocol == lvs.TCP:
		return unix.SOCK_STREAM, nil
	case key.Protocol == lvs.UDP:
		return unix.SOCK_DGRAM, nil
	}
	return 0, fmt.Errorf("protocol %s exists in the kernel only; use lvs_director ipvs", key.Protocol)
}

// backlog is how many clients may wait to be accepted; the kernel has its own
// opinion beside it (net.core.somaxconn).
const backlog = 65535

// listenOn returns a socket that does not wait.
func listenOn(key lvs.ServiceKey) (int, error) {
	kind, err := socketKind(key)
	if err != nil {
		return -1, fmt.Errorf("listen on %s: %w", director.ServiceName(key), err)
	}
	fd, err := unix.Socket(familyOf(key.Addr), kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, listenError(key, err)
	}
	if err := settle(fd, key, kind); err != nil {
		_ = unix.Close(fd)
		return -1, listenError(key, err)
	}
	return fd, nil
}

// settle binds a socket, and has one of TCP listen. The address may be reused
// after one that was retired, but not by others beside us (UDP).
func settle(fd int, key lvs.ServiceKey, kind int) error {
	err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err == nil {
		err = absent(fd, key.Addr.Is4())
	}
	if err == nil && !key.Addr.Is4() {
		err = unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err == nil {
		err = unix.Bind(fd, sockaddr(netip.AddrPortFrom(key.Addr, key.Port)))
	}
	switch {
	case err != nil:
		return err
	case kind == unix.SOCK_DGRAM:
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 0)
	}
	prompt(fd)
	keepAlive(fd)
	return unix.Listen(fd, backlog)
}

// absent lets a socket have an address that is not on this machine: the backup
// listens on the virtual addresses that it is going to take over.
func absent(fd int, four bool) error {
	if four {
		return unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_FREEBIND, 1)
	}
	return unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_FREEBIND, 1)
}

// listenError says what would help.
func listenError(key lvs.ServiceKey, err error) error {
	hint := ""
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	switch {
	case errors.Is(err, unix.EACCES):
		hint = fmt.Sprintf(" (ports below 1024 take CAP_NET_BIND_SERVICE, or sysctl net.ipv4.ip_unprivileged_port_start=%d)", key.Port)
	case errors.Is(err, unix.EADDRINUSE):
		hint = " (another program listens there; ss -lntup shows which)"
	case errors.Is(err, unix.EADDRNOTAVAIL):
		hint = " (the kernel does not let us listen on an address that is not here)"
	}
	return fmt.Errorf("listen on %s: %w%s", director.ServiceName(key), err, hint)
}
