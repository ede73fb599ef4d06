package parent

import (
	"cmp"
	"context"
	"encoding/binary"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/event"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// The flight recorder: children send the parent what they tell their logs, and
// the parent keeps the latest of each. So it outlives them all, and one that
// talks much does not push out what another said.

// The body of an ipc.Told is how many records were lost before those that it
// brings, the number of the last of them (uvarints both), and these as package
// event encodes them. They are kept so
// until somebody asks.

const (
	// maxTold is how many bytes of records go in one message, about a hundred
	// of them: the parent reads it into memory that it has already.
	maxTold = 14 << 10
	// maxAhead is how many bytes may wait for the parent before more records
	// are sent: answers to its greetings must not stand in a long queue.
	maxAhead = 64 << 10
	// aheadPatience is how long records wait for that, looking every aheadLook.
	aheadPatience = time.Second
	aheadLook     = 2 * time.Millisecond
	// gather is the pause after what was sent: the first record goes at once,
	// those of a burst together.
	gather = 5 * time.Millisecond
)

// forward sends what is published on a child's bus to the parent, in a
// goroutine of its own; wait returns when the bus was closed and all is sent.
// What is only for those who look for details is left out.
func forward(b *bus.Bus, conn *ipc.Conn) (wait func()) {
	r := b.Subscribe(0)
	var sending sync.WaitGroup
	sending.Go(func() {
		t := teller{conn: conn}
		for {
			records, lost, ok := r.Next()
			if !ok {
				return
			}
			t.missed += lost
			first := r.Seen() - uint64(len(records)) + 1
			for i := range records {
				if records[i].Level >= slog.LevelInfo {
					t.tell(first+uint64(i), &records[i]) // an index
				}
			}
			if t.flush(); conn.Queued() == 0 {
				r.Done() // the parent has it, or will read it though we be gone
			}
			time.Sleep(gather)
		}
	})
	return sending.Wait
}

// teller gathers records for the parent.
type teller struct {
	conn   *ipc.Conn
	body   []byte // records
	out    []byte // and what stands before them
	count  int    // of records in it
	last   uint64 // the number of the last
	missed uint64
}

func (t *teller) tell(n uint64, r *event.Record) {
	t.body, t.last = event.Append(t.body, r), n
	if t.count++; len(t.body) >= maxTold {
		t.flush()
	}
}

func (t *teller) flush() {
	if t.count == 0 {
		return
	}
	t.out = binary.AppendUvarint(binary.AppendUvarint(t.out[:0], t.missed), t.last)
	t.out = append(t.out, t.body...)
	if !ahead(t.conn) || t.conn.Send(ipc.Message{Kind: ipc.Told, Body: t.out}) != nil { // the parent does not read, or is gone
		t.missed += uint64(t.count) // a count
	} else {
		t.missed = 0
	}
	t.body, t.count = t.body[:0], 0
}

// ahead waits until the parent has read what was sent before, but not for ever.
func ahead(conn *ipc.Conn) bool {
	for waited := time.Duration(0); conn.Queued() > maxAhead; waited += aheadLook {
		if waited >= aheadPatience {
			return false
		}
		time.Sleep(aheadLook)
	}
	return true
}

// record keeps what the parent itself says, under no child's name.
func (h *house) record(r event.Record) { h.journal("").Add(r) }

func (h *house) journal(name string) *event.Journal {
	j := h.journals[name]
	if j == nil {
		j = &event.Journal{}
		h.journals[name] = j
	}
	return j
}

// hear keeps what a child says, and returns the number of the last record.
func (h *house) hear(name string, body []byte) (last uint64) {
	lost, n := binary.Uvarint(body)
	last, m := binary.Uvarint(body[max(n, 0):])
	if n <= 0 || m <= 0 {
		return 0 // no child of ours sends such a thing
	}
	j := h.journal(name)
	j.Lose(lost)
	j.AddEncoded(body[n+m:])
	return last
}

// tail is where a child keeps its last words, nil where there can be none.
func (h *house) tail(name string) *os.File {
	if h.tails[name] == nil {
		f, err := ipc.NewTail("holdfast-" + name + "-tail")
		if err != nil {
			h.tellOf(name, slog.LevelWarn, "process", "a child that is killed loses its last words: %v", err)
			return nil
		}
		h.tails[name] = f
	}
	return h.tails[name]
}

// openTail has a bus keep its last words where the parent finds them.
func openTail(boot *ipc.BootInfo, b *bus.Bus) *ipc.Tail {
	if boot.TailFD <= 0 {
		return nil
	}
	t, err := ipc.OpenTail(boot.TailFD)
	if err != nil {
		return nil // it says less when it is killed, and runs no worse
	}
	b.Keep(t)
	return t
}

// bequeathed takes what a child that is gone has said last: what it had not
// told yet is recorded, and what its log had not written is logged by us.
func (h *house) bequeathed(k *kid) {
	f := h.tails[k.name]
	if f == nil {
		return
	}
	words, printed, err := ipc.TakeTail(f)
	if err != nil {
		h.tellOf(k.name, slog.LevelWarn, "process", "what the %s child said last is lost: %v", titles[k.name], err)
	}
	for _, w := range words {
		if w.Number > k.heard {
			h.journal(k.name).Add(w.Record)
		}
		if w.Number > printed {
			h.bus.Publish(w.Record)
		}
	}
}

// recollection asks the loop for what is recorded.
type recollection struct {
	journals []*event.Journal   // copies
	reply    chan *recollection // capacity 1: the loop never waits
}

// recollect answers.
func (h *house) recollect(r *recollection) {
	for _, j := range h.journals {
		r.journals = append(r.journals, j.Clone())
	}
	r.reply <- r
}

// records are all that is recorded, oldest first, and how many were lost.
func (r *recollection) records() (all []event.Record, lost uint64) {
	for _, j := range r.journals {
		all = append(all, j.Records()...)
		lost += j.Lost()
	}
	// By the monotonic clock, which all processes share and nobody sets.
	slices.SortStableFunc(all, func(a, b event.Record) int { return cmp.Compare(a.When.Mono, b.When.Mono) })
	return all, lost
}

// Explain gives the status and what is recorded, oldest first. It may be
// called from any goroutine.
func (h *house) Explain(ctx context.Context) (api.Explanation, error) {
	status, err := h.Status(ctx)
	if err != nil {
		return api.Explanation{}, err
	}
	r := &recollection{reply: make(chan *recollection, 1)}
	if err := ask(ctx, h, r, r.reply); err != nil {
		return api.Explanation{}, err
	}
	records, lost := r.records()
	out := api.Explanation{Version: api.Version, At: time.Now(), Status: status, Lost: lost, Records: make([]api.Record, len(records))}
	for i := range records {
		out.Records[i] = public(&records[i])
	}
	return out, nil
}

func public(r *event.Record) api.Record {
	return api.Record{
		At: time.Unix(0, r.When.Wall), Elapsed: int64(r.When.Mono), Level: levelWord(r.Level), Part: r.Part, Kind: r.Kind,
		Object: r.Object, What: r.What, Cause: r.Cause,
	}
}

func levelWord(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warning"
	}
	return "info"
}
