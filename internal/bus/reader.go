package bus

import (
	"slices"

	"github.com/holdfast-ha/holdfast/internal/event"
)

// Reader is one listener; its methods belong to one goroutine.
type Reader struct {
	bus      *Bus
	capacity int
	wake     chan struct{}  // capacity 1: a hint that there is something
	seen     uint64         // the number of the last record taken
	given    []event.Record // what Next returned last

	// Guarded by bus.mu.
	waiting []event.Record // from head on oldest first, and round
	head    int            // not 0 only if records were lost
	lost    uint64
	closed  bool
}

// put is called with the bus's lock held.
func (r *Reader) put(rec *event.Record) {
	switch {
	case r.closed:
	case len(r.waiting) < r.capacity:
		r.waiting = append(r.waiting, *rec)
	default:
		r.waiting[r.head] = *rec
		r.head = (r.head + 1) % r.capacity
		r.lost++
	}
}

func (r *Reader) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Next waits for records and returns all that wait, oldest first, with the
// number of older ones lost before them. ok is false at the end. The slice is
// the caller's until it calls Next again.
func (r *Reader) Next() (records []event.Record, lost uint64, ok bool) {
	for {
		records, lost, closed := r.take()
		if len(records) > 0 || lost > 0 {
			return records, lost, true
		}
		if closed {
			return nil, 0, false
		}
		<-r.wake
	}
}

// take exchanges what waits for what was given before, so that a burst is
// gathered in memory that is there already.
func (r *Reader) take() ([]event.Record, uint64, bool) {
	clear(r.given)
	if cap(r.given) > 2*heap {
		r.given = nil // it was a large burst
	}
	r.bus.mu.Lock()
	defer r.bus.mu.Unlock()
	out, lost := r.waiting, r.lost
	if r.head > 0 {
		out = slices.Concat(out[r.head:], out[:r.head])
	}
	r.waiting, r.given = r.given[:0], out
	r.head, r.lost = 0, 0
	r.seen = r.bus.count
	return out, lost, r.closed
}

// Seen is the number of the last record that Next has returned: how many had
// been published on the bus up to it.
func (r *Reader) Seen() uint64 { return r.seen }

// Close leaves the bus; a Next that waits returns the end.
func (r *Reader) Close() {
	r.bus.mu.Lock()
	defer r.bus.mu.Unlock()
	r.closed = true
	r.signal()
	for i, other := range r.bus.readers {
		if other == r {
			r.bus.readers = append(r.bus.readers[:i:i], r.bus.readers[i+1:]...)
			return
		}
	}
}
