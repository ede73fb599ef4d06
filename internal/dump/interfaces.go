package dump

import (
	"net/netip"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// Interface is a network interface of the system.
type Interface struct {
	Name      string
	Index     int
	MTU       int
	MAC       string // empty: it has none
	Addresses []netip.Addr
	Up        bool // set up
	Running   bool // and may carry packets
	Broadcast bool
	Loopback  bool
	Multicast bool
}

func (p *printer) interfaces() {
	if len(p.opts.Interfaces) == 0 {
		return
	}
	p.line("------< Interfaces >------")
	ours, virtual := p.virtualLinks(), p.virtual()
	for i := range p.opts.Interfaces {
		p.iface(&p.opts.Interfaces[i], ours, virtual)
	}
}

func (p *printer) iface(i *Interface, ours map[string]virtualLink, virtual map[netip.Addr]bool) {
	var four, six []string
	for _, a := range i.Addresses {
		if virtual[a] || i.Loopback && a.Is6() {
			continue
		}
		if a.Is4() {
			four = append(four, a.String())
		} else {
			six = append(six, a.String())
		}
	}
	p.line(" Name = %s", i.Name)
	p.line("   index = %d", i.Index)
	p.family("IPv4", four)
	p.family("IPv6", six)
	if i.MAC != "" {
		p.line("   MAC = %s", i.MAC)
		p.line("   MAC broadcast = ff:ff:ff:ff:ff:ff")
	}
	p.line("   State = %s%s%s%s%s", yes(i.Up, "UP, ", "not UP, "), yes(i.Running, "RUNNING", "not RUNNING"),
		yes(i.Broadcast, "", ", no broadcast"), yes(i.Loopback, ", loopback", ""), yes(i.Multicast, "", ", no multicast"))
	v, made := ours[i.Name]
	if made {
		p.made(&v)
	}
	p.line("   MTU = %d", i.MTU)
	p.line("   HW Type = %s", yes(i.Loopback, "LOOPBACK", "ETHERNET"))
	p.paced(i.Name)
	p.list("Tracking VRRP instances", p.watchers(i, v.of))
}

// virtualLink is an interface that some instance has made.
type virtualLink struct{ kind, base, of string }

// virtualLinks are those that instances have made, by name.
func (p *printer) virtualLinks() map[string]virtualLink {
	routers, out := make(map[string]*Router, len(p.is.Routers)), map[string]virtualLink{}
	for k := range p.is.Routers {
		routers[p.is.Routers[k].Name] = &p.is.Routers[k]
	}
	for _, i := range p.conf.Instances {
		r := routers[i.Name]
		if r == nil {
			continue
		}
		if r.VMAC != "" {
			out[r.VMAC] = virtualLink{yes(i.VMAC != nil && i.VMAC.IPVLAN, "IPVLAN", "VMAC type private"), i.Interface, i.Name}
		}
		for _, a := range slices.Concat(i.Addresses, i.Excluded) {
			name, dev := r.Links[a.Prefix.Addr().String()], or(a.Dev, i.Interface)
			if _, known := out[name]; !known && name != "" && name != dev {
				out[name] = virtualLink{"VMAC type private", dev, i.Name}
			}
		}
	}
	return out
}

// paced is the pace of announcements on an interface of a garp_group.
func (p *printer) paced(name string) {
	for k, g := range p.conf.GARPGroups {
		if !slices.Contains(g.Interfaces, name) {
			continue
		}
		if g.ARP != 0 {
			p.line("   Gratuitous ARP interval %dms", g.ARP.Milliseconds())
		}
		if g.NA != 0 {
			p.line("   Gratuitous NA interval %dms", g.NA.Milliseconds())
		}
		p.line("   Gratuitous ARP aggregation group %d", k+1)
	}
}

// made is what there is to say of a virtual interface of ours.
func (p *printer) made(v *virtualLink) {
	if base := p.dev(v.base); base != nil {
		p.line("   %s, underlying interface = %s, state = %s%s", v.kind, v.base, yes(base.Up, "UP, ", "not UP, "), yes(base.Running, "RUNNING", "not RUNNING"))
	}
	p.line("   I/f created by keepalived")
}

// watchers are the instances that track an interface; of is the one whose it is.
// Those that do so for their sync group come last.
func (p *printer) watchers(i *Interface, of string) (who []string) {
	if of != "" {
		who = append(who, of+", weight 0")
	}
	var grouped []string
	for _, v := range p.conf.Instances {
		r := find(p.is.Routers, v.Name, func(r *Router) string { return r.Name })
		if r == nil {
			continue
		}
		at := slices.IndexFunc(r.Interfaces, func(t conf.Track) bool { return t.Name == i.Name })
		if at < 0 {
			continue
		}
		line := weighed(v.Name, ", ", r.Interfaces[at].Weight, r.Interfaces[at].Reverse, false)
		if g := p.groupOf(v.Name); g != nil && v.Interface != i.Name && tracks(g.TrackIfaces, i.Name) && !tracks(v.TrackIfaces, i.Name) {
			grouped = append(grouped, line)
		} else {
			who = append(who, line)
		}
	}
	return append(who, grouped...)
}

func tracks(list []conf.Track, name string) bool {
	return slices.ContainsFunc(list, func(t conf.Track) bool { return t.Name == name })
}

func (p *printer) family(name string, all []string) {
	if len(all) == 0 {
		p.line("   %s address = (none)", name)
		return
	}
	p.line("   %s address = %s", name, all[0])
	p.list("Additional "+name+" addresses", all[1:])
}

// virtual are the addresses that we bring and take away.
func (p *printer) virtual() map[netip.Addr]bool {
	out := map[netip.Addr]bool{}
	for _, a := range p.conf.StaticAddresses {
		out[a.Prefix.Addr()] = true
	}
	for _, v := range p.conf.Instances {
		for _, list := range [][]conf.Address{v.Addresses, v.Excluded} {
			for _, a := range list {
				out[a.Prefix.Addr()] = true
			}
		}
	}
	return out
}
