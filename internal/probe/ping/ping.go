// Package ping is PING_CHECK: a server is well when it answers an echo
// request (RFC 792, RFC 4443 §4).
//
// Linux has sockets for just that, which need no privilege but a group in
// net.ipv4.ping_group_range; without it a raw socket does the same for who has
// CAP_NET_RAW. A request carries a token that nobody can guess, and only a
// reply with it counts. Packets are made and read in packet.go.
package ping

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

// maxStrays bounds the packets that one attempt passes over; a raw socket also
// gets the replies to others who ask the same server.
const maxStrays = 4096

// maxRead is how many bytes of a packet are looked at: an IPv4 header with
// options, and a reply as long as the request.
const maxRead = 60 + requestLen

// Probe asks one address; the port of To is of no use. It is safe for
// concurrent use.
type Probe struct{ To probe.Endpoint }

// Probe makes one attempt.
func (p *Probe) Probe(ctx context.Context) probe.Result {
	return probe.Timed(ctx, p.attempt)
}

func (p *Probe) attempt(ctx context.Context) probe.Result {
	fd, f, err := p.socket()
	if err != nil {
		return probe.RefusedDatagram(err)
	}
	conn := os.NewFile(uintptr(fd), "icmp") // a descriptor is positive
	defer func() { _ = conn.Close() }()
	stop, err := probe.Limit(ctx, conn, p.To.Patience())
	defer stop()
	if err != nil {
		return probe.Ours(err)
	}

	var t token
	_, _ = rand.Read(t[:]) // it never fails
	if _, err := conn.Write(request(f, t)); err != nil {
		return p.failed(err)
	}
	buf := make([]byte, maxRead)
	for range maxStrays {
		n, err := conn.Read(buf)
		switch {
		case err == nil && isReply(buf[:n], f, t):
			return probe.Result{OK: true, Reason: probe.OK}
		case err == nil, n == 0 && errors.Is(err, unix.EMSGSIZE):
		default:
			return p.failed(err)
		}
	}
	return probe.Result{Reason: probe.BadAnswer, Detail: fmt.Sprintf("%d packets, none of them our echo reply", maxStrays)}
}

func (p *Probe) failed(err error) probe.Result {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return probe.Result{Reason: probe.Timeout, Detail: fmt.Sprintf("no echo reply within %v", p.To.Patience())}
	}
	return probe.RefusedDatagram(err)
}

// socket makes a connected socket of the kind that we may have.
func (p *Probe) socket() (fd int, f form, err error) {
	f.v6 = !p.To.Addr.Addr().Is4()
	domain, proto := unix.AF_INET, unix.IPPROTO_ICMP
	if f.v6 {
		domain, proto = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	fd, err = unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EPROTONOSUPPORT) {
		f.raw = true
		fd, err = unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	}
	if err != nil {
		return -1, f, fmt.Errorf("make a socket for ICMP: %w", err)
	}
	if err = p.prepare(fd, f); err != nil {
		_ = unix.Close(fd)
		return -1, f, err
	}
	return fd, f, nil
}

func (p *Probe) prepare(fd int, f form) error {
	to := p.To
	to.BindPort = 0 // ICMP has no ports
	if err := to.PrepareDatagram(fd); err != nil {
		return err
	}
	if f.raw {
		filter(fd, f)
	}
	if err := unix.Connect(fd, probe.Sockaddr(to.Addr)); err != nil {
		return os.NewSyscallError("connect", err)
	}
	return nil
}

// filter keeps from a raw socket what is no echo reply. It saves work only.
func filter(fd int, f form) {
	if f.v6 {
		var keep unix.ICMPv6Filter // a bit blocks a type
		for i := range keep.Data {
			keep.Data[i] = ^uint32(0)
		}
		keep.Data[replyV6>>5] &^= 1 << (replyV6 & 31)
		_ = unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &keep)
		return
	}
	const icmpFilter = 1 // linux/icmp.h, ICMP_FILTER
	_ = unix.SetsockoptInt(fd, unix.SOL_RAW, icmpFilter, ^(1 << replyV4))
}
