package parent

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/event"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// What a child says is recorded in the order of its saying, without the details,
// and is kept when another incarnation says more. What the log of one that was
// killed had not come to is logged.
func TestWhatChildrenSayIsKept(t *testing.T) {
	h := &house{bus: bus.New(), journals: map[string]*event.Journal{}, tails: map[string]*os.File{}}
	heard := h.bus.Subscribe(0)
	const each = 600
	for life := range 2 {
		fd, err := unix.Dup(int(h.tail(VRRP).Fd()))
		if err != nil {
			t.Fatal(err)
		}
		b := bus.New()
		tail := openTail(&ipc.BootInfo{TailFD: fd}, b)
		for i := range each {
			b.Publish(event.Record{Level: slog.LevelInfo, What: fmt.Sprint(life, " ", i), When: clock.Reading{Mono: clock.Instant(life*each + i)}})
			b.Publish(event.Record{Level: slog.LevelDebug, What: "detail"})
		}
		if tail.Printed(2*each - 2); life == 0 {
			h.bequeathed(&kid{name: VRRP})
		}
	}
	said, _, _ := heard.Next()
	if len(said) != 1 || said[0].What != fmt.Sprint("0 ", each-1) {
		t.Errorf("logged for the child: %v", said)
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
