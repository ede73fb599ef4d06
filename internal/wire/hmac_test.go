package wire

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// draftKey is the key of the draft's appendix.
func draftKey() (k []byte) {
	for i := range 32 {
		k = append(k, byte(i))
	}
	return k
}

// draftTime is the appendix's sequence 0x6800000080000000.
const draftTime = 0x68000000*int64(time.Second) + int64(time.Second)/2

var draftSource = netip.MustParseAddr("198.51.100.10")

func hmacOf(window time.Duration, peers ...netip.Addr) *HMAC {
	return NewHMAC(HMACConfig{Keys: []HMACKey{{1, draftKey()}}, Active: 1, Window: window, Peers: peers})
}

// signed is an advert with a trailer of that time.
func signed(h *HMAC, src netip.Addr, wall int64) (advert, trailer []byte) {
	a := Advert{Version: 3, VRID: 51, Priority: 200, Interval: time.Second, Addresses: addrs("192.0.2.100")}
	advert = AppendAdvert(nil, &a, src, Group4)
	return advert, slices.Clone(h.Sign(advert, src, wall))
}

// The wire image of the draft's appendix. Its checksum is left out of the
// digest, and belongs to another destination.
func TestDraftImage(t *testing.T) {
	want, _ := hex.DecodeString(strings.ReplaceAll("3133c80100644402c0000264 010100006800000080000000 1b84bc4e8e43892dc6d98448f8ee2265", " ", ""))
	h := hmacOf(5 * time.Second)
	if got := h.Sign(want[:12], draftSource, draftTime); !slices.Equal(got, want[12:]) {
		t.Errorf("signed\n got %x\nwant %x", got, want[12:])
	}
	if f := h.Verify(want[:12], want[12:], draftSource, draftTime+int64(time.Second)); f != Good {
		t.Error(f)
	}
	var a Advert
	if f := ParseAdvert(&a, want, draftSource, Group4); f != Good || a.Checksum != AsV2 || a.VRID != 51 || a.Interval != time.Second {
		t.Errorf("%v: %+v", f, a)
	}
}

