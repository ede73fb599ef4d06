package build

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// Link is a virtual interface that the daemon makes, keeps and removes: a
// macvlan with a virtual router's MAC address, or an ipvlan.
type Link struct {
	Name   string
	Base   string // the interface below
	Router string // whose it is
	IPVLAN bool
	MAC    [6]byte // of a macvlan
	Mode   string  // of an ipvlan: bridge, private, vepa
	Group  int     // of links, -1: that of Base
	// V4 and V6 are the families of its addresses.
	V4, V6 bool
	// LinkLocal: it speaks from the link-local address of Base.
	LinkLocal bool
	// Addr is an ipvlan's own address, there whatever the state.
	Addr netip.Prefix
}

// Firewall is what nftables is asked for.
type Firewall struct {
	conf.Firewall
	// KeepIGMP leaves the kernel's IGMP reports on VMACs as they are:
	// disable_local_igmp has silenced them.
	KeepIGMP bool
}

// vmacAddress is a virtual router's MAC address (RFC 9568 §7.3).
func vmacAddress(family int, vrid uint8) [6]byte {
	kind := byte(1)
	if family == 6 {
		kind = 2
	}
	return [6]byte{0x00, 0x00, 0x5e, 0x00, kind, vrid}
}

// named takes the names that the configuration gives, before others are made up.
func (b *builder) named(c *conf.Config) {
	b.links, b.made, b.macs = map[string]bool{}, map[string]int{}, map[station]int{}
	for _, i := range c.Instances {
		if i.VMAC != nil && i.VMAC.Name != "" {
			b.links[i.VMAC.Name] = true
		}
	}
}

// linkName makes up a name as keepalived does: PREFIX.VRID, and if that is
// taken with a 6 for IPv6, or a number that is free.
func (b *builder) linkName(prefix string, vrid uint8, family int) string {
	tail := "." + strconv.Itoa(int(vrid))
	name := prefix + tail
	if b.links[name] && family == 6 {
		name = prefix + "6" + tail
	}
	for n := 1; b.links[name]; n++ {
		name = prefix + strconv.Itoa(n) + tail
	}
	b.links[name] = true
	return name
}

// vmac gives a router a virtual interface of its own to speak from, if it is
// to have one.
func (b *builder) vmac(r *Router, i *conf.VRRPInstance) {
	v := i.VMAC
	if v == nil {
		return
	}
	l := Link{
		Name: v.Name, Base: r.Base, Router: r.Name, IPVLAN: v.IPVLAN, Mode: v.Mode, Group: v.Group,
		V4: i.Family == 4, V6: i.Family == 6, Addr: v.Addr,
		LinkLocal: i.Family == 6 && !i.XmitBase && !v.IPVLAN,
	}
	if !v.IPVLAN {
		l.MAC = v.MAC
		if l.MAC == ([6]byte{}) {
			l.MAC = vmacAddress(i.Family, r.VRID)
		}
	}
	if l.Name == "" {
		l.Name = b.linkName(b.global.VMACPrefix, r.VRID, i.Family)
	}
	r.VMAC, r.XmitBase = l.Name, i.XmitBase
	if !i.XmitBase {
		r.Interface = l.Name
	}
	if v.IPVLAN {
		r.Speaker = l.Name
	}
	if v.Addr.IsValid() && !r.Source.IsValid() && v.Addr.Addr().Is6() == (i.Family == 6) {
		r.Source = v.Addr.Addr()
	}
	b.link(r, &l)
}

// station is one MAC address on an interface, which only one macvlan can have.
type station struct {
	base string
	mac  [6]byte
}

