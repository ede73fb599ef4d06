// Package check decides when a real server is probed and what the results
// mean: the interval, the warm-up, retries before a server counts as down, and
// the successes that bring it up again.
//
// It is pure: a Checker is told the time and the results and answers with
// what to do. The attempt itself is made by a probe, and what a verdict brings
// about in a pool of servers is decided by package lvs. The daemon checkd
// stands between them; it finds the checker that is due with a Schedule.
package check

import (
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// Config says how one checker behaves. Names in brackets are the keywords of
// keepalived.conf(5).
type Config struct {
	// Interval between two attempts [delay_loop]; > 0.
	Interval time.Duration
	// Retry is how many attempts must fail after the first, while the server
	// is up, before it counts as down [retry]; 0 = none.
	Retry int
	// RetryDelay is the time from a failure to its retry [delay_before_retry].
	RetryDelay time.Duration
	// Warmup is the longest time to the first attempt [warmup]; 0 = at once.
	Warmup time.Duration
	// Spread says where in Warmup the first attempt is, from 0 to just below
	// 1. Whoever makes checkers chooses it, so that many are spread evenly.
	Spread float64
	// Alpha: down until it has come up [alpha].
	Alpha bool
	// Hurry leaves no Interval between the steps on the way up [fast_recovery].
	Hurry bool
	// Steps is how many parts an attempt has (the URLs of an HTTP_GET), at
	// least 1. Each attempt makes one step, in turn; a server that is down
	// comes up when all have succeeded in a row.
	Steps int
	// Rise is how many attempts of all steps must succeed in a row before a
	// server that is down comes up [rise]; 0 = 1.
	Rise int
}

// Result is what one attempt found.
type Result struct {
	OK     bool
	Detail string // why not: "connection refused"
	// Weight is what the probe asks for; valid only when WeightSet
	// [misc_dynamic].
	Weight    int
	WeightSet bool
	// Void: nothing was learnt, since the attempt could not be made.
	Void bool
}

// Event is what a Checker can be told: Tick, Finished, Reconfigure, Suspend
// or Resume.
type Event interface{ event() }

// Tick: the time of Deadline has come.
type Tick struct{}

// Finished: the attempt that Start asked for has its result.
type Finished struct{ Result Result }

// Reconfigure: a reload changed how the checker behaves. Verdict and running
// attempt are kept.
type Reconfigure struct{ Config Config }

// Suspend stops probing until Resume; the verdict stays. The result of a
// running attempt is still to be delivered, and counts.
type Suspend struct{}

// Resume probes again, beginning now.
type Resume struct{}

func (Tick) event()        {}
func (Finished) event()    {}
func (Reconfigure) event() {}
func (Suspend) event()     {}
func (Resume) event()      {}

// Action is what a Checker asks for: Start, Verdict, Failure or Weigh.
type Action interface{ action() }

// Start asks for one attempt; exactly one Finished must follow, and until then
// nothing else is started.
type Start struct{ Step int }

// Verdict says that the checker has changed its mind, or has one for the first
// time.
type Verdict struct {
	Up      bool
	Detail  string // why it is down; empty when up
	Retries int    // failed attempts after the first, before it is down
	First   bool   // nothing was known before
}

// Failure tells of an attempt that failed without changing the verdict: a
// retry will follow (Up), or the server is down already.
type Failure struct {
	Up     bool
	Detail string
}

// Weigh says that the probe asks for another weight than before.
type Weigh struct{ Weight int }

func (Start) action()   {}
func (Verdict) action() {}
func (Failure) action() {}
func (Weigh) action()   {}

// Checker is one check of one target; who goes by it has a View.
type Checker struct {
	cfg  Config
	grid clock.Instant // attempts are due at grid + n × Interval
	due  clock.Instant

	running   bool // an attempt is under way: no deadline
	suspended bool
	up        bool
	known     bool // at least one attempt has ended with a verdict
	weighed   bool
	failures  int // in a row, while up
	rounds    int // of all steps, in a row, while down
	step      int
	weight    int
	last      Verdict
	actions   []Action
}

// New returns a checker whose first attempt is due within its warm-up.
func New(now clock.Instant, cfg Config) *Checker {
	c := &Checker{cfg: sane(cfg), up: !cfg.Alpha}
	c.grid = now.Add(time.Duration(cfg.Spread * float64(cfg.Warmup)))
	c.due = c.grid
	return c
}

// sane keeps a schedule from standing still or running wild.
func sane(cfg Config) Config {
	cfg.Interval = max(cfg.Interval, time.Millisecond)
	cfg.Steps, cfg.Rise = max(cfg.Steps, 1), max(cfg.Rise, 1)
	return cfg
}

// Runs reports whether the checker behaves as cfg says.
func (c *Checker) Runs(cfg Config) bool { return c.cfg == sane(cfg) }

// Spread is that of the configuration.
func (c *Checker) Spread() float64 { return c.cfg.Spread }

// Up reports the verdict.
func (c *Checker) Up() bool { return c.up }

// Known reports whether an attempt has ever led to a verdict.
func (c *Checker) Known() bool { return c.known }

// Last is the verdict, once it is known.
func (c *Checker) Last() Verdict { return c.last }

// Weight is what the probe last asked for, if it ever did.
func (c *Checker) Weight() (int, bool) { return c.weight, c.weighed }

// Deadline says when the checker wants a Tick; there is none while an attempt
// runs, for attempts have timeouts of their own.
func (c *Checker) Deadline() (clock.Instant, bool) {
	return c.due, !c.running && !c.suspended
}

// Step takes an event. The slice is good until the next Step.
func (c *Checker) Step(now clock.Instant, ev Event) []Action {
	c.actions = c.actions[:0]
	switch ev := ev.(type) {
	case Tick:
		if !c.running && !c.suspended && !now.Before(c.due) {
			c.running = true
			c.do(Start{Step: c.step})
		}
	case Finished:
		c.finished(now, ev.Result)
	case Reconfigure:
		c.reconfigure(now, ev.Config)
	case Suspend:
		c.suspended = true
	case Resume:
		if c.suspended {
			c.suspended, c.due = false, now
		}
	}
	return c.actions
}

func (c *Checker) do(a Action) { c.actions = append(c.actions, a) }

func (c *Checker) finished(now clock.Instant, r Result) {
	if !c.running {
		return
	}
	c.running = false
	c.due = clock.Following(c.grid, now, c.cfg.Interval)
	switch {
	case r.Void:
	case r.OK:
		c.succeeded(now, r)
	default:
		c.failed(now, r)
	}
}

func (c *Checker) succeeded(now clock.Instant, r Result) {
	c.failures = 0
	if r.WeightSet && (!c.weighed || r.Weight != c.weight) {
		c.weight, c.weighed = r.Weight, true
		c.do(Weigh{Weight: r.Weight})
	}
	c.step++
	last := c.step >= c.cfg.Steps
	if last {
		c.step = 0
	}
	switch {
	case c.up && c.known:
	case c.up: // what it was taken for; the next step is the next one's turn
		c.known = true
		c.say(Verdict{Up: true, First: true})
	case last && c.rounds+1 >= c.cfg.Rise:
		c.verdict(Verdict{Up: true})
	case last:
		c.rounds++
	case c.cfg.Hurry:
		c.due = now
	}
}

// failed counts a failure. The very first attempt needs no retry to be
// believed: nothing was known that a lost packet could put in doubt.
func (c *Checker) failed(now clock.Instant, r Result) {
	switch {
	case c.up && c.known && c.failures < c.cfg.Retry:
		c.failures++
		c.due = now.Add(c.cfg.RetryDelay)
		c.do(Failure{Up: true, Detail: r.Detail})
	case c.up || !c.known:
		c.verdict(Verdict{Detail: r.Detail, Retries: c.failures})
	default:
		c.step, c.rounds = 0, 0
		c.do(Failure{Detail: r.Detail})
	}
}

func (c *Checker) verdict(v Verdict) {
	v.First = !c.known
	c.up, c.known = v.Up, true
	c.failures, c.rounds, c.step = 0, 0, 0
	c.say(v)
}

// say keeps a verdict for those who join later.
func (c *Checker) say(v Verdict) {
	c.last = v
	c.do(v)
}

// reconfigure takes over new settings; a shorter interval counts from now on.
func (c *Checker) reconfigure(now clock.Instant, cfg Config) {
	old := c.cfg
	c.cfg = sane(cfg)
	c.step %= c.cfg.Steps
	if !c.known {
		c.up = !cfg.Alpha
	}
	if c.cfg.Interval == old.Interval {
		return
	}
	c.grid = now.Add(time.Duration(cfg.Spread * float64(c.cfg.Interval)))
	if !c.running && c.failures == 0 {
		c.due = min(c.due, c.grid)
	}
}

// Fork returns a checker that knows what c knows and has a schedule of its own
// from now on; an attempt of c that is under way remains c's.
func (c *Checker) Fork(now clock.Instant, cfg Config) *Checker {
	f := *c
	f.cfg, f.actions, f.running = sane(cfg), nil, false
	f.step %= f.cfg.Steps
	f.grid = now.Add(time.Duration(cfg.Spread * float64(f.cfg.Interval)))
	f.due = f.grid
	if f.failures > 0 {
		f.due = min(f.due, now.Add(cfg.RetryDelay))
	}
	return &f
}
