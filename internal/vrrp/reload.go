package vrrp

import (
	"net/netip"
	"slices"
)

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
// family. No router is continued twice. Most have their places still, counted
// from the beginning or from the end.
func Match(have, want []RouterConfig) []int {
	from := make([]int, len(want))
	same := func(i, j int) bool { return identify(&have[i]) == identify(&want[j]) }
	first, a, b := 0, len(have), len(want)
	for ; first < a && first < b && same(first, first); first++ {
		from[first] = first
	}
	for ; first < a && first < b && same(a-1, b-1); a, b = a-1, b-1 {
		from[b-1] = a - 1
	}
	old := make(map[identity]int, a-first)
	for i := first; i < a; i++ {
		old[identify(&have[i])] = i
	}
	for i := first; i < b; i++ {
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
		r.cfg.Priority != was.Priority || !slices.Equal(r.cfg.Addresses, was.Addresses)
}

// same reports whether two configurations of a router are one.
func (c *RouterConfig) same(o *RouterConfig) bool {
	return c.Name == o.Name && c.Interface == o.Interface && c.Version == o.Version && c.VRID == o.VRID &&
		c.Priority == o.Priority && c.Advert == o.Advert && c.DownAdverts == o.DownAdverts &&
		c.Preempt == o.Preempt && c.PreemptDelay == o.PreemptDelay && c.StartActive == o.StartActive &&
		c.CheckAddresses == o.CheckAddresses && c.CheckOnce == o.CheckOnce && c.OwnerIgnores == o.OwnerIgnores &&
		c.YieldLate == o.YieldLate && c.LowerPrioNoAdvert == o.LowerPrioNoAdvert &&
		c.HigherPrioSendAdvert == o.HigherPrioSendAdvert && c.GARP == o.GARP &&
		slices.Equal(c.Addresses, o.Addresses) && slices.Equal(c.Tracks, o.Tracks)
}
