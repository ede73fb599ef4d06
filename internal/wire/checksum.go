package wire

import (
	"encoding/binary"
	"net/netip"
)

// checksum is the Internet checksum (RFC 1071) of b, begun with sum. Over a
// packet that contains its own right checksum it is 0.
func checksum(sum uint32, b []byte) uint16 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// pseudo is the sum of the pseudo-header that an advert's checksum begins
// with: none in version 2, in version 3 RFC 768's form for IPv4 and RFC 8200's
// for IPv6 (RFC 9568 §5.2.8).
func pseudo(version, length int, src, dst netip.Addr) uint32 {
	if version == 2 {
		return 0
	}
	return pseudoSum(Protocol, length, src, dst)
}

func pseudoSum(protocol, length int, src, dst netip.Addr) uint32 {
	return uint32(protocol) + uint32(length) + addrSum(src) + addrSum(dst)
}

func addrSum(a netip.Addr) uint32 {
	if a.Is4() || a.Is4In6() {
		raw := a.As4()
		return uint32(binary.BigEndian.Uint16(raw[:])) + uint32(binary.BigEndian.Uint16(raw[2:]))
	}
	raw := a.As16()
	var sum uint32
	for i := 0; i < len(raw); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(raw[i:]))
	}
	return sum
}
