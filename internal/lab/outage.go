package lab

import (
	"fmt"
	"time"
)

// calm is how long requests must succeed without a failure between them for an
// outage to be over; a server that fails one request in three is one outage.
const calm = 200 * time.Millisecond

// maxOutages bounds the list that a ledger keeps; the oldest are forgotten.
const maxOutages = 1000

// Outage is a time in which requests failed.
type Outage struct {
	Start  time.Duration // when the first failed request was sent, since the client's start
	Length time.Duration // to the sending of the first request of the calm that ended it
	Failed int           // requests
	Why    string        // what the first of them died of
}

func (o Outage) String() string {
	return fmt.Sprintf("outage of %s, %d requests failed, the first with: %s",
		round(o.Length), o.Failed, o.Why)
}

// round keeps three digits or so, for people.
func round(d time.Duration) time.Duration {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond)
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}

// ledger turns the fates of requests, in the order of their sending, into
// outages. Failures before the first success count as nothing: the service has
// not begun. It has no clock: sent is handed in.
type ledger struct {
	begun   bool
	good    int
	failed  int
	open    *Outage       // not over yet
	calmAt  time.Duration // when the present run of successes began
	healing bool          // there is such a run, within an open outage
	over    []Outage
	count   int // outages that are over, the forgotten ones too
}

// note takes the fate of one request; why is empty for a good one. It returns
// the outage that this request shows to be over, if any.
func (l *ledger) note(sent time.Duration, why string) *Outage {
	if why != "" {
		l.bad(sent, why)
		return nil
	}
	l.begun = true
	l.good++
	if l.open == nil {
		return nil
	}
	if !l.healing {
		l.healing, l.calmAt = true, sent
	}
	if sent-l.calmAt < calm {
		return nil
	}
	done := *l.open
	done.Length = l.calmAt - done.Start
	l.open, l.healing = nil, false
	l.count++
	if len(l.over) == maxOutages {
		l.over = l.over[1:]
	}
	l.over = append(l.over, done)
	return &done
}

func (l *ledger) bad(sent time.Duration, why string) {
	if !l.begun {
		return
	}
	l.failed++
	l.healing = false
	if l.open == nil {
		l.open = &Outage{Start: sent, Why: why}
	}
	l.open.Failed++
}

// since returns the outages that ended after the first n.
func (l *ledger) since(n int) []Outage {
	return l.over[max(0, len(l.over)-(l.count-n)):]
}
