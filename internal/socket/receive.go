package socket

import (
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// Packet is one received IP packet with VRRP in it. It and its Data are good
// until the call that got it returns.
type Packet struct {
	Link     int        // index of the interface it came in by
	Src, Dst netip.Addr // without a zone
	TTL      int        // or hop limit; -1 if the kernel did not say
	Data     []byte     // the payload: an advert if all is well
	// Datagram is Data with the IPv4 header before it, as AH authenticates it;
	// nil over IPv6.
	Datagram []byte
	// At is when the kernel got the packet.
	At clock.Instant
	// Fault is not Good when the packet is longer than any advert or its IPv4
	// header is wrong; then Data is what there is of it.
	Fault wire.Fault
}

// Read takes what has come, without waiting, and calls take for each packet.
// now is the time, on all clocks: kernels stamp packets by the wall clock. It
// reads a bounded number; the descriptor stays readable for the rest.
func (s *VRRP) Read(now clock.Reading, take func(*Packet)) error {
	_, err := s.read(receiveTurn, now, take)
	return err
}

// Drain is Read for who has not read for long: up to drainTurn packets. It says
// why some that came may not be among them; empty: they all are.
func (s *VRRP) Drain(now clock.Reading, take func(*Packet)) (lost string, err error) {
	before := s.dropped
	emptied, err := s.read(drainTurn/receiveBatch, now, take)
	if drops, ok := s.drops(); ok {
		s.dropped = drops // of those packets, too, that no later one tells of
	}
	switch {
	case err != nil:
		return "they could not all be read", err
	case s.dropped != before:
		return "the receive buffer overflowed", nil
	case !emptied:
		return fmt.Sprintf("more than %d adverts wait", drainTurn), nil
	}
	return "", nil
}

// read takes up to so many batches, and reports whether that was all.
func (s *VRRP) read(batches int, now clock.Reading, take func(*Packet)) (emptied bool, err error) {
	for range batches {
		n, err := s.in.receive(s.fd)
		if errors.Is(err, unix.EAGAIN) {
			s.emptied = now.Mono
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("receive VRRP over IPv%d: %w", s.family, err)
		}
		for i := range n {
			s.decode(i, now)
			take(&s.packet)
		}
		if n < receiveBatch {
			s.emptied = now.Mono
			return true, nil
		}
	}
	return false, nil
}

// drops is how many packets the socket has dropped by now (SO_MEMINFO,
// linux/sock_diag.h: SK_MEMINFO_DROPS).
func (s *VRRP) drops() (count uint32, ok bool) {
	var info [memInfoVars]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info[0])), uintptr(unsafe.Pointer(&size)), 0)
	return info[memInfoDrops], errno == 0 && size >= (memInfoDrops+1)*4
}

// Of struct sock's counters (linux/sock_diag.h, SK_MEMINFO_*).
const (
	memInfoVars  = 9
	memInfoDrops = 8
)

// decode fills in s.packet from the i-th message of the batch.
func (s *VRRP) decode(i int, now clock.Reading) {
	msg := &s.in.msgs[i]
	p := &s.packet
	*p = Packet{TTL: -1, At: now.Mono, Data: s.in.slot(i)[:min(int(msg.len), s.in.size)]}
	s.ancillary(s.in.controlOf(i)[:min(int(msg.hdr.Controllen), control)], now) // bounded
	if s.family == 6 {
		sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(&s.in.names[i]))
		p.Src = netip.AddrFrom16(sa.Addr)
	} else {
		ip, fault := wire.ParseIPv4(p.Data)
		p.Fault = fault
		if fault == wire.Good {
			p.Datagram = p.Data
			p.Src, p.Dst, p.TTL, p.Data = ip.Src, ip.Dst, int(ip.TTL), ip.Payload
			if int(ip.Protocol) != s.protocol {
				p.Fault = wire.BadProtocol
			}
		}
	}
	if msg.hdr.Flags&unix.MSG_TRUNC != 0 {
		p.Fault = wire.Length
	}
}

// ancillary reads timestamp, interface, destination and hop limit.
func (s *VRRP) ancillary(b []byte, now clock.Reading) {
	p := &s.packet
	for len(b) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			return
		}
		b = rest
		switch {
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})):
			ts := (*unix.Timespec)(unsafe.Pointer(&data[0]))
			p.At = s.instant(ts.Nano(), now)
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_RXQ_OVFL && len(data) >= 4:
			s.dropped = *(*uint32)(unsafe.Pointer(&data[0]))
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			p.Link = int((*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0])).Ifindex)
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0]))
			p.Link, p.Dst = int(info.Ifindex), netip.AddrFrom16(info.Addr)
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_HOPLIMIT && len(data) >= 4:
			p.TTL = int(*(*int32)(unsafe.Pointer(&data[0])))
		}
	}
}

// Dropped is how many packets found the receive buffer full, as of the last
// packet read.
func (s *VRRP) Dropped() uint32 { return s.dropped }

// instant turns the kernel's stamp into an instant. When the wall clock was set
// between the two, the stamp lies; the packet cannot be from the future, nor
// from before everything had been read.
func (s *VRRP) instant(wall int64, now clock.Reading) clock.Instant {
	at := now.Mono - clock.Instant(now.Wall-wall)
	return max(min(at, now.Mono), min(s.emptied, now.Mono))
}
