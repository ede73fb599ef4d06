package lvs

import (
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// place is where a server is in what the director offers.
type place uint8

const (
	absent  place = iota
	serving       // with its weight
	parked        // with weight 0, for as long as things are as they are
	leaving       // with weight 0, until its connections end or time is up
	cut           // with weight 0, and what it has is reset
)

const (
	// rampStep and rampSteps bound how often a growing weight is written: each
	// second, and in so many steps at most.
	rampStep  = time.Second
	rampSteps = 100
)

// departure is a server that a reload took away and that still drains.
type departure struct {
	name   string
	server Server
	until  clock.Instant
}

// wanted is where a server belongs. orderly: if that is nowhere, it goes while
// it is well, so that its connections may end first.
func (p *Pool) wanted(i int) (at place, orderly bool) {
	cfg, s := &p.cfg.Servers[i], &p.state[i]
	kind, serves := cfg.Override.Kind, p.serves(cfg)
	idle := absent
	if cfg.Inhibit {
		idle = parked
	}
	switch {
	case p.left:
		return absent, s.in() && kind != Disabled && !p.rush
	case kind == Disabled && cfg.Reset:
		return cut, false
	case kind == Disabled:
		return absent, false
	case s.unknown:
		return idle, false
	case !s.in() && (kind == Drained || !p.panics || !serves):
		if cfg.Reset {
			return cut, false
		}
		return idle, false
	case kind == Drained && cfg.Drain == 0:
		return parked, true
	case kind == Drained || !serves:
		return idle, true
	}
	return serving, false
}

func (p *Pool) settleAll() {
	for i := range p.state {
		p.settle(i)
	}
}

// settle puts a server where it belongs.
func (p *Pool) settle(i int) {
	cfg, s := &p.cfg.Servers[i], &p.state[i]
	at, orderly := p.wanted(i)
	if at == absent && orderly && cfg.Drain > 0 {
		switch s.place {
		case serving, parked:
			at, s.until = leaving, p.now.Add(cfg.Drain)
			p.say(DrainBegan{Name: cfg.Name, For: cfg.Drain})
		case leaving:
			at = leaving
		}
	}
	if at == leaving {
		p.time(i, s.until)
	}
	if at != s.place {
		p.mark(i)
	}
	s.place = at
}

// depart lets a server that a reload took away drain.
func (p *Pool) depart(old *ServerConfig, s *serverState) {
	drains := old.Drain > 0 && s.in() && old.Override.Kind != Disabled
	if !drains || s.place != serving && s.place != parked && s.place != leaving {
		return
	}
	d := departure{name: old.Name, server: old.Server, until: s.until}
	d.server.Weight = 0
	if s.place != leaving {
		d.until = p.now.Add(old.Drain)
		p.say(DrainBegan{Name: old.Name, For: old.Drain})
	}
	if p.gone == nil {
		p.gone = map[ServerKey]departure{}
	}
	p.gone[old.Key] = d
	p.blurred = p.blurred || p.cfg.marks()
	p.due(d.until)
}

// back is for a server that a reload brought; it may have been on its way out.
func (p *Pool) back(i int) {
	key, s := p.cfg.Servers[i].Key, &p.state[i]
	if d, ok := p.gone[key]; ok {
		s.place, s.until = leaving, d.until
		delete(p.gone, key)
		return
	}
	if s.ok {
		p.rise(i)
	}
}

// rise begins a slow start, where it makes a difference.
func (p *Pool) rise(i int) {
	cfg, s := &p.cfg.Servers[i], &p.state[i]
	if cfg.SlowStart <= 0 || s.weight <= 1 || cfg.Override.Kind == Weighted {
		return
	}
	s.rising, s.since = true, p.now
	p.time(i, p.now.Add(cfg.step()))
	p.say(RampBegan{Server: cfg})
}

// step is the time between two weights of a slow start.
func (c *ServerConfig) step() time.Duration { return max(rampStep, c.SlowStart/rampSteps) }

// weight is what the director is told of a server that serves.
func (p *Pool) weight(i int) int {
	cfg, s := &p.cfg.Servers[i], &p.state[i]
	if !s.rising {
		return s.weight
	}
	step := cfg.step()
	run := min(p.now.Sub(s.since)/step*step, cfg.SlowStart)
	return max(int(int64(s.weight)*int64(run)/int64(cfg.SlowStart)), min(s.weight, 1))
}

// time has server i looked at again at a moment.
func (p *Pool) time(i int, at clock.Instant) {
	if s := &p.state[i]; !s.timed {
		s.timed = true
		p.timed++
	}
	p.due(at)
}

func (p *Pool) due(at clock.Instant) {
	if p.next == 0 || at.Before(p.next) {
		p.next = at
	}
}

// Deadline is when the pool wants a Tick, if nothing else happens.
func (p *Pool) Deadline() (clock.Instant, bool) { return p.next, p.next != 0 }

// expire ends what has had its time.
func (p *Pool) expire() {
	if p.next == 0 || p.now.Before(p.next) {
		return
	}
	p.next = 0
	for i := range p.state {
		if p.timed == 0 {
			break
		}
		if p.state[i].timed {
			p.pass(i)
		}
	}
	for key, d := range p.gone {
		if p.now.Before(d.until) {
			p.due(d.until)
			continue
		}
		p.vanish(key, false)
	}
}

// pass looks at server i, which has a time of its own.
func (p *Pool) pass(i int) {
	cfg, s := &p.cfg.Servers[i], &p.state[i]
	s.timed = false
	p.timed--
	if s.place == leaving {
		if p.now.Before(s.until) {
			p.time(i, s.until)
		} else {
			p.dismiss(i, false)
		}
	}
	if !s.rising {
		return
	}
	p.mark(i)
	end := s.since.Add(cfg.SlowStart)
	if !p.now.Before(end) {
		s.rising = false
		p.say(RampEnded{Server: cfg, Weight: s.weight})
		return
	}
	p.time(i, min(clock.Following(s.since, p.now, cfg.step()), end))
}

// ended: a server has no connections any more.
func (p *Pool) ended(key ServerKey) {
	if _, ok := p.gone[key]; ok {
		p.vanish(key, true)
	}
	if i, ok := p.index.find(key); ok && p.state[i].place == leaving {
		p.dismiss(i, true)
	}
}

func (p *Pool) dismiss(i int, empty bool) {
	p.state[i].place = absent
	p.mark(i)
	p.say(DrainEnded{Name: p.cfg.Servers[i].Name, Empty: empty})
}

func (p *Pool) vanish(key ServerKey, empty bool) {
	p.say(DrainEnded{Name: p.gone[key].name, Empty: empty})
	if p.lost == nil {
		p.lost = map[ServerKey]Server{}
	}
	p.lost[key] = p.gone[key].server
	delete(p.gone, key)
}

// Leaving gives the servers that are on their way out, for who counts their
// connections.
func (p *Pool) Leaving() (keys []ServerKey) {
	for i := range p.state {
		if p.timed == 0 {
			break
		}
		if p.state[i].place == leaving {
			keys = append(keys, p.cfg.Servers[i].Key)
		}
	}
	for key := range p.gone {
		keys = append(keys, key)
	}
	return keys
}

// Where says in a word where the server at a place of the configuration is, and
// the weight that the director is told, if it is told of it.
func (p *Pool) Where(i int) (word string, weight int, offered bool) {
	cfg, s := &p.cfg.Servers[i], &p.state[i]
	offered = s.place != absent && s.place != cut
	switch s.place {
	case serving:
		return s.inWord(), p.weight(i), true
	case leaving:
		return "draining", 0, true
	}
	switch {
	case cfg.Override.Kind == Disabled:
		word = "disabled"
	case cfg.Override.Kind == Drained:
		word = "drained"
	case s.in() && !p.serves(cfg):
		word = "standby"
	case s.place == parked:
		word = "inhibited"
	default:
		word = "out"
	}
	return word, 0, offered
}

func (s *serverState) inWord() string {
	switch {
	case s.held:
		return "held in"
	case !s.ok:
		return "in by panic"
	case s.rising:
		return "starts slowly"
	}
	return "in"
}
