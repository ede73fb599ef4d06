package agentx

import (
	"encoding/binary"
	"slices"
)

// Append appends p in network byte order. What does not fit the format is a
// broken invariant of the caller: object identifiers have at most MaxSubIDs
// numbers, and all together has at most MaxPayload bytes (see Room).
func Append(b []byte, p *PDU) []byte {
	start := len(b)
	flags := byte(flagNetwork)
	if len(p.Context) > 0 {
		flags |= flagContext
	}
	b = append(b, version, byte(p.Body.Kind()), flags, 0)
	b = binary.BigEndian.AppendUint32(b, p.Session)
	b = binary.BigEndian.AppendUint32(b, p.Transaction)
	b = binary.BigEndian.AppendUint32(b, p.Packet)
	b = append(b, 0, 0, 0, 0)
	if len(p.Context) > 0 {
		b = appendOctets(b, p.Context)
	}
	b = appendBody(b, p.Body)
	binary.BigEndian.PutUint32(b[start+16:], uint32(len(b)-start-HeaderLen)) // bounded by MaxPayload
	return b
}

func appendBody(b []byte, body Body) []byte {
	switch m := body.(type) {
	case Open:
		b = append(b, m.Timeout, 0, 0, 0)
		b = appendOID(b, m.ID, false)
		b = appendOctets(b, []byte(m.Descr))
	case Close:
		b = append(b, byte(m.Reason), 0, 0, 0)
	case Register:
		b = appendRegister(b, &m)
	case Unregister:
		m.Timeout = 0
		b = appendRegister(b, (*Register)(&m))
	case Get:
		b = appendRanges(b, m.Ranges)
	case GetNext:
		b = appendRanges(b, m.Ranges)
	case GetBulk:
		b = binary.BigEndian.AppendUint16(b, m.NonRepeaters)
		b = binary.BigEndian.AppendUint16(b, m.MaxRepetitions)
		b = appendRanges(b, m.Ranges)
	case TestSet:
		b = appendVarBinds(b, m.VarBinds)
	case Notify:
		b = appendVarBinds(b, m.VarBinds)
	case Response:
		b = binary.BigEndian.AppendUint32(b, m.UpTime)
		b = binary.BigEndian.AppendUint16(b, uint16(m.Error))
		b = binary.BigEndian.AppendUint16(b, m.Index)
		b = appendVarBinds(b, m.VarBinds)
	case CommitSet, UndoSet, CleanupSet, Ping:
	}
	return b
}

func appendRegister(b []byte, m *Register) []byte {
	b = append(b, m.Timeout, m.Priority, m.RangeSubID, 0)
	b = appendOID(b, m.Subtree, false)
	if m.RangeSubID != 0 {
		b = binary.BigEndian.AppendUint32(b, m.UpperBound)
	}
	return b
}

func appendRanges(b []byte, all []Range) []byte {
	for i := range all {
		b = appendOID(b, all[i].Start, all[i].Include)
		b = appendOID(b, all[i].End, false)
	}
	return b
}

func appendVarBinds(b []byte, all []VarBind) []byte {
	for i := range all {
		v := &all[i]
		b = binary.BigEndian.AppendUint16(b, uint16(v.Type))
		b = append(b, 0, 0)
		b = appendOID(b, v.Name, false)
		switch v.Type {
		case Integer, Counter32, Gauge32, TimeTicks:
			b = binary.BigEndian.AppendUint32(b, uint32(v.Number)) // what the type has
		case Counter64:
			b = binary.BigEndian.AppendUint64(b, v.Number)
		case OctetString, Opaque, IPAddress:
			b = appendOctets(b, v.Bytes)
		case ObjectIdentifier:
			b = appendOID(b, v.ID, false)
		case Null, NoSuchObject, NoSuchInstance, EndOfMIBView:
		}
	}
	return b
}

// appendOID leaves out what the prefix says (§5.1).
func appendOID(b []byte, o OID, include bool) []byte {
	prefix := byte(0)
	if len(o) > internetPrefix && slices.Equal(o[:internetPrefix], OID{1, 3, 6, 1}) && o[internetPrefix] > 0 && o[internetPrefix] < 256 {
		prefix = byte(o[internetPrefix])
		o = o[internetPrefix+1:]
	}
	flag := byte(0)
	if include {
		flag = 1
	}
	b = append(b, byte(len(o)), prefix, flag, 0)
	for _, n := range o {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

func appendOctets(b, s []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s))) // bounded by MaxPayload
	b = append(b, s...)
	return append(b, make([]byte, -len(s)&3)...)
}

// Room is how many bytes v takes in a PDU at most.
func (v *VarBind) Room() int {
	return 4 + 4 + 4*len(v.Name) + 4 + (len(v.Bytes)+3)&^3 + 4 + 4*len(v.ID) + 8
}
