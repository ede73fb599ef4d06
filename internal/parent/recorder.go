package parent

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/control"
	"github.com/holdfast-ha/holdfast/internal/event"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// The flight recorder: a child writes what it tells its log to memory, too,
// which the parent shares with it and reads when somebody asks, or when the
// child is gone; then it keeps that. So the recorder outlives them all, one that
// talks much does not push out what another said, and nobody is woken for it.

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

// tail is where a child records what it says, nil where there can be none.
func (h *house) tail(name string) *os.File {
	if h.tails[name] == nil {
		f, err := ipc.NewTail("holdfast-" + name + "-tail")
		if err != nil {
			h.tellOf(name, slog.LevelWarn, "process", "what a child says is not recorded: %v", err)
			return nil
		}
		h.tails[name] = f
	}
	return h.tails[name]
}

// openTail has what is published on a bus recorded where the parent finds it.
func openTail(boot *ipc.BootInfo, b *bus.Bus) *ipc.Tail {
	if boot.TailFD <= 0 {
		return nil
	}
	t, err := ipc.OpenTail(boot.TailFD)
	if err != nil {
		return nil // nothing is recorded of it, and it runs no worse
	}
	b.Keep(t)
	return t
}

// bequeathed takes what a child that is gone has said: it is kept, and what its
// log had not written is logged by us. At the end nobody asks any more.
func (h *house) bequeathed(k *kid) {
	f := h.tails[k.name]
	if f == nil {
		return
	}
	words, err := ipc.TakeTail(f, h.stopping)
	if !h.stopping {
		all, fault := words.After(0)
		j := h.journal(k.name)
		j.Lose(words.Lost)
		for i := range all {
			j.Add(all[i])
		}
		err = cmp.Or(err, fault)
	}
	unprinted, _ := words.After(words.Printed)
	for i := range unprinted {
		h.bus.Publish(unprinted[i])
	}
	if err != nil {
		h.tellOf(k.name, slog.LevelWarn, "process", "what the %s child said last is lost: %v", titles[k.name], err)
	}
}

// recollection asks the loop for what is recorded.
type recollection struct {
	journals []*event.Journal   // copies
	tails    []ipc.LastWords    // of children that live
	reply    chan *recollection // capacity 1: the loop never waits
}

// recollect answers.
func (h *house) recollect(r *recollection) {
	for _, j := range h.journals {
		r.journals = append(r.journals, j.Clone())
	}
	for _, f := range h.tails {
		if words, err := ipc.ReadTail(f); err == nil { // memory of ours
			r.tails = append(r.tails, words)
		}
	}
	r.reply <- r
}

// records are all that is recorded, oldest first, and how many were lost.
func (r *recollection) records() (all []event.Record, lost uint64) {
	for _, j := range r.journals {
		all = append(all, j.Records()...)
		lost += j.Lost()
	}
	for _, words := range r.tails {
		said, _ := words.After(0) // as far as it can be read
		all, lost = append(all, said...), lost+words.Lost
	}
	// By the monotonic clock, which all processes share and nobody sets.
	slices.SortStableFunc(all, func(a, b event.Record) int { return cmp.Compare(a.When.Mono, b.When.Mono) })
	return all, lost
}

// Explain gives the status and what is recorded, oldest first. It may be
// called from any goroutine.
func (h *house) Explain(ctx context.Context) (control.RawExplanation, error) {
	status, err := h.Status(ctx)
	if err != nil {
		return control.RawExplanation{}, err
	}
	r := &recollection{reply: make(chan *recollection, 1)}
	if err := ask(ctx, h, r, r.reply); err != nil {
		return control.RawExplanation{}, err
	}
	records, lost := r.records()
	out := control.RawExplanation{Status: status, Explanation: api.Explanation{
		Version: api.Version, At: time.Now(), Lost: lost, Records: make([]api.Record, len(records))}}
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
