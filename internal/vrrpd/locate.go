package vrrpd

import (
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// locateAll finds interfaces, source addresses and the places of the virtual
// addresses of all routers, and opens the sockets that these need.
func (d *daemon) locateAll() {
	clear(d.virtual)
	clear(d.owners)
	clear(d.routeOwners)
	clear(d.ruleOwners)
	clear(d.routers)
	clear(d.indexes)
	clear(d.names)
	for _, name := range d.cfg.Interfaces {
		d.name(name)
	}
	for _, e := range d.edges {
		d.place(e)
		d.placeRoutes(e)
		d.claim(e)
	}
	d.placeStatic()
	for _, e := range d.edges {
		d.locate(e)
	}
	d.share()
}

// locateFor does so for what a reload has altered, when nothing has happened to
// the interfaces. It returns the routers that were looked at.
func (d *daemon) locateFor(c *change) (looked []*edge) {
	if c.whole {
		d.locateAll()
		return d.edges
	}
	for _, name := range c.interfaces {
		d.name(name)
	}
	for _, a := range c.altered {
		d.place(a.e)
		d.placeRoutes(a.e)
		for i := range a.e.holds {
			d.notice(c.virtual, a.e.holds[i].key.Addr)
		}
		d.claim(a.e)
		looked = append(looked, a.e)
	}
	if c.static {
		d.placeStatic()
	}
	for _, e := range looked {
		d.locate(e)
	}
	looked = append(looked, d.findSources(c.virtual)...)
	if c.shared {
		d.share()
	}
	if c.routes {
		d.mirrorRoutes()
	}
	if c.extra {
		d.tickExtra(d.now(), 0)
	}
	return looked
}

// share opens what routers have in common: nftables first, before sockets join
// groups, which the kernel reports.
func (d *daemon) share() {
	d.guard()
	for e, err := range d.speaker.Want(d.edges) {
		e.problem = err.Error()
	}
}

// claim notes what a router holds, and disclaim forgets it.
func (d *daemon) claim(e *edge) {
	for i := range e.holds {
		h := &e.holds[i]
		d.owners[h.key] = append(d.owners[h.key], e)
		if h.counted = !h.native; h.counted {
			d.virtual[h.key.Addr]++
		}
	}
}

func (d *daemon) disclaim(e *edge, before map[netip.Addr]bool) {
	for i := range e.holds {
		if h := &e.holds[i]; h.counted {
			d.notice(before, h.key.Addr)
			d.leaving[spot{h.key.Link, h.key.Addr}] = true
		}
	}
	d.release(e)
	d.unlist(e)
}

// release forgets what a router holds.
func (d *daemon) release(e *edge) {
	for i := range e.holds {
		h := &e.holds[i]
		drop(d.owners, h.key, e)
		if !h.counted {
			continue
		}
		if d.virtual[h.key.Addr]--; d.virtual[h.key.Addr] == 0 {
			delete(d.virtual, h.key.Addr)
		}
	}
	for i := range e.routes {
		if h := &e.routes[i]; h.problem == nil {
			drop(d.routeOwners, h.key, e)
		}
	}
	for i := range e.rules {
		if h := &e.rules[i]; h.problem == nil {
			drop(d.ruleOwners, h.rule, e)
		}
	}
}

// drop takes an edge off those that hold something.
func drop[K comparable](owners map[K][]*edge, k K, e *edge) {
	if left := slices.DeleteFunc(owners[k], func(o *edge) bool { return o == e }); len(left) > 0 {
		owners[k] = left
	} else {
		delete(owners, k)
	}
}

// notice notes whether an address was a virtual one.
func (d *daemon) notice(before map[netip.Addr]bool, a netip.Addr) {
	if _, known := before[a]; !known {
		before[a] = d.isVirtual(a)
	}
}

// findSources looks for the sources of those routers anew whose interface has
// an address that was a virtual one before and is none now, or the other way.
// Those that are about to go are nobody's source.
func (d *daemon) findSources(before map[netip.Addr]bool) (looked []*edge) {
	maps.DeleteFunc(before, func(a netip.Addr, was bool) bool { return was == d.isVirtual(a) })
	if len(before) == 0 {
		return nil
	}
	links := d.mirror.LinksWith(func(link int, a netip.Addr) bool {
		_, changed := before[a]
		return changed && !d.leaving[spot{link, a}]
	})
	if len(links) == 0 {
		return nil
	}
	for _, e := range d.edges {
		if links[e.spoken] {
			d.locate(e)
			looked = append(looked, e)
		}
	}
	return looked
}

// list notes that the packets of a virtual router are an edge's, and unlist
// forgets it.
func (d *daemon) list(e *edge) {
	e.found = address{place{e.link.Index, e.Family}, e.VRID, e.Unicast}
	if e.listed = e.onLink && e.Blocked == ""; e.listed {
		d.routers[e.found] = e
	}
}

func (d *daemon) unlist(e *edge) {
	if e.listed && d.routers[e.found] == e {
		delete(d.routers, e.found)
	}
	e.listed = false
}

// name notes an interface that concerns us, whether it exists or not.
func (d *daemon) name(dev string) {
	d.names[dev] = true
	if link, ok := d.mirror.Link(dev); ok {
		d.indexes[link.Index] = true
	}
}

// locate looks for one router's places.
func (d *daemon) locate(e *edge) {
	link, ok := d.mirror.Link(e.Interface)
	source, problem := d.sourceOf(e, d.mirror)
	if e.source.IsValid() && source.IsValid() && source != e.source {
		d.sayf(slog.LevelInfo, kindAddress, e.Name, "(%s) adverts come from %s now, no longer from %s", e.Name, source, e.source)
	}
	d.promote(e, link)
	if ok && e.active && link.Index == e.link.Index && link.MAC != e.link.MAC {
		d.again = append(d.again, e) // its neighbours know the old one
	}
	d.unlist(e)
	e.link, e.onLink, e.source, e.problem = link, ok, source, problem
	speaker, _ := d.mirror.Link(e.Speaker)
	e.spoken = speaker.Index
	d.list(e)
	d.fit(e)
	d.name(e.Interface)
	d.name(e.Base)
}

// promote has the kernel keep the other addresses of a network when the first one
// goes, once for each link that the router comes to and is told to.
func (d *daemon) promote(e *edge, link kernel.Link) {
	switch {
	case !e.PromoteSecondaries:
		e.promoted = 0
	case link.Index != e.promoted:
		if e.promoted = link.Index; link.Index == 0 {
			return
		}
		if err := d.links.promote(link.Name); err != nil {
			d.sayf(slog.LevelWarn, kindAddress, e.Name, "(%s) %v", e.Name, err)
		}
	}
}

// relocate follows the kernel's links and addresses. Between two routers others
// may go first: to them, each is where it was or where it is now.
func (d *daemon) relocate() {
	for _, e := range d.edges {
		d.release(e)
		d.place(e)
		routes, rules := slices.Clone(e.routes), slices.Clone(e.rules)
		d.placeRoutes(e)
		d.forsakeRoutes(routes, rules, e)
		d.claim(e)
		d.yield()
	}
	d.release(d.static)
	d.placeStatic()
	for _, e := range d.edges {
		d.locate(e)
		d.yield()
	}
	clear(d.indexes)
	for name := range d.names {
		d.name(name)
	}
	d.share()
	d.keepLinks()
	d.interfaces(d.cfg.Interfaces)
	d.report(d.edges)
	d.compareAll()
}

// report tells the machine who of these can speak.
func (d *daemon) report(edges []*edge) {
	for _, e := range edges {
		d.track(e.sender, e.problem == "", e.problem)
		d.yield()
	}
}

// sourceOf is the address that adverts come from, or why there is none.
func (d *daemon) sourceOf(e *edge, m *kernel.Mirror) (source netip.Addr, problem string) {
	link, ok := m.Link(e.Speaker)
	family := "IPv4 address"
	if e.Family == 6 {
		family = "usable link-local IPv6 address"
	}
	switch {
	case e.Blocked != "":
		return netip.Addr{}, e.Blocked
	case d.lacks(e.VMAC) != "":
		return netip.Addr{}, d.lacks(e.VMAC)
	case !ok:
		return netip.Addr{}, fmt.Sprintf("interface %s does not exist", e.Speaker)
	case e.TrackSource && e.Source.IsValid() && !m.Has(e.Source):
		return netip.Addr{}, fmt.Sprintf("the source address %s is on no interface", e.Source)
	case e.Source.IsValid():
		return e.Source, ""
	}
	source, found := m.Source(link.Index, e.Family, func(a netip.Addr) bool {
		return d.isVirtual(a) || d.leaving[spot{link.Index, a}]
	})
	if !found {
		return netip.Addr{}, fmt.Sprintf("interface %s has no %s to send from%s", e.Speaker, family, untried(e, m, link.Index))
	}
	return source, ""
}

// untried says of an IPv6 address that is there why it cannot be used.
func untried(e *edge, m *kernel.Mirror, link int) string {
	a, duplicate, ok := m.Untried(link)
	switch {
	case e.Family == 4 || !ok:
		return ""
	case duplicate:
		return fmt.Sprintf(": another host on the link has %s (duplicate address detection failed)", a)
	}
	return fmt.Sprintf(": whether another host has %s is still being found out", a)
}

func (d *daemon) isVirtual(a netip.Addr) bool { return d.virtual[a] > 0 }

// place finds the links of the virtual addresses; those on links that do not
// exist are left out.
func (d *daemon) place(e *edge) {
	was, at, moved := e.holds, e.at, false
	e.holds, e.at = make([]holding, 0, len(e.Addresses)), make(map[kernel.AddrKey]int, len(e.Addresses))
	links := map[string]int{}
	for i := range was {
		links[was[i].dev] = was[i].key.Link
	}
	for _, a := range e.Addresses {
		d.name(a.Dev)
		link, ok := d.mirror.Link(a.Dev)
		if !ok {
			continue
		}
		key, addr, err := kernel.AddressSpec{
			Prefix: a.Prefix, Label: a.Label, Scope: a.Scope, Broadcast: a.Broadcast, Peer: a.Peer, Options: a.Options,
			Lease: lifetime(e.Lease),
		}.On(link.Index)
		if err != nil {
			if times, ok := e.trouble.allow(d.now()); ok {
				d.sayf(slog.LevelWarn, kindAddress, e.Name, "(%s) %v%s", e.Name, err, times)
			}
			continue
		}
		h := holding{key: key, addr: addr, dev: a.Dev, noTrack: a.NoTrack}
		if i, had := at[key]; had {
			h.away, h.native = was[i].away, was[i].native
		} else if there, ok := d.mirror.Address(key); ok && e.owner && !e.active {
			h.native = there.Protocol != kernel.Protocol
		}
		h.lane, h.pause = d.pacing(e, &h)
		h.beyond = d.beyond(e, &h)
		before, had := links[h.dev]
		moved = moved || had && before != h.key.Link
		e.put(h)
	}
	if e.active && moved && e != d.static {
		d.again = append(d.again, e) // the interface is a new one of the same name
	}
	if e != d.static {
		d.forsake(was, e)
	}
}

// forsake has a router's addresses removed from links that have another name now:
// the kernel keeps them there, and another router takes them over.
func (d *daemon) forsake(was []holding, e *edge) {
	left := slices.DeleteFunc(was, func(h holding) bool {
		_, here := e.at[h.key]
		_, exists := d.mirror.LinkAt(h.key.Link)
		return here || !exists || d.mirror.Name(h.key.Link) == h.dev
	})
	if len(left) > 0 {
		d.ghosts = append(d.ghosts, &edge{holds: left})
	}
}

// interfaces tells the machine about tracked interfaces.
func (d *daemon) interfaces(names []string) {
	m := d.mirror
	for _, name := range names {
		link, ok := m.Link(name)
		why := ""
		switch {
		case !ok:
			why = "there is no such interface"
		case link.Flags&unix.IFF_UP == 0:
			why = "it is not set up"
		case !d.carries(link):
			why = "no carrier"
		}
		d.interfaceIs(name, why == "", why)
	}
}

// verdict is what was told of a tracked object last.
type verdict struct {
	up  bool
	why string
}

// track tells the machine of an object, if there is news.
func (d *daemon) track(name string, up bool, why string) {
	last, known := d.told[name]
	if known && last.up == up && (up || last.why == why) {
		return
	}
	d.told[name] = verdict{up, why}
	if iface, ok := strings.CutPrefix(name, build.InterfaceTrack("")); ok && (known || !up) {
		if up {
			d.sayf(slog.LevelInfo, kindTrack, iface, "Netlink reports %s up", iface)
		} else {
			d.say(slog.LevelWarn, kindTrack, iface, why, fmt.Sprintf("Netlink reports %s down: %s", iface, why))
		}
	}
	d.step(vrrp.Track{Name: name, Up: up, Why: why})
}
