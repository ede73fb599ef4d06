package agentx

import (
	"encoding/hex"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var keepalived = ParseOID("1.3.6.1.4.1.9586.100.5")

// every has one PDU of each kind, and one of each type of value.
func every() []PDU {
	values := []VarBind{
		{keepalived.With(1, 1, 0), Text("holdfast")}, {keepalived.With(2), Int(-253)},
		{OID{2, 5}, Identifier(OID{0, 0})}, {nil, Unsigned(4294967295)}, {keepalived, Count(1 << 32)},
		{keepalived, Count64(1 << 63)}, {keepalived, Ticks(7)}, {keepalived, IP(netip.MustParseAddr("192.0.2.1"))},
		{keepalived, Octets([]byte{0, 1, 2, 3, 4})}, {keepalived, Value{Type: Opaque, Bytes: []byte{9}}},
		{keepalived, Value{Type: Null}}, {keepalived, Value{Type: NoSuchObject}},
		{keepalived, Value{Type: NoSuchInstance}}, {keepalived, Value{Type: EndOfMIBView}},
	}
	ranges := []Range{{Start: keepalived, Include: true, End: keepalived.With(1)}, {Start: OID{1}}}
	bodies := []Body{
		Open{Timeout: 5, ID: keepalived, Descr: "holdfast"}, Close{Reason: ReasonShutdown},
		Register{Timeout: 1, Priority: 127, Subtree: keepalived}, Register{RangeSubID: 2, Subtree: keepalived, UpperBound: 9},
		Unregister{Priority: 127, Subtree: keepalived}, Get{ranges}, GetNext{ranges}, GetBulk{1, 2, ranges},
		TestSet{values}, CommitSet{}, UndoSet{}, CleanupSet{}, Notify{values}, Ping{},
		Response{UpTime: 100, Error: NotWritable, Index: 3, VarBinds: values}, Response{},
	}
	out := make([]PDU, 0, len(bodies))
	for i, b := range bodies {
		out = append(out, PDU{Session: 1, Transaction: 2, Packet: uint32(i), Body: b}) // a few
	}
	out[5].Context = []byte("other")
	return out
}

func TestParseTakesWhatAppendWrote(t *testing.T) {
	for _, want := range every() {
		b := Append([]byte("before"), &want)[len("before"):]
		if n, fault := Size(b); fault != Good || n != len(b) || n%4 != 0 {
			t.Errorf("%T: %d bytes are said to be %d: %v", want.Body, len(b), n, fault)
		}
		var got PDU
		if fault := Parse(&got, b); fault != Good || !reflect.DeepEqual(got, want) {
			t.Errorf("%v\n got %+v\nwant %+v", fault, got, want)
		}
	}
}

// The examples of RFC 2741 §5.1 and §5.3.
func TestExamplesOfTheRFC(t *testing.T) {
	for _, c := range []struct{ what, got, want string }{
		{"sysDescr.0", hex.EncodeToString(appendOID(nil, ParseOID("1.3.6.1.2.1.1.1.0"), false)), "04020000" + "00000001" + "00000001" + "00000001" + "00000000"},
		{"the null identifier", hex.EncodeToString(appendOID(nil, nil, false)), "00000000"},
		{"1.2.3.4", hex.EncodeToString(appendOID(nil, OID{1, 2, 3, 4}, true)), "04000100" + "00000001" + "00000002" + "00000003" + "00000004"},
		{"a string of five", hex.EncodeToString(appendOctets(nil, []byte("abcde"))), "00000005" + "6162636465000000"},
	} {
		if c.got != c.want {
			t.Errorf("%s is %s, want %s", c.what, c.got, c.want)
		}
	}
}

// What net-snmp sends has the byte order of the machine.
func TestParseTakesEitherOrder(t *testing.T) {
	b, err := hex.DecodeString("01050000" + "01000000" + "02000000" + "03000000" + "14000000" + // a Get, 20 bytes
		"03040000" + "01000000" + "72250000" + "64000000" + "00000000")
	if err != nil {
		t.Fatal(err)
	}
	var p PDU
	want := PDU{Session: 1, Transaction: 2, Packet: 3, Body: Get{[]Range{{Start: ParseOID("1.3.6.1.4.1.9586.100")}}}}
	if fault := Parse(&p, b); fault != Good || !reflect.DeepEqual(p, want) {
		t.Fatalf("%v: %+v", fault, p)
	}
}

func TestFaults(t *testing.T) {
	get := func() []byte {
		return Append(nil, &PDU{Session: 7, Packet: 9, Body: Get{[]Range{{Start: keepalived, End: keepalived}}}})
	}
	change := func(at int, to ...byte) []byte { return slices.Replace(get(), at, at+len(to), to...) }
	long := Append(nil, &PDU{Body: Get{slices.Repeat([]Range{{}}, MaxRanges+1)}})
	for _, c := range []struct {
		what string
		in   []byte
		want Fault
	}{
		{"half a header", get()[:10], Short}, {"half a PDU", get()[:40], Short},
		{"version 2", change(0, 2), BadVersion}, {"length", change(16, 0xff, 0, 0, 0), TooLong},
		{"an odd length", change(19, 33), BadLength}, {"a kind", change(1, 14), UnknownPDU},
		{"an identifier beyond the end", change(HeaderLen, 60), Short}, {"129 numbers", change(HeaderLen, 129), BadOID},
		{"128 and a prefix", change(HeaderLen, 128), BadOID}, {"much", long, TooMany},
		{"a rest", append(change(1, byte(KindPing)), 0), BadLength},
	} {
		var p PDU
		if got := Parse(&p, c.in); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		} else if c.want > BadLength && c.what != "much" && (p.Session != 7 || p.Packet != 9 || p.Body != nil) {
			t.Errorf("%s: nobody can answer %+v", c.what, p)
		}
	}
}