// link adds a virtual interface, or blocks the router if that cannot be.
func (b *builder) link(r *Router, l *Link) {
	byName, named := b.made[l.Name]
	byMAC, heard := b.macs[station{l.Base, l.MAC}]
	heard = heard && !l.IPVLAN
	switch {
	case named && (!heard || byName <= byMAC): // the one that was there first is blamed
		r.Blocked = cmp.Or(r.Blocked, fmt.Sprintf("the virtual interface %s is %s's already", l.Name, b.out.Links[byName].Router))
		return
	case heard:
		o := &b.out.Links[byMAC]
		r.Blocked = cmp.Or(r.Blocked, fmt.Sprintf("the MAC address of %s on %s is that of %s's %s", l.Name, l.Base, o.Router, o.Name))
		return
	case len(l.Name) > schema.MaxInterface:
		r.Blocked = cmp.Or(r.Blocked, fmt.Sprintf("%s is too long for the name of an interface", l.Name))
		return
	}
	b.made[l.Name] = len(b.out.Links)
	if !l.IPVLAN {
		b.macs[station{l.Base, l.MAC}] = len(b.out.Links)
	}
	b.out.Links = append(b.out.Links, *l)
}

// dev is where one of the router's addresses goes. With an ipvlan that is where
// it would be without one, as with keepalived: the ipvlan is spoken from. What
// answers to an address on it asks who its clients are on the interface below,
// in that address's name, and the answers would go to the ipvlan.
func (b *builder) dev(r *Router, i *conf.VRRPInstance, a *conf.Address) string {
	base, family := cmp.Or(a.Dev, r.Base), 4
	if a.Prefix.Addr().Is6() {
		family = 6
	}
	own := base == r.Base && r.VMAC != "" && !i.VMAC.IPVLAN
	mac := vmacAddress(family, r.VRID)
	chosen := i.VMAC != nil && i.VMAC.MAC != [6]byte{}
	if chosen { // for both families
		mac = i.VMAC.MAC
	}
	if own && (family == i.Family || chosen || !a.UseVMAC && !i.VMACAddr) {
		b.carry(r.VMAC, family)
		return r.VMAC
	}
	if !a.UseVMAC && (!i.VMACAddr || base == r.Base && !own) {
		return base
	}
	if k, ok := b.macs[station{base, mac}]; ok && b.out.Links[k].Router == r.Name {
		name := b.out.Links[k].Name
		b.carry(name, family)
		return name
	}
	name := b.linkName(cmp.Or(b.global.VMACAddrPrefix, b.global.VMACPrefix), r.VRID, family)
	b.link(r, &Link{Name: name, Base: base, Router: r.Name, MAC: mac, Group: -1, V4: family == 4, V6: family == 6, LinkLocal: family == 6})
	return name
}

// carry notes that a link has addresses of a family.
func (b *builder) carry(name string, family int) {
	if k, ok := b.made[name]; ok {
		o := &b.out.Links[k]
		o.V4, o.V6 = o.V4 || family == 4, o.V6 || family == 6
	}
}

// Base is the interface below a virtual one of ours; any other is its own.
func (v *VRRP) Base(name string) string {
	for i := range v.Links {
		if v.Links[i].Name == name {
			return v.Links[i].Base
		}
	}
	return name
}

// delays takes how long changes of interfaces must last. They must be over
// before others take the silence for a failure (keepalived.conf(5)).
func (v *VRRP) delays(c *conf.Config) {
	for _, d := range c.Delays {
		for i := range v.Routers {
			if v.Routers[i].Base != d.Interface {
				continue
			}
			most := mostDelay(&v.Node.Routers[i])
			d.Down, d.Up = min(d.Down, most), min(d.Up, most)
		}
		v.Delays = append(v.Delays, d)
	}
}

func mostDelay(m *vrrp.RouterConfig) time.Duration {
	return time.Duration(max(m.DownAdverts, 2)-1) * m.Advert
}

// linkbeats are the interfaces whose links are polled; all that count, if so
// said for all.
func (v *VRRP) linkbeats(c *conf.Config) {
	for _, l := range c.Linkbeats {
		if !slices.ContainsFunc(v.Linkbeats, func(o conf.Linkbeat) bool { return o.Interface == l.Interface }) {
			v.Linkbeats = append(v.Linkbeats, l)
		}
	}
	if !c.Global.LinkbeatPolling {
		return
	}
	for _, name := range v.Interfaces {
		if !slices.ContainsFunc(v.Linkbeats, func(o conf.Linkbeat) bool { return o.Interface == name }) {
			v.Linkbeats = append(v.Linkbeats, conf.Linkbeat{Interface: name})
		}
	}
}
