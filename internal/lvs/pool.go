package lvs

import "github.com/holdfast-ha/holdfast/internal/clock"

// Pool is one virtual server and what is known of its real servers. An event
// goes through it in three steps: what it makes of the server (here), what that
// makes of the pool (judge.go), and where each server belongs then (place.go).
type Pool struct {
	cfg   PoolConfig
	index index
	state []serverState // as cfg.Servers

	tiers    []tier // lowest number first
	serving  int    // the number of the tier that serves, AllTiers or sorryServes
	panics   bool
	quorum   bool
	eligible int    // servers that no command keeps out
	ups      int    // servers that were told to be in
	failures uint64 // numbers those that fail
	ejection
	left bool // Leave has come
	rush bool // and nobody drains

	now     clock.Instant
	changes []Change
	touched []int // servers that the event may have moved
	timed   int   // servers that have a time of their own
	gone    map[ServerKey]departure
	next    clock.Instant // the deadline; 0: none

	blurred bool                 // see blurs
	stale   bool                 // all of it has to be told
	moved   []int32              // unless it has: servers of which something may, and theSorry
	lost    map[ServerKey]Server // and what was forgotten
}

// serverState is what is known of a server.
type serverState struct {
	ok      bool // its checks are content
	unknown bool // they are not, but only since they have not looked yet
	held    bool // they are not, but it stays in (max_eject)
	rising  bool // slow start

	told, toldHeld bool // what was reported: it is in; it is held

	place  place
	timed  bool   // it is looked at again at a moment
	cause  string // why not
	failed uint64 // the number of its failure, 0: it does not fail
	weight int    // effective, without slow start
	tier   int    // in Pool.tiers

	until clock.Instant // leaving ends
	since clock.Instant // of rising
}

// in reports whether checks leave the server in.
func (s *serverState) in() bool { return s.ok || s.held }

// NewPool returns a pool and what its start brings: QuorumGained or QuorumLost,
// and SorryIn where that applies.
func NewPool(now clock.Instant, cfg PoolConfig) (*Pool, []Change) {
	p := &Pool{now: now}
	p.configure(cfg, nil)
	p.eject()
	for i := range p.state {
		s := &p.state[i]
		p.tell(s, s.in())
		if o := &p.cfg.Servers[i]; o.Override.Kind == Drained && s.ok {
			s.place = parked // it may have connections of a time before ours
		}
	}
	p.judge(true)
	p.settleAll()
	return p, p.changes
}

// Config is the configuration; its Checks and Overrides are up to date.
func (p *Pool) Config() *PoolConfig { return &p.cfg }

// Find returns a real server's place in the configuration.
func (p *Pool) Find(key ServerKey) (int, bool) { return p.index.find(key) }

// HasQuorum reports whether live servers weigh enough.
func (p *Pool) HasQuorum() bool { return p.quorum }

// Ups is how many servers are up.
func (p *Pool) Ups() int { return p.ups }

// SorryInUse reports whether the sorry server stands in.
func (p *Pool) SorryInUse() bool { return !p.quorum && p.cfg.Sorry != nil }

// Server reports whether a real server is up, and its effective weight.
func (p *Pool) Server(key ServerKey) (up bool, weight int) {
	i, ok := p.index.find(key)
	if !ok {
		return false, 0
	}
	return p.ServerAt(i)
}

// ServerAt is Server for a place in the configuration.
func (p *Pool) ServerAt(i int) (up bool, weight int) {
	return p.state[i].in(), p.state[i].weight
}

// Step takes an event. The slice is good until the next Step.
func (p *Pool) Step(now clock.Instant, ev Event) []Change {
	p.now, p.changes, p.touched = now, p.changes[:0], p.touched[:0]
	all := false
	switch ev := ev.(type) {
	case Turned:
		if i, c := p.check(ev.Server, ev.Check); c != nil {
			c.Up, c.Unknown, c.Cause = ev.Up, false, ev.Cause
			p.assess(i, ev.Cause)
		}
	case Weighed:
		if i, c := p.check(ev.Server, ev.Check); c != nil {
			c.Weight, c.WeightSet = ev.Weight, true
			p.assess(i, ev.Cause)
		}
	case Overridden:
		p.override(ev)
	case Ended:
		p.ended(ev.Server)
	case Leave:
		p.left, p.rush, p.stale, all = true, ev.AtOnce, true, true
	case Reconfigure:
		p.reconfigure(ev.Config)
		all = true
	}
	p.eject()
	for _, i := range p.touched {
		p.report(i)
	}
	if p.judge(false) || all {
		p.settleAll()
	} else {
		for _, i := range p.touched {
			p.settle(i)
		}
	}
	p.expire()
	return p.changes
}

func (p *Pool) say(c Change) { p.changes = append(p.changes, c) }

// check returns a server's place and the state of its check i, nil if there is
// none.
func (p *Pool) check(key ServerKey, i int) (int, *CheckState) {
	at, ok := p.index.find(key)
	if !ok || i < 0 || i >= len(p.cfg.Servers[at].Checks) {
		return 0, nil
	}
	return at, &p.cfg.Servers[at].Checks[i]
}

// assess brings server i up to date with its checks and its override.
func (p *Pool) assess(i int, cause string) {
	cfg, s := &p.cfg.Servers[i], &p.state[i]
	was := *s
	p.recount(i, func() { p.look(i, cause) })
	if was.ok == s.ok && was.weight == s.weight && was.unknown == s.unknown {
		return
	}
	p.mark(i)
	p.touched = append(p.touched, i)
	if was.weight != s.weight {
		p.say(WeightChanged{Server: cfg, From: was.weight, To: s.weight, Active: s.in(), Cause: cause})
	}
}

