package print

import (
	"fmt"
	"strconv"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// links are the blocks of the root that are about interfaces.
func (b *Block) links(c *conf.Config) {
	var lines []Line
	for _, l := range c.Linkbeats {
		w := []string{l.Interface}
		if l.Kind != "" {
			w = append(w, l.Kind)
		}
		lines = append(lines, Line{Words: w})
	}
	b.list("linkbeat_interfaces", lines)
	lines = nil
	for _, d := range c.Delays {
		lines = append(lines, Line{Words: []string{d.Interface, seconds(d.Down), seconds(d.Up)}})
	}
	b.list("interface_up_down_delays", lines)
	for _, g := range c.GARPGroups {
		b.add(garpGroup(&g))
	}
}

func garpGroup(g *conf.GARPGroup) *Block {
	b := &Block{Keyword: "garp_group"}
	pace := func(keyword string, v time.Duration) {
		b.set(Setting{Keyword: keyword, Words: []string{seconds(v)}, Value: v.Seconds()})
	}
	pace("garp_interval", g.ARP)
	pace("gna_interval", g.NA)
	var lines []Line
	for _, i := range g.Interfaces {
		lines = append(lines, Line{Words: []string{i}})
	}
	b.list("interfaces", lines)
	return b
}

func (b *Block) firewall(f, d *conf.Firewall) {
	b.str("nftables", f.Table, d.Table)
	b.num("nftables_priority", f.Priority, d.Priority)
	b.flag("nftables_counters", f.Counters)
	b.flag("nftables_ifindex", f.Ifindex)
}

// extra is garp_extra_if, for an instance or (with a prefix) for all of them.
func (b *Block) extra(prefix string, g, d *conf.GARP) {
	if g.Extra == 0 && d.Extra == 0 {
		return
	}
	var w []string
	if g.ExtraAll {
		w = append(w, "all")
	}
	w = append(w, seconds(g.Extra))
	b.set(Setting{
		Keyword: prefix + "garp_extra_if", Words: w, Value: object{{"all", g.ExtraAll}, {"seconds", g.Extra.Seconds()}},
		Implied: g.Extra == d.Extra && g.ExtraAll == d.ExtraAll,
	})
}

func macText(m [6]byte) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// vmac is the instance's virtual interface.
func (b *Block) vmac(i *conf.VRRPInstance) {
	if v := i.VMAC; v != nil {
		keyword := "use_vmac"
		var w []string
		if v.Name != "" {
			w = append(w, v.Name)
		}
		if v.MAC != ([6]byte{}) {
			w = append(w, macText(v.MAC))
		}
		if v.IPVLAN {
			keyword = "use_ipvlan"
		}
		if v.Addr.IsValid() {
			w = append(w, v.Addr.String())
		}
		if v.Mode != "" {
			w = append(w, v.Mode)
		}
		if v.Group >= 0 {
			w = append(w, "group", strconv.Itoa(v.Group))
		}
		b.set(Setting{Keyword: keyword, Words: w, Value: true})
		assumed := i.Unicast && !v.IPVLAN
		b.set(Setting{Keyword: "vmac_xmit_base", Value: i.XmitBase, Implied: !i.XmitBase || assumed})
	}
	b.flag("use_vmac_addr", i.VMACAddr)
}
