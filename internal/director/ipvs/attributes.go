package ipvs

import "fmt"

// attributes goes through a run of netlink attributes (struct nlattr) where
// they are: an audit of ten thousand servers reads half a million of them.
type attributes struct {
	rest []byte
	typ  uint16
	data []byte
	err  error // the first thing wrong; nothing comes after it
}

// over goes through b.
func over(b []byte) *attributes { return &attributes{rest: b} }

// Next goes to the next attribute, if there is one.
func (a *attributes) Next() bool {
	if a.err != nil || len(a.rest) == 0 {
		return false
	}
	if len(a.rest) < attrLen {
		a.err = fmt.Errorf("attribute of %d bytes, at least %d", len(a.rest), attrLen)
		return false
	}
	size := int(native.Uint16(a.rest))
	if size < attrLen || size > len(a.rest) {
		a.err = fmt.Errorf("attribute of %d bytes in %d", size, len(a.rest))
		return false
	}
	a.typ = native.Uint16(a.rest[2:]) & attrTypeLow
	a.data = a.rest[attrLen:size]
	a.rest = a.rest[min((size+3)&^3, len(a.rest)):]
	return true
}

// Type is the attribute's, without the flags in it.
func (a *attributes) Type() uint16 { return a.typ }

// Bytes is what it holds, good for as long as the answer.
func (a *attributes) Bytes() []byte { return a.data }

// String is a text that ends with a zero.
func (a *attributes) String() string {
	b := a.data
	if n := len(b); n > 0 && b[n-1] == 0 {
		b = b[:n-1]
	}
	if known, ok := schedulers[string(b)]; ok {
		return known
	}
	return string(b)
}

// schedulers are the kernel's, whose names are not made anew for each service.
var schedulers = map[string]string{
	"": "", "rr": "rr", "wrr": "wrr", "lc": "lc", "wlc": "wlc", "lblc": "lblc", "lblcr": "lblcr", "dh": "dh", "sh": "sh",
	"mh": "mh", "sed": "sed", "nq": "nq", "fo": "fo", "ovf": "ovf", "twos": "twos",
}

// sized reports whether the attribute has n bytes.
func (a *attributes) sized(n int) bool {
	if len(a.data) != n && a.err == nil {
		a.err = fmt.Errorf("attribute %d has %d bytes, want %d", a.typ, len(a.data), n)
	}
	return len(a.data) == n
}

// Uint8 is a number.
func (a *attributes) Uint8() uint8 {
	if !a.sized(1) {
		return 0
	}
	return a.data[0]
}

// Uint16 is a number in the machine's order.
func (a *attributes) Uint16() uint16 {
	if !a.sized(2) {
		return 0
	}
	return native.Uint16(a.data)
}

// Uint32 is a number in the machine's order.
func (a *attributes) Uint32() uint32 {
	if !a.sized(4) {
		return 0
	}
	return native.Uint32(a.data)
}
