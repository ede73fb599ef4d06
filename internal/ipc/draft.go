package ipc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/conf/source"
)

// Draft is a memory file that is being filled and will be sealed.
type Draft struct {
	file *os.File
	size int
	hand []byte // carries bytes from a file to the memory file
}

// handful is how many bytes of a file are copied at a time.
const handful = 32 << 10

// NewDraft makes an empty one; the name is for people who look into /proc.
func NewDraft(name string) (*Draft, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("make a memory file for %s: %w", name, err)
	}
	return &Draft{file: os.NewFile(uintptr(fd), name)}, nil
}

// Write adds bytes at the end.
func (d *Draft) Write(data []byte) error {
	if len(data) > MaxSnapshot-d.size {
		return fmt.Errorf("fill the memory file of %s: more than %d bytes", d.file.Name(), MaxSnapshot)
	}
	if _, err := d.file.WriteAt(data, int64(d.size)); err != nil {
		return fmt.Errorf("fill the memory file of %s: %w", d.file.Name(), err)
	}
	d.size += len(data)
	return nil
}

// Copy adds all that r has, and returns it: the very pages of the memory file,
// so a large file is in memory once. They stay for the process's life. After
// an error there is nothing of r in the draft.
//
// It also tells what that has in common with another text, so that who knows
// the other one need not look at it.
func (d *Draft) Copy(r io.Reader, other []byte) (data []byte, alike source.Alike, err error) {
	if d.hand == nil {
		d.hand = make([]byte, handful)
	}
	from := d.size
	for !errors.Is(err, io.EOF) {
		n := 0
		n, err = r.Read(d.hand)
		if at := d.size - from; at == alike.Head {
			alike.Head += source.Head(text(d.hand[:n]), text(other[at:]))
		}
		if fault := d.Write(d.hand[:n]); fault != nil {
			err = fault
		}
		if err != nil && !errors.Is(err, io.EOF) {
			d.size = from // what is behind it is written over, or cut off
			return nil, source.Alike{}, err
		}
	}
	alike.Tail = d.tail(from+alike.Head, text(other[alike.Head:]))
	data, err = d.pages(from, alike.Head+alike.Tail > (d.size-from)/2)
	return data, alike, err
}

// text is bytes as a text that is not kept.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// tail is how many bytes what stands in the draft from an offset on and another
// text both end with. It is read once more: to look at it in a mapping would
// bring every page of it into this process.
func (d *Draft) tail(from int, other string) (n int) {
	for {
		size := min(len(d.hand), d.size-from-n, len(other)-n)
		b := d.hand[:size]
		if got, err := d.file.ReadAt(b, int64(d.size-n-size)); got < size || err != nil && !errors.Is(err, io.EOF) {
			return n // less in common is never wrong
		}
		same := source.Tail(text(b), other[:len(other)-n])
		if n += same; same < size || size == 0 {
			return n
		}
	}
}

// pages maps what stands in the draft from an offset on. The mapping is
// private: a shared one could be made writable, and would forbid the seal. The
// kernel brings all of it at once unless little of it will be looked at.
func (d *Draft) pages(from int, little bool) ([]byte, error) {
	if from == d.size {
		return nil, nil
	}
	flags := unix.MAP_PRIVATE
	if !little {
		flags |= unix.MAP_POPULATE
	}
	start := from - from%os.Getpagesize()
	data, err := unix.Mmap(int(d.file.Fd()), int64(start), d.size-start, unix.PROT_READ, flags)
	if err != nil {
		d.size = from
		return nil, fmt.Errorf("map the memory file of %s: %w", d.file.Name(), err)
	}
	return data[from-start : d.size-start : d.size-start], nil
}

// Seal ends the draft: nobody can change the file any more.
func (d *Draft) Seal() (*os.File, error) {
	err := d.file.Truncate(int64(d.size))
	if err == nil {
		_, err = unix.FcntlInt(d.file.Fd(), unix.F_ADD_SEALS, seals)
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("seal the memory file of %s: %w", d.file.Name(), err)
	}
	return d.file, nil
}

// Close gives the draft up.
func (d *Draft) Close() { _ = d.file.Close() }
