// Package bus hands event.Records to whoever listens: the log, notifications,
// the parent.
//
// Publish never waits. A reader that is too slow loses its oldest records and
// learns how many; nobody else notices. Where records end up is the readers'
// business (notify/log prints them).
package bus

import (
	"sync"

	"github.com/holdfast-ha/holdfast/internal/event"
)

// DefaultCapacity is how many records wait for a reader unless it asks for
// another number.
const DefaultCapacity = 4096

// Bus connects publishers with readers. The zero Bus is ready; a nil one
// swallows what is published.
type Bus struct {
	mu      sync.Mutex // held to copy one record, never longer
	readers []*Reader
	closed  bool

	keeper Keeper
	count  uint64       // of records published
	latest event.Record // what keeper is shown
}

// Keeper is told of every record before any reader is, while the publisher
// waits, so it must be quick. The n-th record that was published is number n.
// Clear tells it that all readers are done with everything.
type Keeper interface {
	Keep(n uint64, r *event.Record)
	Clear()
}

// New returns a Bus without readers.
func New() *Bus { return &Bus{} }

// Keep sets the one Keeper, before anything is published.
func (b *Bus) Keep(k Keeper) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keeper = k
}

// kept shows the keeper a record. The lock is held.
func (b *Bus) kept(r *event.Record) {
	done := true
	for _, reader := range b.readers {
		done = done && reader.done == b.count
	}
	if done {
		b.keeper.Clear()
	}
	b.latest = *r // so that the record itself stays where it is
	b.keeper.Keep(b.count+1, &b.latest)
}

// Publish gives r to every reader, without waiting for any.
func (b *Bus) Publish(r event.Record) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	if b.keeper != nil {
		b.kept(&r)
	}
	b.count++
	for _, reader := range b.readers {
		reader.put(r)
	}
}

// Subscribe returns a reader of everything published from now on, for which
// capacity records wait at most; 0 means DefaultCapacity.
func (b *Bus) Subscribe(capacity int) *Reader {
	if capacity <= 0 {
		capacity = DefaultCapacity
	}
	r := &Reader{bus: b, capacity: capacity, wake: make(chan struct{}, 1)}
	b.mu.Lock()
	defer b.mu.Unlock()
	r.seen, r.done = b.count, b.count
	r.closed = b.closed
	b.readers = append(b.readers, r)
	return r
}

// Close ends the bus: readers get what waits for them and then the end.
func (b *Bus) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, r := range b.readers {
		r.closed = true
		r.signal()
	}
}

// Reader is one listener; its methods belong to one goroutine.
type Reader struct {
	bus      *Bus
	capacity int
	wake     chan struct{} // capacity 1: a hint that there is something
	seen     uint64        // the number of the last record taken

	// Guarded by bus.mu.
	ring   []event.Record // grows up to capacity
	head   int            // the oldest
	count  int
	lost   uint64
	done   uint64 // nothing up to this number needs to be kept
	closed bool
}

// put is called with the bus's lock held.
func (r *Reader) put(rec event.Record) {
	if r.closed {
		return
	}
	if r.count == len(r.ring) && len(r.ring) < r.capacity {
		r.grow()
	}
	if r.count == len(r.ring) {
		r.ring[r.head] = rec
		r.head = (r.head + 1) % len(r.ring)
		r.lost++
	} else {
		r.ring[(r.head+r.count)%len(r.ring)] = rec
		r.count++
	}
	if r.count == 1 || r.lost > 0 {
		r.signal()
	}
}

func (r *Reader) grow() {
	bigger := make([]event.Record, min(max(64, 2*len(r.ring)), r.capacity))
	for i := range r.count {
		bigger[i] = r.ring[(r.head+i)%len(r.ring)]
	}
	r.ring, r.head = bigger, 0
}

func (r *Reader) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Next waits for records and returns all that wait, oldest first, with the
// number of older ones lost before them. ok is false at the end. The slice is
// the caller's.
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

func (r *Reader) take() ([]event.Record, uint64, bool) {
	r.bus.mu.Lock()
	defer r.bus.mu.Unlock()
	out := make([]event.Record, r.count)
	for i := range out {
		out[i] = r.ring[(r.head+i)%len(r.ring)]
		r.ring[(r.head+i)%len(r.ring)] = event.Record{}
	}
	lost := r.lost
	r.head, r.count, r.lost = 0, 0, 0
	r.seen = r.bus.count
	return out, lost, r.closed
}

// Seen is the number of the last record that Next has returned: how many had
// been published on the bus up to it.
func (r *Reader) Seen() uint64 { return r.seen }

// Done says that what Next has returned is where it was to go, so that the
// bus's Keeper need not keep it on this reader's account.
func (r *Reader) Done() {
	r.bus.mu.Lock()
	defer r.bus.mu.Unlock()
	r.done = r.seen
}

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
