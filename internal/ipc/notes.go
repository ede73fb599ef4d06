package ipc

import (
	"fmt"
	"hash/fnv"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MaxNotes bounds how many notes there are; what is more is not noted.
const MaxNotes = 1 << 15

// A note is two words, a name's hash and a number; a header of the same size
// has how many there are.
const notesSize = 16 * (1 + MaxNotes)

// NewNotes makes the memory for Notes. It belongs to the parent, and only the
// pages that are written to are ever there.
func NewNotes(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err == nil {
		err = unix.Ftruncate(fd, notesSize)
	}
	if err != nil {
		return nil, fmt.Errorf("make memory for the notes of %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Notes are numbers by name that outlive a child: it writes down as it goes
// what whoever takes its place should know. Writing is a store to memory. The
// zero Notes keep nothing.
type Notes struct{ words []uint64 }

// OpenNotes maps the memory and closes the descriptor; the mapping lasts for
// the process's life.
func OpenNotes(fd int) (Notes, error) {
	defer func() { _ = unix.Close(fd) }()
	data, err := unix.Mmap(fd, 0, notesSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return Notes{}, fmt.Errorf("map the notes: %w", err)
	}
	return Notes{unsafe.Slice((*uint64)(unsafe.Pointer(&data[0])), len(data)/8)}, nil
}

// Read returns all notes that are not 0, by Key. What a predecessor was writing
// when it died is either there or not.
func (n Notes) Read() map[uint64]uint64 {
	out := map[uint64]uint64{}
	if n.words == nil {
		return out
	}
	for i := range min(atomic.LoadUint64(&n.words[0]), MaxNotes) {
		if v := atomic.LoadUint64(&n.words[2*i+3]); v != 0 {
			out[n.words[2*i+2]] = v
		}
	}
	return out
}

// Begin forgets everything, and gives names their places, each by its Key: the
// i-th is Set by i.
func (n Notes) Begin(keys []uint64) {
	if n.words == nil {
		return
	}
	keys = keys[:min(len(keys), MaxNotes)]
	atomic.StoreUint64(&n.words[0], 0)
	for i, key := range keys {
		atomic.StoreUint64(&n.words[2*i+3], 0)
		n.words[2*i+2] = key
	}
	atomic.StoreUint64(&n.words[0], uint64(len(keys)))
}

// Set notes a number in the i-th place.
func (n Notes) Set(i int, v uint64) {
	if i < MaxNotes && n.words != nil {
		atomic.StoreUint64(&n.words[2*i+3], v)
	}
}

// Key is what a name is kept by.
func Key[T string | []byte](name T) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // cannot fail
	return h.Sum64()
}

// Keys are what names are kept by, in their order.
func Keys(names ...string) []uint64 {
	keys := make([]uint64, len(names))
	for i, name := range names {
		keys[i] = Key(name)
	}
	return keys
}
