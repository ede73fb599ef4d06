package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"testing"
	"time"
)

// FuzzParseAdvert: no crash, nothing taken that is not in the packet, and what
// is good is written again as the same bytes, where nothing was reserved.
func FuzzParseAdvert(f *testing.F) {
	for name, frame := range frames(f) {
		if name != "arp" && name != "na" {
			p, src, dst := payload(f, frame)
			f.Add(p, src.Is6(), dst.IsMulticast())
		}
	}
	f.Add([]byte{0x21, 1, 100, 255, 0, 1, 0, 0}, false, true)
	advert, trailer := signed(hmacOf(0), host1, draftTime)
	f.Add(AppendTrailer(advert, 0, trailer, host1, Group4), false, true)
	f.Fuzz(func(t *testing.T, b []byte, is6, multicast bool) {
		src, dst := host1, host2
		switch {
		case is6 && multicast:
			src, dst = link6, Group6
		case is6:
			src, dst = link6, netip.MustParseAddr("fd00::2")
		case multicast:
			dst = Group4
		}
		was := bytes.Clone(b)
		var a Advert
		fault := ParseAdvert(&a, b, src, dst)
		if !bytes.Equal(b, was) {
			t.Fatal("changed the packet")
		}
		if len(a.Addresses) > 255 {
			t.Fatalf("%d addresses", len(a.Addresses))
		}
		if fault != Good {
			return
		}
		again := AppendAdvert(nil, &a, src, dst)
		if a.Trailer != nil {
			again = AppendTrailer(again, 0, a.Trailer, src, dst)
		}
		same := bytes.Equal(again, b)
		reserved := a.Version == 3 && b[4]&0xf0 != 0
		// One's complement has two zeros: 0 and 0xffff check alike.
		zero := b[6] == 0xff && b[7] == 0xff || b[6] == 0 && b[7] == 0
		if !same && !reserved && !zero {
			t.Fatalf("read %x, wrote %x", b, again)
		}
	})
}

// FuzzParseIPv4: whatever the header says, the payload is a part of the packet.
func FuzzParseIPv4(f *testing.F) {
	for name, frame := range frames(f) {
		if name != "arp" && name != "na" && frame[12] == 0x08 {
			f.Add(frame[14:])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ip, fault := ParseIPv4(b)
		if fault == Good && (len(ip.Payload)+20 > len(b) || !ip.Src.Is4() || !ip.Dst.Is4()) {
			t.Fatalf("%x: %+v", b, ip)
		}
	})
}

// FuzzHMAC: what is believed has a digest that the draft's text gives, reckoned
// here a second time, and is believed once.
func FuzzHMAC(f *testing.F) {
	for _, src := range []netip.Addr{host1, link6} {
		advert, trailer := signed(hmacOf(0), src, draftTime)
		f.Add(advert, trailer, src.Is6(), uint8(5))
	}
	f.Fuzz(func(t *testing.T, advert, trailer []byte, is6 bool, window uint8) {
		if len(advert) < headerLen || len(trailer) != TrailerLen {
			return // ParseAdvert sees to it
		}
		src, family := host1, byte(4)
		if is6 {
			src, family = link6, 6
		}
		h := hmacOf(time.Duration(window) * time.Second)
		if h.Verify(advert, trailer, src, draftTime) != Good {
			return
		}
		raw := src.As16()
		head := append([]byte{family, advert[0] >> 4, advert[1], 0}, raw[:]...)
		if !is6 {
			short := src.As4()
			head = append(append(head[:4], short[:]...), make([]byte, 12)...)
		}
		mac := hmac.New(sha256.New, draftKey())
		for _, part := range [][]byte{head, advert[:6], {0, 0}, advert[8:], trailer[:12], make([]byte, 16)} {
			mac.Write(part)
		}
		if !bytes.Equal(mac.Sum(nil)[:16], trailer[12:]) {
			t.Fatalf("%x with %x is believed", advert, trailer)
		}
		if again := h.Verify(advert, trailer, src, draftTime); again != ExtReplay {
			t.Fatalf("heard again: %v", again)
		}
	})
}
