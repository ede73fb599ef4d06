package kernel

import (
	"bytes"
	"errors"
	"net/netip"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// words are bytes in the machine's order, for comparing with C's structures.
func u16(v uint16) []byte { return native.AppendUint16(nil, v) }
func u32(v uint32) []byte { return native.AppendUint32(nil, v) }

func TestNewAddressBytes(t *testing.T) {
	k := AddrKey{Link: 7, Addr: netip.MustParseAddr("192.0.2.1"), Bits: 24}
	a := Address{Bits: 24, Label: "eth0:1", Broadcast: netip.MustParseAddr("192.0.2.255"), Flags: unix.IFA_F_NOPREFIXROUTE}
	var q requests
	if n := q.op(Op{Addr: AddrOp{Verb: reconcile.Add, Key: k, Want: a}}, 3); n != 1 {
		t.Fatalf("%d messages", n)
	}
	want := bytes.Join([][]byte{
		u32(96), u16(unix.RTM_NEWADDR), u16(unix.NLM_F_REQUEST | unix.NLM_F_CREATE | unix.NLM_F_EXCL), u32(3), u32(0),
		{unix.AF_INET, 24, 0, 0}, u32(7), // the flag has no place in 8 bits
		u16(8), u16(unix.IFA_LOCAL), {192, 0, 2, 1},
		u16(8), u16(unix.IFA_ADDRESS), {192, 0, 2, 1},
		u16(8), u16(unix.IFA_BROADCAST), {192, 0, 2, 255},
		u16(11), u16(unix.IFA_LABEL), []byte("eth0:1\x00"), {0},
		u16(8), u16(unix.IFA_FLAGS), u32(0x200),
		u16(5), u16(ifaProto), {18, 0, 0, 0},
		u16(20), u16(unix.IFA_CACHEINFO), u32(0xffffffff), u32(0xffffffff), u32(0), u32(0),
	}, nil)
	if !bytes.Equal(q.buf, want) {
		t.Errorf("\n got %v\nwant %v", q.buf, want)
	}
}

// RTM_NEWADDR replaces lifetimes and nothing else: the rest takes two messages.
func TestChangeOfAnAddress(t *testing.T) {
	k := AddrKey{Link: 7, Addr: netip.MustParseAddr("2001:db8::1")}
	have := Address{Bits: 64}
	for want, types := range map[Address][]uint16{
		{Bits: 64, Deprecated: true}: {unix.RTM_NEWADDR},
		{Bits: 128}:                  {unix.RTM_DELADDR, unix.RTM_NEWADDR},
	} {
		var q requests
		n := q.op(Op{Addr: AddrOp{Verb: reconcile.Change, Key: k, Want: want, Have: have}}, 10)
		var got []uint16
		err := messages(q.buf, func(m message) error {
			if m.seq != 10+uint32(len(got)) {
				t.Errorf("message %d has number %d", len(got), m.seq)
			}
			got = append(got, m.typ)
			return nil
		})
		if err != nil || n != len(types) || len(got) != n || got[0] != types[0] {
			t.Errorf("%+v: %d messages, %v (%v)", want, n, got, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	request := bytes.Join([][]byte{u32(20), u16(unix.RTM_NEWADDR), u16(5), u32(1), u32(2), u32(0)}, nil)
	says := bytes.Join([][]byte{u16(9), u16(1), []byte("why\x00\x00"), {0, 0, 0}}, nil)
	enodev := u32(uint32(0x100000000 - uint64(unix.ENODEV)))
	for name, c := range map[string]struct {
		m    message
		err  error
		text string
	}{
		"acknowledged": {message{data: bytes.Join([][]byte{u32(0), request[:16]}, nil)}, nil, ""},
		"refused":      {message{data: bytes.Join([][]byte{enodev, request}, nil)}, unix.ENODEV, "no such device"},
		"refused, capped, and why": {
			message{flags: unix.NLM_F_CAPPED | unix.NLM_F_ACK_TLVS, data: bytes.Join([][]byte{enodev, request[:16], says}, nil)},
			unix.ENODEV, "no such device (why)",
		},
		"refused, whole, and why": {
			message{flags: unix.NLM_F_ACK_TLVS, data: bytes.Join([][]byte{enodev, request, says}, nil)},
			unix.ENODEV, "no such device (why)",
		},
		"cut":                   {message{data: []byte{1}}, errCut, errCut.Error()},
		"says it will say more": {message{flags: unix.NLM_F_ACK_TLVS, data: enodev}, unix.ENODEV, "no such device"},
	} {
		err := c.m.answer()
		if !errors.Is(err, c.err) || err != nil && err.Error() != c.text {
			t.Errorf("%s: %v, want %v", name, err, c.text)
		}
	}
}

// Whatever comes, the mirror neither crashes nor loses its head: names lead to
// links that have them.
func FuzzMirror(f *testing.F) {
	link := bytes.Join([][]byte{
		u32(44), u16(unix.RTM_NEWLINK), u16(0), u32(0), u32(0), {0, 0, 0, 0}, u32(1), u32(0x41), u32(0),
		u16(7), u16(unix.IFLA_IFNAME), []byte("lo\x00\x00"), u32(0)[:4],
	}, nil)
	f.Add(link)
	var q requests
	q.op(Op{Addr: AddrOp{Key: AddrKey{Link: 1, Addr: netip.MustParseAddr("192.0.2.1"), Bits: 24}, Want: Address{Bits: 24, Label: "x"}}}, 1)
	f.Add(bytes.Clone(q.buf))
	q.reset()
	for _, c := range routes {
		q.op(Op{Route: resolve(f, NewFake("v0", "lo").Mirror(), c.words), Of: RouteChanged}, 1)
	}
	f.Add(bytes.Clone(q.buf))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &Reflector{m: newMirror(), fd: -1, opts: Options{Routes: true}}
		_ = messages(b, func(m message) error { return r.message(m, func(Change) {}) })
		for name, index := range r.m.names {
			if r.m.links[index].Name != name {
				t.Errorf("%q leads to %+v", name, r.m.links[index])
			}
		}
		listed := 0
		for link, keys := range r.m.byLink {
			listed += len(keys)
			for i, k := range keys {
				if k.Link != link || i > 0 && r.m.addrs[keys[i-1]].order >= r.m.addrs[k].order {
					t.Errorf("%v is in the wrong place", k)
				}
			}
		}
		if listed != len(r.m.addrs) {
			t.Errorf("%d addresses are listed of %d", listed, len(r.m.addrs))
		}
		places := map[netip.Addr]int{}
		for k := range r.m.addrs {
			places[k.Addr]++
		}
		if !reflect.DeepEqual(places, r.m.places) {
			t.Errorf("addresses are at %v, and said to be at %v", places, r.m.places)
		}
		for k, a := range r.m.addrs {
			if k != Key(k.Link, k.Prefix(a.Address)) {
				t.Errorf("%+v under %+v", a, k)
			}
		}
	})
}
