package fifo

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/internal/proc"
)

// openAgain is how long after a pipe could not be opened, on a full disk
// perhaps, that is tried again: when there is something to write.
const openAgain = time.Second

// Set is the pipes of a process. It belongs to one goroutine and never makes it
// wait, but for Close.
type Set struct {
	open   []*FIFO
	shut   []shut
	ending sync.WaitGroup // pipes and readers that are no longer wanted
}

// shut is a pipe that could not be opened.
type shut struct {
	Options
	tried time.Time
	lost  int // lines since
}

// Use makes the set that of a configuration: what is the same stays open.
func (s *Set) Use(want []Options) error {
	s.open = slices.DeleteFunc(s.open, func(f *FIFO) bool {
		if slices.ContainsFunc(want, func(o Options) bool { return o.Path == f.path }) {
			return false
		}
		s.ending.Go(func() { _ = f.Close() })
		return true
	})
	var errs []error
	s.shut = nil
	for _, o := range want {
		at := slices.IndexFunc(s.open, func(f *FIFO) bool { return f.path == o.Path })
		if at >= 0 {
			s.serve(s.open[at], o)
			continue
		}
		f, err := Open(o)
		if err != nil {
			errs = append(errs, err)
			s.shut = append(s.shut, shut{Options: o, tried: time.Now()})
			continue
		}
		s.open = append(s.open, f)
	}
	return errors.Join(errs...)
}

// serve has a pipe read by another program, if it is another.
func (s *Set) serve(f *FIFO, o Options) {
	if same(f.spec, o.Reader) {
		return
	}
	if old := f.reader; old != nil {
		s.ending.Go(func() { old.cancel(); old.end() })
	}
	f.reader, f.spec = nil, o.Reader
	if o.Reader != nil {
		f.reader = read(f.path, *o.Reader, o.Told)
	}
}

func same(a, b *proc.Spec) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.User == b.User && a.Group == b.Group && a.Secure == b.Secure && slices.Equal(a.Argv, b.Argv)
}

// reopen tries those that are shut, and tells of those that open.
func (s *Set) reopen() {
	s.shut = slices.DeleteFunc(s.shut, func(h shut) bool {
		if time.Since(h.tried) < openAgain {
			return false
		}
		f, err := Open(h.Options)
		if err != nil {
			return false
		}
		s.open = append(s.open, f)
		h.Told(fmt.Sprintf("the FIFO %s is open now; %d lines were lost until then", h.Path, h.lost))
		return true
	})
	for i := range s.shut {
		h := &s.shut[i]
		h.lost++
		if time.Since(h.tried) >= openAgain {
			h.tried = time.Now()
		}
	}
}

// Write queues a line in every pipe; full are those that did not take it.
func (s *Set) Write(line string) (full []*FIFO) {
	if len(s.shut) > 0 {
		s.reopen()
	}
	for _, f := range s.open {
		if !f.Write(line) {
			full = append(full, f)
		}
	}
	return full
}

// Close closes all and waits for their readers.
func (s *Set) Close() {
	for _, f := range s.open {
		s.ending.Go(func() { _ = f.Close() })
	}
	s.open, s.shut = nil, nil
	s.ending.Wait()
}
