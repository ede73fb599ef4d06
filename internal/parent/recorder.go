package parent

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
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

// told is the body of ipc.Told: a batch of records, and how many were lost
// before them.
type told struct {
	Records []event.Record `json:"records"`
	Lost    uint64         `json:"lost,omitempty"`
}

const (
	// maxTold is how many records go in one message.
	maxTold = 512
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
		var missed uint64
		for {
			records, lost, ok := r.Next()
			if !ok {
				return
			}
			missed += lost
			records = slices.DeleteFunc(records, func(r event.Record) bool { return r.Level < slog.LevelInfo })
			for batch := range slices.Chunk(records, maxTold) {
				m := ipc.Message{Kind: ipc.Told, Body: ipc.Marshal(told{batch, missed})}
				if !ahead(conn) || conn.Send(m) != nil { // the parent does not read, or is gone
					missed += uint64(len(batch))
					continue
				}
				missed = 0
			}
			time.Sleep(gather)
		}
	})
	return sending.Wait
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

// hear keeps what a child says.
func (h *house) hear(name string, body json.RawMessage) {
	var t told
	if json.Unmarshal(body, &t) != nil {
		return // no child of ours sends such a thing
	}
	j := h.journal(name)
	j.Lose(t.Lost)
	for _, r := range t.Records {
		j.Add(r)
	}
}

// recollection asks the loop for what is recorded.
type recollection struct {
	records []event.Record
	lost    uint64
	reply   chan *recollection // capacity 1: the loop never waits
}

// recollect answers.
func (h *house) recollect(r *recollection) {
	for _, j := range h.journals {
		r.records = append(r.records, j.Records()...)
		r.lost += j.Lost()
	}
	r.reply <- r
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
	// By the monotonic clock, which all processes share and nobody sets.
	slices.SortStableFunc(r.records, func(a, b event.Record) int { return cmp.Compare(a.When.Mono, b.When.Mono) })
	out := api.Explanation{Version: api.Version, At: time.Now(), Status: status, Lost: r.lost, Records: make([]api.Record, len(r.records))}
	for i := range r.records {
		out.Records[i] = public(&r.records[i])
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
