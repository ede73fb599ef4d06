package socket

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/wire"
)

// Datagram is one IP packet to send.
type Datagram struct {
	// Link is the index of the interface to leave by; it must be given for
	// multicast and link-local addresses, 0 leaves a unicast one to routing.
	Link     int
	Src, Dst netip.Addr // Src need not be an address of this machine
	TTL      int        // or hop limit, 0 = 255
	Data     []byte     // the payload, checksum included; copied
	Tag      int        // comes back when the packet cannot be sent
	// Protocol is IPv4's, 0 = VRRP; ID its identification, 0 = the kernel's.
	Protocol, ID int
}

// OnFailed sets what is called for a packet that the kernel refuses, from
// within Send or Flush.
func (s *VRRP) OnFailed(fn func(tag int, err error)) { s.failed = fn }

// Send keeps a packet until Flush, or until sendBatch packets are kept.
func (s *VRRP) Send(d *Datagram) {
	switch six := s.family == 6; {
	case !d.Src.IsValid() || !d.Dst.IsValid():
		s.failed(d.Tag, unix.EADDRNOTAVAIL)
		return
	case d.Src.Is6() != six || d.Dst.Is6() != six:
		s.failed(d.Tag, unix.EAFNOSUPPORT)
		return
	case len(d.Data) > s.out.size-ipv4Header:
		s.failed(d.Tag, unix.EMSGSIZE)
		return
	}
	i := s.queued
	s.tags[i] = d.Tag
	ttl := d.TTL
	if ttl == 0 {
		ttl = wire.TTL
	}
	if s.family == 6 {
		s.put6(i, d, ttl)
	} else {
		s.put4(i, d, ttl)
	}
	if s.queued++; s.queued == sendBatch {
		s.Flush()
	}
}

// Flush sends what is kept.
func (s *VRRP) Flush() {
	n := s.queued
	s.queued = 0
	if n != 0 {
		s.out.send(s.fd, n, s.refused)
	}
}

// Warm readies memory for the first advert; nothing may be queued.
func (s *VRRP) Warm() { s.out.warm() }

func (s *VRRP) refused(i int, err error) { s.failed(s.tags[i], err) }

const ipv4Header = 20

// put4 writes a packet with its IPv4 header; the kernel fills in the
// header's checksum and an identification that is 0 (raw(7)).
func (s *VRRP) put4(i int, d *Datagram, ttl int) {
	b := s.out.slot(i)
	size := ipv4Header + copy(b[ipv4Header:], d.Data)
	b[0], b[1] = 0x45, trafficClass
	binary.BigEndian.PutUint16(b[2:], uint16(size)) // at most slot4
	clear(b[4:12])
	binary.BigEndian.PutUint16(b[4:], uint16(d.ID)) // 16 bits
	b[8], b[9] = byte(ttl), wire.Protocol
	if d.Protocol != 0 {
		b[9] = byte(d.Protocol)
	}
	src, dst := d.Src.As4(), d.Dst.As4()
	copy(b[12:], src[:])
	copy(b[16:], dst[:])

	sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(&s.out.names[i]))
	*sa = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: dst}
	data, n := cmsg(s.out.controlOf(i), 0, unix.IPPROTO_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo)
	info := (*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0]))
	*info = unix.Inet4Pktinfo{Ifindex: int32(d.Link), Spec_dst: src} // an index
	s.out.set(i, size, unix.SizeofSockaddrInet4, n)
}

// put6 writes a packet; the kernel makes the IPv6 header.
func (s *VRRP) put6(i int, d *Datagram, ttl int) {
	size := copy(s.out.slot(i), d.Data)
	sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(&s.out.names[i]))
	*sa = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: d.Dst.As16()}
	if d.Dst.IsMulticast() || d.Dst.IsLinkLocalUnicast() {
		sa.Scope_id = uint32(d.Link) // an index
	}
	ctl := s.out.controlOf(i)
	data, n := cmsg(ctl, 0, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, unix.SizeofInet6Pktinfo)
	info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0]))
	*info = unix.Inet6Pktinfo{Addr: d.Src.As16(), Ifindex: uint32(d.Link)} // an index
	data, n = cmsg(ctl, n, unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT, 4)
	*(*int32)(unsafe.Pointer(&data[0])) = int32(ttl) // at most 255
	s.out.set(i, size, unix.SizeofSockaddrInet6, n)
}

// set notes the lengths of the i-th message.
func (b *batch) set(i, size, name, ctl int) {
	h := &b.msgs[i].hdr
	b.iovs[i].SetLen(size)
	h.Namelen = uint32(name) // a constant
	h.SetControllen(ctl)
	h.Flags = 0
}
