// Package socket carries VRRP's packets: adverts over raw IPv4 and IPv6
// sockets, gratuitous ARP and unsolicited neighbour advertisements as Ethernet
// frames.
//
// Nothing here blocks and, once open, nothing allocates: packets leave and come
// in batches, through memory that is used again. A socket serves all interfaces
// of a network namespace, so a thousand virtual routers need one descriptor to
// watch for each family, and one for AH. What a packet says is decoded in package wire, whether
// it is for us is decided in vrrpd. member.go joins multicast groups, receive.go
// reads, send.go sends, frames.go sends below IP.
package socket

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// Bounds and settings of the sockets.
const (
	// ReceiveBuffer is SO_RCVBUF unless SetReceiveBuffer says otherwise, in
	// bytes: room for some thousands of adverts that came while we were kept from reading.
	ReceiveBuffer = 4 << 20
	// SendBuffer is SO_SNDBUF.
	SendBuffer = 2 << 20

	receiveBatch = 64   // packets in one system call
	receiveTurn  = 4    // system calls in one Read
	sendBatch    = 64   // packets that Send keeps before it flushes
	drainTurn    = 8192 // packets in one Drain: what ReceiveBuffer holds, about

	slot4 = 2048 // longest IPv4 advert: 60 (header) + 8 + 255·4 + 8
	slot6 = 4352 // longest IPv6 advert: 8 + 255·16

	trafficClass = 0xc0 // internetwork control (RFC 791), as keepalived sends
	controlPrio  = 7    // TC_PRIO_CONTROL, linux/pkt_sched.h
)

// Options says how a socket is made. The zero value is good.
type Options struct {
	Protocol int // what is received, 0 = VRRP; wire.ProtocolAH
}

// VRRP is a raw socket for VRRP of one family, on all interfaces of the network
// namespace of the thread that opened it. It belongs to the loop.
type VRRP struct {
	fd       int
	family   int // 4 or 6
	protocol int // received
	in       *batch
	packet   Packet
	// emptied is when everything had been read: what is read later came later.
	emptied clock.Instant
	dropped uint32
	room    int // SO_RCVBUF as asked for

	out    *batch
	queued int
	tags   [sendBatch]int
	failed func(tag int, err error)

	members members
}

// OpenVRRP opens a socket for family 4 or 6. It needs CAP_NET_RAW.
func OpenVRRP(family int, o Options) (*VRRP, error) {
	domain, slot := unix.AF_INET, slot4
	if family == 6 {
		domain, slot = unix.AF_INET6, slot6
	}
	if o.Protocol == 0 {
		o.Protocol = wire.Protocol
	}
	fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, o.Protocol)
	if err != nil {
		return nil, fmt.Errorf("open a raw IPv%d socket for VRRP: %w", family, err)
	}
	s := &VRRP{
		fd: fd, family: family, protocol: o.Protocol, in: newBatch(receiveBatch, slot), out: newBatch(sendBatch, slot),
		members: newMembers(domain), failed: func(int, error) {},
	}
	for _, opt := range s.options() {
		if err := unix.SetsockoptInt(fd, opt.level, opt.name, opt.value); err != nil && opt.must {
			s.Close()
			return nil, fmt.Errorf("set %s of the IPv%d VRRP socket: %w", opt.text, family, err)
		}
	}
	s.SetReceiveBuffer(ReceiveBuffer)
	buffer(fd, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, SendBuffer)
	return s, nil
}

type option struct {
	level, name, value int
	must               bool
	text               string
}

func (s *VRRP) options() []option {
	all := []option{
		{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1, true, "SO_TIMESTAMPNS"},
		{unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1, false, "SO_RXQ_OVFL"},
		{unix.SOL_SOCKET, unix.SO_PRIORITY, controlPrio, false, "SO_PRIORITY"},
	}
	if s.family == 6 {
		return append(all,
			option{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1, true, "IPV6_RECVPKTINFO"},
			option{unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1, true, "IPV6_RECVHOPLIMIT"},
			option{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0, true, "IPV6_MULTICAST_LOOP"},
			option{unix.IPPROTO_IPV6, unix.IPV6_TCLASS, trafficClass, false, "IPV6_TCLASS"},
			// A source that has just gone, or was never here, may be sent from.
			option{unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1, false, "IPV6_FREEBIND"},
		)
	}
	return append(all,
		option{unix.IPPROTO_IP, unix.IP_PKTINFO, 1, true, "IP_PKTINFO"},
		option{unix.IPPROTO_IP, unix.IP_HDRINCL, 1, true, "IP_HDRINCL"},
		option{unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0, true, "IP_MULTICAST_LOOP"},
	)
}

// SetReceiveBuffer has the kernel keep so many bytes that were not read yet, or
// the least that it keeps in any case (socket(7), SO_RCVBUF).
func (s *VRRP) SetReceiveBuffer(bytes int) {
	if bytes = min(bytes, math.MaxInt32); bytes != s.room {
		buffer(s.fd, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, bytes)
		s.room = bytes
	}
}

func buffer(fd, force, polite, size int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, size) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, polite, size)
	}
}

// FD is to be watched for EPOLLIN (with loop.First); then call Read.
func (s *VRRP) FD() int { return s.fd }

// Family is 4 or 6.
func (s *VRRP) Family() int { return s.family }

// Close closes the socket and leaves all groups.
func (s *VRRP) Close() {
	_ = unix.Close(s.fd)
	s.members.close()
}