// recount keeps the sums while something changes server i.
func (p *Pool) recount(i int, change func()) {
	failed, queued := p.state[i].failed, p.fails(i)
	p.count(i, -1)
	change()
	p.count(i, +1)
	switch fails := p.fails(i); {
	case queued && !fails:
		p.leaveQueue(i, failed)
	case !queued && fails:
		p.joinQueue(i)
	}
}

// look computes what a server's checks make of it: up when all are, and its
// weight changed by the sum of what they ask for.
func (p *Pool) look(i int, cause string) {
	cfg, s := &p.cfg.Servers[i], &p.state[i]
	was := s.ok
	s.ok, s.unknown, s.weight = true, true, cfg.Server.Weight
	for k := range cfg.Checks {
		c := &cfg.Checks[k]
		s.ok = s.ok && c.Up
		s.unknown = s.unknown && (c.Up || c.Unknown)
		if c.WeightSet {
			s.weight += c.Weight - cfg.Server.Weight
		}
	}
	s.unknown = s.unknown && !s.ok
	if cfg.Override.Kind == Weighted {
		s.weight = cfg.Override.Weight
	}
	s.weight = min(max(s.weight, 0), MaxWeight)
	if s.ok != was || s.cause == "" {
		s.cause = cause
	}
	switch {
	case s.ok || s.unknown:
		s.failed = 0
	case s.failed == 0:
		p.failures++
		s.failed = p.failures
	}
	s.rising = s.rising && s.ok
}

// override takes what an operator said.
func (p *Pool) override(ev Overridden) {
	i, ok := p.index.find(ev.Server)
	if !ok || p.cfg.Servers[i].Override == ev.Override {
		return
	}
	cfg, s := &p.cfg.Servers[i], &p.state[i]
	was := s.weight
	before := cfg.Override
	p.recount(i, func() {
		cfg.Override = ev.Override
		p.look(i, s.cause)
	})
	p.mark(i)
	p.touched = append(p.touched, i)
	if was != s.weight {
		p.say(WeightChanged{Server: cfg, From: was, To: s.weight, Active: s.in(), Cause: "by command"})
	}
	switch {
	case ev.Override.Kind == Weighted:
		s.rising = false // it was said outright
	case before.out() && !ev.Override.out() && s.ok:
		p.rise(i)
	}
}

// report says what became of a server.
func (p *Pool) report(i int) {
	cfg, s := &p.cfg.Servers[i], &p.state[i]
	switch {
	case s.in() && !s.told:
		p.say(ServerUp{Server: cfg, Cause: s.cause})
		if s.ok {
			p.rise(i)
		}
	case !s.in() && s.told:
		p.say(ServerDown{Server: cfg, Cause: s.cause})
	}
	switch {
	case s.held && !s.toldHeld:
		p.say(ServerHeld{Server: cfg, Cause: s.cause, Allowed: p.allowed()})
	case s.toldHeld && s.ok:
		p.say(HeldRecovered{Server: cfg})
	}
	p.tell(s, s.in())
	s.toldHeld = s.held
}

// tell notes that a server was told to be in, or not.
func (p *Pool) tell(s *serverState, in bool) {
	switch {
	case in && !s.told:
		p.ups++
	case !in && s.told:
		p.ups--
	}
	s.told = in
}

// configure takes a configuration over without a word. carry, if any, gives a
// server what is known of it already.
func (p *Pool) configure(cfg PoolConfig, carry func(i int, s *serverState)) {
	p.cfg, p.stale = cfg, true
	p.index, p.timed = newIndex(cfg.Servers), 0
	p.moved, p.lost = p.moved[:0], nil
	p.blurred = cfg.marks() && (len(p.gone) > 0 || cfg.blurs(&p.index))
	p.state = make([]serverState, len(cfg.Servers))
	p.eligible, p.ups = 0, 0
	p.enrol()
	for i := range cfg.Servers {
		s := &p.state[i]
		if carry != nil {
			carry(i, s)
			s.timed = false
		}
		s.tier, _ = p.tierOf(cfg.Servers[i].Tier)
		p.look(i, cfg.Servers[i].reason())
		if s.told {
			p.ups++
		}
		p.count(i, +1)
	}
	p.enqueue()
}

// reconfigure takes a configuration over and says what became of the servers.
func (p *Pool) reconfigure(cfg PoolConfig) {
	was, wasIndex, wasState := p.cfg, p.index, p.state
	p.configure(cfg, func(i int, s *serverState) {
		if j, known := wasIndex.find(cfg.Servers[i].Key); known {
			*s = wasState[j]
		}
	})
	for j := range was.Servers {
		old := &was.Servers[j]
		if _, stays := p.index.find(old.Key); !stays {
			p.say(ServerRemoved{Server: *old, Up: wasState[j].told})
			p.depart(old, &wasState[j])
		}
	}
	for i := range p.cfg.Servers {
		c, s := &p.cfg.Servers[i], &p.state[i]
		j, known := wasIndex.find(c.Key)
		if !known {
			p.say(ServerAdded{Server: c, Up: s.ok})
			p.tell(s, s.ok)
			p.back(i)
			continue
		}
		if from := wasState[j].weight; from != s.weight {
			p.say(WeightChanged{Server: c, From: from, To: s.weight, Active: s.in(), Cause: "new in the configuration"})
		}
		if s.rising = s.rising && c.SlowStart > 0; s.rising {
			p.time(i, p.now)
		}
		p.touched = append(p.touched, i)
	}
	switch {
	case was.Sorry == nil && p.SorryInUse():
		p.say(SorryIn{Sorry: p.cfg.Sorry})
	case was.Sorry != nil && p.cfg.Sorry == nil && !p.quorum:
		p.say(SorryOut{Sorry: was.Sorry})
	}
}
