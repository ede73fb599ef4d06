package raw

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// address is a sockaddr_in (ip(7)) or sockaddr_in6 (ipv6(7)).
type address [unix.SizeofSockaddrInet6]byte

func (a *address) set(p netip.AddrPort) (length uintptr) {
	binary.BigEndian.PutUint16(a[2:], p.Port())
	if p.Addr().Is4() {
		binary.NativeEndian.PutUint16(a[:], unix.AF_INET)
		four := p.Addr().As4()
		copy(a[4:], four[:])
		return unix.SizeofSockaddrInet4
	}
	binary.NativeEndian.PutUint16(a[:], unix.AF_INET6)
	six := p.Addr().As16()
	copy(a[8:], six[:])
	return unix.SizeofSockaddrInet6
}

func (a *address) get() netip.AddrPort {
	port := binary.BigEndian.Uint16(a[2:])
	switch binary.NativeEndian.Uint16(a[:]) {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(a[4:])), port)
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(a[8:])).Unmap(), port)
	}
	return netip.AddrPort{}
}
