package wire

import (
	"encoding/binary"
	"net/netip"
	"time"
)

const (
	// Protocol is VRRP's IP protocol number.
	Protocol = 112
	// TTL is the hop limit of every advert (RFC 9568 §5.1.1.3).
	TTL = 255
	// MaxAdvert is the longest advert: 255 IPv6 addresses and an HMAC.
	MaxAdvert = headerLen + MaxAddresses*16 + TrailerLen
	// MaxAddresses is how many an advert can count.
	MaxAddresses = 255

	headerLen = 8
	authLen   = 8 // version 2 only: the authentication data
	advertTyp = 1

	ethernetLen = 14
	ipv6Len     = 40

	// AuthNone and AuthPass are RFC 2338's authentication types; AuthAH means
	// that IPsec AH is around the advert.
	AuthNone, AuthPass, AuthAH = 0, 1, 2
)

// Group4 and Group6 are the multicast groups of VRRP (RFC 9568 §5.1).
var (
	Group4 = netip.AddrFrom4([4]byte{224, 0, 0, 18})
	Group6 = netip.AddrFrom16([16]byte{0xff, 0x02, 15: 0x12})
)

// Advert is one VRRP advertisement.
type Advert struct {
	Version  int   // 2 or 3
	VRID     uint8 // 1–255
	Priority uint8 // 0 resigns
	// Interval is the advertisement interval: whole seconds up to 255 in
	// version 2, hundredths up to 40.95 s in version 3.
	Interval time.Duration
	AuthType uint8   // version 2 only
	AuthData [8]byte // version 2 only: the password, padded with zeros
	// Checksum is how that of version 3 over IPv4 is reckoned. Parsing takes
	// every kind and notes which: the receiver knows what is allowed.
	Checksum Checksum
	// Trailer is what follows when it has the length of HMAC's, a part of the
	// packet; nil without. Not used by AppendAdvert.
	Trailer []byte
	// Addresses are of one family. Parsing reuses the slice's memory, so give
	// it room for 255 once and keep the Advert.
	Addresses []netip.Addr
}

// Checksum is a way to reckon the checksum of version 3 over IPv4.
type Checksum uint8

// The ways. Other adverts have only one.
const (
	Standard   Checksum = iota
	OldUnicast          // unicast, as if to Group4: keepalived up to 1.3.6 [old_unicast_checksum]
	AsV2                // without a pseudo-header, as some vendors do [v3_checksum_as_v2]
)

// Capacity is how many addresses an advert on a link of that MTU has room for,
// beside extra bytes of authentication. As keepalived it leaves the 14 bytes of an
// Ethernet header out of the MTU, so that both leave out the same addresses. An
// MTU of 0 is not known.
func Capacity(mtu, family, version, extra int) int {
	if mtu <= 0 {
		return MaxAddresses
	}
	room := mtu - ethernetLen - DatagramLen(family, version, extra, 0)
	return min(max(room, 0)/addrLen(family == 6), MaxAddresses)
}

// DatagramLen is how long an advert with so many addresses is, with its IP header
// and extra bytes of authentication.
func DatagramLen(family, version, extra, addresses int) int {
	n := headerLen + extra + addresses*addrLen(family == 6)
	if version == 2 {
		n += authLen
	}
	if family == 6 {
		return n + ipv6Len
	}
	return n + ipv4Len
}

