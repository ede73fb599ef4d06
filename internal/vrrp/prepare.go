package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

// Prepared is a configuration that a node is about to take over: everything
// that can be reckoned without the states, so that what is left to do takes
// time for what changes, and for the rest a few words each.
type Prepared struct {
	changes int // of the node that it was prepared for
	cfg     Config
	from    []int

	routers []*router // of cfg; those that go on are themselves
	sorted  [][]netip.Addr
	watches [][]watch
	changed []changed // that are new or not what they were, in their order
	gone    []*router
	moved   bool // routers have come, gone or another index

	units, groups []*unit
	placed        []placed // what units there are, and what they become
	touched       []*unit  // those that something changes for, in their order

	objects map[string]*object
	users   map[*object][]*router // of those that have others than before
}

// changed is a router that is not what it was; was is nil for a new one.
type changed struct {
	r   *router
	was *RouterConfig
}

// placed is where a unit is in a configuration, and which routers it has.
type placed struct {
	unit    *unit
	old     *unit // whose state a new one has; nil: none
	group   int
	indexes []int
}

// Prepare works out what a configuration changes. It reads nothing that a Step
// changes, but for one that reconfigures: it may be called while others are
// taken, from another goroutine.
func (n *Node) Prepare(cfg Config) *Prepared {
	p := &Prepared{changes: n.changes, cfg: cfg, from: Match(n.cfg.Routers, cfg.Routers)}
	p.complete()
	p.sort(n)
	p.gather(n)
	differs := p.compare()
	if p.moved || !slices.Equal(p.units, n.units) || slices.Contains(differs, true) {
		p.watch(n)
	} else {
		p.watchAsBefore(n)
	}
	p.touch(n, differs)
	return p
}

// complete fills in what a configuration may leave out.
func (p *Prepared) complete() {
	all := p.cfg.Routers
	lacks := func(c RouterConfig) bool { return c.DownAdverts <= 0 || c.Advert < time.Millisecond }
	if !slices.ContainsFunc(all, lacks) {
		return
	}
	p.cfg.Routers = slices.Clone(all) // they are somebody else's
	for i := range p.cfg.Routers {
		c := &p.cfg.Routers[i]
		if c.DownAdverts <= 0 {
			c.DownAdverts = 3
		}
		c.Advert = max(c.Advert, time.Millisecond)
	}
}

// sort tells routers that go on from new ones and from those that are gone.
func (p *Prepared) sort(n *Node) {
	stays := make([]bool, len(n.routers))
	p.routers = make([]*router, len(p.from))
	p.sorted = make([][]netip.Addr, len(p.from))
	p.moved = len(n.routers) != len(p.from)
	for i, at := range p.from {
		c := &p.cfg.Routers[i]
		p.moved = p.moved || at != i
		if at < 0 {
			p.routers[i], p.sorted[i] = &router{priority: c.Priority}, sorted(c.Addresses)
			continue
		}
		p.routers[i], stays[at] = n.routers[at], true
		if p.sorted[i] = n.routers[at].addrs; !slices.Equal(n.cfg.Routers[at].Addresses, c.Addresses) {
			p.sorted[i] = sorted(c.Addresses)
		}
	}
	for i, r := range n.routers {
		if !stays[i] {
			p.gone = append(p.gone, r)
		}
	}
}

func sorted(addrs []netip.Addr) []netip.Addr {
	addrs = slices.Clone(addrs)
	slices.SortFunc(addrs, netip.Addr.Compare)
	return addrs
}

// gather puts routers into units: those of a sync group together, every other
// one alone. A unit of the same routers goes on.
func (p *Prepared) gather(n *Node) {
	byName := map[string]int{}
	if len(p.cfg.Groups) > 0 {
		for i := range p.cfg.Routers {
			byName[p.cfg.Routers[i].Name] = i
		}
	}
	old := make(map[string]*unit, len(n.groups))
	for _, g := range n.groups {
		old[g.name] = g
	}
	taken := make([]bool, len(p.routers))
	p.units, p.placed = make([]*unit, 0, len(n.units)), make([]placed, 0, len(n.units))
	for i := range p.cfg.Groups {
		c := &p.cfg.Groups[i]
		at := placed{group: i, old: old[c.Name]}
		for _, name := range c.Members {
			if k, ok := byName[name]; ok && !taken[k] {
				taken[k] = true
				at.indexes = append(at.indexes, k)
			}
		}
		p.place(at, c.Name)
		p.groups = append(p.groups, p.units[i])
	}
	indexes := make([]int, len(p.routers))
	for i, r := range p.routers {
		if taken[i] {
			continue
		}
		indexes[i] = i
		at := placed{group: -1, indexes: indexes[i : i+1 : i+1]}
		if p.from[i] >= 0 && r.unit.group < 0 {
			at.old = r.unit
		}
		p.place(at, "")
	}
}

