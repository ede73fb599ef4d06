package check

import (
	"slices"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// Schedule knows, of many items, which is due next. The zero value is ready.
// Its size is that of the configuration: each item is in it at most once.
type Schedule[T any] struct{ heap []entry[T] }

// entry has the time beside the slot, so that comparing touches no slot.
type entry[T any] struct {
	at   clock.Instant
	slot *Slot[T]
}

// arity is how many children a node of the heap has: of ten thousand items the
// earliest is seven steps from the last, within neighbouring cache lines.
const arity = 4

// Slot is an item's place in a Schedule; keep one for each item.
type Slot[T any] struct {
	Item T
	pos  int // in the heap, plus 1; 0 = not scheduled
}

// Grow makes room for n more items.
func (s *Schedule[T]) Grow(n int) { s.heap = slices.Grow(s.heap, n) }

// Set puts an item's time, or changes it.
func (s *Schedule[T]) Set(x *Slot[T], at clock.Instant) {
	if x.pos == 0 {
		s.heap = append(s.heap, entry[T]{at, x})
		x.pos = len(s.heap)
	}
	s.place(x.pos-1, entry[T]{at, x})
}

// Remove takes an item out; one that is not in is left alone.
func (s *Schedule[T]) Remove(x *Slot[T]) {
	if x.pos == 0 {
		return
	}
	i, last := x.pos-1, len(s.heap)-1
	moved := s.heap[last]
	s.heap[last] = entry[T]{}
	s.heap = s.heap[:last]
	x.pos = 0
	if i < last {
		s.place(i, moved)
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
	x := s.heap[0].slot
	s.Remove(x)
	return x, true
}

// Len is the number of items in the schedule.
func (s *Schedule[T]) Len() int { return len(s.heap) }

// place puts e into the hole at i, or where it belongs from there.
func (s *Schedule[T]) place(i int, e entry[T]) {
	h := s.heap
	for i > 0 {
		parent := (i - 1) / arity
		if h[parent].at <= e.at {
			break
		}
		h[i] = h[parent]
		h[i].slot.pos = i + 1
		i = parent
	}
	for {
		first := arity*i + 1
		if first >= len(h) {
			break
		}
		least := first
		for child := first + 1; child < min(first+arity, len(h)); child++ {
			if h[child].at < h[least].at {
				least = child
			}
		}
		if h[least].at >= e.at {
			break
		}
		h[i] = h[least]
		h[i].slot.pos = i + 1
		i = least
	}
	h[i] = e
	e.slot.pos = i + 1
}
