package vrrpd

import (
	"encoding/binary"
	"net/netip"
)

func appendARP(b []byte, mac [6]byte, a netip.Addr) []byte {
	ip := a.As4()
	b = append(b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	b = append(b, mac[:]...)
	b = append(b, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1)
	b = append(b, mac[:]...)
	b = append(b, ip[:]...)
	b = append(b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	return append(b, ip[:]...)
}

func appendNA(b []byte, mac [6]byte, a netip.Addr) []byte {
	ip := a.As16()
	all := [16]byte{0xff, 2, 15: 1}
	b = append(b, 0x33, 0x33, 0, 0, 0, 1)
	b = append(b, mac[:]...)
	b = append(b, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255)
	b = append(b, ip[:]...)
	b = append(b, all[:]...)
	at := len(b)
	b = append(b, 136, 0, 0, 0, 0x20, 0, 0, 0)
	b = append(b, ip[:]...)
	b = append(b, 2, 1)
	b = append(b, mac[:]...)
	sum := uint32(32 + 58)
	for _, p := range [][]byte{ip[:], all[:], b[at:]} {
		for i := 0; i < len(p); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(p[i:]))
		}
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(b[at+2:], ^uint16(sum))
	return b
}