// What is checked, in the order in which it is.
func TestHMACRefuses(t *testing.T) {
	now := draftTime
	for _, c := range []struct {
		name   string
		window time.Duration
		change func(advert, trailer []byte)
		at     time.Duration // after it was sent
		want   Fault
	}{
		{"as sent", 5 * time.Second, func(_, _ []byte) {}, 0, Good},
		{"type, though old", 5 * time.Second, func(_, t []byte) { t[0] = 2 }, time.Minute, ExtMalformed},
		{"reserved", 5 * time.Second, func(_, t []byte) { t[3] = 1 }, 0, ExtMalformed},
		{"old, whatever key", 5 * time.Second, func(_, t []byte) { t[1] = 9 }, 6 * time.Second, ExtStale},
		{"from the future", 5 * time.Second, func(_, _ []byte) {}, -6 * time.Second, ExtStale},
		{"just within", 5 * time.Second, func(_, _ []byte) {}, 5 * time.Second, Good},
		{"monotonic, however old", 0, func(_, _ []byte) {}, time.Hour, Good},
		{"another key", 5 * time.Second, func(_, t []byte) { t[1] = 9 }, 0, ExtUnknownKey},
		{"priority", 5 * time.Second, func(a, _ []byte) { a[2]++ }, 0, ExtInvalid},
		{"address", 5 * time.Second, func(a, _ []byte) { a[11]++ }, 0, ExtInvalid},
		{"sequence", 5 * time.Second, func(_, t []byte) { t[11]++ }, 0, ExtInvalid},
		{"digest", 5 * time.Second, func(_, t []byte) { t[27]++ }, 0, ExtInvalid},
		{"the checksum is not covered", 5 * time.Second, func(a, _ []byte) { a[6]++ }, 0, Good},
	} {
		advert, trailer := signed(hmacOf(c.window), draftSource, now)
		c.change(advert, trailer)
		h := hmacOf(c.window)
		if got := h.Verify(advert, trailer, draftSource, now+int64(c.at)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if c.want != Good && len(h.rest) > 0 && h.rest[0].set {
			t.Errorf("%s: the mark has moved", c.name)
		}
	}
}

// An advert of another sender, or with another source, is not its own.
func TestHMACCoversTheSource(t *testing.T) {
	advert, trailer := signed(hmacOf(0), draftSource, draftTime)
	if f := hmacOf(0).Verify(advert, trailer, host1, draftTime); f != ExtInvalid {
		t.Error(f)
	}
}

func TestHMACReplay(t *testing.T) {
	for _, window := range []time.Duration{0, 5 * time.Second} {
		sender, h := hmacOf(window), hmacOf(window, host1)
		for _, src := range []netip.Addr{host1, host2} { // a peer, and a stranger
			advert, first := signed(sender, src, draftTime)
			_, second := signed(sender, src, draftTime) // the clock stands, the counter does not
			for i, c := range []struct {
				trailer []byte
				want    Fault
			}{{first, Good}, {first, ExtReplay}, {second, Good}, {first, ExtReplay}, {second, ExtReplay}} {
				if f := h.Verify(advert, c.trailer, src, draftTime); f != c.want {
					t.Errorf("window %v, %v, step %d: %v", window, src, i, f)
				}
			}
		}
	}
}

// A sender whose clock was far ahead and is right again is heard, once what it
// sent then lies outside the window.
func TestHMACMarkExpires(t *testing.T) {
	sender, h := hmacOf(5*time.Second), hmacOf(5*time.Second)
	ahead := draftTime + int64(4*time.Second)
	advert, t1 := signed(sender, host1, ahead)
	if f := h.Verify(advert, t1, host1, draftTime); f != Good {
		t.Fatal(f)
	}
	// Both clocks go back by ten seconds.
	back := draftTime - int64(10*time.Second)
	_, t2 := signed(sender, host1, back)
	if f := h.Verify(advert, t2, host1, back); f != Good {
		t.Error(f)
	}
	if f := h.Verify(advert, t2, host1, back); f != ExtReplay {
		t.Error(f)
	}
}

// In monotonic mode a sequence only ever grows, whatever the clock does.
func TestHMACSequence(t *testing.T) {
	for window, want := range map[time.Duration]bool{0: true, 5 * time.Second: false} {
		h := hmacOf(window)
		signed(h, host1, draftTime)
		was := h.sent
		signed(h, host1, draftTime-int64(time.Second))
		if h.sent != was+1 {
			t.Errorf("window %v: a small step back gives %x after %x", window, h.sent, was)
		}
		signed(h, host1, draftTime-int64(time.Minute))
		if grown := after(h.sent, was); grown != want {
			t.Errorf("window %v: a large step back gives %x after %x", window, h.sent, was)
		}
	}
	h := hmacOf(0)
	if signed(h, host1, draftTime+draftTime); h.sent>>63 != 1 {
		t.Errorf("begins with %x after 2038", h.sent)
	}
	if !after(1, ^uint64(0)) || after(^uint64(0), 1) {
		t.Error("the sequence does not wrap")
	}
}

// Of strangers the latest four are remembered; peers always.
func TestHMACRemembers(t *testing.T) {
	sender, h := hmacOf(0), hmacOf(0, host1)
	heard := func(last byte) Fault {
		src := netip.AddrFrom4([4]byte{192, 0, 2, last})
		advert, trailer := signed(sender, src, draftTime)
		h.Verify(advert, trailer, src, draftTime)
		return h.Verify(advert, trailer, src, draftTime)
	}
	for last := range byte(20) {
		if f := heard(last); f != ExtReplay {
			t.Errorf("%d: %v", last, f)
		}
		heard(3)
	}
	if len(h.rest) != strangers || h.mark(host1).seq == 0 || !h.mark(netip.AddrFrom4([4]byte{192, 0, 2, 3})).set {
		t.Errorf("remembered: %v and %v", h.peers, h.rest)
	}
}

// A change of keys forgets nobody.
func TestHMACRotation(t *testing.T) {
	old, next := HMACKey{1, draftKey()}, HMACKey{2, slices.Repeat([]byte{7}, 64)}
	sender := NewHMAC(HMACConfig{Keys: []HMACKey{old}, Active: 1})
	h := NewHMAC(HMACConfig{Keys: []HMACKey{old}, Active: 1, Peers: []netip.Addr{host1}})
	advert, first := signed(sender, host1, draftTime)
	if f := h.Verify(advert, first, host1, draftTime); f != Good {
		t.Fatal(f)
	}
	h.Configure(HMACConfig{Keys: []HMACKey{old, next}, Active: 2, Peers: []netip.Addr{host2}})
	if f := h.Verify(advert, first, host1, draftTime); f != ExtReplay {
		t.Errorf("after a change: %v", f)
	}
	sender.Configure(HMACConfig{Keys: []HMACKey{old, next}, Active: 2})
	_, second := signed(sender, host1, draftTime)
	if f := h.Verify(advert, second, host1, draftTime); f != Good || second[1] != 2 {
		t.Errorf("with key %d: %v", second[1], f)
	}
	sender.Configure(HMACConfig{Keys: []HMACKey{next}})
	if sender.Signs() {
		t.Error("receive-only signs")
	}
}

// What is signed is parsed and verified, in every form that there is.
func TestHMACThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src, dst := host1, rapid.SampledFrom([]netip.Addr{Group4, host2}).Draw(t, "dst")
		a := Advert{Version: rapid.IntRange(2, 3).Draw(t, "version"), VRID: 7, Priority: rapid.Byte().Draw(t, "priority"), Interval: time.Second, Addresses: addrs("192.0.2.100")}
		if rapid.Bool().Draw(t, "is6") {
			src, dst, a.Version = link6, Group6, 3
			a.Addresses = addrs("fe80::1", "2001:db8::1")
		}
		wall := rapid.Int64Range(0, 200*365*24*int64(time.Hour)).Draw(t, "wall")
		h := hmacOf(time.Second)
		p := AppendAdvert([]byte("before"), &a, src, dst)
		p = AppendTrailer(p, 6, h.Sign(p[6:], src, wall), src, dst)[6:]
		var got Advert
		if f := ParseAdvert(&got, p, src, dst); f != Good || len(got.Trailer) != TrailerLen {
			t.Fatalf("%x: %v", p, f)
		}
		if f := hmacOf(time.Second).Verify(p[:len(p)-TrailerLen], got.Trailer, src, wall); f != Good {
			t.Fatal(f)
		}
		if by, key := Ahead(got.Trailer, wall+int64(2*time.Second)); key != 1 || by != -2*time.Second {
			t.Fatalf("ahead by %v, key %d", by, key)
		}
	})
}

func TestHMACAllocatesNothing(t *testing.T) {
	h, other := hmacOf(time.Second), hmacOf(time.Second, draftSource)
	advert, _ := signed(h, draftSource, draftTime)
	wall, b := draftTime, make([]byte, 0, 100)
	if n := testing.AllocsPerRun(100, func() {
		wall++
		b = append(b[:0], advert...)
		b = AppendTrailer(b, 0, h.Sign(advert, draftSource, wall), draftSource, Group4)
		if f := other.Verify(b[:len(advert)], b[len(advert):], draftSource, wall); f != Good {
			t.Error(f)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
