// Package track decides when a tracking script runs and what its results mean:
// interval, timeout, rise and fall. Weigh says what the state of a tracked
// object does to a priority.
//
// It is pure: a Script is told the time and the results and answers with what
// to do. The program itself is run by package proc, and what a report brings
// about in virtual routers is decided by package vrrp. The daemon vrrpd stands
// between them and wakes each Script at its Deadline.
package track

import (
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// Config says how one vrrp_script behaves. Names in brackets are the keywords
// of keepalived.conf(5).
type Config struct {
	// Interval between two starts [interval]; > 0.
	Interval time.Duration
	// Timeout is how long a run may take before it counts as failed and is
	// killed [timeout]; 0 = Interval.
	Timeout time.Duration
	// Rise is how many runs must succeed in a row to bring a failed script up
	// [rise], at least 1.
	Rise int
	// Fall is how many runs must fail in a row to take it down [fall], at
	// least 1.
	Fall int
	// InitFail: down until it has risen, rather than unknown until the first
	// result decides [init_fail].
	InitFail bool
}

// Event is what a Script can be told: Tick, Result or Reconfigure.
type Event interface{ event() }

// Tick: the time of Deadline has come.
type Tick struct{}

// Result: the run that Start asked for has ended, killed or not.
type Result struct {
	OK  bool
	Why string // when not OK, for people: "exit status 1", "killed by signal 11"
	// Void: nothing was learnt, since the program could not be run for reasons
	// of our own (no more processes); neither success nor failure.
	Void bool
}

// Reconfigure: a reload changed how the script behaves. The state and a run
// under way are kept.
type Reconfigure struct{ Config Config }

func (Tick) event()        {}
func (Result) event()      {}
func (Reconfigure) event() {}

// Action is what a Script asks for: Start, Kill or Report.
type Action interface{ action() }

// Start asks for one run; exactly one Result must follow, and until then
// nothing else is started.
type Start struct{}

// Kill asks to end the run with its whole process group: the timeout has
// passed, and the failure is counted already. The Result of the run must still
// follow; it frees the script for the next run and counts for nothing.
type Kill struct{}

// Report says that the script has become up or down, as vrrp.Track tells it.
type Report struct {
	Up    bool
	Why   string // why it is down; empty when up
	First bool   // nothing was known before
	Runs  int    // how many results in a row led to it
}

func (Start) action()  {}
func (Kill) action()   {}
func (Report) action() {}

// Script is one vrrp_script. Whoever made it owns it.
type Script struct {
	cfg   Config
	grid  clock.Instant // starts are due at grid + n × Interval
	due   clock.Instant // the next start
	limit clock.Instant // when the present run has lasted too long

	running bool // a run is under way
	killed  bool // and has been given up
	known   bool // up means something
	up      bool
	row     int // results in a row that contradict up
	runs    uint64
	actions []Action
}

// New returns a script that is due now.
func New(now clock.Instant, cfg Config) *Script {
	return &Script{cfg: sane(cfg), grid: now, due: now}
}

// sane keeps a schedule from standing still or running wild.
func sane(cfg Config) Config {
	cfg.Interval = max(cfg.Interval, time.Millisecond)
	if cfg.Timeout <= 0 {
		cfg.Timeout = cfg.Interval
	}
	cfg.Rise = max(cfg.Rise, 1)
	cfg.Fall = max(cfg.Fall, 1)
	return cfg
}

// Known reports whether anything is known about the script.
func (s *Script) Known() bool { return s.known }

// Up reports whether the script is up; false while it is not Known.
func (s *Script) Up() bool { return s.known && s.up }

// Running reports whether a run is under way.
func (s *Script) Running() bool { return s.running }

// Runs is how many runs were started.
func (s *Script) Runs() uint64 { return s.runs }

// Deadline says when the script wants a Tick. There is none only while a
// killed run has not ended.
func (s *Script) Deadline() (clock.Instant, bool) {
	if s.running {
		return s.limit, !s.killed
	}
	return s.due, true
}

// Step takes an event. The slice is good until the next Step.
func (s *Script) Step(now clock.Instant, ev Event) []Action {
	s.actions = s.actions[:0]
	switch ev := ev.(type) {
	case Tick:
		s.tick(now)
	case Result:
		s.finished(now, ev)
	case Reconfigure:
		s.reconfigure(now, ev.Config)
	}
	return s.actions
}

func (s *Script) do(a Action) { s.actions = append(s.actions, a) }

func (s *Script) tick(now clock.Instant) {
	switch {
	case s.running && !s.killed && !now.Before(s.limit):
		s.killed = true
		s.failed("timed out after " + s.cfg.Timeout.String())
		s.do(Kill{})
	case !s.running && !now.Before(s.due):
		s.start(now)
	}
}

func (s *Script) start(now clock.Instant) {
	if s.cfg.InitFail && !s.known {
		s.report(Report{Why: "has not succeeded yet (init_fail)"})
	}
	s.running, s.killed = true, false
	s.limit = now.Add(s.cfg.Timeout)
	s.runs++
	s.do(Start{})
}

func (s *Script) finished(now clock.Instant, r Result) {
	if !s.running {
		return
	}
	counted := s.killed
	s.running, s.killed = false, false
	s.due = clock.Following(s.grid, now, s.cfg.Interval)
	switch {
	case counted || r.Void:
	case r.OK:
		s.succeeded()
	default:
		s.failed(r.Why)
	}
}

// succeeded counts a success. The very first result decides at once, as in
// keepalived: there is no earlier state that it could put in doubt.
func (s *Script) succeeded() {
	if s.known && s.up {
		s.row = 0
		return
	}
	if s.row++; !s.known || s.row >= s.cfg.Rise {
		s.report(Report{Up: true, Runs: s.row})
	}
}

func (s *Script) failed(why string) {
	if s.known && !s.up {
		s.row = 0
		return
	}
	if s.row++; !s.known || s.row >= s.cfg.Fall {
		s.report(Report{Why: why, Runs: s.row})
	}
}

func (s *Script) report(r Report) {
	r.First = !s.known
	s.known, s.up, s.row = true, r.Up, 0
	s.do(r)
}

// reconfigure takes over new settings; another interval counts from now on.
func (s *Script) reconfigure(now clock.Instant, cfg Config) {
	old := s.cfg
	s.cfg = sane(cfg)
	if s.running && !s.killed {
		s.limit = s.limit.Add(s.cfg.Timeout - old.Timeout)
	}
	if s.cfg.Interval == old.Interval {
		return
	}
	s.grid = now
	if !s.running {
		s.due = min(s.due, now.Add(s.cfg.Interval))
	}
}
