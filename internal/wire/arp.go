package wire

import (
	"encoding/binary"
	"net/netip"
)

// HardwareAddr is an Ethernet address.
type HardwareAddr [6]byte

// Broadcast is the Ethernet address of all stations.
var Broadcast = HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// EtherTypes, as in an Ethernet header.
const (
	EtherIPv4 = 0x0800
	EtherARP  = 0x0806
	EtherIPv6 = 0x86dd
)

// ARP's operations (RFC 826).
const (
	ARPRequest = 1
	ARPReply   = 2
)

// AppendEthernet appends an Ethernet header.
func AppendEthernet(b []byte, dst, src HardwareAddr, etherType uint16) []byte {
	b = append(b, dst[:]...)
	b = append(b, src[:]...)
	return binary.BigEndian.AppendUint16(b, etherType)
}

// AppendARP appends a gratuitous ARP, 28 bytes: addr, an IPv4 address, is at
// hw. The target is the address itself (RFC 5227 §3, announcement); its
// hardware address is Broadcast, as keepalived sends it.
func AppendARP(b []byte, operation uint16, hw HardwareAddr, addr netip.Addr) []byte {
	raw := addr.As4()
	b = append(b, 0, 1, EtherIPv4>>8, EtherIPv4&0xff, 6, 4)
	b = binary.BigEndian.AppendUint16(b, operation)
	b = append(b, hw[:]...)
	b = append(b, raw[:]...)
	b = append(b, Broadcast[:]...)
	return append(b, raw[:]...)
}

// AppendGratuitousARP appends a whole frame that tells everybody on the link
// that addr is at hw.
func AppendGratuitousARP(b []byte, hw HardwareAddr, addr netip.Addr) []byte {
	return AppendARP(AppendEthernet(b, Broadcast, hw, EtherARP), ARPRequest, hw, addr)
}