func (p *Prepared) place(at placed, name string) {
	is := func(r *router, k int) bool { return p.routers[k] == r }
	if at.old != nil && slices.EqualFunc(at.old.members, at.indexes, is) {
		at.unit = at.old
	} else {
		at.unit = &unit{name: name, group: at.group, members: make([]*router, len(at.indexes))}
		for i, k := range at.indexes {
			at.unit.members[i] = p.routers[k]
		}
	}
	p.units, p.placed = append(p.units, at.unit), append(p.placed, at)
}

// compare returns which routers track something else than before.
func (p *Prepared) compare() (differs []bool) {
	differs = make([]bool, len(p.routers))
	for _, at := range p.placed {
		for _, i := range at.indexes {
			refs := p.refs(at.group, &p.cfg.Routers[i])
			differs[i] = !slices.EqualFunc(p.routers[i].watches, refs, func(w watch, ref TrackRef) bool { return w.ref == ref })
		}
	}
	return differs
}

// watchAsBefore leaves all connected as it is.
func (p *Prepared) watchAsBefore(n *Node) {
	p.watches = make([][]watch, len(p.routers))
	for i, r := range p.routers {
		p.watches[i] = r.watches
	}
	p.objects = n.objects
}

// watch connects routers with what they and their groups track, keeping what
// is known already.
func (p *Prepared) watch(n *Node) {
	p.watches = make([][]watch, len(p.routers))
	p.objects = make(map[string]*object, len(n.objects))
	p.users = make(map[*object][]*router, len(n.objects))
	for _, at := range p.placed {
		for _, i := range at.indexes {
			r := p.routers[i]
			refs := p.refs(at.group, &p.cfg.Routers[i])
			p.watches[i] = make([]watch, len(refs))
			for k, ref := range refs {
				o := p.object(n, ref.Name)
				if users := p.users[o]; len(users) == 0 || users[len(users)-1] != r {
					p.users[o] = append(users, r)
				}
				p.watches[i][k] = watch{o, ref}
			}
		}
	}
	for o, users := range p.users {
		if slices.Equal(o.users, users) {
			delete(p.users, o)
		}
	}
}

func (p *Prepared) object(n *Node, name string) *object {
	o := p.objects[name]
	if o == nil {
		if o = n.objects[name]; o == nil {
			o = &object{}
		}
		p.objects[name] = o
	}
	return o
}

// refs is what a router tracks. Members of a sync group have one fate, so
// weights of their own count only where the group allows it
// (sync_group_tracking_weight); what the group tracks counts for each.
func (p *Prepared) refs(group int, c *RouterConfig) []TrackRef {
	if group < 0 {
		return c.Tracks
	}
	g := &p.cfg.Groups[group]
	var refs []TrackRef
	for _, ref := range c.Tracks {
		if ref.Weight == 0 || g.TrackingWeight {
			refs = append(refs, ref)
		}
	}
	return append(refs, g.Tracks...)
}

// touch finds the routers and units that something changes for.
func (p *Prepared) touch(n *Node, differs []bool) {
	for i, r := range p.routers {
		c := changed{r: r}
		if at := p.from[i]; at >= 0 {
			c.was = &n.cfg.Routers[at]
			if !differs[i] && c.was.same(&p.cfg.Routers[i]) {
				continue
			}
		}
		differs[i] = true
		p.changed = append(p.changed, c)
	}
	for _, at := range p.placed {
		if at.unit != at.old || slices.ContainsFunc(at.indexes, func(i int) bool { return differs[i] }) {
			p.touched = append(p.touched, at.unit)
		}
	}
}

// install makes a prepared configuration the node's.
func (n *Node) install(p *Prepared, why Cause) {
	n.changes++
	n.cfg, n.routers, n.units, n.groups, n.objects = p.cfg, p.routers, p.units, p.groups, p.objects
	if p.moved {
		n.plan = n.plan[:0] // until all have their places
	}
	for i, r := range n.routers {
		r.cfg, r.addrs, r.watches = &n.cfg.Routers[i], p.sorted[i], p.watches[i]
		if r.index != i || r.send == nil {
			r.index, r.send = i, Send{Router: i, Priority: r.priority}
		}
	}
	for _, c := range p.changed {
		c.r.configure()
	}
	for o, users := range p.users {
		o.users = users
	}
	for i := range p.placed {
		p.placed[i].take(p.moved)
	}
	for _, u := range p.touched {
		u.decider = u.decides()
		for _, r := range u.members {
			n.weigh(r, why)
		}
	}
	for _, c := range p.changed {
		if c.was != nil {
			c.r.adapt(n, c.was)
			n.plan.sooner(c.r)
		}
	}
	if p.moved {
		n.plan.fill(n.routers)
	}
}

// take gives a unit its place in a configuration. A new one has the state of
// the group that it replaces, or of the router that it is.
func (at *placed) take(moved bool) {
	u := at.unit
	if moved || u != at.old {
		u.indexes = at.indexes
	}
	if at.group >= 0 {
		u.group = at.group
	}
	if u == at.old {
		return
	}
	for _, r := range u.members {
		r.unit = u
	}
	switch {
	case at.old != nil:
		u.state, u.since, u.cause = at.old.state, at.old.since, at.old.cause
	case at.group < 0:
		u.state = u.members[0].state
	}
}
