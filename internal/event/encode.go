package event

import (
	"encoding/binary"
	"log/slog"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// A record is encoded as the length of the rest (4 bytes, big-endian), its
// three clocks and its level (varints), and its texts, each after its length (a
// uvarint), in the order of the fields of texts.

// lengthSize is the size of a record's length, in bytes.
const lengthSize = 4

// texts are a record's, in the order in which they are encoded.
func (r *Record) texts() [5]*string {
	return [...]*string{&r.Part, &r.Object, &r.What, &r.Kind, &r.Cause}
}

// Append appends r to b as Parse reads it.
func Append(b []byte, r *Record) []byte {
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	for _, n := range [...]int64{int64(r.When.Mono), r.When.Boot, r.When.Wall, int64(r.Level)} {
		b = binary.AppendVarint(b, n)
	}
	for _, s := range r.texts() {
		b = binary.AppendUvarint(b, uint64(len(*s)))
		b = append(b, *s...)
	}
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-lengthSize)) // a line of a log is short
	return b
}

// cut takes the first record off b, without a look into it.
func cut(b []byte) (record, rest []byte, ok bool) {
	if len(b) < lengthSize {
		return nil, nil, false
	}
	n := uint64(binary.BigEndian.Uint32(b))
	if n > uint64(len(b)-lengthSize) {
		return nil, nil, false
	}
	return b[lengthSize : lengthSize+n], b[lengthSize+n:], true
}

// Skip returns what follows the first record of b, without a look into it.
func Skip(b []byte) (rest []byte, ok bool) {
	_, rest, ok = cut(b)
	return rest, ok
}

// Parse reads the first record of b and returns what follows it. The record
// keeps nothing of b.
func Parse(b []byte) (r Record, rest []byte, ok bool) {
	b, rest, ok = cut(b)
	var numbers [4]int64
	for i := range numbers {
		n, size := binary.Varint(b)
		ok = ok && size > 0
		numbers[i], b = n, b[max(size, 0):]
	}
	r.When = clock.Reading{Mono: clock.Instant(numbers[0]), Boot: numbers[1], Wall: numbers[2]}
	r.Level = slog.Level(numbers[3])
	for _, s := range r.texts() {
		n, size := binary.Uvarint(b)
		if !ok || size <= 0 || n > uint64(len(b)-size) {
			return Record{}, rest, false
		}
		*s, b = string(b[size:size+int(n)]), b[size+int(n):] // compared above
	}
	return r, rest, ok && len(b) == 0
}
