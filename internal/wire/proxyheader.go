package wire

import (
	"encoding/binary"
	"net/netip"
	"strconv"
)

// MaxProxyHeader bounds what AppendProxyHeader appends, in bytes: the longest
// line of version 1 (PROXY protocol, section 2.1).
const MaxProxyHeader = 107

// proxySignature begins a header of version 2 (section 2.2).
const proxySignature = "\r\n\r\n\x00\r\nQUIT\n"

// The bytes of a version 2 header after its signature.
const (
	proxyVersion2 = 0x21 // version 2, command PROXY
	proxyInet     = 0x10
	proxyInet6    = 0x20
	proxyStream   = 0x01
	proxyDatagram = 0x02
)

// AppendProxyHeader appends what tells a server behind a proxy from where its
// client came and where it went to: the PROXY protocol (haproxy.org,
// proxy-protocol.txt) of version 1, a line of text, for TCP only, or 2, binary.
// Where one of the two is of IPv6, both are written as such.
func AppendProxyHeader(b []byte, version uint8, datagrams bool, from, to netip.AddrPort) []byte {
	from, to = netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	four := from.Addr().Is4() && to.Addr().Is4()
	if version == 1 {
		return appendProxyLine(b, four, from, to)
	}
	b = append(append(b, proxySignature...), proxyVersion2)
	family, length := byte(proxyInet), uint16(12)
	if !four {
		family, length = proxyInet6, 36
	}
	if datagrams {
		b = append(b, family|proxyDatagram)
	} else {
		b = append(b, family|proxyStream)
	}
	b = binary.BigEndian.AppendUint16(b, length)
	for _, a := range [...]netip.Addr{from.Addr(), to.Addr()} {
		if four {
			b = append(b, a.AsSlice()...)
			continue
		}
		six := a.As16()
		b = append(b, six[:]...)
	}
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, from.Port()), to.Port())
}

func appendProxyLine(b []byte, four bool, from, to netip.AddrPort) []byte {
	if four {
		b = append(b, "PROXY TCP4 "...)
	} else {
		b = append(b, "PROXY TCP6 "...)
	}
	for _, a := range [...]netip.Addr{from.Addr(), to.Addr()} {
		if !four {
			a = netip.AddrFrom16(a.As16())
		}
		b = append(a.WithZone("").AppendTo(b), ' ')
	}
	b = strconv.AppendUint(b, uint64(from.Port()), 10)
	b = strconv.AppendUint(append(b, ' '), uint64(to.Port()), 10)
	return append(b, "\r\n"...)
}
