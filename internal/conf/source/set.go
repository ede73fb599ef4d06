package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// MaxSetFiles bounds the names in a Set.
const MaxSetFiles = 1 << 16

// Magic opens a marshalled Set; its last byte is the version of the form.
const Magic = "holdfast-set\x03"

// tail is how many bytes at the end of a marshalled Set are the index's length.
const tail = 8

// Set is what was read, once: names, bytes, and what patterns matched. It
// implements Files, so a configuration can be made again, elsewhere, of the
// very same bytes. The zero Set is empty and ready.
type Set struct {
	// Facts is what the reading asked of the machine beside files, in a form
	// that package conf knows.
	Facts []byte

	files []entry
	globs []entry
}

// entry is the answer to one question: bytes or names, or an error.
type entry struct {
	name  string
	data  []byte
	names []string
	err   string
	at    int // of the data in the bytes that the set was read from
}

// ErrNotInSet is the answer to a question that was not asked when the Set was
// made.
var ErrNotInSet = errors.New("not in the snapshot")

// Read returns the bytes of a file in the set; they must not be changed.
func (s *Set) Read(name string) ([]byte, error) {
	for i := range s.files {
		if e := &s.files[i]; e.name == name {
			return e.data, e.fault()
		}
	}
	return nil, fmt.Errorf("read %s: %w", name, ErrNotInSet)
}

// Place is where the bytes of a file are in what the set was read from
// (Unmarshal).
func (s *Set) Place(name string) (offset, size int, ok bool) {
	for i := range s.files {
		if e := &s.files[i]; e.name == name && e.err == "" {
			return e.at, len(e.data), true
		}
	}
	return 0, 0, false
}

// Apart is the set with other bytes for some files, and copies of the others.
func (s *Set) Apart(data map[string][]byte) *Set {
	o := *s
	o.files = slices.Clone(s.files)
	for i := range o.files {
		e := &o.files[i]
		if b, other := data[e.name]; other {
			e.data = b
		} else {
			e.data = bytes.Clone(e.data)
		}
	}
	return &o
}

// Glob returns what the pattern matched when the set was made.
func (s *Set) Glob(pattern string) ([]string, error) {
	for i := range s.globs {
		if e := &s.globs[i]; e.name == pattern {
			return e.names, e.fault()
		}
	}
	return nil, fmt.Errorf("match %s: %w", pattern, ErrNotInSet)
}

func (e *entry) fault() error {
	if e.err == "" {
		return nil
	}
	return errors.New(e.err)
}

// Equal reports whether both sets give the same answers to the same questions,
// asked in the same order.
func (s *Set) Equal(o *Set) bool {
	same := func(a, b entry) bool {
		return a.name == b.name && a.err == b.err && bytes.Equal(a.data, b.data) && slices.Equal(a.names, b.names)
	}
	return bytes.Equal(s.Facts, o.Facts) && slices.EqualFunc(s.files, o.files, same) && slices.EqualFunc(s.globs, o.globs, same)
}

// Names returns the files of the set that could be read, in reading order.
func (s *Set) Names() []string {
	var names []string
	for i := range s.files {
		if s.files[i].err == "" {
			names = append(names, s.files[i].name)
		}
	}
	return names
}

// Recorder is Files that remembers every question and its answer.
type Recorder struct {
	from Files
	set  Set
}

// NewRecorder returns a Recorder that reads from another Files.
func NewRecorder(from Files) *Recorder { return &Recorder{from: from} }

// Set returns what has been read so far; it shares the bytes.
func (r *Recorder) Set() *Set { return &r.set }

// Read reads a file, or gives the bytes it gave before.
func (r *Recorder) Read(name string) ([]byte, error) {
	if data, err := r.set.Read(name); !errors.Is(err, ErrNotInSet) {
		return data, err
	}
	if len(r.set.files) >= MaxSetFiles {
		return nil, fmt.Errorf("read %s: more than %d files", name, MaxSetFiles)
	}
	data, err := r.from.Read(name)
	r.set.files = append(r.set.files, entry{name: name, data: data, err: text(err)})
	return data, err
}