func TestOID(t *testing.T) {
	for _, s := range []string{"", "1..2", "1.4294967296", "1.x", strings.Repeat("1.", MaxSubIDs) + "1"} {
		if o := ParseOID(s); o != nil {
			t.Errorf("%q is %v", s, o)
		}
	}
	if s := keepalived.String(); s != "1.3.6.1.4.1.9586.100.5" {
		t.Error(s)
	}
	below := keepalived.With(1)
	if !below.Below(keepalived) || keepalived.Below(below) || below.Compare(keepalived) <= 0 {
		t.Error("order")
	}
}

// Room is an upper bound: whoever fills a PDU by it does not fill it too far.
func TestRoom(t *testing.T) {
	for _, p := range every() {
		if n, ok := p.Body.(Notify); ok {
			for i := range n.VarBinds {
				if got := len(appendVarBinds(nil, n.VarBinds[i:i+1])); got > n.VarBinds[i].Room() {
					t.Errorf("%v takes %d bytes, not %d", n.VarBinds[i], got, n.VarBinds[i].Room())
				}
			}
		}
	}
}

// FuzzParse: no crash, nothing grows beyond its bounds, the bytes stay as they
// are, and what is good is said again in the same words.
func FuzzParse(f *testing.F) {
	for _, p := range every() {
		f.Add(Append(nil, &p))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		was := slices.Clone(b)
		var p, again PDU
		fault := Parse(&p, b)
		if !slices.Equal(b, was) {
			t.Fatal("changed the PDU")
		}
		if fault != Good {
			if p.Body != nil {
				t.Fatalf("%v has a body", fault)
			}
			return
		}
		if len(p.Context) == 0 {
			p.Context = nil
		}
		if u, ok := p.Body.(Unregister); ok {
			u.Timeout = 0 // reserved there
			p.Body = u
		}
		if fault := Parse(&again, Append(nil, &p)); fault != Good && fault != TooLong || fault == Good && !reflect.DeepEqual(p, again) {
			t.Fatalf("%v: read %+v, wrote %+v", fault, p, again)
		}
	})
}
