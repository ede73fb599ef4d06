package agentx

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"unicode/utf8"
)

// Type is the type of a value, in RFC 2741's numbers (§5.4).
type Type uint16

// The types.
const (
	Integer          Type = 2
	OctetString      Type = 4
	Null             Type = 5
	ObjectIdentifier Type = 6
	IPAddress        Type = 64
	Counter32        Type = 65
	Gauge32          Type = 66 // and Unsigned32
	TimeTicks        Type = 67
	Opaque           Type = 68
	Counter64        Type = 70
	NoSuchObject     Type = 128
	NoSuchInstance   Type = 129
	EndOfMIBView     Type = 130
)

var typeNames = map[Type]string{
	Integer: "INTEGER", OctetString: "STRING", Null: "NULL", ObjectIdentifier: "OID", IPAddress: "IpAddress",
	Counter32: "Counter32", Gauge32: "Gauge32", TimeTicks: "Timeticks", Opaque: "Opaque", Counter64: "Counter64",
	NoSuchObject: "noSuchObject", NoSuchInstance: "noSuchInstance", EndOfMIBView: "endOfMibView",
}

// String is the type's name in SNMP's own texts.
func (t Type) String() string {
	if n, ok := typeNames[t]; ok {
		return n
	}
	return "type " + strconv.Itoa(int(t))
}

// Value is a typed value: Number holds Integer (as a two's complement of 32
// bits), Counter32, Gauge32, TimeTicks and Counter64, Bytes OctetString,
// IPAddress (4 bytes) and Opaque, ID ObjectIdentifier.
type Value struct {
	Type   Type
	Number uint64
	Bytes  []byte
	ID     OID
}

// Int is an INTEGER.
func Int(n int) Value {
	return Value{Type: Integer, Number: uint64(uint32(n))} // MIBs have 32 bits
}

// Text is an OCTET STRING.
func Text(s string) Value { return Value{Type: OctetString, Bytes: []byte(s)} }

// Octets is an OCTET STRING.
func Octets(b []byte) Value { return Value{Type: OctetString, Bytes: b} }

// Unsigned is a Gauge32 or Unsigned32; SNMP has one tag for both.
func Unsigned(n uint32) Value { return Value{Type: Gauge32, Number: uint64(n)} }

// Count is a Counter32: what no longer fits wraps, as counters do.
func Count(n uint64) Value { return Value{Type: Counter32, Number: n & 0xffffffff} }

// Count64 is a Counter64.
func Count64(n uint64) Value { return Value{Type: Counter64, Number: n} }

// Ticks are hundredths of a second.
func Ticks(n uint32) Value { return Value{Type: TimeTicks, Number: uint64(n)} }

// Identifier is an OBJECT IDENTIFIER.
func Identifier(o OID) Value { return Value{Type: ObjectIdentifier, ID: o} }

// IP is an IpAddress; other than IPv4 it is 0.0.0.0.
func IP(a netip.Addr) Value {
	var b [4]byte
	if a.Is4() {
		b = a.As4()
	}
	return Value{Type: IPAddress, Bytes: b[:]}
}

// Signed is the number of an Integer.
func (v Value) Signed() int { return int(int32(uint32(v.Number))) } // see Value

// String is the value as snmpwalk has it without MIB files.
func (v Value) String() string {
	switch v.Type {
	case Integer:
		return v.Type.String() + ": " + strconv.Itoa(v.Signed())
	case OctetString:
		if !printable(v.Bytes) {
			return "Hex-STRING: " + hex.EncodeToString(v.Bytes)
		}
		return v.Type.String() + ": " + strconv.Quote(string(v.Bytes))
	case IPAddress:
		a, _ := netip.AddrFromSlice(v.Bytes)
		return v.Type.String() + ": " + a.String()
	case ObjectIdentifier:
		return v.Type.String() + ": " + v.ID.String()
	case Counter32, Gauge32, TimeTicks, Counter64:
		return v.Type.String() + ": " + strconv.FormatUint(v.Number, 10)
	case Opaque:
		return v.Type.String() + ": " + hex.EncodeToString(v.Bytes)
	case Null, NoSuchObject, NoSuchInstance, EndOfMIBView:
	}
	return v.Type.String()
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return utf8.Valid(b)
}

// VarBind is a name and its value.
type VarBind struct {
	Name OID
	Value
}
