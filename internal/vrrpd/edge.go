package vrrpd

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// edge is what the daemon keeps of one virtual router beside the machine's
// own: where it is on this system, what it has counted, and its advert.
type edge struct {
	build.Router
	index int // in the configuration

	link    kernel.Link
	onLink  bool       // the interface exists
	source  netip.Addr // adverts come from there; invalid if there is none
	holds   []holding  // its addresses, as the kernel knows them
	routes  []kernel.RouteSpec
	active  bool   // addresses and routes are wanted
	owner   bool   // priority 255: the addresses are the interface's own
	sender  string // build.SourceTrack
	problem string // why it cannot speak, empty if it can

	announcement announcement // what is left to announce
	forwards     bool         // neighbour advertisements say that we are a router

	repaired clock.Instant // when somebody's doing was last undone
	repairs  quiet
	trouble  quiet // with writing
	mute     quiet // with sending

	advert   []byte // as sent last; valid for the two that follow
	priority vrrp.Priority
	from     netip.Addr

	counters counters
	faults   [wire.NumFaults]quiet
	tells    [vrrp.OtherTold + 1]quiet
}

// holding is one virtual address on the interface that it belongs to.
type holding struct {
	key     kernel.AddrKey
	addr    kernel.Address
	dev     string
	noTrack bool
	away    bool // no_track, and somebody removed it
}

func (h *holding) String() string { return h.key.Prefix(h.addr).String() }

// holding finds one of the router's addresses; it must be among them.
func (e *edge) holding(k kernel.AddrKey) *holding {
	return &e.holds[slices.IndexFunc(e.holds, func(h holding) bool { return h.key == k })]
}

// counters of one router; the names they are told under are in query.go.
type counters struct {
	faults       [wire.NumFaults]uint64 // by wire.Fault; Good counts good adverts
	sent         uint64
	zeroSent     uint64
	zeroHeard    uint64
	becameMaster uint64
	released     uint64
	announced    uint64
	sendErrors   uint64
}

// payload is the router's advert with that priority, encoded. It is made anew
// only when it differs from the last one.
func (e *edge) payload(p vrrp.Priority, dst netip.Addr) []byte {
	// Of version 3 the checksum is another one for each peer.
	if len(e.advert) == 0 || e.priority != p || e.from != e.source || e.Unicast && e.Version == 3 {
		e.advert = e.encode(e.advert[:0], p, dst)
		e.priority, e.from = p, e.source
	}
	return e.advert
}

func (e *edge) encode(b []byte, p vrrp.Priority, dst netip.Addr) []byte {
	a := wire.Advert{
		Version: e.Version, VRID: e.VRID, Priority: uint8(p), Interval: e.Interval,
		AuthType: e.AuthType, AuthData: e.AuthData, Addresses: e.Advertised,
	}
	return wire.AppendAdvert(b, &a, e.source, dst)
}

// locateAll finds interfaces, source addresses and the places of the virtual
// addresses of all routers, and opens the sockets that these need.
func (d *daemon) locateAll() {
	clear(d.virtual)
	for _, e := range d.edges {
		for _, a := range e.Addresses {
			d.virtual[a.Prefix.Addr()] = true
		}
	}
	clear(d.owners)
	clear(d.routers)
	clear(d.indexes)
	clear(d.names)
	for _, name := range d.cfg.Interfaces {
		d.name(name)
	}
	for _, e := range d.edges {
		d.locate(e)
		for i := range e.holds {
			d.owners[e.holds[i].key] = append(d.owners[e.holds[i].key], e)
		}
		if e.onLink && e.Blocked == "" {
			d.routers[address{place{e.link.Index, e.Family}, e.VRID, e.Unicast}] = e
		}
	}
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
	source, problem := d.sourceOf(e, d.mirror, link, ok)
	if e.source.IsValid() && source.IsValid() && source != e.source {
		d.sayf(slog.LevelInfo, kindAddress, e.Name, "(%s) adverts come from %s now, no longer from %s", e.Name, source, e.source)
	}
	if ok && e.PromoteSecondaries && link.Index != e.link.Index {
		if err := kernel.PromoteSecondaries(link.Name); err != nil {
			d.sayf(slog.LevelWarn, kindAddress, e.Name, "(%s) %v", e.Name, err)
		}
	}
	e.link, e.onLink, e.source, e.problem = link, ok, source, problem
	d.name(e.Interface)
	d.place(e, d.mirror)
}

// relocate follows the kernel's links and addresses.
func (d *daemon) relocate() {
	d.locateAll()
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
func (d *daemon) sourceOf(e *edge, m *kernel.Mirror, link kernel.Link, ok bool) (source netip.Addr, problem string) {
	family := "IPv4 address"
	if e.Family == 6 {
		family = "usable link-local IPv6 address"
	}
	switch {
	case e.Blocked != "":
		return netip.Addr{}, e.Blocked
	case !ok:
		return netip.Addr{}, fmt.Sprintf("interface %s does not exist", e.Interface)
	case e.Source.IsValid():
		return e.Source, ""
	}
	source, found := m.Source(link.Index, e.Family, d.isVirtual)
	if !found {
		return netip.Addr{}, fmt.Sprintf("interface %s has no %s to send from", e.Interface, family)
	}
	return source, ""
}

func (d *daemon) isVirtual(a netip.Addr) bool { return d.virtual[a] }

// place finds the links of the virtual addresses; those on links that do not
// exist are left out.
func (d *daemon) place(e *edge, m *kernel.Mirror) {
	was := e.holds
	e.holds = make([]holding, 0, len(e.Addresses))
	for _, a := range e.Addresses {
		d.name(a.Dev)
		link, ok := m.Link(a.Dev)
		if !ok {
			continue
		}
		key, addr, err := kernel.AddressSpec{
			Prefix: a.Prefix, Label: a.Label, Scope: a.Scope, Broadcast: a.Broadcast, Peer: a.Peer, Options: a.Options,
		}.On(link.Index)
		if err != nil {
			if times, ok := e.trouble.allow(d.now()); ok {
				d.sayf(slog.LevelWarn, kindAddress, e.Name, "(%s) %v%s", e.Name, err, times)
			}
			continue
		}
		h := holding{key: key, addr: addr, dev: a.Dev, noTrack: a.NoTrack}
		if i := slices.IndexFunc(was, func(o holding) bool { return o.key == key }); i >= 0 {
			h.away = was[i].away
		}
		e.holds = append(e.holds, h)
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
		case !link.Up():
			why = "no carrier"
		}
		d.track(build.InterfaceTrack(name), why == "", why)
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
