package log

import (
	"bytes"
	"io"
	"os"
)

// file is the log file; a full disk may keep it from being made at first.
type file struct {
	name string
	f    *os.File
}

func (l *file) open() (err error) {
	if l.f == nil {
		l.f, err = os.OpenFile(l.name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	}
	return err
}

// Write opens the file if it has not been.
func (l *file) Write(b []byte) (int, error) {
	if err := l.open(); err != nil {
		return 0, err
	}
	return l.f.Write(b)
}

func (l *file) close() error {
	if l.f == nil {
		return nil
	}
	return l.f.Close()
}

// sink is a place that lines are written to. One that takes none any more, a
// file on a full disk or a pipe that nobody reads, costs its records, which are
// counted; it is tried again with every line.
type sink struct {
	out  io.Writer
	lost int   // records, since it took the last one
	why  error // the first of them were
	torn bool  // its last line is not whole
}

// write returns an error when records begin to be lost.
func (s *sink) write(b []byte, records int) error {
	if s.lost > 0 {
		s.lost += records
		return nil
	}
	n, err := s.out.Write(b)
	if err == nil {
		return nil
	}
	n = min(max(n, 0), len(b))
	s.torn = n > 0 && b[n-1] != '\n'
	s.lost, s.why = max(records-bytes.Count(b[:n], []byte{'\n'}), 1), err
	return err
}

// resume tries to write a line that tells what was lost. If it can be written,
// more can.
func (s *sink) resume(line []byte) {
	if s.torn {
		line = append([]byte{'\n'}, line...)
	}
	switch n, err := s.out.Write(line); {
	case err == nil:
		s.lost, s.torn = 0, false
	case n > 0:
		s.torn = line[n-1] != '\n'
	}
}
