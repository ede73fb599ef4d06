// Package watch judges a child process: is it alive, does its loop still turn,
// and when is it started again.
//
// It is pure: one Machine a child, told what happened, answers what to do.
// Package parent spawns, greets and kills.
package watch

import (
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// The bounds of patience.
const (
	// HelloEvery is the time between two greetings, and how long an answer may
	// take.
	HelloEvery = 5 * time.Second
	// ReadyPatience is how long a child may take until it serves.
	ReadyPatience = 60 * time.Second
	// SteadyAfter is how long a child must serve until its earlier ends are forgiven.
	SteadyAfter = 60 * time.Second
	// MaxDelay bounds the wait before a restart: 0, 1, 2, 4 … 30 s.
	MaxDelay = 30 * time.Second
	// lateEnough: a tick served this late says that we slept ourselves, and
	// then an answer may lie unread.
	lateEnough = time.Second
)

// Event is something that happened to the child. The set is closed.
type Event interface{ event() }

type (
	// Begin asks for the child; the first event, and again after Rested.
	Begin struct{}
	// Ready tells that the child serves.
	Ready struct{}
	// Answered tells that the greeting Seq was answered.
	Answered struct{ Seq uint64 }
	// Ended tells that the process is gone, or could not be made.
	Ended struct{ Cause Cause }
	// Tick tells that the deadline has come, Late after its time.
	Tick struct{ Late time.Duration }
	// Rest tells that the child is no longer wanted: its end will be no loss.
	Rest struct{}
)

func (Begin) event()    {}
func (Ready) event()    {}
func (Answered) event() {}
func (Ended) event()    {}
func (Tick) event()     {}
func (Rest) event()     {}

// Action is something to do. The set is closed.
type Action interface{ action() }

type (
	// Spawn makes the process; Restarts counts how often it was made again.
	Spawn struct{ Restarts int }
	// Greet sends Hello with Seq.
	Greet struct{ Seq uint64 }
	// Kill ends the process at once (SIGKILL); Ended follows.
	Kill struct{ Cause Cause }
	// Lost tells that the child ended unasked, and when it is made again.
	Lost struct {
		Cause Cause
		Delay time.Duration
	}
)

func (Spawn) action() {}
func (Greet) action() {}
func (Kill) action()  {}
func (Lost) action()  {}

// Cause is why a child ended. Its text completes "the child …".
type Cause interface{ String() string }

type (
	// Exited: the process ended by itself or was killed by somebody; How is
	// the system's word for it ("exit status 2", "signal: killed").
	Exited struct{ How string }
	// NoAnswer: a greeting found no answer.
	NoAnswer struct{ For time.Duration }
	// NeverReady: it did not serve in time.
	NeverReady struct{ For time.Duration }
	// NotStarted: the system would not make it.
	NotStarted struct{ Why string }
)

// String completes "the child …".
func (c Exited) String() string { return "ended: " + c.How }

// String completes "the child …".
func (c NoAnswer) String() string {
	return fmt.Sprintf("did not answer for %v; its loop hangs, it was killed", c.For.Round(time.Millisecond))
}

// String completes "the child …".
func (c NeverReady) String() string {
	return fmt.Sprintf("was not ready after %v; it was killed", c.For.Round(time.Millisecond))
}

// String completes "the child …".
func (c NotStarted) String() string { return "could not be started: " + c.Why }

type state uint8

const (
	resting  state = iota // not wanted
	down                  // wanted, waits for its restart at due
	starting              // spawned, must be ready by due
	serving               // greeted at due, or must have answered by due
	dying                 // killed; Ended will come
)

// Machine judges one child. The zero Machine rests.
type Machine struct {
	// Hello takes the place of HelloEvery, unless 0.
	Hello time.Duration

	state    state
	due      clock.Instant
	seq      uint64 // of the last greeting
	greeted  clock.Instant
	waiting  bool // for the answer to seq
	readyAt  clock.Instant
	failures int   // ends since it was last steady
	restarts int   // since Begin
	killed   Cause // why we killed it
}

// Deadline returns when a Tick is wanted.
func (m *Machine) Deadline() (clock.Instant, bool) {
	return m.due, m.state == down || m.state == starting || m.state == serving
}

func (m *Machine) hello() time.Duration {
	if m.Hello > 0 {
		return m.Hello
	}
	return HelloEvery
}

// Restarts counts how often the child was made again.
func (m *Machine) Restarts() int { return m.restarts }

// Serving tells whether the child said that it serves.
func (m *Machine) Serving() bool { return m.state == serving }

// Step takes one event and returns what to do.
func (m *Machine) Step(now clock.Instant, ev Event) []Action {
	switch ev := ev.(type) {
	case Begin:
		if m.state == resting {
			*m = Machine{Hello: m.Hello}
			return m.spawn(now)
		}
	case Ready:
		if m.state == starting {
			m.state, m.readyAt, m.waiting = serving, now, false
			m.due = now.Add(m.hello())
		}
	case Answered:
		if m.state == serving && m.waiting && ev.Seq == m.seq {
			m.waiting = false
			m.due = m.greeted.Add(m.hello())
		}
	case Ended:
		return m.ended(now, ev.Cause)
	case Tick:
		return m.tick(now, ev.Late)
	case Rest:
		m.state = resting
	}
	return nil
}

func (m *Machine) spawn(now clock.Instant) []Action {
	m.state, m.due, m.killed = starting, now.Add(ReadyPatience), nil
	return []Action{Spawn{Restarts: m.restarts}}
}

func (m *Machine) ended(now clock.Instant, cause Cause) []Action {
	if m.state == resting || m.state == down {
		return nil
	}
	if m.state == serving && now.Sub(m.readyAt) >= SteadyAfter {
		m.failures = 0
	}
	if m.killed != nil {
		cause = m.killed
	}
	delay := delayAfter(m.failures)
	m.failures++
	m.restarts++
	lost := Lost{Cause: cause, Delay: delay}
	if delay == 0 {
		return append([]Action{lost}, m.spawn(now)...)
	}
	m.state, m.due = down, now.Add(delay)
	return []Action{lost}
}

// delayAfter gives the wait after so many recent ends: 0, 1, 2, 4 … 30 s.
func delayAfter(failures int) time.Duration {
	if failures == 0 {
		return 0
	}
	return min(time.Second<<min(failures-1, 10), MaxDelay)
}

func (m *Machine) tick(now clock.Instant, late time.Duration) []Action {
	if now.Before(m.due) {
		return nil
	}
	switch m.state {
	case down:
		return m.spawn(now)
	case starting:
		if late > lateEnough {
			m.due = now.Add(ReadyPatience)
			return nil
		}
		return m.kill(now, NeverReady{ReadyPatience})
	case serving:
		if !m.waiting {
			m.seq++
			m.greeted, m.waiting = now, true
			m.due = now.Add(m.hello())
			return []Action{Greet{m.seq}}
		}
		if late > lateEnough {
			m.due = now.Add(m.hello())
			return nil
		}
		return m.kill(now, NoAnswer{now.Sub(m.greeted)})
	}
	return nil
}

// kill keeps readyAt and the count of failures for the judgement in ended.
func (m *Machine) kill(now clock.Instant, cause Cause) []Action {
	if m.state == serving && now.Sub(m.readyAt) >= SteadyAfter {
		m.failures = 0
	}
	m.state, m.killed = dying, cause
	return []Action{Kill{cause}}
}
