package bus

import (
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReaderGetsAllInOrder(t *testing.T) {
	b := New()
	r := b.Subscribe(0)
	for i := range 1000 {
		b.Publish(event.Record{What: strconv.Itoa(i)})
	}
	b.Close()
	records, lost, ok := r.Next()
	if !ok || lost != 0 || len(records) != 1000 || records[999].What != "999" || records[0].What != "0" {
		t.Fatalf("%d records, %d lost, %v", len(records), lost, ok)
	}
	if _, _, ok := r.Next(); ok {
		t.Fatal("no end after Close")
	}
}

func TestSlowReaderLosesOldestAndKnows(t *testing.T) {
	b := New()
	slow, fast := b.Subscribe(100), b.Subscribe(1000)
	for i := range 250 {
		b.Publish(event.Record{What: strconv.Itoa(i)})
	}
	records, lost, _ := slow.Next()
	if lost != 150 || len(records) != 100 || records[0].What != "150" || records[99].What != "249" {
		t.Fatalf("lost %d, kept %d from %s", lost, len(records), records[0].What)
	}
	if records, lost, _ := fast.Next(); lost != 0 || len(records) != 250 {
		t.Fatalf("the other reader lost %d, kept %d", lost, len(records))
	}
}

func TestPublishersAndReadersTogether(t *testing.T) {
	b := New()
	r := b.Subscribe(64)
	var publishers, readers sync.WaitGroup
	var seen uint64
	readers.Go(func() {
		for {
			records, lost, ok := r.Next()
			if !ok {
				return
			}
			seen += uint64(len(records)) + lost
		}
	})
	for range 4 {
		publishers.Go(func() {
			for range 5000 {
				b.Publish(event.Record{})
			}
		})
	}
	publishers.Wait()
	b.Close()
	readers.Wait()
	if seen != 20000 {
		t.Fatalf("seen or counted as lost: %d of 20000", seen)
	}
}

func TestReaderLeaves(t *testing.T) {
	b := New()
	r := b.Subscribe(0)
	r.Close()
	b.Publish(event.Record{})
	if _, _, ok := r.Next(); ok {
		t.Fatal("a closed reader still hears")
	}
	var none *Bus
	none.Publish(event.Record{}) // must not panic
}

// book is a Keeper that writes down what it is told.
type book []string

func (k *book) Keep(n uint64, r *event.Record) {
	*k = append(*k, strconv.FormatUint(n, 10)+r.What)
}

func TestKeeperHearsFirst(t *testing.T) {
	b := New()
	var kept book
	b.Keep(&kept)
	r := b.Subscribe(0)
	b.Publish(event.Record{What: "a"})
	b.Publish(event.Record{What: "b"})
	if _, _, _ = r.Next(); r.Seen() != 2 || !slices.Equal(kept, book{"1a", "2b"}) {
		t.Errorf("%v kept, %d seen", kept, r.Seen())
	}
}

// hinted reports whether a reader has been told that there is something.
func hinted(r *Reader) bool {
	select {
	case <-r.wake:
		return true
	default:
		return false
	}
}

// What is held is told once, at the end of the outer hold.
func TestHeldRecordsComeTogether(t *testing.T) {
	b := New()
	r := b.Subscribe(0)
	b.Hold()
	b.Hold()
	for i := range 3 {
		b.Publish(event.Record{What: strconv.Itoa(i)})
	}
	if b.Release() || hinted(r) {
		t.Fatal("told before the end")
	}
	if !b.Release() || !hinted(r) {
		t.Fatal("not told at the end")
	}
	records, _, _ := r.Next()
	if len(records) != 3 || records[2].What != "2" {
		t.Fatalf("got %v", records)
	}
	b.Hold()
	if b.Release() || hinted(r) {
		t.Fatal("told of nothing")
	}
	if b.Publish(event.Record{}); !hinted(r) {
		t.Fatal("held after the end")
	}
}

// A turn that says much, or lasts long, is told of before it is over.
func TestHoldIsBounded(t *testing.T) {
	b := New()
	r := b.Subscribe(0)
	b.Hold()
	for range heap - 1 {
		b.Publish(event.Record{})
	}
	if hinted(r) {
		t.Fatal("told of little")
	}
	if b.Publish(event.Record{}); !hinted(r) {
		t.Fatal("not told of much")
	}
	b.Publish(event.Record{When: clock.Reading{Mono: 5}})
	b.Publish(event.Record{When: clock.Reading{Mono: 5 + clock.Instant(heldFor) - 1}})
	if hinted(r) {
		t.Fatal("told too early")
	}
	if b.Publish(event.Record{When: clock.Reading{Mono: 5 + clock.Instant(heldFor)}}); !hinted(r) {
		t.Fatal("not told after a long time")
	}
}

// With one processor a reader that does not wait for anything gets all of a
// burst, however long the publisher's turn.
func TestBurstIsReadMeanwhile(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b := New()
	r := b.Subscribe(0)
	var reading sync.WaitGroup
	var next int
	reading.Go(func() {
		for {
			records, lost, ok := r.Next()
			if !ok {
				return
			}
			if lost > 0 {
				t.Errorf("%d lost", lost)
			}
			for i := range records {
				if records[i].What != strconv.Itoa(next) {
					t.Errorf("%s instead of %d", records[i].What, next)
				}
				next++
			}
		}
	})
	const all = 5 * DefaultCapacity
	b.Hold()
	for i := range all {
		b.Publish(event.Record{What: strconv.Itoa(i)})
	}
	b.Release()
	b.Close()
	reading.Wait()
	if next != all {
		t.Errorf("%d of %d", next, all)
	}
}

func TestPublishAllocatesNothing(t *testing.T) {
	b := New()
	b.Keep(nothing{})
	b.Subscribe(1)
	if n := testing.AllocsPerRun(100, func() { b.Publish(event.Record{What: "x"}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

type nothing struct{}

func (nothing) Keep(uint64, *event.Record) {}
