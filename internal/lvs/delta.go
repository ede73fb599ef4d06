package lvs

import "maps"

// Delta is what is to become different in a table. It is as large as what
// happened, not as the table, and several that nobody has taken yet are one.
// What it holds is given away with it: who takes it may keep and change it.
type Delta struct {
	All      bool // services that are not in it go, whatever they are
	Services map[ServiceKey]ServiceDelta
}

// ServiceDelta is what is to become of a service: it goes, or it is to be
// exactly Service, or, if that is nil, only these servers become different.
type ServiceDelta struct {
	Gone    bool
	Service *Service
	Servers map[ServerKey]Placed
}

// Placed is a server as it is to be in a service, or, unless In, what it was
// there.
type Placed struct {
	Server
	In bool
}

// Whole is the delta that makes any table t, of which it is a copy.
func Whole(t Table) Delta {
	d := Delta{All: true, Services: make(map[ServiceKey]ServiceDelta, len(t))}
	for key, s := range t {
		s.Servers = maps.Clone(s.Servers)
		d.Services[key] = ServiceDelta{Service: &s}
	}
	return d
}

// Empty reports whether it makes nothing different.
func (d *Delta) Empty() bool { return !d.All && len(d.Services) == 0 }

// Merge adds what is newer; together they make the same of any table as one
// after the other.
func (d *Delta) Merge(newer Delta) {
	if newer.All || d.Empty() {
		*d = newer
		return
	}
	for key, s := range newer.Services {
		d.Put(key, s)
	}
}

// Put is Merge for one service.
func (d *Delta) Put(key ServiceKey, s ServiceDelta) {
	if d.Services == nil {
		d.Services = map[ServiceKey]ServiceDelta{}
	}
	was, there := d.Services[key]
	switch {
	case s.Gone || s.Service != nil:
		d.Services[key] = s
	case !there && d.All: // it goes before its servers are placed
	case !there:
		d.Services[key] = s
	case was.Gone: // and so do its servers
	case was.Service != nil:
		was.Service.place(s.Servers)
	case was.Servers == nil:
		d.Services[key] = s
	default:
		maps.Copy(was.Servers, s.Servers)
	}
}

// Apply makes of t what d says, and takes over what d holds. Servers of a
// service that t does not have are left out.
func (t Table) Apply(d Delta) {
	if d.All {
		maps.DeleteFunc(t, func(key ServiceKey, _ Service) bool { _, stays := d.Services[key]; return !stays })
	}
	for key, c := range d.Services {
		switch s, there := t[key]; {
		case c.Gone:
			delete(t, key)
		case c.Service != nil:
			t[key] = *c.Service
		case there:
			s.place(c.Servers)
			t[key] = s
		}
	}
}

func (s *Service) place(servers map[ServerKey]Placed) {
	if s.Servers == nil {
		s.Servers = make(map[ServerKey]Server, len(servers))
	}
	for key, p := range servers {
		if p.In {
			s.Servers[key] = p.Server
		} else {
			delete(s.Servers, key)
		}
	}
}
