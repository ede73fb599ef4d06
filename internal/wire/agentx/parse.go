package agentx

import (
	"encoding/binary"
	"slices"
)

const (
	version = 1

	flagContext    = 1 << 3 // NON_DEFAULT_CONTEXT
	flagNetwork    = 1 << 4 // NETWORK_BYTE_ORDER
	internetPrefix = 4      // how many numbers the prefix byte stands for, and the last of it: 1.3.6.1.N
)

// Fault says why a PDU is refused; zero means that it is good.
type Fault uint8

// The faults.
const (
	Good       Fault = iota
	Short            // less than it says
	BadVersion       // not 1
	TooLong          // more than MaxPayload
	BadLength        // not a multiple of four, or more than what was said
	UnknownPDU       // a type that we do not speak
	BadOID           // more than MaxSubIDs numbers
	BadType          // of a value
	TooMany          // more than MaxRanges objects
)

var faultNames = [...]string{
	"good", "shorter than it says", "another version than 1", "too long", "a length that cannot be",
	"an unknown PDU", "too long an object identifier", "an unknown type of value", "too many objects",
}

// String is the fault in words.
func (f Fault) String() string { return faultNames[f] }

// Size reads how long a PDU is, header and payload, from its first HeaderLen
// bytes.
func Size(b []byte) (int, Fault) {
	if len(b) < HeaderLen {
		return 0, Short
	}
	if b[0] != version {
		return 0, BadVersion
	}
	n := order(b[2]).Uint32(b[16:])
	switch {
	case n > MaxPayload:
		return 0, TooLong
	case n%4 != 0:
		return 0, BadLength
	}
	return HeaderLen + int(n), Good
}

func order(flags byte) binary.ByteOrder {
	if flags&flagNetwork != 0 {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Parse decodes one whole PDU into p, whose parts do not point into b. Of a
// refused one p has the numbers of the header, as far as they were read, so
// that it can be answered.
func Parse(p *PDU, b []byte) Fault {
	*p = PDU{}
	size, fault := Size(b)
	if fault != Good {
		return fault
	}
	if len(b) < size {
		return Short
	}
	r := reader{b: b[HeaderLen:size], order: order(b[2])}
	p.Session, p.Transaction, p.Packet = r.order.Uint32(b[4:]), r.order.Uint32(b[8:]), r.order.Uint32(b[12:])
	if b[2]&flagContext != 0 {
		p.Context = r.octets()
	}
	p.Body = r.body(Kind(b[1]))
	if r.fault == Good && len(r.b) > 0 {
		r.fault = BadLength
	}
	if r.fault != Good {
		p.Body = nil
	}
	return r.fault
}

// reader takes values off the front of b; after a fault everything is zero.
type reader struct {
	b     []byte
	order binary.ByteOrder
	fault Fault
}

func (r *reader) body(k Kind) Body {
	switch k {
	case KindOpen:
		return Open{Timeout: r.bytes(4)[0], ID: r.id(), Descr: string(r.octets())}
	case KindClose:
		return Close{Reason: Reason(r.bytes(4)[0])}
	case KindRegister:
		return r.register()
	case KindUnregister:
		return Unregister(r.register())
	case KindGet:
		return Get{Ranges: r.ranges()}
	case KindGetNext:
		return GetNext{Ranges: r.ranges()}
	case KindGetBulk:
		return GetBulk{NonRepeaters: r.short(), MaxRepetitions: r.short(), Ranges: r.ranges()}
	case KindTestSet:
		return TestSet{VarBinds: r.varBinds()}
	case KindCommitSet:
		return CommitSet{}
	case KindUndoSet:
		return UndoSet{}
	case KindCleanupSet:
		return CleanupSet{}
	case KindNotify:
		return Notify{VarBinds: r.varBinds()}
	case KindPing:
		return Ping{}
	case KindResponse:
		return Response{UpTime: r.long(), Error: Error(r.short()), Index: r.short(), VarBinds: r.varBinds()}
	}
	r.fail(UnknownPDU)
	return nil
}

func (r *reader) fail(f Fault) {
	if r.fault == Good {
		r.fault = f
	}
	r.b = nil
}

// bytes are the next n, zeros after a fault.
func (r *reader) bytes(n int) []byte {
	if len(r.b) < n {
		r.fail(Short)
		return make([]byte, min(n, 8))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) short() uint16 { return r.order.Uint16(r.bytes(2)) }

func (r *reader) long() uint32 { return r.order.Uint32(r.bytes(4)) }

// octets is a copy of a string, which is padded to four bytes.
func (r *reader) octets() []byte {
	n := uint64(r.long())
	padded := (n + 3) &^ 3
	if padded > uint64(len(r.b)) {
		r.fail(Short)
		return nil
	}
	return slices.Clone(r.bytes(int(padded))[:n]) // at most len(r.b)
}

func (r *reader) id() OID {
	o, _ := r.oid()
	return o
}

func (r *reader) oid() (o OID, include bool) {
	head := r.bytes(4)
	n, prefix := int(head[0]), head[1]
	if n > MaxSubIDs || prefix != 0 && n+internetPrefix+1 > MaxSubIDs {
		r.fail(BadOID)
		return nil, false
	}
	if 4*n > len(r.b) {
		r.fail(Short)
		return nil, false
	}
	include = head[2] != 0
	if prefix != 0 {
		o = append(make(OID, 0, n+internetPrefix+1), 1, 3, 6, 1, uint32(prefix))
	} else if n > 0 {
		o = make(OID, 0, n)
	}
	for range n {
		o = append(o, r.long())
	}
	return o, include
}

func (r *reader) register() Register {
	head := r.bytes(4)
	out := Register{Timeout: head[0], Priority: head[1], RangeSubID: head[2], Subtree: r.id()}
	if out.RangeSubID != 0 {
		out.UpperBound = r.long()
	}
	return out
}

func (r *reader) ranges() (out []Range) {
	for len(r.b) > 0 {
		if len(out) == MaxRanges {
			r.fail(TooMany)
			return nil
		}
		var one Range
		one.Start, one.Include = r.oid()
		one.End = r.id()
		out = append(out, one)
	}
	return out
}

func (r *reader) varBinds() (out []VarBind) {
	for len(r.b) > 0 {
		if len(out) == MaxRanges {
			r.fail(TooMany)
			return nil
		}
		t := Type(r.short())
		r.short() // reserved
		out = append(out, VarBind{Name: r.id(), Value: r.value(t)})
	}
	return out
}

func (r *reader) value(t Type) Value {
	v := Value{Type: t}
	switch t {
	case Integer, Counter32, Gauge32, TimeTicks:
		v.Number = uint64(r.long())
	case Counter64:
		v.Number = r.order.Uint64(r.bytes(8))
	case OctetString, Opaque, IPAddress:
		if v.Bytes = r.octets(); t == IPAddress && len(v.Bytes) != 4 {
			r.fail(BadLength)
		}
	case ObjectIdentifier:
		v.ID = r.id()
	case Null, NoSuchObject, NoSuchInstance, EndOfMIBView:
	default:
		r.fail(BadType)
	}
	return v
}
