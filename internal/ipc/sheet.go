package ipc

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// Sheet is a sealed memory file that is looked at in places: a page that nobody
// reads costs nothing. What is wanted of much of it is better read (ReadAt) than
// looked at, for which the kernel maps page by page.
type Sheet struct {
	Data []byte // until Close; nothing that stays may point into it

	fd int
}

// OpenSheet maps a sealed memory file read-only and keeps its descriptor.
func OpenSheet(fd int) (*Sheet, error) {
	data, err := mapSealed(fd, unix.MAP_PRIVATE)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return &Sheet{data, fd}, nil
}

// ReadAt reads as io.ReaderAt has it.
func (s *Sheet) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		more, err := unix.Pread(s.fd, b[n:], off+int64(n))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return n, fmt.Errorf("read the snapshot: %w", err)
		case more == 0:
			return n, io.EOF
		default:
			n += more
		}
	}
	return n, nil
}

// Close gives it back.
func (s *Sheet) Close() {
	Unmap(s.Data)
	_ = unix.Close(s.fd)
	s.Data, s.fd = nil, -1
}
