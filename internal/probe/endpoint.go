package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Endpoint says where a probe connects to, and from where. Names in brackets
// are the keywords of keepalived.conf(5).
type Endpoint struct {
	Addr     netip.AddrPort // [connect_ip, connect_port]
	BindTo   netip.Addr     // [bindto]; invalid = the kernel chooses
	BindPort uint16         // [bind_port]; 0 = the kernel chooses
	BindIf   string         // [bind_if]; empty = the routes decide
	Mark     uint32         // [fwmark]; 0 = none
	// Via is who answers at Addr, an address that may be our own; without
	// BindTo, the one that we would speak to Via from is taken [check_path vip].
	Via netip.Addr
	// Timeout of the connection, and again of the conversation that follows
	// [connect_timeout]; > 0.
	Timeout time.Duration
}

// DefaultTimeout stands in for a Timeout that is not positive; it is
// keepalived's default of connect_timeout.
const DefaultTimeout = 5 * time.Second

// Patience is Timeout, or DefaultTimeout.
func (e *Endpoint) Patience() time.Duration {
	if e.Timeout <= 0 {
		return DefaultTimeout
	}
	return e.Timeout
}

// Socket makes a non-blocking TCP socket that is ready to connect to Addr.
func (e *Endpoint) Socket() (int, error) {
	domain := unix.AF_INET6
	if e.Addr.Addr().Is4() {
		domain = unix.AF_INET
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("make a socket: %w", err)
	}
	if err := e.prepare(fd); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// prepare sets the options that lie between socket(2) and connect(2).
func (e *Endpoint) prepare(fd int) error {
	if e.Mark != 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(e.Mark)); err != nil {
			return fmt.Errorf("set fwmark %d: %w", e.Mark, err)
		}
	}
	if e.BindIf != "" {
		if err := unix.BindToDevice(fd, e.BindIf); err != nil {
			return fmt.Errorf("bind to interface %s: %w", e.BindIf, err)
		}
	}
	source, err := e.source()
	if err != nil || !source.IsValid() && e.BindPort == 0 {
		return err
	}
	from := netip.AddrPortFrom(source, e.BindPort)
	if e.BindPort != 0 {
		// The connection before may still be known to the kernel.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}
	if err := unix.Bind(fd, Sockaddr(from)); err != nil {
		return fmt.Errorf("bind to %s: %w", from, err)
	}
	return nil
}

// source is the address to bind to, of the family of Addr; invalid if neither
// that nor a port is wanted.
func (e *Endpoint) source() (netip.Addr, error) {
	switch {
	case e.BindTo.IsValid():
		return e.BindTo, nil
	case e.Via.IsValid():
		return e.towards()
	case e.BindPort == 0:
		return netip.Addr{}, nil
	case e.Addr.Addr().Is4():
		return netip.IPv4Unspecified(), nil
	}
	return netip.IPv6Unspecified(), nil
}

// Dial connects and waits; for probes that have a goroutine of their own.
func (e *Endpoint) Dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{
		Timeout:       e.Patience(),
		FallbackDelay: -1,
		KeepAlive:     -1,
		Control: func(_, _ string, raw syscall.RawConn) error {
			var err error
			if rawErr := raw.Control(func(fd uintptr) { err = e.prepare(int(fd)) }); rawErr != nil {
				return rawErr
			}
			return err
		},
	}
	return d.DialContext(ctx, "tcp", e.Addr.String())
}

// Sockaddr is a as the kernel takes it. A zone is an interface's name.
func Sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	sa := &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	if zone := a.Addr().Zone(); zone != "" {
		if ifi, err := net.InterfaceByName(zone); err == nil {
			sa.ZoneId = uint32(ifi.Index) // an index is positive
		}
	}
	return sa
}

// Failed sorts an error of the network.
func Failed(err error) Result {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return Result{Reason: Refused, Detail: "connection refused"}
	case errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNABORTED):
		return Result{Reason: Reset, Detail: "connection reset by peer"}
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, unix.ETIMEDOUT):
		return Result{Reason: Timeout, Detail: "timed out"}
	case errors.Is(err, unix.EHOSTUNREACH):
		return Result{Reason: Unreach, Detail: "no route to host"}
	case errors.Is(err, unix.ENETUNREACH):
		return Result{Reason: Unreach, Detail: "network is unreachable"}
	case errors.Is(err, unix.EHOSTDOWN), errors.Is(err, unix.ENETDOWN):
		return Result{Reason: Unreach, Detail: "host or network is down"}
	case errors.As(err, &timeout) && timeout.Timeout():
		return Result{Reason: Timeout, Detail: "timed out"}
	}
	return Ours(err)
}

// Ours sorts an error that is our own machine's: Exhausted when descriptors,
// ports or memory ran out, which says nothing about the server.
func Ours(err error) Result {
	for _, e := range []error{unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.ENOBUFS, unix.EAGAIN} {
		if errors.Is(err, e) {
			return Result{Reason: Exhausted, Detail: err.Error()}
		}
	}
	return Result{Reason: Local, Detail: err.Error()}
}
