package lvs

import "maps"

// Versions numbers the services of one table; each number is used once, so
// that a service which goes and comes back is not taken for the old one.
type Versions uint64

// Update brings the pool's services in t up to date and reports whether
// anything changed. What did not change costs nothing and keeps its version.
// The maps in t are never changed afterwards; they may be handed on.
func (p *Pool) Update(t Table, v *Versions) bool {
	if p.stale {
		p.stale = false
		if s := p.offer(); !same(s, p.service) {
			*v++
			s.Version = uint64(*v)
			p.service = s
		}
	}
	changed := false
	for _, k := range p.cfg.Keys {
		if have, ok := t[k]; !ok || have.Version != p.service.Version {
			t[k] = p.service
			changed = true
		}
	}
	return changed
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

// offer computes, from configuration and state alone, what a director should
// offer for each of the pool's keys.
func (p *Pool) offer() Service {
	s := p.cfg.Service
	s.Servers = make(map[ServerKey]Server, len(p.cfg.Servers)+1)
	for i := range p.cfg.Servers {
		cfg := &p.cfg.Servers[i]
		server := cfg.Server
		switch p.state[i].place {
		case absent:
			continue
		case serving:
			server.Weight = p.weight(i)
		default:
			server.Weight, server.Reset = 0, p.state[i].place == cut
		}
		s.Servers[cfg.Key] = server
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
