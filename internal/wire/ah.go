package wire

import (
	"crypto/hmac"
	"crypto/md5" // RFC 2338 §10.3 wants HMAC-MD5-96
	"encoding/binary"
	"hash"
	"net/netip"
)

// ProtocolAH is the IP protocol number of the Authentication Header.
const ProtocolAH = 51

// AHLen is the length of the header before an advert.
const AHLen = ahLen

const (
	ahLen   = 24 // RFC 2402 §2: 12 fixed octets and the ICV
	ahICV   = 12 // where the ICV begins
	icvLen  = 12 // HMAC-MD5-96 (RFC 2403)
	ahWords = ahLen/4 - 2
	ipv4Len = 20
)

// AH authenticates the adverts of one virtual router as RFC 2338 §5.3.6.3 and
// keepalived do: IPsec's Authentication Header in transport mode, HMAC-MD5-96,
// the sender's address for an SPI. Over IPv4 and in version 2 only.
//
// The routers share a sequence: whoever takes over goes on from what was heard
// last, so that a packet that was heard cannot be heard again.
type AH struct {
	mac hash.Hash
	sum [md5.Size]byte
	pad [ipv4Len]byte // the header as it is authenticated
	id  uint16

	sent, heard uint32
	known       bool // heard means something
}

// NewAH is for a key of any length, auth_pass.
func NewAH(key []byte) *AH { return &AH{mac: hmac.New(md5.New, key)} }

// Rekey changes the key; the sequence goes on.
func (h *AH) Rekey(key []byte) { h.mac = hmac.New(md5.New, key) }

// Append appends the header and the advert as the payload of an IPv4 packet
// without options. The identification must be id, for it is authenticated.
func (h *AH) Append(b []byte, advert []byte, ttl int, src, dst netip.Addr) (payload []byte, id uint16) {
	h.sent++
	if h.id++; h.id == 0 {
		h.id = 1 // of 0 the kernel makes another (raw(7))
	}
	start := len(b)
	spi := src.As4()
	b = append(b, Protocol, ahWords, 0, 0)
	b = append(b, spi[:]...)
	b = binary.BigEndian.AppendUint32(b, h.sent)
	b = append(b, make([]byte, icvLen)...)
	b = append(b, advert...)
	p := b[start:]
	h.header(len(p), h.id, ttl, src, dst)
	copy(p[ahICV:], h.icv(p))
	return b, h.id
}

// header makes the header that is authenticated: what routers on the way may
// change is 0 (RFC 2402 §3.3.3.1.1.1). Not so the TTL of multicast, which may
// not be routed; there keepalived leaves it.
func (h *AH) header(payload int, id uint16, ttl int, src, dst netip.Addr) {
	p := h.pad[:]
	clear(p)
	p[0] = 0x45
	binary.BigEndian.PutUint16(p[2:], uint16(ipv4Len+payload)) // at most 255 addresses
	binary.BigEndian.PutUint16(p[4:], id)
	if dst.IsMulticast() {
		p[8] = byte(ttl)
	}
	p[9] = ProtocolAH
	from, to := src.As4(), dst.As4()
	copy(p[12:], from[:])
	copy(p[16:], to[:])
}

var noICV [icvLen]byte

// icv is the value over h.pad and a payload, of which the ICV counts as 0.
func (h *AH) icv(payload []byte) []byte {
	h.mac.Reset()
	h.mac.Write(h.pad[:])
	h.mac.Write(payload[:ahICV])
	h.mac.Write(noICV[:])
	h.mac.Write(payload[ahLen:])
	return h.mac.Sum(h.sum[:0])[:icvLen]
}

// SplitAH gives the advert behind the header that an IPv4 payload begins with.
func SplitAH(payload []byte) ([]byte, Fault) {
	switch {
	case len(payload) < ahLen:
		return nil, Length
	case payload[0] != Protocol:
		return nil, BadProtocol
	case payload[1] != ahWords:
		return nil, Length
	}
	return payload[ahLen:], Good
}

// Verify judges a whole IPv4 datagram of which SplitAH found that it has a
// header. Good ones move the sequence on.
func (h *AH) Verify(datagram []byte) Fault {
	ip, fault := ParseIPv4(datagram)
	if fault != Good {
		return fault
	}
	p := ip.Payload
	spi := ip.Src.As4()
	switch {
	case len(p) < ahLen:
		return Length
	case [4]byte(p[4:]) != spi, len(datagram) != ipv4Len+len(p): // options would be authenticated too; nobody sends any
		return AuthFailure
	}
	h.header(len(p), binary.BigEndian.Uint16(datagram[4:]), int(ip.TTL), ip.Src, ip.Dst)
	if !hmac.Equal(h.icv(p), p[ahICV:ahLen]) {
		return AuthFailure
	}
	return h.follow(binary.BigEndian.Uint32(p[8:]))
}

// follow takes a sequence number that is authentic. Numbers wrap, so what is
// less than half the range ahead is later (RFC 1982).
func (h *AH) follow(seq uint32) Fault {
	if h.known && !later(seq, h.heard) {
		return Replayed
	}
	h.heard, h.known = seq, true
	if later(seq, h.sent) {
		h.sent = seq
	}
	return Good
}

func later(a, b uint32) bool { return int32(a-b) > 0 } // that is the point