// ParseAdvert decodes b, an IP payload from src to dst, into a. It is strict
// about length: b must end where the advert ends, or a trailer after it. When the result is not Good,
// a is filled as far as it was understood.
func ParseAdvert(a *Advert, b []byte, src, dst netip.Addr) Fault {
	a.Addresses = a.Addresses[:0]
	if len(b) < headerLen {
		return Length
	}
	a.Version, a.VRID, a.Priority = int(b[0]>>4), b[1], b[2]
	a.AuthType, a.AuthData, a.Checksum, a.Trailer = 0, [8]byte{}, Standard, nil
	is6 := src.Is6() && !src.Is4In6()
	want := headerLen + int(b[3])*addrLen(is6)
	switch {
	case a.Version == 2 && !is6:
		want += authLen
	case a.Version != 3:
		return BadVersion
	}
	switch {
	case b[0]&0x0f != advertTyp:
		return BadType
	case len(b) != want && len(b) != want+TrailerLen:
		return Length
	case a.VRID == 0:
		return BadVRID
	case !a.checked(b, want, src, dst):
		return BadChecksum
	}
	if len(b) > want {
		a.Trailer = b[want:]
	}
	if a.Version == 2 {
		a.Interval = time.Duration(b[5]) * time.Second
		a.AuthType = b[4]
		copy(a.AuthData[:], b[want-authLen:want])
	} else {
		a.Interval = time.Duration(binary.BigEndian.Uint16(b[4:])&0x0fff) * centisecond
	}
	a.addresses(b[headerLen:], int(b[3]), is6)
	if a.AuthType > AuthAH {
		return BadAuthType
	}
	return Good
}

// checked verifies the checksum of an advert of n bytes with what follows, and
// notes which kind it is.
func (a *Advert) checked(b []byte, n int, src, dst netip.Addr) bool {
	if dst.Is4() {
		b = b[:n] // a trailer counts over IPv6 only
	}
	if checksum(pseudo(a.Version, len(b), src, dst), b) == 0 {
		return true
	}
	switch {
	case a.Version != 3 || !dst.Is4():
		return false
	case !dst.IsMulticast() && checksum(pseudo(a.Version, len(b), src, Group4), b) == 0:
		a.Checksum = OldUnicast
	case checksum(0, b) == 0:
		a.Checksum = AsV2
	default:
		return false
	}
	return true
}

// addresses decodes n addresses from b into a's slice.
func (a *Advert) addresses(b []byte, n int, is6 bool) {
	for i := range n {
		if is6 {
			a.Addresses = append(a.Addresses, netip.AddrFrom16([16]byte(b[16*i:])))
		} else {
			a.Addresses = append(a.Addresses, netip.AddrFrom4([4]byte(b[4*i:])))
		}
	}
}

const centisecond = 10 * time.Millisecond

// AppendAdvert appends a as an IP payload from src to dst, checksum included.
// Only the first 255 addresses are sent, and of them those of src's family;
// an interval that the version cannot express is cut to its nearest.
func AppendAdvert(b []byte, a *Advert, src, dst netip.Addr) []byte {
	start := len(b)
	is6 := src.Is6() && !src.Is4In6()
	b = append(b, byte(a.Version<<4|advertTyp), a.VRID, a.Priority, 0, 0, 0, 0, 0)
	count := 0
	for _, addr := range a.Addresses {
		if addr.Is6() != is6 || count == MaxAddresses {
			continue
		}
		count++
		if is6 {
			raw := addr.As16()
			b = append(b, raw[:]...)
		} else {
			raw := addr.As4()
			b = append(b, raw[:]...)
		}
	}
	p := b[start:]
	p[3] = byte(count)
	if a.Version == 2 {
		p[4] = a.AuthType
		p[5] = byte(min(max(a.Interval/time.Second, 0), 255))
		b = append(b, a.AuthData[:]...)
		p = b[start:]
	} else {
		binary.BigEndian.PutUint16(p[4:], uint16(min(max(a.Interval/centisecond, 0), 4095)))
	}
	sum := pseudo(a.Version, len(p), src, dst)
	switch {
	case is6:
	case a.Checksum == OldUnicast:
		sum = pseudo(a.Version, len(p), src, Group4)
	case a.Checksum == AsV2:
		sum = 0
	}
	binary.BigEndian.PutUint16(p[6:], checksum(sum, p))
	return b
}

func addrLen(is6 bool) int {
	if is6 {
		return 16
	}
	return 4
}
