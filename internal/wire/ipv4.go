package wire

import (
	"encoding/binary"
	"net/netip"
)

// IPv4 is what we need of an IPv4 header; raw sockets deliver it before the
// payload.
type IPv4 struct {
	TTL      uint8
	Protocol uint8
	Src, Dst netip.Addr
	// Payload is what follows the header and its options, cut to the total
	// length: padding of a short Ethernet frame is not part of it.
	Payload []byte
}

// ParseIPv4 decodes a datagram. Its header checksum was verified by the kernel.
func ParseIPv4(b []byte) (IPv4, Fault) {
	if len(b) < 20 {
		return IPv4{}, Length
	}
	header := int(b[0]&0x0f) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case b[0]>>4 != 4, header < 20, total < header:
		return IPv4{}, BadIPHeader
	case len(b) < total:
		return IPv4{}, Length
	}
	return IPv4{
		TTL:      b[8],
		Protocol: b[9],
		Src:      netip.AddrFrom4([4]byte(b[12:])),
		Dst:      netip.AddrFrom4([4]byte(b[16:])),
		Payload:  b[header:total],
	}, Good
}
