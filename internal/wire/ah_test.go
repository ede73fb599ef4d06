package wire

import (
	"bytes"
	"slices"
	"testing"
)

// ahDatagrams are the IPv4 datagrams that keepalived sent with AH.
func ahDatagrams(t testing.TB) map[string][]byte {
	t.Helper()
	out := framesOf(t, "testdata/keepalived-2.2.7-ah.txt")
	for name, frame := range out {
		out[name] = frame[14:]
	}
	return out
}

var secret12 = []byte("secret12")

func TestAHOfKeepalived(t *testing.T) {
	all := ahDatagrams(t)
	h, unicast := NewAH(secret12), NewAH(secret12)
	for _, name := range []string{"first", "second", "third", "unicast"} {
		b := all[name]
		ip, _ := ParseIPv4(b)
		advert, fault := SplitAH(ip.Payload)
		if fault != Good {
			t.Fatalf("%s: %v", name, fault)
		}
		var a Advert
		if f := ParseAdvert(&a, advert, ip.Src, ip.Dst); f != Good || a.AuthType != AuthAH {
			t.Errorf("%s: %v, type %d", name, f, a.AuthType)
		}
		to := h
		if name == "unicast" { // another router
			to = unicast
		}
		if f := to.Verify(b); f != Good {
			t.Errorf("%s: %v", name, f)
		}
	}
}

// The first packet of a router is, byte for byte, what keepalived sends.
func TestAppendAHAsKeepalived(t *testing.T) {
	for _, name := range []string{"first", "unicast"} {
		ip, _ := ParseIPv4(ahDatagrams(t)[name])
		advert, _ := SplitAH(ip.Payload)
		got, id := NewAH(secret12).Append([]byte("before"), advert, TTL, ip.Src, ip.Dst)
		if id != 1 || !bytes.Equal(got, append([]byte("before"), ip.Payload...)) {
			t.Errorf("%s: id %d\ngot  %x\nwant %x", name, id, got, ip.Payload)
		}
	}
}

func TestAHRefuses(t *testing.T) {
	good := ahDatagrams(t)["first"]
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 0x10
		f := NewAH(secret12).Verify(bad)
		switch i {
		case 1, 6, 7, 9, 10, 11: // may change on the way; or the receiver has looked at it
			if f != Good {
				t.Errorf("octet %d: %v", i, f)
			}
		default:
			if f == Good {
				t.Errorf("octet %d was changed, and it is believed", i)
			}
		}
	}
	for n := range good {
		if NewAH(secret12).Verify(good[:n]) == Good {
			t.Errorf("%d octets of it are believed", n)
		}
	}
	if f := NewAH([]byte("secret13")).Verify(good); f != AuthFailure {
		t.Errorf("another key: %v", f)
	}
}

// What was heard is not heard again; whoever takes over goes on from there.
func TestAHSequence(t *testing.T) {
	all := ahDatagrams(t)
	h := NewAH(secret12)
	for _, c := range []struct {
		name string
		want Fault
	}{{"second", Good}, {"second", Replayed}, {"first", Replayed}, {"third", Good}, {"second", Replayed}} {
		if f := h.Verify(all[c.name]); f != c.want {
			t.Errorf("%s: %v, want %v", c.name, f, c.want)
		}
	}
	ip, _ := ParseIPv4(all["third"])
	advert, _ := SplitAH(ip.Payload)
	if p, _ := h.Append(nil, advert, TTL, ip.Src, ip.Dst); p[11] != 4 {
		t.Errorf("goes on with %d", p[11])
	}
	// A forged number does not move the sequence.
	forged := slices.Clone(all["third"])
	forged[28] = 0x70
	if f := h.Verify(forged); f != AuthFailure || h.heard != 3 {
		t.Errorf("%v, heard %d", f, h.heard)
	}
	if h = NewAH(secret12); h.follow(1<<32-1) != Good || h.follow(0) != Good || h.follow(1<<32-1) != Replayed {
		t.Error("the sequence does not wrap")
	}
}

func TestSplitAH(t *testing.T) {
	ip, _ := ParseIPv4(ahDatagrams(t)["first"])
	for at, want := range map[int]Fault{0: BadProtocol, 1: Length} {
		p := slices.Clone(ip.Payload)
		p[at]++
		if _, f := SplitAH(p); f != want {
			t.Errorf("octet %d: %v", at, f)
		}
	}
	if _, f := SplitAH(ip.Payload[:ahLen-1]); f != Length {
		t.Error("too short")
	}
}

func TestAHAllocatesNothing(t *testing.T) {
	ip, _ := ParseIPv4(ahDatagrams(t)["first"])
	advert, _ := SplitAH(ip.Payload)
	h, b := NewAH(secret12), make([]byte, 0, 200)
	if n := testing.AllocsPerRun(100, func() { h.Append(b, advert, TTL, ip.Src, ip.Dst) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
