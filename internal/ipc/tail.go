package ipc

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/event"
)

const (
	// tailRoom is how many bytes of records a Tail has, a power of two: some five
	// thousand.
	tailRoom = 1 << 20
	// tailHead is how many bytes stand before them.
	tailHead = 64
	// tailNumber is a record's number, before the record, in bytes.
	tailNumber = 8
	// longestTail bounds a record; what is longer is not kept.
	longestTail = tailRoom / 8
	// tailTries is how often a Tail is read that is written over meanwhile.
	tailTries = 4
)

// The words of a Tail's head. From begin to end, modulo tailRoom, stand whole
// records; where begin is not before end there are none.
const (
	tailBegin = iota
	tailEnd
	tailPrinted // the number of the last record that the log has
	tailLast    // of the last one here
	tailLost    // how many gave way
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

// Tail is a child's flight recorder: what it said last, in memory that the
// parent shares, reads when somebody asks, and still has when the child was
// killed. Writing is a store to memory, and nobody is woken for it. It is the
// bus's to call, one record at a time; a nil Tail keeps nothing.
type Tail struct {
	head             *[tailHead / 8]uint64
	room             []byte
	begin, end, lost uint64
	record           []byte // the one that is being written
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
	for i := range t.head {
		atomic.StoreUint64(&t.head[i], 0)
	}
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
		t.lost++
	}
	atomic.StoreUint64(&t.head[tailLost], t.lost)
	atomic.StoreUint64(&t.head[tailBegin], t.begin)
	at := t.end % tailRoom
	copy(t.room, t.record[copy(t.room[at:], t.record):])
	t.end += size
	atomic.StoreUint64(&t.head[tailLast], n)
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

// Printed notes that the log has everything up to the n-th record. It may be
// called beside Keep.
func (t *Tail) Printed(n uint64) {
	if t != nil {
		atomic.StoreUint64(&t.head[tailPrinted], n)
	}
}
