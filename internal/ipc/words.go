package ipc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/holdfast-ha/holdfast/internal/event"
)

// LastWords are what a Tail has: records, oldest first, as they are encoded.
type LastWords struct {
	Lost    uint64 // records that gave way
	Printed uint64 // the number of the last record that the log has
	raw     []byte
}

// ReadTail reads a Tail that may be written meanwhile.
func ReadTail(f *os.File) (w LastWords, err error) {
	for range tailTries {
		var ok bool
		if w, ok, err = tryTail(f); ok || err != nil {
			return w, err
		}
	}
	return w, nil
}

// TakeTail reads the Tail of a child that is no more, and forgets what is in it.
// With unprinted only what its log had not come to is looked for.
func TakeTail(f *os.File, unprinted bool) (LastWords, error) {
	h, err := headOf(f)
	w := LastWords{Lost: h[tailLost], Printed: h[tailPrinted]}
	if err == nil && (!unprinted || h[tailLast] > h[tailPrinted]) {
		w, err = ReadTail(f)
	}
	if _, fault := f.WriteAt(make([]byte, tailHead), 0); fault != nil {
		return w, fmt.Errorf("forget last words: %w", fault)
	}
	return w, err
}

// headOf reads the words of a Tail's head.
func headOf(f *os.File) (words [tailHead / 8]uint64, err error) {
	var head [tailHead]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return words, fmt.Errorf("read last words: %w", err)
	}
	for i := range words {
		words[i] = binary.NativeEndian.Uint64(head[8*i:])
	}
	return words, nil
}

// tryTail reads all that is there. What its writer wrote over meanwhile it had
// given up before; ok is false if that was everything.
func tryTail(f *os.File) (w LastWords, ok bool, err error) {
	before, err := headOf(f)
	if err != nil {
		return w, false, err
	}
	begin, end := before[tailBegin], before[tailEnd]
	if begin >= end || end-begin > tailRoom {
		return LastWords{Lost: before[tailLost], Printed: before[tailPrinted]}, true, nil
	}
	from := begin % tailRoom
	b := make([]byte, end-begin)
	n := min(uint64(len(b)), tailRoom-from)
	_, err = f.ReadAt(b[:n], tailHead+int64(from)) // below tailRoom
	if err == nil && n < uint64(len(b)) {
		_, err = f.ReadAt(b[n:], tailHead)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return w, false, fmt.Errorf("read last words: %w", err)
	}
	after, err := headOf(f)
	if err != nil {
		return w, false, err
	}
	w.Lost, w.Printed = after[tailLost], after[tailPrinted]
	gone := after[tailBegin] - begin
	if gone >= uint64(len(b)) {
		return w, false, nil
	}
	w.raw = b[gone:]
	return w, true, nil
}

// After returns the records after the n-th of those that were published. An
// error says that one is none; those before it are returned.
func (w LastWords) After(n uint64) (records []event.Record, err error) {
	for b := w.raw; len(b) > 0; {
		if len(b) < tailNumber {
			return records, errNoRecord
		}
		if binary.BigEndian.Uint64(b) <= n {
			var ok bool
			if b, ok = event.Skip(b[tailNumber:]); !ok {
				return records, errNoRecord
			}
			continue
		}
		r, rest, ok := event.Parse(b[tailNumber:])
		if !ok {
			return records, errNoRecord
		}
		records, b = append(records, r), rest
	}
	return records, nil
}

var errNoRecord = errors.New("read last words: one of them is no record")
