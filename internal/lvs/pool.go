package lvs

import "maps"

// MaxWeight bounds a server's weight after all adjustments, as IPVS does.
const MaxWeight = 65535

// PoolConfig describes one virtual server; a Pool takes its slices over. Names in brackets are the keywords
// of keepalived.conf(5).
type PoolConfig struct {
	Name string // "[10.1.0.1]:tcp:80", "FWM 7", "[group]:0"
	// Keys are the services that the pool offers, more than one for a group.
	Keys []ServiceKey
	// Service is what they have in common; Servers and Version are not used.
	Service Service
	// Quorum is the weight that live servers must have together [quorum].
	Quorum int
	// Hysteresis is how much more is needed to gain quorum, and how much less
	// to lose it [hysteresis].
	Hysteresis int
	Sorry      *SorryConfig
	Servers    []ServerConfig // no Key twice
}

// SorryConfig is the server that answers when there is no quorum
// [sorry_server].
type SorryConfig struct {
	Key     ServerKey
	Name    string
	Server  Server
	Inhibit bool // stays in with weight 0 when not needed [sorry_server_inhibit]
}

// ServerConfig describes one real server.
type ServerConfig struct {
	Key    ServerKey
	Name   string // "[10.0.0.1]:tcp:80"
	Server Server
	// Inhibit: weight 0 instead of removal [inhibit_on_failure].
	Inhibit bool
	// Checks are the states of its checkers now: at the start as their alpha
	// says, at a reload as they are.
	Checks []CheckState
}

// CheckState is what one checker says of its server.
type CheckState struct {
	Up    bool
	Cause string // why it is down
	// Weight is what its probe asks for; valid only when WeightSet.
	Weight    int
	WeightSet bool
}

// Event is what a Pool can be told: Turned, Weighed or Reconfigure.
type Event interface{ event() }

// Turned: a checker has changed its mind.
type Turned struct {
	Server ServerKey
	Check  int // its place in ServerConfig.Checks
	Up     bool
	Cause  string // why
}

// Weighed: a checker's probe asks for a weight.
type Weighed struct {
	Server ServerKey
	Check  int
	Weight int
}

// Reconfigure: a reload. Servers keep what their checkers said.
type Reconfigure struct{ Config PoolConfig }

func (Turned) event()      {}
func (Weighed) event()     {}
func (Reconfigure) event() {}

// Change is what a Pool reports: ServerUp, ServerDown, ServerAdded,
// ServerRemoved, WeightChanged, QuorumGained, QuorumLost, SorryIn or SorryOut.
type Change interface{ change() }

// ServerUp: a real server takes connections again.
type ServerUp struct {
	Server *ServerConfig
	Cause  string
}

// ServerDown: a real server takes no more new connections.
type ServerDown struct {
	Server *ServerConfig
	Cause  string
}

// ServerAdded: a reload brought a server.
type ServerAdded struct {
	Server *ServerConfig
	Up     bool
}

// ServerRemoved: a reload took a server away.
type ServerRemoved struct {
	Server ServerConfig
	Up     bool
}

// WeightChanged: a server's weight is another, by a reload or by its checks.
type WeightChanged struct {
	Server   *ServerConfig
	From, To int
	Active   bool // the server is up
}

// QuorumGained: live servers weigh enough.
type QuorumGained struct {
	Quorum, Hysteresis, Weight int
	First                      bool // at the start
}

// QuorumLost: live servers do not weigh enough.
type QuorumLost struct {
	Quorum, Hysteresis, Weight int
	First                      bool
}

// SorryIn: the sorry server stands in for all real servers.
type SorryIn struct{ Sorry *SorryConfig }

// SorryOut: the real servers are back.
type SorryOut struct{ Sorry *SorryConfig }

func (ServerUp) change()      {}
func (ServerDown) change()    {}
func (ServerAdded) change()   {}
func (ServerRemoved) change() {}
func (WeightChanged) change() {}
func (QuorumGained) change()  {}
func (QuorumLost) change()    {}
func (SorryIn) change()       {}
func (SorryOut) change()      {}

// Pool is one virtual server and what is known of its real servers.
type Pool struct {
	cfg     PoolConfig
	index   map[ServerKey]int // in cfg.Servers
	state   []serverState     // as cfg.Servers
	weight  int               // of all live servers
	quorum  bool
	changes []Change
	service Service // as last offered; its Version is 0 before that
	stale   bool    // service is out of date
}

type serverState struct {
	up     bool
	weight int // effective
}

// NewPool returns a pool and what its start brings: QuorumGained or QuorumLost,
// and SorryIn where that applies.
func NewPool(cfg PoolConfig) (*Pool, []Change) {
	p := &Pool{}
	p.configure(cfg)
	p.judge(true)
	return p, p.changes
}

// Config is the configuration; its Checks are up to date.
func (p *Pool) Config() *PoolConfig { return &p.cfg }

// HasQuorum reports whether live servers weigh enough.
func (p *Pool) HasQuorum() bool { return p.quorum }

