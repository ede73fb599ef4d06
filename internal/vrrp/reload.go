package vrrp

import "net/netip"

// identity is what makes two configurations speak of the same virtual router.
type identity struct {
	name, iface string
	vrid        VRID
	is6         bool
}

func identify(c *RouterConfig) identity {
	return identity{c.Name, c.Interface, c.VRID, len(c.Addresses) > 0 && is6(c.Addresses[0])}
}

func is6(a netip.Addr) bool { return a.Is6() && !a.Is4In6() }

// Match says for each router of a configuration which one of another it
// continues, -1 if none: the one with the same name, interface, VRID and
// family. No router is continued twice.
func Match(have, want []RouterConfig) []int {
	old := make(map[identity]int, len(have))
	for i := range have {
		old[identify(&have[i])] = i
	}
	from := make([]int, len(want))
	for i := range want {
		from[i] = -1
		key := identify(&want[i])
		if at, ok := old[key]; ok {
			from[i] = at
			delete(old, key)
		}
	}
	return from
}

// reconfigure replaces the configuration. Routers that are in both keep their
// state; those that vanish resign, told by their old index before Renumbered.
func (n *Node) reconfigure(ev *Reconfigure) {
	p := ev.Prepared
	if p == nil || p.changes != n.changes {
		p = n.Prepare(ev.Config)
	}
	why := ev.Cause
	if why == nil {
		why = Reloaded{}
	}
	for _, r := range p.gone {
		n.become(r, Init, Removed{})
	}
	n.do(Renumbered{From: p.from})
	n.install(p, why)
	for _, c := range p.changed {
		if c.was != nil && c.r.state == Active && !c.r.doubt.on() && c.r.advertises(c.was) {
			n.advertise(c.r)
		}
	}
	for _, u := range p.touched {
		if u.has(Backup) == nil && u.has(Active) == nil && u.has(Fault) == nil {
			n.settle(u, nil, Started{})
		} else {
			n.settle(u, nil, why)
		}
	}
}

// adapt fits timers that run to a changed configuration.
func (r *router) adapt(n *Node, was *RouterConfig) {
	switch r.state {
	case Backup:
		before := MasterDown(was.Version, r.priority, was.DownAdverts, r.masterAdvert)
		if !r.master.IsValid() || r.cfg.Version == 2 {
			r.masterAdvert = r.cfg.Advert
		}
		if r.down != never && !r.resigned.IsValid() && (r.down != r.armed || !r.owner()) {
			r.best.until = r.best.until.Add(r.downInterval() - before)
			r.down = max(r.armed.Add(r.downInterval()), r.best.until)
		}
	case Active:
		if r.advertises(was) {
			r.advert = n.now.Add(n.first(r))
		}
		switch g := r.cfg.GARP; {
		case g.Refresh <= 0:
			r.refresh = never
		case g.Refresh != was.GARP.Refresh:
			r.refresh = n.now.Add(g.Refresh)
		}
	}
}

// advertises reports whether adverts say something else than before, so that
// others should hear it at once.
func (r *router) advertises(was *RouterConfig) bool {
	return r.cfg.Advert != was.Advert || r.cfg.Version != was.Version ||
		r.cfg.Priority != was.Priority || !sameAddrs(r.cfg.Addresses, was.Addresses)
}

func sameAddrs(a, b []netip.Addr) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
