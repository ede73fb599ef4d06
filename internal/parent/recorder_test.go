package parent

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/event"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// What a child says arrives in the order of its saying, without the details,
// and is kept when another incarnation says more.
func TestWhatChildrenSayIsKept(t *testing.T) {
	h := &house{journals: map[string]*event.Journal{}}
	const each = 600 // several messages
	for life := range 2 {
		near, far := pair(t)
		b := bus.New()
		wait := forward(b, far)
		for i := range each {
			b.Publish(event.Record{Level: slog.LevelInfo, What: fmt.Sprint(life, " ", i), When: clock.Reading{Mono: clock.Instant(life*each + i)}})
			b.Publish(event.Record{Level: slog.LevelDebug, What: "detail"})
		}
		b.Close()
		for len(h.journal("vrrp").Records()) < (life+1)*each {
			m, _, err := near.Recv()
			if err != nil || m.Kind != ipc.Told {
				t.Fatal(m.Kind, err)
			}
			h.hear("vrrp", m.Body)
		}
		wait()
	}
	h.record(event.Record{What: "the child died", When: clock.Reading{Mono: each}})
	r := &recollection{reply: make(chan *recollection, 1)}
	h.recollect(r)
	records, lost := r.records()
	if lost != 0 || len(records) != 2*each+1 {
		t.Fatalf("%d records, %d lost", len(records), lost)
	}
	var got []string
	for _, rec := range records {
		got = append(got, rec.What)
	}
	for _, want := range []string{"0 0", fmt.Sprint("0 ", each-1), "1 0", fmt.Sprint("1 ", each-1), "the child died"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not kept", want)
		}
	}
	if got[0] != "0 0" || got[len(got)-1] != fmt.Sprint("1 ", each-1) {
		t.Errorf("it begins with %q and ends with %q", got[0], got[len(got)-1])
	}
	if slices.Contains(got, "detail") {
		t.Error("details are kept")
	}
}

// pair is both ends of a connection.
func pair(t *testing.T) (near, far *ipc.Conn) {
	t.Helper()
	near, file, err := ipc.Pair()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	far = ipc.FromFD(fd)
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	return near, far
}

// A parent that is gone keeps no child from ending.
func TestNobodyListens(t *testing.T) {
	near, far := pair(t)
	_ = near.Close()
	b := bus.New()
	wait := forward(b, far)
	for range 1500 {
		b.Publish(event.Record{Level: slog.LevelInfo, What: "to nobody"})
	}
	b.Close()
	wait()
}
