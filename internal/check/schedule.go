package check

import "github.com/holdfast-ha/holdfast/internal/clock"

// Schedule knows, of many items, which is due next. The zero value is ready.
// Its size is that of the configuration: each item is in it at most once.
type Schedule[T any] struct{ heap []*Slot[T] }

// Slot is an item's place in a Schedule; keep one for each item.
type Slot[T any] struct {
	Item T
	at   clock.Instant
	pos  int // in the heap, plus 1; 0 = not scheduled
}

// Set puts an item's time, or changes it.
func (s *Schedule[T]) Set(x *Slot[T], at clock.Instant) {
	if x.pos == 0 {
		s.heap = append(s.heap, x)
		x.pos = len(s.heap)
	}
	x.at = at
	s.up(x.pos - 1)
	s.down(x.pos - 1)
}

// Remove takes an item out; one that is not in is left alone.
func (s *Schedule[T]) Remove(x *Slot[T]) {
	if x.pos == 0 {
		return
	}
	i, last := x.pos-1, len(s.heap)-1
	s.swap(i, last)
	s.heap[last] = nil
	s.heap = s.heap[:last]
	x.pos = 0
	if i < last {
		s.up(i)
		s.down(i)
	}
}

// Deadline is the time of the earliest item.
func (s *Schedule[T]) Deadline() (clock.Instant, bool) {
	if len(s.heap) == 0 {
		return 0, false
	}
	return s.heap[0].at, true
}

// Due takes out and returns the earliest item whose time has come.
func (s *Schedule[T]) Due(now clock.Instant) (*Slot[T], bool) {
	if len(s.heap) == 0 || now.Before(s.heap[0].at) {
		return nil, false
	}
	x := s.heap[0]
	s.Remove(x)
	return x, true
}

// Len is the number of items in the schedule.
func (s *Schedule[T]) Len() int { return len(s.heap) }

func (s *Schedule[T]) swap(i, j int) {
	h := s.heap
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i+1, j+1
}

func (s *Schedule[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if s.heap[parent].at <= s.heap[i].at {
			return
		}
		s.swap(i, parent)
		i = parent
	}
}

func (s *Schedule[T]) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(s.heap); child++ {
			if s.heap[child].at < s.heap[least].at {
				least = child
			}
		}
		if least == i {
			return
		}
		s.swap(i, least)
		i = least
	}
}
