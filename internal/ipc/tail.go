package ipc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/event"
)

const (
	// tailRoom is how many bytes of records a Tail has, a power of two: some two
	// thousand, more than are said in the few milliseconds in which nobody has
	// read them yet.
	tailRoom = 256 << 10
	// tailHead is how many bytes stand before them.
	tailHead = 64
	// tailNumber is a record's number, before the record, in bytes.
	tailNumber = 8
	// longestTail bounds a record; what is longer is not kept.
	longestTail = tailRoom / 8
)

// The words of a Tail's head. From begin to end, modulo tailRoom, stand whole
// records; where begin is not before end there are none.
const (
	tailBegin = iota
	tailEnd
	tailPrinted
)

// NewTail makes the memory for a Tail. It belongs to the parent, and only the
// pages that are written to are ever there.
func NewTail(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err == nil {
		err = unix.Ftruncate(fd, tailHead+tailRoom)
	}
	if err != nil {
		return nil, fmt.Errorf("make memory for the last words of %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Tail keeps what a child has said and nobody has read yet, so that its last
// words are not lost with it when it is killed. Writing is a store to memory.
// It is the bus's to call, one record at a time; a nil Tail keeps nothing.
type Tail struct {
	head       *[tailHead / 8]uint64
	room       []byte
	begin, end uint64
	record     []byte // the one that is being written
}

// OpenTail maps the memory and closes the descriptor; the mapping lasts for the
// process's life. What was in it is forgotten.
func OpenTail(fd int) (*Tail, error) {
	defer func() { _ = unix.Close(fd) }()
	data, err := unix.Mmap(fd, 0, tailHead+tailRoom, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the memory for last words: %w", err)
	}
	t := &Tail{head: (*[tailHead / 8]uint64)(unsafe.Pointer(&data[0])), room: data[tailHead:]}
	t.Clear()
	atomic.StoreUint64(&t.head[tailPrinted], 0)
	return t, nil
}

// Keep notes a record that is the n-th of those that were published. The oldest
// give way; what is only for those who look for details is left out.
func (t *Tail) Keep(n uint64, r *event.Record) {
	if t == nil || r.Level < slog.LevelInfo {
		return
	}
	t.record = event.Append(binary.BigEndian.AppendUint64(t.record[:0], n), r)
	size := uint64(len(t.record))
	if size > longestTail {
		return
	}
	// Whoever dies between any two of these stores leaves whole records only.
	for t.end+size-t.begin > tailRoom {
		t.begin += t.sizeAt(t.begin)
	}
	atomic.StoreUint64(&t.head[tailBegin], t.begin)
	at := t.end % tailRoom
	copy(t.room, t.record[copy(t.room[at:], t.record):])
	t.end += size
	atomic.StoreUint64(&t.head[tailEnd], t.end)
}

// sizeAt is how many bytes the record at a place takes.
func (t *Tail) sizeAt(at uint64) uint64 {
	var b [4]byte
	for i := range b {
		b[i] = t.room[(at+tailNumber+uint64(i))%tailRoom] // 0 to 3
	}
	return tailNumber + uint64(len(b)) + uint64(binary.BigEndian.Uint32(b[:]))
}

// Clear forgets everything: it has been read. What comes next takes the places
// that were used before, so a child that says little uses little memory.
func (t *Tail) Clear() {
	if t == nil {
		return
	}
	atomic.StoreUint64(&t.head[tailBegin], t.end)
	atomic.StoreUint64(&t.head[tailEnd], 0)
	atomic.StoreUint64(&t.head[tailBegin], 0)
	t.begin, t.end = 0, 0
}

// Printed notes that the log has everything up to the n-th record. It may be
// called beside Keep.
func (t *Tail) Printed(n uint64) {
	if t != nil {
		atomic.StoreUint64(&t.head[tailPrinted], n)
	}
}

// LastWord is a record that a Tail has kept: the Number-th that was published.
type LastWord struct {
	Number uint64
	Record event.Record
}

// TakeTail reads what a child that is no more has left, oldest first, and how
// far its log had come, and forgets it.
func TakeTail(f *os.File) (words []LastWord, printed uint64, err error) {
	var head [tailHead]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return nil, 0, fmt.Errorf("read last words: %w", err)
	}
	word := func(i int) uint64 { return binary.NativeEndian.Uint64(head[8*i:]) }
	begin, end, printed := word(tailBegin), word(tailEnd), word(tailPrinted)
	if _, err = f.WriteAt(make([]byte, tailHead), 0); err != nil {
		return nil, 0, fmt.Errorf("forget last words: %w", err)
	}
	if begin >= end || end-begin > tailRoom {
		return nil, printed, nil
	}
	from := begin % tailRoom
	b := make([]byte, end-begin)
	n := min(uint64(len(b)), tailRoom-from)
	_, err = f.ReadAt(b[:n], tailHead+int64(from)) // below tailRoom
	if err == nil && n < uint64(len(b)) {
		_, err = f.ReadAt(b[n:], tailHead)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, printed, fmt.Errorf("read last words: %w", err)
	}
	for len(b) > tailNumber {
		r, rest, ok := event.Parse(b[tailNumber:])
		if !ok {
			return words, printed, errors.New("read last words: one of them is no record")
		}
		words = append(words, LastWord{binary.BigEndian.Uint64(b), r})
		b = rest
	}
	return words, printed, nil
}
