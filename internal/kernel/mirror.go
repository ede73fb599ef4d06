package kernel

import (
	"net/netip"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// Mirror is what the kernel has, as of its last event. It belongs to the loop;
// only the Reflector changes it. Of routes it keeps those with our Protocol, and
// with others that it was told to (Reflector.Routes).
type Mirror struct {
	links  map[int]linkEntry
	names  map[string]int
	addrs  map[AddrKey]addrEntry
	byLink map[int][]AddrKey  // in their order
	places map[netip.Addr]int // how many of addrs are this one, on whatever link
	routes map[RouteKey]routeEntry
	rules  map[Rule]uint64 // when it was seen
	// protocols are those of the routes that we keep.
	protocols [256]bool
	// generation counts dumps: what a whole dump did not name is gone.
	generation uint64
}

type linkEntry struct {
	Link
	seen uint64
}

type addrEntry struct {
	Address
	order uint64 // the kernel's, and the order of coming
	seen  uint64
}

// tentative reports whether it may not be used yet, or never (RFC 4862 §5.4).
func (a *addrEntry) tentative() bool {
	return a.Flags&unix.IFA_F_TENTATIVE != 0 && a.Flags&unix.IFA_F_OPTIMISTIC == 0
}

type routeEntry struct {
	Route
	seen uint64
}

// secondary is set in the order of a secondary address, which comes after all
// primary ones.
const secondary = 1 << 63

func newMirror() *Mirror {
	m := &Mirror{
		links: map[int]linkEntry{}, names: map[string]int{},
		addrs: map[AddrKey]addrEntry{}, byLink: map[int][]AddrKey{}, places: map[netip.Addr]int{}, routes: map[RouteKey]routeEntry{},
		rules: map[Rule]uint64{},
	}
	m.protocols[Protocol] = true
	return m
}

// Link finds a link by name.
func (m *Mirror) Link(name string) (Link, bool) {
	index, ok := m.names[name]
	if !ok {
		return Link{}, false
	}
	return m.links[index].Link, true
}

// LinkAt finds a link by index.
func (m *Mirror) LinkAt(index int) (Link, bool) {
	l, ok := m.links[index]
	return l.Link, ok
}

// Name names a link for people; one that is not there by its index.
func (m *Mirror) Name(index int) string {
	if l, ok := m.links[index]; ok {
		return l.Name
	}
	return "interface " + strconv.Itoa(index)
}

// Address finds an address.
func (m *Mirror) Address(k AddrKey) (Address, bool) {
	a, ok := m.addrs[k]
	return a.Address, ok
}

// Route finds one of our routes.
func (m *Mirror) Route(k RouteKey) (Route, bool) {
	r, ok := m.routes[k]
	return r.Route, ok
}

// Source returns the address from which adverts leave a link: its first IPv4
// address, or its IPv6 link-local address, that is none of those which except
// names (the virtual ones) and that may be used already.
func (m *Mirror) Source(link, family int, except func(netip.Addr) bool) (netip.Addr, bool) {
	for _, k := range m.byLink[link] {
		if (family == 4) != k.Addr.Is4() || family == 6 && !k.Addr.IsLinkLocalUnicast() {
			continue
		}
		if has := m.addrs[k]; !has.tentative() && !except(k.Addr) {
			return k.Addr, true
		}
	}
	return netip.Addr{}, false
}

// Untried returns an IPv6 link-local address of a link that may not be used
// yet, or never: then another host on the link was found to have it, too
// (RFC 4862 §5.4).
func (m *Mirror) Untried(link int) (a netip.Addr, duplicate, ok bool) {
	for _, k := range m.byLink[link] {
		if has := m.addrs[k]; has.tentative() && k.Addr.Is6() && k.Addr.IsLinkLocalUnicast() {
			return k.Addr, has.Flags&unix.IFA_F_DADFAILED != 0, true
		}
	}
	return netip.Addr{}, false, false
}

// Addresses returns the addresses of a link, sorted.
func (m *Mirror) Addresses(link int) []AddrKey {
	return slices.SortedFunc(slices.Values(m.byLink[link]), AddrKey.Compare)
}

// putAddr keeps an address where its order puts it. Those that come go to the
// end, or nearly so.
func (m *Mirror) putAddr(k AddrKey, e addrEntry) {
	was, ok := m.addrs[k]
	m.addrs[k] = e
	if !ok {
		m.places[k.Addr]++
	}
	if ok && was.order == e.order {
		return
	}
	list := m.byLink[k.Link]
	if ok {
		i := slices.Index(list, k)
		list = slices.Delete(list, i, i+1)
	}
	at := len(list)
	for at > 0 && m.addrs[list[at-1]].order > e.order {
		at--
	}
	m.byLink[k.Link] = slices.Insert(list, at, k)
}

func (m *Mirror) dropAddr(k AddrKey) bool {
	if _, ok := m.addrs[k]; !ok {
		return false
	}
	m.forget(k)
	list := m.byLink[k.Link]
	at := slices.Index(list, k)
	if list = slices.Delete(list, at, at+1); len(list) == 0 {
		delete(m.byLink, k.Link)
		return true
	}
	m.byLink[k.Link] = list
	return true
}

// linkMessage takes RTM_NEWLINK and RTM_DELLINK (struct ifinfomsg).
func (m *Mirror) linkMessage(msg message) (Change, bool) {
	if len(msg.data) < unix.SizeofIfInfomsg || msg.data[0] != unix.AF_UNSPEC {
		return Change{}, false // a bridge's or a wireless part of a link
	}
	index := int(int32(native.Uint32(msg.data[4:]))) // an int in the kernel
	if msg.typ == unix.RTM_DELLINK {
		return m.dropLink(index)
	}
	e := linkEntry{Link: Link{Index: index, Flags: native.Uint32(msg.data[8:])}, seen: m.generation}
	hasMAC, elsewhere := false, false
	if attrs(msg.data, unix.SizeofIfInfomsg, func(typ uint16, v []byte) {
		switch typ {
		case unix.IFLA_IFNAME:
			e.Name = attrString(v)
		case unix.IFLA_MTU:
			e.MTU = int(attrU32(v))
		case unix.IFLA_LINK:
			e.Base = int(attrU32(v))
		case unix.IFLA_LINK_NETNSID:
			elsewhere = true
		case unix.IFLA_GROUP:
			e.Group = attrU32(v)
		case unix.IFLA_LINKINFO:
			e.takeInfo(v)
		case unix.IFLA_MASTER:
			e.Master = int(attrU32(v))
		case unix.IFLA_ADDRESS:
			hasMAC = len(v) == len(e.MAC)
			copy(e.MAC[:], v)
		}
	}) != nil || e.Name == "" {
		return Change{}, false
	}
	if elsewhere || e.Base == index {
		e.Base = 0
	}
	e.Ethernet = hasMAC && e.Flags&(unix.IFF_LOOPBACK|unix.IFF_NOARP|unix.IFF_POINTOPOINT) == 0
	was, ok := m.links[index]
	if ok && was.Name != e.Name && m.names[was.Name] == index {
		delete(m.names, was.Name)
	}
	m.links[index] = e
	m.names[e.Name] = index
	return Change{Kind: LinkChanged, Link: index}, !ok || was.Link != e.Link
}

func (m *Mirror) dropLink(index int) (Change, bool) {
	was, ok := m.links[index]
	delete(m.links, index)
	if ok && m.names[was.Name] == index {
		delete(m.names, was.Name)
	}
	for _, k := range m.byLink[index] { // the kernel tells of these too, but not always before
		m.forget(k)
	}
	delete(m.byLink, index)
	return Change{Kind: LinkChanged, Link: index, Gone: true}, ok
}

// forget drops an address that is there, and not from byLink.
func (m *Mirror) forget(k AddrKey) {
	delete(m.addrs, k)
	if m.places[k.Addr]--; m.places[k.Addr] == 0 {
		delete(m.places, k.Addr)
	}
}

// leased stands for what is left of a lease: it changes all the time.
const leased = 1

// addrMessage takes RTM_NEWADDR and RTM_DELADDR (struct ifaddrmsg).
func (m *Mirror) addrMessage(msg message) (Change, bool) {
	if len(msg.data) < unix.SizeofIfAddrmsg {
		return Change{}, false
	}
	d := msg.data
	e := addrEntry{Address: Address{Bits: int(d[1]), Flags: uint32(d[2]), Scope: d[3]}, seen: m.generation}
	index := int(native.Uint32(d[4:]))
	var local, address netip.Addr
	if attrs(d, unix.SizeofIfAddrmsg, func(typ uint16, v []byte) {
		switch typ {
		case unix.IFA_LOCAL:
			local = attrAddr(v)
		case unix.IFA_ADDRESS:
			address = attrAddr(v)
		case unix.IFA_BROADCAST:
			e.Broadcast = attrAddr(v)
		case unix.IFA_LABEL:
			e.Label = attrString(v)
		case unix.IFA_FLAGS:
			e.Flags = attrU32(v)
		case ifaProto:
			if len(v) == 1 {
				e.Protocol = v[0]
			}
		case unix.IFA_CACHEINFO:
			// IPv4 says "deprecated" of nothing but this either.
			e.Deprecated = len(v) >= 4 && native.Uint32(v) == 0
			if len(v) >= 8 && native.Uint32(v[4:]) != forever {
				e.Lease = leased
			}
		}
	}) != nil {
		return Change{}, false
	}
	if !local.IsValid() {
		local = address
	} else if address.IsValid() && address != local {
		e.Peer = address
	}
	if !local.IsValid() {
		return Change{}, false
	}
	k := Key(index, netip.PrefixFrom(local, e.Bits))
	was, ok := m.addrs[k]
	if msg.typ == unix.RTM_DELADDR {
		return Change{Kind: AddrChanged, Link: index, Addr: k, Gone: true}, m.dropAddr(k)
	}
	e.order = was.order &^ secondary
	if !ok {
		m.generation++ // any growing number serves
		e.order, e.seen = m.generation, m.generation
	}
	if e.Flags&unix.IFA_F_SECONDARY != 0 && local.Is4() {
		e.order |= secondary
	}
	m.putAddr(k, e)
	was.seen, was.order = e.seen, e.order
	return Change{Kind: AddrChanged, Link: index, Addr: k}, !ok || was != e
}

// mayLoseRoutes reports whether a change may have taken routes with it: of IPv4
// routes that go with their link or their source the kernel does not tell.
func (m *Mirror) mayLoseRoutes(c Change) bool {
	if c.Kind == RouteChanged || c.Kind == RuleChanged || c.Kind == AddrChanged && !c.Gone {
		return false
	}
	for _, r := range m.routes {
		if c.Kind == AddrChanged && r.Source == c.Addr.Addr {
			return true
		}
		for _, h := range r.Hops {
			if h.Link == c.Link {
				return true
			}
		}
	}
	return false
}

// sweep drops what the dump that just ended did not name.
func (m *Mirror) sweep(kind ChangeKind, since uint64, take func(Change)) {
	switch kind {
	case LinkChanged:
		for i, e := range m.links {
			if e.seen < since {
				c, _ := m.dropLink(i)
				take(c)
			}
		}
	case AddrChanged:
		for k, e := range m.addrs {
			if e.seen < since {
				m.dropAddr(k)
				take(Change{Kind: AddrChanged, Link: k.Link, Addr: k, Gone: true})
			}
		}
	case RouteChanged:
		for k, e := range m.routes {
			if e.seen < since {
				delete(m.routes, k)
				take(Change{Kind: RouteChanged, Route: k, Gone: true})
			}
		}
	case RuleChanged:
		for r, seen := range m.rules {
			if seen < since {
				delete(m.rules, r)
				take(Change{Kind: RuleChanged, Rule: r, Gone: true})
			}
		}
	}
}
