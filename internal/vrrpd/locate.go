package vrrpd

import (
	"fmt"
	"log/slog"
	"net/netip"
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
		for i := range e.holds {
			h := &e.holds[i]
			d.owners[h.key] = append(d.owners[h.key], e)
			if !h.native {
				d.virtual[h.key.Addr] = true
			}
		}
	}
	d.placeStatic()
	for _, e := range d.edges {
		d.locate(e)
		if e.onLink && e.Blocked == "" {
			d.routers[address{place{e.link.Index, e.Family}, e.VRID, e.Unicast}] = e
		}
	}
	d.guard() // before sockets join groups, which the kernel reports
	for e, err := range d.speaker.Want(d.edges) {
		e.problem = err.Error()
	}
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
	if ok && e.PromoteSecondaries && link.Index != e.link.Index {
		if err := kernel.PromoteSecondaries(link.Name); err != nil {
			d.sayf(slog.LevelWarn, kindAddress, e.Name, "(%s) %v", e.Name, err)
		}
	}
	e.link, e.onLink, e.source, e.problem = link, ok, source, problem
	d.fit(e)
	d.name(e.Interface)
	d.name(e.Base)
}

// relocate follows the kernel's links and addresses.
func (d *daemon) relocate() {
	d.locateAll()
	d.keepLinks()
	d.report()
	d.compareAll()
}

// report tells the machine whether interfaces are up and who can speak.
func (d *daemon) report() {
	d.interfaces()
	for _, e := range d.edges {
		d.track(e.sender, e.problem == "", e.problem)
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
	source, found := m.Source(link.Index, e.Family, d.isVirtual)
	if !found {
		return netip.Addr{}, fmt.Sprintf("interface %s has no %s to send from", e.Speaker, family)
	}
	return source, ""
}

func (d *daemon) isVirtual(a netip.Addr) bool { return d.virtual[a] }

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
}

// interfaces tells the machine about every tracked interface.
func (d *daemon) interfaces() {
	m := d.mirror
	for _, name := range d.cfg.Interfaces {
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