// Glob matches a pattern, or gives the names it gave before.
func (r *Recorder) Glob(pattern string) ([]string, error) {
	if names, err := r.set.Glob(pattern); !errors.Is(err, ErrNotInSet) {
		return names, err
	}
	if len(r.set.globs) >= MaxSetFiles {
		return nil, fmt.Errorf("match %s: more than %d patterns", pattern, MaxSetFiles)
	}
	names, err := r.from.Glob(pattern)
	r.set.globs = append(r.set.globs, entry{name: pattern, names: names, err: text(err)})
	return names, err
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Marshal returns the set as bytes.
func (s *Set) Marshal() []byte {
	size, index := len(Magic), s.Index()
	for i := range s.files {
		size += len(s.files[i].data)
	}
	b := append(make([]byte, 0, size+len(index)), Magic...)
	for i := range s.files {
		b = append(b, s.files[i].data...)
	}
	return append(b, index...)
}

// Index returns what stands in a marshalled set behind Magic and the files'
// bytes, one after the other in reading order. Who puts them into a sealed
// memory file while they are read copies none of them a second time.
func (s *Set) Index() []byte {
	b := appendText(nil, s.Facts)
	b = binary.AppendUvarint(b, uint64(len(s.files)))
	for i := range s.files {
		e := &s.files[i]
		b = appendText(b, e.name)
		b = appendText(b, e.err)
		b = binary.AppendUvarint(b, uint64(len(e.data)))
	}
	b = binary.AppendUvarint(b, uint64(len(s.globs)))
	for i := range s.globs {
		e := &s.globs[i]
		b = appendText(b, e.name)
		b = appendText(b, e.err)
		b = binary.AppendUvarint(b, uint64(len(e.names)))
		for _, n := range e.names {
			b = appendText(b, n)
		}
	}
	return binary.BigEndian.AppendUint64(b, uint64(len(b)))
}

func appendText[T string | []byte](b []byte, t T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(t))), t...)
}

// Unmarshal reads a marshalled set. The files' bytes are slices of b, which
// must stay as it is for as long as the set is used.
func Unmarshal(b []byte) (*Set, error) {
	if len(b) < len(Magic)+tail || string(b[:len(Magic)]) != Magic {
		return nil, errors.New("read the snapshot: it is none, or of another version")
	}
	data, size := b[len(Magic):len(b)-tail], binary.BigEndian.Uint64(b[len(b)-tail:])
	if size > uint64(len(data)) {
		return nil, errDamaged
	}
	r := reader{rest: data[len(data)-int(size):]} // bounded above
	data = data[:len(data)-len(r.rest)]
	s, at := &Set{Facts: r.text()}, len(Magic)
	for n := r.count(); n > 0 && !r.bad; n-- {
		e := entry{name: string(r.text()), err: string(r.text())}
		length := r.number()
		if length > uint64(len(data)) {
			return nil, errDamaged
		}
		e.data, data, e.at = data[:length:length], data[length:], at
		at += len(e.data)
		s.files = append(s.files, e)
	}
	for n := r.count(); n > 0 && !r.bad; n-- {
		e := entry{name: string(r.text()), err: string(r.text())}
		for m := r.count(); m > 0 && !r.bad; m-- {
			e.names = append(e.names, string(r.text()))
		}
		s.globs = append(s.globs, e)
	}
	if r.bad || len(r.rest) > 0 || len(data) > 0 {
		return nil, errDamaged
	}
	return s, nil
}

var errDamaged = errors.New("read the snapshot: it is damaged")

// reader takes values off the front of bytes; bad once they make no sense.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) count() uint64 {
	n := r.number()
	if n > MaxSetFiles {
		r.bad = true
		return 0
	}
	return n
}

func (r *reader) text() []byte {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	t := r.rest[:n:n]
	r.rest = r.rest[n:]
	return t
}
