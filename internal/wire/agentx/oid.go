package agentx

import (
	"slices"
	"strconv"
	"strings"
)

// MaxSubIDs bounds an object identifier (RFC 2578 §3.5).
const MaxSubIDs = 128

// OID is an object identifier. Whoever gets one does not change it.
type OID []uint32

// ParseOID reads numbers between dots, as in "1.3.6.1"; nil if it is none.
func ParseOID(s string) OID {
	parts := strings.Split(s, ".")
	if len(parts) > MaxSubIDs {
		return nil
	}
	o := make(OID, 0, len(parts))
	for _, p := range parts {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			return nil
		}
		o = append(o, uint32(n))
	}
	return o
}

// String has numbers between dots; nothing of the empty one.
func (o OID) String() string {
	var b []byte
	for i, n := range o {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, uint64(n), 10)
	}
	return string(b)
}

// Compare has the order of a walk.
func (o OID) Compare(p OID) int { return slices.Compare(o, p) }

// Below reports whether o is p or in the subtree of p.
func (o OID) Below(p OID) bool { return len(o) >= len(p) && slices.Equal(o[:len(p)], p) }

// With is o with further numbers, a value of its own.
func (o OID) With(more ...uint32) OID { return slices.Concat(o, more) }
