package socket

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/wire"
)

// Bounds of BFD's sockets.
const (
	bfdBatch = 32  // packets in one system call
	bfdTurn  = 4   // system calls in one Read
	bfdSlot  = 256 // longest packet: 24 bytes, and authentication of up to 231
	// bfdPorts is how many source ports are tried before one gives up.
	bfdPorts = 64
)

// Control is one received BFD packet. It and its Data are good until the call
// that got it returns.
type Control struct {
	Src  netip.AddrPort // with the zone of a link-local address, as a number
	Dst  netip.Addr
	TTL  int // or hop limit; -1 if the kernel did not say
	Data []byte
}

// BFD receives BFD Control packets of one family, over one hop or several, on
// all addresses of the network namespace of the thread that opened it.
type BFD struct {
	fd     int
	family int
	in     *batch
	packet Control
}

// OpenBFD opens a socket for family 4 or 6 on port wire.BFDPort, or
// wire.BFDMultihopPort with multihop.
func OpenBFD(family int, multihop bool) (*BFD, error) {
	port := wire.BFDPort
	if multihop {
		port = wire.BFDMultihopPort
	}
	fd, err := datagram(family, netip.AddrPortFrom(unspecified(family), uint16(port))) // a port
	if err != nil {
		return nil, fmt.Errorf("receive BFD over IPv%d on port %d: %w", family, port, err)
	}
	opts := []option{{unix.IPPROTO_IP, unix.IP_RECVTTL, 1, true, ""}, {unix.IPPROTO_IP, unix.IP_PKTINFO, 1, true, ""}}
	if family == 6 {
		opts = []option{{unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1, true, ""}, {unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1, true, ""}}
	}
	for _, o := range opts {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			_ = unix.Close(fd)
			return nil, fmt.Errorf("set up the IPv%d socket for BFD: %w", family, err)
		}
	}
	return &BFD{fd: fd, family: family, in: newBatch(bfdBatch, bfdSlot)}, nil
}

func unspecified(family int) netip.Addr {
	if family == 6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// datagram makes a bound UDP socket; an IPv6 one takes no IPv4.
func datagram(family int, at netip.AddrPort) (int, error) {
	domain := unix.AF_INET
	if family == 6 {
		domain = unix.AF_INET6
	}
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_UDP)
	if err != nil {
		return -1, err
	}
	if family == 6 {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err == nil {
		err = unix.Bind(fd, sockaddr(at))
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16(), ZoneId: zone(a.Addr())}
}

// FD is to be watched for EPOLLIN (with loop.First); then call Read.
func (s *BFD) FD() int { return s.fd }

// Close closes the socket.
func (s *BFD) Close() { _ = unix.Close(s.fd) }

// Read takes what has come, without waiting, and calls take for each packet. It
// reads a bounded number; the descriptor stays readable for the rest.
func (s *BFD) Read(take func(*Control)) error {
	for range bfdTurn {
		n, err := s.in.receive(s.fd)
		if errors.Is(err, unix.EAGAIN) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("receive BFD over IPv%d: %w", s.family, err)
		}
		for i := range n {
			s.decode(i)
			take(&s.packet)
		}
		if n < bfdBatch {
			return nil
		}
	}
	return nil
}

func (s *BFD) decode(i int) {
	msg := &s.in.msgs[i]
	p := &s.packet
	*p = Control{TTL: -1, Data: s.in.slot(i)[:min(int(msg.len), s.in.size)]}
	if s.family == 6 {
		sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(&s.in.names[i]))
		a := netip.AddrFrom16(sa.Addr)
		if sa.Scope_id != 0 {
			a = a.WithZone(fmt.Sprint(sa.Scope_id))
		}
		p.Src = netip.AddrPortFrom(a, swap(sa.Port))
	} else {
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(&s.in.names[i]))
		p.Src = netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), swap(sa.Port))
	}
	for b := s.in.controlOf(i)[:min(int(msg.hdr.Controllen), control)]; len(b) >= unix.SizeofCmsghdr; { // bounded
		h, data, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			return
		}
		b = rest
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_TTL && len(data) >= 4,
			h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_HOPLIMIT && len(data) >= 4:
			p.TTL = int(*(*int32)(unsafe.Pointer(&data[0])))
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			p.Dst = netip.AddrFrom4((*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0])).Addr)
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			p.Dst = netip.AddrFrom16((*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0])).Addr)
		}
	}
}

// swap turns a port of the network's byte order about.
func swap(port uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&port))
	return uint16(b[0])<<8 | uint16(b[1])
}

// BFDSender sends the packets of one session, from a port of its own (RFC 5881
// §4: "The source port number MUST be unique among all BFD sessions on the
// system").
type BFDSender struct {
	fd, family int
	to         unix.Sockaddr
}

// OpenBFDSender opens a sender from source, or where it is not valid from the
// address that routing chooses, to neighbour.
func OpenBFDSender(source, neighbour netip.Addr, multihop bool) (*BFDSender, error) {
	family, port := 4, uint16(wire.BFDPort)
	if neighbour.Is6() {
		family = 6
	}
	if multihop {
		port = wire.BFDMultihopPort
	}
	if !source.IsValid() {
		source = unspecified(family)
	}
	const ports = wire.BFDSourcePortMax - wire.BFDSourcePortMin + 1
	err := error(unix.EADDRINUSE)
	fd := -1
	for range bfdPorts {
		at := uint16(wire.BFDSourcePortMin + rand.IntN(ports)) // a port; guards nothing
		if fd, err = datagram(family, netip.AddrPortFrom(source, at)); !errors.Is(err, unix.EADDRINUSE) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("send BFD from %s: %w", source, err)
	}
	if family == 4 {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TOS, trafficClass)
	} else {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, trafficClass)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, controlPrio-1) // more needs CAP_NET_ADMIN
	return &BFDSender{fd: fd, family: family, to: sockaddr(netip.AddrPortFrom(neighbour, port))}, nil
}

// TTL sets the TTL or hop limit of what is sent from now on.
func (s *BFDSender) TTL(n int) error {
	level, opt := unix.IPPROTO_IP, unix.IP_TTL
	if s.family == 6 {
		level, opt = unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS
	}
	if err := unix.SetsockoptInt(s.fd, level, opt, n); err != nil {
		return fmt.Errorf("set the TTL of BFD packets to %d: %w", n, err)
	}
	return nil
}

// Send sends a packet without waiting.
func (s *BFDSender) Send(b []byte) error {
	return unix.Sendto(s.fd, b, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, s.to)
}

// Close closes the socket.
func (s *BFDSender) Close() { _ = unix.Close(s.fd) }

// zone is the index of a link-local address's interface.
func zone(a netip.Addr) uint32 {
	z := a.Zone()
	if z == "" {
		return 0
	}
	if n, err := strconv.ParseUint(z, 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(z); err == nil {
		return uint32(i.Index) // an index
	}
	return 0
}
