package delta

import (
	"bytes"
	"errors"
	"io"
)

// window is how much of two texts is compared at once, in bytes.
const window = 64 << 10

// ends gives how many bytes at their begin and their end two texts share, both
// together not more than the shorter has. They are read through a window: texts
// in memory files would be mapped page by page, which costs more than a copy.
func ends(a, b *io.SectionReader) (first, last int64, err error) {
	both := min(a.Size(), b.Size())
	x, y := make([]byte, min(window, both)), make([]byte, min(window, both))
	same := func(i, j, n int64) (bool, error) {
		if err := errors.Join(full(a, x[:n], i), full(b, y[:n], j)); err != nil {
			return false, err
		}
		return bytes.Equal(x[:n], y[:n]), nil
	}
	for n := int64(0); first < both; first += n {
		n = min(window, both-first)
		if all, err := same(first, first, n); err != nil {
			return 0, 0, err
		} else if !all {
			for k := 0; x[k] == y[k]; k++ {
				first++
			}
			break
		}
	}
	for n := int64(0); last < both-first; last += n {
		n = min(window, both-first-last)
		if all, err := same(a.Size()-last-n, b.Size()-last-n, n); err != nil {
			return 0, 0, err
		} else if !all {
			for k := n - 1; x[k] == y[k]; k-- {
				last++
			}
			break
		}
	}
	return first, last, nil
}

// full reads all of b, whether or not that is the end.
func full(r io.ReaderAt, b []byte, at int64) error {
	if n, err := r.ReadAt(b, at); n < len(b) {
		return err
	}
	return nil
}
