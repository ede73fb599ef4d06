package wire

import (
	"encoding/binary"
	"net/netip"
)

const (
	// ICMPv6 is its next-header number.
	ICMPv6 = 58

	neighborAdvertisement = 136
	flagRouter            = 0x80
	flagOverride          = 0x20
	optTargetLinkLayer    = 2
)

// AllNodes is the multicast group of all nodes on a link.
var AllNodes = netip.AddrFrom16([16]byte{0xff, 0x02, 15: 0x01})

// MulticastHardware is the Ethernet address of an IPv4 or IPv6 multicast group
// (RFC 1112 §6.4, RFC 2464 §7).
func MulticastHardware(group netip.Addr) HardwareAddr {
	if group.Is4() {
		raw := group.As4()
		return HardwareAddr{0x01, 0x00, 0x5e, raw[1] & 0x7f, raw[2], raw[3]}
	}
	raw := group.As16()
	return HardwareAddr{0x33, 0x33, raw[12], raw[13], raw[14], raw[15]}
}

// AppendIPv6 appends an IPv6 header for a payload of that length.
func AppendIPv6(b []byte, src, dst netip.Addr, next, hopLimit uint8, length int) []byte {
	from, to := src.As16(), dst.As16()
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(length))
	b = append(b, next, hopLimit)
	b = append(b, from[:]...)
	return append(b, to[:]...)
}

// NALen is the length of what AppendNA appends.
const NALen = 32

// AppendNA appends an unsolicited neighbour advertisement (RFC 4861 §4.4): addr,
// an IPv6 address, is at hw, whatever was known before (Override). It is sent
// from src, keepalived takes addr itself, to dst, usually AllNodes; both are
// in its checksum. router says that the sender forwards packets.
func AppendNA(b []byte, hw HardwareAddr, addr, src, dst netip.Addr, router bool) []byte {
	start := len(b)
	flags := byte(flagOverride)
	if router {
		flags |= flagRouter
	}
	target := addr.As16()
	b = append(b, neighborAdvertisement, 0, 0, 0, flags, 0, 0, 0)
	b = append(b, target[:]...)
	b = append(b, optTargetLinkLayer, 1)
	b = append(b, hw[:]...)
	p := b[start:]
	binary.BigEndian.PutUint16(p[2:], checksum(pseudoSum(ICMPv6, len(p), src, dst), p))
	return b
}

// AppendUnsolicitedNA appends a whole frame that tells every node on the link
// that addr is at hw. It comes from the address itself.
func AppendUnsolicitedNA(b []byte, hw HardwareAddr, addr netip.Addr, router bool) []byte {
	b = AppendEthernet(b, MulticastHardware(AllNodes), hw, EtherIPv6)
	b = AppendIPv6(b, addr, AllNodes, ICMPv6, TTL, NALen)
	return AppendNA(b, hw, addr, addr, AllNodes, router)
}
