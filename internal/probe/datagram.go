package probe

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// DialUDP makes a connected UDP socket, which hears what ICMP says of its
// packets. Reading ends at the deadline, Patience from now, or with ctx; the
// function that is returned closes the socket.
func (e *Endpoint) DialUDP(ctx context.Context) (net.Conn, func(), error) {
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		rawErr := raw.Control(func(fd uintptr) {
			err = e.PrepareDatagram(int(fd))
		})
		return errors.Join(rawErr, err)
	}}
	conn, err := d.DialContext(ctx, "udp", e.Addr.String())
	if err != nil {
		return nil, nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(e.Patience()))
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return conn, func() { stop(); _ = conn.Close() }, nil
}

// PrepareDatagram sets the options that lie between socket(2) and connect(2)
// on a socket for datagrams.
func (e *Endpoint) PrepareDatagram(fd int) error {
	if err := e.prepare(fd); err != nil {
		return err
	}
	hearICMP(fd, e.Addr.Addr().Is4())
	return nil
}

// hearICMP has the kernel report unreachable hosts and networks, which are
// passing troubles to it (RFC 1122 §4.2.3.9), and a failure to a checker.
func hearICMP(fd int, v4 bool) {
	if v4 {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1)
		return
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
}

// RefusedDatagram sorts an error of a datagram's socket. Here ICMP tells that
// nobody listens, which is told as such.
func RefusedDatagram(err error) Result {
	r := Failed(err)
	switch {
	case r.Reason == Refused:
		r.Detail = "port unreachable"
	case errors.Is(err, unix.EPROTO), errors.Is(err, unix.ENOPROTOOPT):
		return Result{Reason: Unreach, Detail: "protocol unreachable"}
	case r.Reason == Local && errors.Is(err, unix.EACCES) && isRead(err):
		return Result{Reason: Unreach, Detail: "communication prohibited"}
	}
	return r
}

func isRead(err error) bool {
	var sys *os.SyscallError
	return errors.As(err, &sys) && sys.Syscall != "connect" && sys.Syscall != "bind"
}
