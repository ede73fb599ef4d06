package wire

import (
	"bytes"
	"testing"
	"time"
)

var bfdUp = BFD{
	State: BFDUp, Poll: true, Multiplier: 3, My: 0x01020304, Your: 0xa0b0c0d0,
	MinTx: 10 * time.Millisecond, MinRx: 20 * time.Millisecond,
}

// The bytes of RFC 5880 §4.1.
var bfdUpBytes = []byte{
	0x20, 0xe0, 3, 24, 1, 2, 3, 4, 0xa0, 0xb0, 0xc0, 0xd0, 0, 0, 0x27, 0x10, 0, 0, 0x4e, 0x20, 0, 0, 0, 0,
}

func TestBFD(t *testing.T) {
	if b := AppendBFD(nil, &bfdUp); !bytes.Equal(b, bfdUpBytes) {
		t.Errorf("% x", b)
	}
	var p BFD
	if f := ParseBFD(&p, bfdUpBytes); f != BFDGood || p != bfdUp {
		t.Errorf("%v %+v", f, p)
	}
}

// RFC 5880 §6.8.6: "If the version number is not correct (1), the packet MUST be
// discarded", and so on; each has a counter of its own.
func TestBFDFaults(t *testing.T) {
	change := func(at int, v byte) []byte {
		b := bytes.Clone(bfdUpBytes)
		b[at] = v
		return b
	}
	authenticated := append(change(1, 0xe4), 1, 3)
	authenticated[3] = 26
	noYour := bytes.Clone(bfdUpBytes)
	clear(noYour[8:12])
	noMy := bytes.Clone(bfdUpBytes)
	clear(noMy[4:8])
	for _, c := range []struct {
		b    []byte
		want BFDFault
	}{
		{nil, BFDLength},
		{bfdUpBytes[:23], BFDLength},
		{change(0, 0x00), BFDVersion},
		{change(0, 0x40), BFDVersion},
		{change(3, 23), BFDLength},
		{change(3, 25), BFDLength},
		{change(1, 0xe4), BFDLength},
		{change(2, 0), BFDBadMultiplier},
		{change(1, 0xe1), BFDBadMultipoint},
		{noMy, BFDBadMy},
		{noYour, BFDBadYour},
		{authenticated, BFDBadAuth},
		{append(bytes.Clone(bfdUpBytes), 0), BFDGood},
	} {
		var p BFD
		if f := ParseBFD(&p, c.b); f != c.want {
			t.Errorf("% x: %v, want %v", c.b, f, c.want)
		}
	}
	seen := map[string]bool{}
	for f := range NumBFDFaults {
		if seen[f.String()] || f.String() == "" {
			t.Errorf("fault %d has no name of its own: %q", f, f)
		}
		seen[f.String()] = true
	}
}

// FuzzParseBFD: no crash, and what is good is written again as the same packet.
func FuzzParseBFD(f *testing.F) {
	f.Add(bfdUpBytes)
	f.Add(append(bytes.Clone(bfdUpBytes), 1, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		was := bytes.Clone(b)
		var p, q BFD
		fault := ParseBFD(&p, b)
		if !bytes.Equal(b, was) {
			t.Fatal("changed the packet")
		}
		if fault != BFDGood {
			return
		}
		again := AppendBFD(nil, &p)
		if f := ParseBFD(&q, again); f != BFDGood || p != q {
			t.Fatalf("%+v became %+v (%v)", p, q, f)
		}
	})
}
