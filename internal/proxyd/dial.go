package proxyd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"github.com/holdfast-ha/holdfast/internal/wire"
	"golang.org/x/sys/unix"
)

// connectTimeout bounds one attempt to reach a real server.
const connectTimeout = 4 * time.Second

// silence is how long sent bytes may go unconfirmed before a connection to a
// real server counts as broken (TCP_USER_TIMEOUT); the kernel's own limit is
// about a quarter of an hour.
const silence = 60 * time.Second

// dialer reaches TCP servers from an address of ours.
var dialer = net.Dialer{Timeout: connectTimeout, KeepAliveConfig: keepAlive, Control: userTimeout}

func userTimeout(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		// Without it a dead server is noticed later, that is all.
		_ = unix.SetsockoptInt(int(fd), unix.SOL_TCP, unix.TCP_USER_TIMEOUT, int(silence.Milliseconds()))
	})
}

// disguised reaches TCP servers from the client's address. The answers come
// back to us only if routing says so.
func disguised(client netip.Addr) net.Dialer {
	d := dialer
	d.LocalAddr = &net.TCPAddr{IP: client.AsSlice()}
	d.Control = func(network, address string, c syscall.RawConn) error {
		return errors.Join(userTimeout(network, address, c), foreign(c, client.Is4()))
	}
	return d
}

// foreign lets a socket have an address that is not ours (ip(7),
// IP_TRANSPARENT); connect(2) chooses the port, for then it need be unused
// towards that server only.
func foreign(c syscall.RawConn, four bool) error {
	var err error
	ctlErr := c.Control(func(fd uintptr) {
		err = errors.Join(transparent(int(fd), four),
			unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1))
	})
	return errors.Join(ctlErr, err)
}

func transparent(fd int, four bool) error {
	if four {
		return unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_TRANSPARENT, 1)
	}
	return unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_TRANSPARENT, 1)
}

// mayDisguise says before a client comes whether its address may be used.
func mayDisguise(key lvs.ServiceKey) error {
	family := unix.AF_INET6
	if key.Addr.Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("proxy_source client of %s: %w", director.ServiceName(key), err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := transparent(fd, key.Addr.Is4()); err != nil {
		return fmt.Errorf("proxy_source client of %s: set IP_TRANSPARENT: %w (it takes CAP_NET_ADMIN or CAP_NET_RAW)", director.ServiceName(key), err)
	}
	return nil
}

// dial connects client to a server, and says whose it is if the server is to
// know. A client and a server of two families keep the address that is ours.
func dial(ctx context.Context, to route, client, virtual netip.AddrPort) (*net.TCPConn, error) {
	d := dialer
	if to.transparent && client.Addr().Is4() == to.addr.Addr().Is4() {
		d = disguised(client.Addr())
	}
	// DialTCP would bind a port before it connects, and ports are few.
	conn, err := d.DialContext(ctx, "tcp", to.addr.String())
	if err != nil {
		return nil, err
	}
	c := conn.(*net.TCPConn)
	if to.sendProxy == 0 {
		return c, nil
	}
	var room [wire.MaxProxyHeader]byte
	if _, err := c.Write(wire.AppendProxyHeader(room[:0], to.sendProxy, false, client, virtual)); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// dialUDP makes the socket of a session, which sends nothing and does not wait.
func dialUDP(to route, client netip.Addr) (*net.UDPConn, error) {
	var d net.Dialer
	if to.transparent && client.Is4() == to.addr.Addr().Is4() {
		d.LocalAddr = &net.UDPAddr{IP: client.AsSlice()}
		d.Control = func(_, _ string, c syscall.RawConn) error { return foreign(c, client.Is4()) }
	}
	c, err := d.DialContext(context.Background(), "udp", to.addr.String())
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}
