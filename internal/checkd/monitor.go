package checkd

import (
	"math"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// monitor is one probe with one schedule. Its users are the checkers, of
// whatever virtual servers, that ask the very same of the same target.
//
// There are as many as there are real servers, so it is kept in one piece.
type monitor struct {
	kin      build.Kin
	next     *monitor // of the same kin
	plan     *build.HealthCheck
	attempts []attempt
	machine  check.Checker
	slot     check.Slot[*monitor]
	users    []*checker  // at least one, unless gone
	only     [1]*checker // room for users, which are mostly one
	private  bool        // nobody else may use it
	stale    bool        // in monitors.stale
	awaits   bool        // news of its BFD session
	doubted  bool        // the last attempt that could be made failed
	gone     bool        // nobody uses it; a result that is still to come is dropped
	void     bool        // the last attempt could not be made; why not was told
	ok       bool        // it succeeded
	step     int         // of the last attempt
	judged   int         // the step that the last verdict was about

	warned clock.Instant // when its warning was last told; 0 = never
	last   clock.Instant // when the last attempt ended; 0 = none has
	took   time.Duration // it
	detail string        // what it found
}

// monitors finds the one for a check.
type monitors struct {
	all    map[build.Kin]*monitor // those that can have several users, the first of a kin
	stale  []*monitor             // whose users have changed
	spread float64                // of the last one
	count  int
	room   []monitor // for more of them, in one piece
}

// reserve makes room for as many monitors as a configuration is about to bring.
func (ms *monitors) reserve(n int) {
	ms.room = make([]monitor, n)
	ms.stale = slices.Grow(ms.stale, n)
	if len(ms.all) == 0 {
		ms.all = make(map[build.Kin]*monitor, n)
	}
}

// free is how many of them are left.
func (ms *monitors) free() int { return len(ms.room) }

func (ms *monitors) take() *monitor {
	if len(ms.room) == 0 {
		return &monitor{}
	}
	m := &ms.room[0]
	ms.room = ms.room[1:]
	return m
}

// goldenRatio spreads a sequence of any length evenly over an interval.
const goldenRatio = 0.6180339887498949

// next says where in their interval the attempts of a new monitor are.
func (ms *monitors) next() float64 {
	_, ms.spread = math.Modf(ms.spread + goldenRatio)
	return ms.spread
}

// find returns the monitor that does what h asks for, nil if there is none.
func (ms *monitors) find(kin build.Kin, h *build.HealthCheck) *monitor {
	for m := ms.all[kin]; m != nil; m = m.next {
		if m.plan.Alike(h) {
			return m
		}
	}
	return nil
}

func (ms *monitors) add(m *monitor) {
	ms.count++
	if !m.private {
		m.next, ms.all[m.kin] = ms.all[m.kin], m
	}
}

func (ms *monitors) remove(m *monitor) {
	ms.count--
	if m.private {
		return
	}
	switch first := ms.all[m.kin]; {
	case first != m:
		for first.next != m {
			first = first.next
		}
		first.next = m.next
	case m.next != nil:
		ms.all[m.kin] = m.next
	default:
		delete(ms.all, m.kin)
	}
	m.next = nil
}

// changed marks a monitor for daemon.remonitor.
func (ms *monitors) changed(m *monitor) {
	if !m.stale {
		m.stale = true
		ms.stale = append(ms.stale, m)
	}
}

// monitor gives a checker the monitor that its plan asks for: the one that it
// has, one that others have already, or one of its own, which goes on with
// what is known. alpha says what a new checker takes its server for.
func (d *daemon) monitor(c *checker, plan *build.HealthCheck, attempts []attempt, alpha bool) {
	kin, shares := plan.Kin()
	ms, was := &d.monitors, c.monitor
	c.plan = plan
	if was != nil && was.kin == kin && was.plan.Alike(plan) {
		was.plan, was.attempts = plan, attempts
		ms.changed(was)
		return
	}
	var m *monitor
	if shares {
		m = ms.find(kin, plan)
	}
	switch {
	case m != nil:
	case was != nil && len(was.users) == 1:
		ms.remove(was)
		was.kin, was.plan, was.attempts = kin, plan, attempts
		ms.add(was)
		ms.changed(was)
		return
	default:
		m = d.newMonitor(was, plan, alpha)
		m.kin, m.private = kin, !shares
		ms.add(m)
	}
	m.plan, m.attempts = plan, attempts
	if was == nil {
		c.view, c.reason = m.machine.Join(alpha), m.machine.Last().Detail
	} else {
		d.leaveMonitor(c)
		c.view.Move(&m.machine)
	}
	c.monitor, c.seat = m, len(m.users)
	m.users = append(m.users, c)
	ms.changed(m)
}

// newMonitor makes one, with what another knows if there is one.
func (d *daemon) newMonitor(was *monitor, plan *build.HealthCheck, alpha bool) *monitor {
	now := d.loop.Now()
	m, cfg := d.monitors.take(), *plan.Schedule
	cfg.Alpha, cfg.Spread = alpha, d.monitors.next()
	if was != nil {
		m.machine, m.judged = *was.machine.Fork(now, cfg), was.judged
		m.last, m.took, m.ok, m.detail = was.last, was.took, was.ok, was.detail
	} else {
		m.machine = *check.New(now, cfg)
	}
	m.slot.Item, m.users = m, m.only[:0]
	return m
}

// leaveMonitor takes a checker out of its monitor, which ends with its last.
func (d *daemon) leaveMonitor(c *checker) {
	m, last := c.monitor, len(c.monitor.users)-1
	m.users[c.seat] = m.users[last]
	m.users[c.seat].seat = c.seat
	m.users[last] = nil
	m.users = m.users[:last]
	c.monitor = nil
	d.monitors.changed(m)
}

// remonitor has the monitors do what their users want by now.
func (d *daemon) remonitor() {
	now := d.loop.Now()
	for i, m := range d.monitors.stale {
		d.monitors.stale[i], m.stale = nil, false
		if len(m.users) == 0 {
			m.gone = true
			d.monitors.remove(m)
			d.due.Remove(&m.slot)
			continue
		}
		m.plan = m.users[0].plan // those of users that have gone are to be freed
		cfg, paused := m.wanted()
		if !m.machine.Runs(cfg) {
			d.act(m, m.machine.Step(now, check.Reconfigure{Config: cfg}))
		}
		if paused {
			d.act(m, m.machine.Step(now, check.Suspend{}))
		} else {
			d.act(m, m.machine.Step(now, check.Resume{}))
		}
		d.schedule(m)
	}
	d.monitors.stale = d.monitors.stale[:0]
}

// wanted is what the users want together: what any of them wants is done, and
// nothing as long as all of them stand aside.
func (m *monitor) wanted() (cfg check.Config, paused bool) {
	cfg, paused = *m.plan.Schedule, true
	cfg.Alpha, cfg.Spread = false, m.machine.Spread()
	for _, c := range m.users {
		s := c.plan.Schedule
		cfg.Warmup = min(cfg.Warmup, s.Warmup)
		cfg.Hurry = cfg.Hurry || s.Hurry
		cfg.Alpha = cfg.Alpha || c.view.Waits()
		paused = paused && c.view.Paused()
	}
	return cfg, paused
}

// act does what a monitor's machine says. The actions are good until its next
// Step, which an attempt that ends at once must not bring about: the engine's
// results are collected later.
func (d *daemon) act(m *monitor, actions []check.Action) {
	for _, a := range actions {
		if start, ok := a.(check.Start); ok {
			d.start(m, start.Step)
			continue
		}
		if _, ok := a.(check.Verdict); ok {
			m.judged = m.step
		}
		for _, c := range m.users {
			d.tellUser(c, a)
		}
	}
}

// tellUser passes on to a user what its monitor has found.
func (d *daemon) tellUser(c *checker, a check.Action) {
	if c.view.Paused() {
		return // it asks when it is back
	}
	switch a := a.(type) {
	case check.Failure:
		d.failed(c, a)
	case check.Verdict:
		if v, news := c.view.Hear(&c.monitor.machine); news {
			d.verdict(c, v)
		}
	case check.Weigh:
		d.step(c.server.pool, lvs.Weighed{Server: c.server.key(), Check: c.index, Weight: a.Weight, Cause: c.weighs()})
	}
}

// weighs says who asks for a weight.
func (c *checker) weighs() string {
	p := &c.plan.Probe
	switch {
	case p.File != nil:
		return p.Kind + " of " + p.File.Name
	case p.Program != nil:
		return p.Kind + " " + p.Program.Argv[0]
	}
	return p.Kind
}
