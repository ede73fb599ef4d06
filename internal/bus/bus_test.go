package bus

import (
	"slices"
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"

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
func (k *book) Clear() { *k = nil }

// What is kept is what some reader is not done with.
func TestKeeperHasWhatIsNotDone(t *testing.T) {
	b := New()
	var kept book
	b.Keep(&kept)
	one, two := b.Subscribe(0), b.Subscribe(0)
	say := func(what string) { b.Publish(event.Record{What: what}) }
	is := func(want ...string) {
		t.Helper()
		if !slices.Equal(kept, want) {
			t.Fatalf("kept %v, want %v", kept, want)
		}
	}
	say("a")
	_, _, _ = one.Next()
	one.Done()
	say("b")
	is("1a", "2b")
	_, _, _ = two.Next()
	two.Done()
	if two.Seen() != 2 {
		t.Errorf("seen %d", two.Seen())
	}
	say("c")
	is("1a", "2b", "3c")
	for _, r := range []*Reader{one, two} {
		_, _, _ = r.Next()
		r.Done()
	}
	say("d")
	is("4d")
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
func (nothing) Clear()                     {}
