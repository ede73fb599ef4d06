package lvs

import "slices"

// Update adds to d what a director has to be told of the pool since the last
// time, or all of it the first time, and reports whether that is anything. A
// server costs the same in a pool of any size.
func (p *Pool) Update(d *Delta) bool {
	whole, moved, lost := p.stale || p.blurred && (len(p.moved) > 0 || len(p.lost) > 0), p.moved, p.lost
	p.stale, p.moved, p.lost = false, moved[:0], nil
	if !whole && len(moved) == 0 && len(lost) == 0 {
		return false
	}
	for _, k := range p.cfg.Keys {
		if whole {
			s := p.offer()
			d.Put(k, ServiceDelta{Service: &s})
			continue
		}
		servers := make(map[ServerKey]Placed, len(moved)+len(lost))
		for _, i := range moved {
			key := p.keyOf(i)
			servers[key] = p.placed(key)
		}
		for key, was := range lost {
			servers[key] = Placed{Server: was}
			if s := p.placed(key); s.In {
				servers[key] = s
			}
		}
		d.Put(k, ServiceDelta{Servers: servers})
	}
	return len(p.cfg.Keys) > 0
}

// Restate has the next Update tell all of the pool, for a director that knows
// nothing of it.
func (p *Pool) Restate() { p.stale, p.moved, p.lost = true, p.moved[:0], nil }

// theSorry stands among servers' places for the sorry server.
const theSorry int32 = -1

func (p *Pool) keyOf(i int32) ServerKey {
	if i == theSorry {
		return p.cfg.Sorry.Key
	}
	return p.cfg.Servers[i].Key
}

// mark has Update look at server i, or at all if there are so many.
func (p *Pool) mark(i int) { p.note(int32(i)) } // bounded by the configuration's size

func (p *Pool) markSorry() {
	if p.cfg.Sorry != nil {
		p.note(theSorry)
	}
}

func (p *Pool) note(i int32) {
	n := len(p.moved)
	switch {
	case p.stale, n > 0 && p.moved[n-1] == i:
	case n > len(p.state):
		p.Restate()
	default:
		p.moved = append(p.moved, i)
	}
}

// marks reports whether some service of a pool has a mark.
func (c *PoolConfig) marks() bool {
	return slices.ContainsFunc(c.Keys, func(k ServiceKey) bool { return k.FWMark != 0 })
}

// blurs reports whether a director may see several servers of a pool with a
// mark as one: behind it their ports may not count. What it has of one then
// depends on the others.
func (c *PoolConfig) blurs(x *index) bool {
	for rank := 1; rank < len(c.Servers); rank++ {
		if c.Servers[x.at(rank-1)].Key.Addr == c.Servers[x.at(rank)].Key.Addr {
			return true
		}
	}
	return c.Sorry != nil && slices.ContainsFunc(c.Servers, func(s ServerConfig) bool { return s.Key.Addr == c.Sorry.Key.Addr })
}

// Wanted computes the whole table of some pools.
func Wanted(pools ...*Pool) Table {
	t := Table{}
	for _, p := range pools {
		for _, k := range p.cfg.Keys {
			t[k] = p.offer()
		}
	}
	return t
}

// entry is what a director should have of server i, if it should have it.
func (p *Pool) entry(i int) Placed {
	s := Placed{Server: p.cfg.Servers[i].Server}
	switch p.state[i].place {
	case absent:
	case serving:
		s.Weight, s.In = p.weight(i), true
	default:
		s.Weight, s.Reset, s.In = 0, p.state[i].place == cut, true
	}
	return s
}

// placed is what a director should have of a key, whoever has it: a server, one
// that a reload took away and that drains, or the sorry server. That may be one
// of the others, whose entry counts as long as there is quorum.
func (p *Pool) placed(key ServerKey) Placed {
	sorry := p.cfg.Sorry
	if p.left || sorry != nil && sorry.Key != key {
		sorry = nil
	}
	if sorry != nil && p.SorryInUse() {
		return Placed{sorry.Server, true}
	}
	var s Placed
	if i, ok := p.index.find(key); ok {
		s = p.entry(i)
	} else if d, ok := p.gone[key]; ok {
		s = Placed{d.server, true}
	}
	if !s.In && sorry != nil {
		s = Placed{sorry.Server, sorry.Inhibit}
		s.Weight = 0
	}
	return s
}

// offer computes, from configuration and state alone, what a director should
// offer for each of the pool's keys.
func (p *Pool) offer() Service {
	s := p.cfg.Service
	s.Servers = make(map[ServerKey]Server, len(p.cfg.Servers)+1)
	for i := range p.cfg.Servers {
		if e := p.entry(i); e.In {
			s.Servers[p.cfg.Servers[i].Key] = e.Server
		}
	}
	for key, d := range p.gone {
		s.Servers[key] = d.server
	}
	if c := p.cfg.Sorry; c != nil {
		if e := p.placed(c.Key); e.In {
			s.Servers[c.Key] = e.Server
		}
	}
	return s
}
