package lvs

import "maps"

// Versions numbers the services of one table; each number is used once, so
// that a service which goes and comes back is not taken for the old one.
type Versions uint64

// Update brings the pool's services in t up to date and reports whether
// anything changed. What did not change costs nothing and keeps its version.
// The maps in t are never changed afterwards; they may be handed on.
func (p *Pool) Update(t Table, v *Versions) bool {
	switch {
	case p.stale:
		p.renew(v)
	case len(p.moved) > 0:
		p.amend(v)
	}
	p.stale, p.moved = false, p.moved[:0]
	changed := false
	for _, k := range p.cfg.Keys {
		if have, ok := t[k]; !ok || have.Version != p.service.Version {
			t[k] = p.service
			changed = true
		}
	}
	return changed
}

// renew computes the service anew.
func (p *Pool) renew(v *Versions) {
	s := p.offer()
	if same(s, p.service) {
		return
	}
	*v++
	s.Version, s.Base = uint64(*v), uint64(*v)
	p.service = s
}

// amendShare bounds what a service remembers of its past: so large a part of
// its servers. So the whole is compared once for so many changes.
const amendShare = 4

// amend computes the servers that have moved, and copies the others unseen.
func (p *Pool) amend(v *Versions) {
	var keys []ServerKey
	for _, i := range p.moved {
		key := p.cfg.Servers[i].Key
		is, in := p.entry(int(i))
		if was, had := p.service.Servers[key]; in != had || is != was {
			keys = append(keys, key)
		}
		if sorry := p.cfg.Sorry; sorry != nil && sorry.Key == key {
			p.renew(v) // two in one
			return
		}
	}
	switch {
	case len(keys) == 0:
		return
	case len(p.service.Touched)+len(keys) > len(p.state)/amendShare:
		p.renew(v)
		return
	}
	s := p.service
	s.Servers = maps.Clone(s.Servers)
	for _, i := range p.moved {
		if is, in := p.entry(int(i)); in {
			s.Servers[p.cfg.Servers[i].Key] = is
		} else {
			delete(s.Servers, p.cfg.Servers[i].Key)
		}
	}
	*v++
	s.Version, s.Touched = uint64(*v), append(s.Touched, keys...)
	p.service = s
}

// mark has Update look at server i, or at all if there are so many.
func (p *Pool) mark(i int) {
	n := len(p.moved)
	switch {
	case p.stale, n > 0 && p.moved[n-1] == int32(i): //nolint:gosec // bounded by the configuration's size
	case n >= len(p.state):
		p.stale, p.moved = true, p.moved[:0]
	default:
		p.moved = append(p.moved, int32(i)) //nolint:gosec // the same
	}
}

// Wanted computes the whole table of some pools.
func Wanted(v *Versions, pools ...*Pool) Table {
	t := Table{}
	for _, p := range pools {
		p.Update(t, v)
	}
	return t
}

// same compares all but the version; what was never offered equals nothing.
func same(s, offered Service) bool {
	return offered.Version != 0 && s.Scheduler == offered.Scheduler && s.Flags == offered.Flags &&
		s.Persistence == offered.Persistence && s.Netmask == offered.Netmask &&
		s.PersistenceEngine == offered.PersistenceEngine && s.Proxy == offered.Proxy && maps.Equal(s.Servers, offered.Servers)
}

// entry is what a director should have of server i, if it should have it.
func (p *Pool) entry(i int) (server Server, in bool) {
	server = p.cfg.Servers[i].Server
	switch p.state[i].place {
	case absent:
		return Server{}, false
	case serving:
		server.Weight = p.weight(i)
	default:
		server.Weight, server.Reset = 0, p.state[i].place == cut
	}
	return server, true
}

// offer computes, from configuration and state alone, what a director should
// offer for each of the pool's keys.
func (p *Pool) offer() Service {
	s := p.cfg.Service
	s.Servers = make(map[ServerKey]Server, len(p.cfg.Servers)+1)
	for i := range p.cfg.Servers {
		if server, in := p.entry(i); in {
			s.Servers[p.cfg.Servers[i].Key] = server
		}
	}
	for key, d := range p.gone {
		s.Servers[key] = d.server
	}
	if p.left {
		return s
	}
	sorry := p.SorryInUse()
	c := p.cfg.Sorry
	if c == nil {
		return s
	}
	server := c.Server
	if !sorry {
		server.Weight = 0
	}
	// A sorry server may also be one of the real servers, whose entry counts
	// as long as there is quorum.
	if _, taken := s.Servers[c.Key]; sorry || c.Inhibit && !taken {
		s.Servers[c.Key] = server
	}
	return s
}
