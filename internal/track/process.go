package track

import (
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// Quorum says how many processes must run, and how long a change of that must
// last to count. Names in brackets are the keywords of keepalived.conf(5).
type Quorum struct {
	Min, Max int // [quorum, quorum_max]
	// ForkDelay is how long it takes until more processes count [fork_delay],
	// TerminateDelay until fewer do [terminate_delay].
	ForkDelay, TerminateDelay time.Duration
}

// Process is one vrrp_track_process: it is told how many of its processes run,
// and says what that means. Whoever made it owns it.
type Process struct {
	cfg   Quorum
	name  string // of the program, for people
	known bool
	up    bool
	count int
	due   clock.Instant // when the count has lasted long enough; 0 = nothing is pending
}

// NewProcess returns one of which nothing is known; program is what people call it.
func NewProcess(cfg Quorum, program string) *Process { return &Process{cfg: cfg, name: program} }

// Count takes the number of processes. It reports what has become of the
// quorum, if anything; the first count decides at once.
func (p *Process) Count(now clock.Instant, n int) (Report, bool) {
	more := n > p.count
	p.count = n
	ok := n >= p.cfg.Min && n <= p.cfg.Max
	switch {
	case p.known && ok == p.up:
		p.due = 0
		return Report{}, false
	case !p.known:
		return p.report(ok), true
	}
	delay := p.cfg.TerminateDelay
	if more {
		delay = p.cfg.ForkDelay
	}
	switch {
	case delay == 0:
		return p.report(ok), true
	case p.due == 0:
		p.due = now.Add(delay)
	}
	return Report{}, false
}

// Deadline says when a Tick is wanted.
func (p *Process) Deadline() (clock.Instant, bool) { return p.due, p.due != 0 }

// Tick: the time of Deadline has come.
func (p *Process) Tick(now clock.Instant) (Report, bool) {
	if p.due == 0 || now.Before(p.due) {
		return Report{}, false
	}
	return p.report(!p.up), true
}

// Up reports what is known: whether the quorum is there.
func (p *Process) Up() (up, known bool) { return p.up, p.known }

// Running is how many run.
func (p *Process) Running() int { return p.count }

func (p *Process) report(up bool) Report {
	first := !p.known
	p.known, p.up, p.due = true, up, 0
	return Report{Up: up, First: first, Runs: p.count, Why: p.Why()}
}

// Why says in a clause how many run and how many are wanted.
func (p *Process) Why() string {
	runs := fmt.Sprintf("%d processes %s run", p.count, p.name)
	switch p.count {
	case 0:
		runs = fmt.Sprintf("no process %s runs", p.name)
	case 1:
		runs = fmt.Sprintf("one process %s runs", p.name)
	}
	if p.count > p.cfg.Max {
		return fmt.Sprintf("%s, at most %d wanted", runs, p.cfg.Max)
	}
	return fmt.Sprintf("%s, %d wanted", runs, p.cfg.Min)
}
