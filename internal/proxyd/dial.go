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
	"github.com/holdfast-ha/holdfast/internal/raw"
	"golang.org/x/sys/unix"
)

// connectTimeout bounds one attempt to reach a real server.
const connectTimeout = 4 * time.Second

// connect begins a connection to a server and does not wait for it. Where the
// server is to see the client's address, a client and a server of two families
// keep the address that is ours. One that talks has something to say at once:
// its first segment takes along the last acknowledgement of the handshake.
// There is no TCP_USER_TIMEOUT: that would also end the connection to a server
// that lives and does not read for so long.
func connect(to route, client netip.Addr, talks bool) (int, error) {
	fd, err := raw.Stream(familyOf(to.addr.Addr()))
	if err != nil {
		return -1, err
	}
	prompt(fd)
	if talks {
		_ = raw.Set(fd, unix.SOL_TCP, unix.TCP_QUICKACK, 0)
	}
	if to.transparent && client.Is4() == to.addr.Addr().Is4() {
		if err = foreign(fd, client.Is4()); err == nil {
			err = unix.Bind(fd, sockaddr(netip.AddrPortFrom(client, 0)))
		}
	}
	if err == nil {
		err = raw.Connect(fd, to.addr)
	}
	if err != nil && err != unix.EINPROGRESS { //nolint:errorlint // a bare errno
		raw.Close(fd)
		return -1, err
	}
	return fd, nil
}

func familyOf(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}

// foreign lets a socket have an address that is not ours (ip(7),
// IP_TRANSPARENT); connect(2) chooses the port, for then it need be unused
// towards that server only.
func foreign(fd int, four bool) error {
	if err := transparent(fd, four); err != nil {
		return err
	}
	return unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
}

func transparent(fd int, four bool) error {
	if four {
		return unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_TRANSPARENT, 1)
	}
	return unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_TRANSPARENT, 1)
}

// mayDisguise says before a client comes whether its address may be used.
func mayDisguise(key lvs.ServiceKey) error {
	fd, err := unix.Socket(familyOf(key.Addr), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("proxy_source client of %s: %w", director.ServiceName(key), err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := transparent(fd, key.Addr.Is4()); err != nil {
		return fmt.Errorf("proxy_source client of %s: set IP_TRANSPARENT: %w (it takes CAP_NET_ADMIN or CAP_NET_RAW)", director.ServiceName(key), err)
	}
	return nil
}

// dialUDP makes the socket of a session, which sends nothing and does not wait.
func dialUDP(to route, client netip.Addr) (*net.UDPConn, error) {
	var d net.Dialer
	if to.transparent && client.Is4() == to.addr.Addr().Is4() {
		d.LocalAddr = &net.UDPAddr{IP: client.AsSlice()}
		d.Control = func(_, _ string, c syscall.RawConn) (err error) {
			ctlErr := c.Control(func(fd uintptr) { err = foreign(int(fd), client.Is4()) })
			return errors.Join(ctlErr, err)
		}
	}
	c, err := d.DialContext(context.Background(), "udp", to.addr.String())
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}
