package dump

import (
	"net/netip"

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
	for i := range p.opts.Interfaces {
		p.iface(&p.opts.Interfaces[i])
	}
}

func (p *printer) iface(i *Interface) {
	var four, six []string
	virtual := p.virtual()
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
	p.line("   State = %s%s%s%s%s", yes(i.Up, "UP, ", "DOWN, "), yes(i.Running, "RUNNING", "not RUNNING"),
		yes(i.Broadcast, "", ", no broadcast"), yes(i.Loopback, ", loopback", ""), yes(i.Multicast, "", ", no multicast"))
	p.line("   MTU = %d", i.MTU)
	p.line("   HW Type = %s", yes(i.Loopback, "LOOPBACK", "ETHERNET"))
	var who []string
	for _, v := range p.conf.Instances {
		if v.Interface == i.Name && !v.DontTrackPrimary {
			who = append(who, v.Name+", weight 0")
		}
		for _, t := range v.TrackIfaces {
			if t.Name == i.Name && (v.Interface != i.Name || v.DontTrackPrimary || t.Weight != 0) {
				who = append(who, weighed(v.Name, ", ", t.Weight, t.Reverse, false))
			}
		}
	}
	p.list("Tracking VRRP instances", who)
}

func (p *printer) family(name string, all []string) {
	if len(all) == 0 {
		p.line("   %s address = (none)", name)
		return
	}
	p.line("   %s address = %s", name, all[0])
	p.list("Additional "+name+" addresses", all[1:])
}

// virtual are the addresses that routers bring and take away.
func (p *printer) virtual() map[netip.Addr]bool {
	out := map[netip.Addr]bool{}
	for _, v := range p.conf.Instances {
		for _, list := range [][]conf.Address{v.Addresses, v.Excluded} {
			for _, a := range list {
				out[a.Prefix.Addr()] = true
			}
		}
	}
	return out
}