// SorryInUse reports whether the sorry server stands in.
func (p *Pool) SorryInUse() bool { return !p.quorum && p.cfg.Sorry != nil }

// Server reports whether a real server is up, and its effective weight.
func (p *Pool) Server(key ServerKey) (up bool, weight int) {
	i, ok := p.index[key]
	if !ok {
		return false, 0
	}
	return p.state[i].up, p.state[i].weight
}

// Step takes an event. The slice is good until the next Step.
func (p *Pool) Step(ev Event) []Change {
	p.changes = p.changes[:0]
	switch ev := ev.(type) {
	case Turned:
		if c := p.check(ev.Server, ev.Check); c != nil {
			c.Up, c.Cause = ev.Up, ev.Cause
			p.weigh(p.index[ev.Server], ev.Cause)
		}
	case Weighed:
		if c := p.check(ev.Server, ev.Check); c != nil {
			c.Weight, c.WeightSet = ev.Weight, true
			p.weigh(p.index[ev.Server], "")
		}
	case Reconfigure:
		p.reconfigure(ev.Config)
	}
	p.judge(false)
	return p.changes
}

func (p *Pool) say(c Change) { p.changes = append(p.changes, c) }

func (p *Pool) check(key ServerKey, i int) *CheckState {
	at, ok := p.index[key]
	if !ok || i < 0 || i >= len(p.cfg.Servers[at].Checks) {
		return nil
	}
	return &p.cfg.Servers[at].Checks[i]
}

// weigh brings server i's state up to date with its checks.
func (p *Pool) weigh(i int, cause string) {
	cfg, s := &p.cfg.Servers[i], &p.state[i]
	was := *s
	*s = cfg.state()
	if was == *s {
		return
	}
	p.stale = true
	if was.weight != s.weight {
		p.say(WeightChanged{Server: cfg, From: was.weight, To: s.weight, Active: s.up})
	}
	switch {
	case s.up && !was.up:
		p.say(ServerUp{Server: cfg, Cause: cause})
	case !s.up && was.up:
		p.say(ServerDown{Server: cfg, Cause: cause})
	}
}

// state computes what a server's checks make of it: up when all are, and its
// weight changed by the sum of what they ask for.
func (c *ServerConfig) state() serverState {
	s := serverState{up: true, weight: c.Server.Weight}
	for i := range c.Checks {
		s.up = s.up && c.Checks[i].Up
		if c.Checks[i].WeightSet {
			s.weight += c.Checks[i].Weight - c.Server.Weight
		}
	}
	s.weight = min(max(s.weight, 0), MaxWeight)
	return s
}

// judge adds up the live weight and decides on quorum.
func (p *Pool) judge(first bool) {
	p.weight = 0
	for i := range p.state {
		if p.state[i].up {
			p.weight += p.state[i].weight
		}
	}
	q, h := p.cfg.Quorum, p.cfg.Hysteresis
	switch {
	case !p.quorum && p.weight >= q+h:
		p.quorum, p.stale = true, true
		p.say(QuorumGained{Quorum: q, Hysteresis: h, Weight: p.weight, First: first})
		if p.cfg.Sorry != nil && !first {
			p.say(SorryOut{Sorry: p.cfg.Sorry})
		}
	case p.quorum && p.weight < max(q-h, 1), first:
		p.quorum, p.stale = false, true
		p.say(QuorumLost{Quorum: q, Hysteresis: h, Weight: p.weight, First: first})
		if p.cfg.Sorry != nil {
			p.say(SorryIn{Sorry: p.cfg.Sorry})
		}
	}
}

// configure takes a configuration over without a word.
func (p *Pool) configure(cfg PoolConfig) {
	p.cfg, p.stale = cfg, true
	p.index = make(map[ServerKey]int, len(cfg.Servers))
	p.state = make([]serverState, len(cfg.Servers))
	for i := range cfg.Servers {
		p.index[cfg.Servers[i].Key] = i
		p.state[i] = cfg.Servers[i].state()
	}
}

// reconfigure takes a configuration over and says what became of the servers.
func (p *Pool) reconfigure(cfg PoolConfig) {
	was, wasIndex, wasState := p.cfg, maps.Clone(p.index), p.state
	p.configure(cfg)
	for i := range was.Servers {
		old := was.Servers[i]
		if _, stays := p.index[old.Key]; !stays {
			p.say(ServerRemoved{Server: old, Up: wasState[i].up})
		}
	}
	for i := range p.cfg.Servers {
		s := &p.cfg.Servers[i]
		j, known := wasIndex[s.Key]
		if !known {
			p.say(ServerAdded{Server: s, Up: p.state[i].up})
			continue
		}
		now := p.state[i]
		p.state[i] = wasState[j]
		p.weigh(i, "reload")
		p.state[i] = now
	}
	switch {
	case was.Sorry == nil && p.SorryInUse():
		p.say(SorryIn{Sorry: p.cfg.Sorry})
	case was.Sorry != nil && p.cfg.Sorry == nil && !p.quorum:
		p.say(SorryOut{Sorry: was.Sorry})
	}
}
