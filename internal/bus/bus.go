// Package bus hands event.Records to whoever listens: the log.
//
// Publish never waits. A reader that is too slow loses its oldest records and
// learns how many; nobody else notices. Where records end up is the readers'
// business (notify/log prints them).
//
// A loop holds the bus for a turn, and what is published meanwhile reaches its
// readers together: a thousand lines cost a few wake-ups and writes, and the
// lines of a verdict come out at the end of its turn.
package bus

import (
	"runtime"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/event"
)

const (
	// DefaultCapacity is how many records wait for a reader unless it asks for
	// another number.
	DefaultCapacity = 4096
	// heap is how many records are held at most: some 50 KiB of lines.
	heap = 512
	// heldFor is for how long a record is held at most, however long a turn lasts,
	// if others come.
	heldFor = 20 * time.Millisecond
)

// Bus connects publishers with readers. The zero Bus is ready; a nil one
// swallows what is published.
type Bus struct {
	mu      sync.Mutex // held to copy one record, never longer
	readers []*Reader
	closed  bool

	holds int           // how often Hold was called, and not Release
	held  int           // records that readers do not know of
	since clock.Instant // of the first of them

	keeper Keeper
	count  uint64       // of records published
	latest event.Record // what keeper is shown
}

// Keeper is told of every record before any reader is, while the publisher
// waits, so it must be quick. The n-th record that was published is number n.
type Keeper interface {
	Keep(n uint64, r *event.Record)
}

// New returns a Bus without readers.
func New() *Bus { return &Bus{} }

// Keep sets the one Keeper, before anything is published.
func (b *Bus) Keep(k Keeper) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keeper = k
}

// Publish gives r to every reader, without waiting for any.
func (b *Bus) Publish(r event.Record) {
	if b == nil {
		return
	}
	if b.put(&r) {
		// Readers that cannot get ahead of us, with one processor, lose records.
		runtime.Gosched()
	}
}

// put reports whether readers were told that much waits.
func (b *Bus) put(r *event.Record) (much bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.count++
	if b.keeper != nil {
		b.latest = *r // so that the record itself stays where it is
		b.keeper.Keep(b.count, &b.latest)
	}
	for _, reader := range b.readers {
		reader.put(r)
	}
	if b.held++; b.held == 1 {
		b.since = r.When.Mono
	}
	much = b.held >= heap
	if b.holds == 0 || much || r.When.Mono.Sub(b.since) >= heldFor {
		b.signal()
	}
	return much
}

// signal tells readers of what was held. The lock is held.
func (b *Bus) signal() {
	b.held = 0
	for _, r := range b.readers {
		r.signal()
	}
}

// Hold has what is published from now on wait for Release; a nil Bus holds
// nothing.
func (b *Bus) Hold() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holds++
}

// Release ends a Hold, tells readers of what was held, and reports whether
// anything was.
func (b *Bus) Release() (told bool) {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holds--
	if b.holds > 0 || b.held == 0 {
		return false
	}
	b.signal()
	return true
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
	r.seen = b.count
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
