package parent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/control"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

const (
	// statusPatience is how long a child may take to answer a query, and
	// serverPatience what each real server adds to that.
	statusPatience = 2 * time.Second
	serverPatience = 200 * time.Microsecond
	// maxQueries bounds the queries under way.
	maxQueries = 16
)

// query is one question to all children. The loop fills it in and hands it
// back; from then on it belongs to who asked.
type query struct {
	seq      uint64
	topic    string          // ipc.TopicStatus and its like
	order    json.RawMessage // instead: a command for the checker child
	due      clock.Instant
	patience time.Duration // until then
	missing  map[string]bool
	status   control.RawStatus
	bodies   []json.RawMessage
	from     []string // the child of each body
	err      error
	reply    chan *query // capacity 1: the loop never waits
}

// ask gives a question to the loop and waits until it comes back answered.
func ask[Q any](ctx context.Context, h *house, question Q, reply <-chan Q) error {
	select {
	case h.events <- question:
	case <-h.ended:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-reply:
		return nil
	case <-h.ended:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Status asks the loop and, through it, the children. It may be called from
// any goroutine.
func (h *house) Status(ctx context.Context) (control.RawStatus, error) {
	q := &query{topic: ipc.TopicStatus, reply: make(chan *query, 1)}
	if err := ask(ctx, h, q, q.reply); err != nil {
		return control.RawStatus{}, err
	}
	for _, body := range q.bodies {
		if err := merge(&q.status, body); err != nil {
			return q.status, err
		}
	}
	return q.status, q.err
}

var errStopped = errors.New("the daemon has stopped")

// merge adds what one child knows. Only the checker has services.
func merge(s *control.RawStatus, body json.RawMessage) error {
	var part control.RawStatus
	if err := json.Unmarshal(body, &part); err != nil {
		return fmt.Errorf("read a child's answer: %w", err)
	}
	s.Instances = append(s.Instances, part.Instances...)
	s.Groups = append(s.Groups, part.Groups...)
	if len(part.Services) > len("null") {
		s.Services = part.Services
	}
	s.PutBack += part.PutBack
	s.Shared = append(s.Shared, part.Shared...)
	s.Overrides = append(s.Overrides, part.Overrides...)
	s.BFD = append(s.BFD, part.BFD...)
	if part.BFDRefused != nil {
		s.BFDRefused = part.BFDRefused
	}
	if part.Director != "" {
		s.Director, s.DirectorRefuses = part.Director, part.DirectorRefuses
	}
	return nil
}

// ask sends a query to every child that serves.
func (h *house) ask(q *query) {
	if len(h.queries) >= maxQueries {
		q.err = fmt.Errorf("%d queries are under way already", maxQueries)
		q.reply <- q
		return
	}
	h.seq++
	q.patience = statusPatience + time.Duration(h.report.Servers)*serverPatience
	q.seq, q.due, q.missing = h.seq, now().Add(q.patience), map[string]bool{}
	h.queries[q.seq] = q
	for name, k := range h.kids {
		if k.process == nil || !k.watch.Serving() || q.order != nil && name != Checker {
			continue
		}
		m := ipc.Message{Kind: ipc.Query, Seq: q.seq, Topic: q.topic}
		if q.order != nil {
			m.Kind, m.Body = ipc.Order, q.order
		}
		if k.process.conn.Send(m) == nil {
			q.missing[name] = true
		}
	}
	if len(q.missing) == 0 {
		h.answer(q)
	}
}

func (h *house) answered(name string, m ipc.Message) {
	q := h.queries[m.Seq]
	if q == nil || !q.missing[name] {
		return
	}
	delete(q.missing, name)
	if q.order != nil && m.Error != "" {
		q.err = declined(m.Error)
	}
	q.bodies, q.from = append(q.bodies, m.Body), append(q.from, name)
	if len(q.missing) == 0 {
		h.answer(q)
	}
}

// hungUp has nobody wait for what a child that ended would have answered.
func (h *house) hungUp(name string) {
	for _, q := range h.queries {
		if !q.missing[name] {
			continue
		}
		delete(q.missing, name)
		if q.order != nil {
			q.err = fmt.Errorf("the %s child ended before it answered; `holdfast server list` will show whether it was done", name)
		}
		if len(q.missing) == 0 {
			h.answer(q)
		}
	}
}

// answer hands a query back with what is known by now.
func (h *house) answer(q *query) {
	delete(h.queries, q.seq)
	q.status = control.RawStatus{Services: json.RawMessage("[]"), Status: api.Status{
		Version: api.Version, Holdfast: h.o.Version, PID: os.Getpid(), Started: h.begun,
		ConfigFile: h.o.Load.ConfigFile, ConfigID: h.report.ConfigID, Loaded: h.loadedAt,
		Problems: h.report.Problems, Director: h.report.Director,
		Children: []api.Child{}, Instances: []api.Instance{}, Groups: []api.Group{},
	}}
	q.status.LastReload = h.report.Reload
	if h.refused.why != "" {
		q.status.Reload = &api.ReloadFail{At: h.refused.at, Why: h.refused.why}
	}
	for _, name := range order {
		if k := h.kids[name]; k != nil {
			q.status.Children = append(q.status.Children, k.status(q.missing[name], q.patience))
		}
	}
	q.reply <- q
}

func (k *kid) status(silent bool, patience time.Duration) api.Child {
	c := api.Child{Name: k.name, State: "serving", Restarts: k.watch.Restarts(), LastEnd: k.lastEnd}
	switch {
	case k.process == nil:
		c.State = "waits for its restart"
	case !k.watch.Serving():
		c.State = "starting"
	case silent:
		c.State = fmt.Sprintf("does not answer within %v", patience.Round(100*time.Millisecond))
	}
	if k.process != nil {
		c.PID, c.Started = k.process.pid(), k.process.started
	}
	return c
}
