package vrrpd

import (
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

const (
	// wordsAtOnce is how many words of one step are told before adverts and
	// packets have their turn again: some 0.2 ms.
	wordsAtOnce = 64
	// maxWords is how many wait at most; with more, all are told at once.
	maxWords = 16384
)

// backlog is what is yet to be told of steps in which very much happened: a
// script that a thousand routers track has failed. What others wait for has been
// done; logs, scripts and outlets can wait for adverts that are due.
type backlog struct {
	queue []word
	next  int           // of queue
	since clock.Instant // when it began to wait
}

// word is what happened to a router or a group.
type word struct {
	e      *edge
	g      *build.Group
	action vrrp.Action
}

// tellActions tells what a step brought about: at once, or much of it in turns.
func (d *daemon) tellActions(actions []vrrp.Action) {
	for _, action := range actions {
		w := word{action: action}
		switch a := action.(type) {
		case vrrp.Become:
			w.e = d.edges[a.Router]
			d.notePast(w.e, &a)
		case vrrp.BecomeGroup:
			w.g = &d.cfg.Groups[a.Group]
		case vrrp.Tell:
			w.e = d.edges[a.Router]
		default:
			continue
		}
		d.backlog.queue = append(d.backlog.queue, w)
	}
	w := &d.backlog
	if w.since == 0 {
		w.since = max(d.now(), 1)
		d.tellSome(wordsAtOnce)
	}
	if d.loop == nil || d.stopping || len(w.queue)-w.next > maxWords {
		d.tellSome(len(w.queue))
	}
}

// tellSome tells up to n of the words that wait.
func (d *daemon) tellSome(n int) {
	w := &d.backlog
	for ; n > 0 && w.next < len(w.queue); n-- {
		said := w.queue[w.next]
		w.next++
		switch a := said.action.(type) {
		case vrrp.Become:
			d.tellBecome(said.e, &a)
		case vrrp.BecomeGroup:
			d.tellGroup(said.g, &a)
		case vrrp.Tell:
			d.tellOther(said.e, &a)
		}
	}
	if w.next < len(w.queue) {
		return
	}
	clear(w.queue) // they are nobody's any more
	*w = backlog{queue: w.queue[:0]}
	if cap(w.queue) > wordsAtOnce {
		w.queue = nil
	}
	d.tellOutlets()
}

// tellRest tells all that waits: what is in it may be numbered anew after it.
func (d *daemon) tellRest() {
	for d.backlog.since != 0 {
		d.tellSome(wordsAtOnce)
		d.yield()
	}
}

func (d *daemon) nextWords() (clock.Instant, bool) { return d.backlog.since, d.backlog.since != 0 }

func (d *daemon) tickWords(clock.Instant, time.Duration) { d.tellSome(wordsAtOnce) }
