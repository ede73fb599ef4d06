package dump

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// Data is keepalived.data. Without a state (nil) it says of the configuration
// what there is to say.
func Data(c *conf.Config, s *VRRP, o *Options) []byte {
	p := &printer{conf: c, opts: o}
	p.global()
	if s == nil {
		s = &VRRP{}
	}
	p.static()
	if len(c.Instances) > 0 {
		p.line("------< VRRP Topology >------")
		for _, i := range c.Instances {
			p.instance(i, find(s.Routers, i.Name, func(r *Router) string { return r.Name }))
		}
	}
	if len(c.Groups) > 0 {
		p.line("------< VRRP Sync groups >------")
		for _, g := range c.Groups {
			p.group(g, find(s.Groups, g.Name, func(g *Group) string { return g.Name }))
		}
	}
	p.scripts(s)
	p.files(s)
	p.processes(s)
	p.bfds(s)
	p.interfaces()
	return []byte(p.String())
}

// find is the one of that name, nil if there is none.
func find[T any](all []T, name string, of func(*T) string) *T {
	for i := range all {
		if of(&all[i]) == name {
			return &all[i]
		}
	}
	return nil
}

// static are addresses, routes and rules that are there whatever the state.
func (p *printer) static() {
	for _, s := range []struct {
		title string
		lines []string
	}{
		{"Static Addresses", addresses(nil, p.conf.StaticAddresses, false)},
		{"Static Routes", routes(p.conf.StaticRoutes)},
		{"Static Rules", rules(p.conf.StaticRules)},
	} {
		if len(s.lines) > 0 {
			p.line("------< %s >------", s.title)
			for _, l := range s.lines {
				p.line("     %s", l)
			}
		}
	}
}

func (p *printer) instance(i *conf.VRRPInstance, r *Router) {
	in := p.groupOf(i.Name)
	p.line(" VRRP Instance = %s", i.Name)
	p.line("   VRRP Version = %d", i.Version)
	if in != nil {
		p.line("   Sync group = %s", in.Name)
	}
	if i.Family == 6 {
		p.line("   Using Native IPv6")
	}
	p.state(i, r)
	p.where(i, r)
	p.garp(i)
	p.line("   Virtual Router ID = %d", i.VRID)
	p.line("   Priority = %d", i.Priority)
	if r != nil {
		p.line("   Effective priority = %d", r.Priority)
		p.line("   Total priority = %d", r.Total)
	}
	if i.Version == 3 {
		p.line("   Advert interval = %d milli-sec", i.AdvertInt.Milliseconds())
		if r != nil && r.State == "BACKUP" {
			p.line("   Master advert interval = %d milli-sec", r.MasterEvery.Milliseconds())
		}
	} else {
		p.line("   Advert interval = %s sec", seconds(i.AdvertInt))
	}
	p.line("   Accept = %s", onOff(i.Accept))
	p.line("   Preempt = %s", onOff(!i.NoPreempt))
	if i.PreemptDelay != 0 {
		p.line("   Preempt delay = %s secs", seconds(i.PreemptDelay))
	}
	p.line("   Promote_secondaries = %s", onOff(i.PromoteSecondaries))
	p.auth(i)
	p.holds(i, r != nil && r.Addresses)
	p.tracks(i.TrackIfaces, i.TrackScripts, i.TrackFiles, in != nil && !in.TrackingWeight, i)
	p.further(i.TrackProcesses, i.TrackBFDs, in != nil && !in.TrackingWeight)
	p.line("   Using smtp notification = %s", yes(i.SMTPAlert.Or(p.conf.Global.Mail.MailVRRP()), "yes", "no"))
	p.line("   Notify deleted = %s", yes(i.Notify.Deleted != nil, "Deleted", "Fault"))
	p.notify(&i.Notify)
	p.line("   Notify priority changes = %t", i.NotifyPriority)
}

// state is what the child knows.
func (p *printer) state(i *conf.VRRPInstance, r *Router) {
	if r == nil {
		p.line("   Wantstate = %s", yes(i.StateMaster, "MASTER", "BACKUP"))
		return
	}
	p.line("   State = %s", r.State)
	p.line("   Flags: none")
	p.line("   Wantstate = %s", wanted(i, r))
	if r.State == "BACKUP" && r.Master != "" {
		p.line("   Master router = %s", r.Master)
		p.line("   Master priority = %d", r.MasterPrio)
		if i.Version == 3 {
			p.line("   Master advert int = %d milli-sec", r.MasterEvery.Milliseconds())
		}
	}
	p.line("   Number of config faults = 0")
	p.line("   Number of interface and track script faults = %d", r.Faults)
	p.line("   Number of track scripts init = 0")
	p.line("   Last transition = %s", stamp(r.Since))
	if !r.Next.IsZero() {
		p.line("   Read timeout = %s", stamp(r.Next))
	}
	p.line("   Master down timer = %d usecs", r.Down.Microseconds())
}

// wanted is the state that an instance is in, or was before its fault.
func wanted(i *conf.VRRPInstance, r *Router) string {
	if r.State == "MASTER" || r.State == "BACKUP" {
		return r.State
	}
	return yes(i.StateMaster, "MASTER", "BACKUP")
}

// where is the interface, and how adverts go.
func (p *printer) where(i *conf.VRRPInstance, r *Router) {
	p.vmac(i, r)
	if i.DontTrackPrimary {
		p.line("   VRRP interface tracking disabled")
	}
	if i.SkipCheckAddr {
		p.line("   Skip checking advert IP addresses")
	}
	if i.Strict {
		p.line("   Enforcing strict VRRP compliance")
	}
	switch {
	case i.SrcIP.IsValid():
		p.line("   Using src_ip = %s (from configuration)", i.SrcIP)
	case r != nil && r.Source != "":
		p.line("   Using src_ip = %s", r.Source)
	}
	if i.Unicast {
		return
	}
	group := i.McastDst.String()
	if i.Family == 6 {
		if dev := find(p.opts.Interfaces, i.Interface, func(i *Interface) string { return i.Name }); dev != nil {
			group += fmt.Sprintf(", ifindex %d", dev.Index)
		}
	}
	p.line("   Multicast address %s", group)
}

// vmac is the interface, and the virtual one above it.
func (p *printer) vmac(i *conf.VRRPInstance, r *Router) {
	if r == nil || r.VMAC == "" {
		p.line("   Interface = %s", i.Interface)
		return
	}
	up, kind, base := true, "VMAC", ""
	if dev := find(p.opts.Interfaces, r.VMAC, func(i *Interface) string { return i.Name }); dev != nil {
		up = dev.Up
	}
	if i.VMAC != nil && i.VMAC.IPVLAN {
		kind = "IPVLAN"
	}
	if i.XmitBase {
		base = ", xmit base i/f"
	}
	p.line("   Use %s, i/f name %s, is_up = %t, xmit_base = %t", kind, r.VMAC, up, i.XmitBase)
	p.line("   Interface = %s, %s on %s%s", r.VMAC, strings.ToLower(kind), i.Interface, base)
}

func (p *printer) garp(i *conf.VRRPInstance) {
	g := &i.GARP
	p.line("   Gratuitous ARP delay = %s", seconds(g.MasterDelay))
	p.line("   Gratuitous ARP repeat = %d", g.MasterRepeat)
	p.line("   Gratuitous ARP refresh = %s", seconds(g.Refresh))
	p.line("   Gratuitous ARP refresh repeat = %d", g.RefreshRepeat)
	p.line("   Gratuitous ARP lower priority delay = %s", seconds(g.LowerPrioDelay))
	p.line("   Gratuitous ARP lower priority repeat = %d", g.LowerPrioRepeat)
	p.line("   Down timer adverts = %d", i.DownTimerAdverts)
	p.line("   Send advert after receive lower priority advert = %t", !i.LowerPrioNoAdvert)
	p.line("   Send advert after receive higher priority advert = %t", i.HigherPrioSendAdvert)
}

func (p *printer) auth(i *conf.VRRPInstance) {
	switch {
	case i.AuthType == "PASS":
		p.line("   Authentication type = SIMPLE_PASSWORD")
		p.line("   Password = %s", Mask)
	case i.AuthType == "AH":
		p.line("   Authentication type = IPSEC_AH")
	case i.Version == 2:
		p.line("   Authentication type = none")
	}
}

// holds are the addresses, routes and peers.
func (p *printer) holds(i *conf.VRRPInstance, set bool) {
	if n := len(i.Addresses); n > 0 {
		p.line("   Virtual IP (%d):", n)
		for _, l := range addresses(i, i.Addresses, set) {
			p.line("     %s", l)
		}
	}
	p.list("Virtual IP Excluded", addresses(i, i.Excluded, set))
	if i.Unicast {
		p.line("   Unicast Peer :")
		for _, peer := range i.Peers {
			p.line("     %s min_ttl %d max_ttl %d", peer.Addr, max(peer.MinTTL, 0), yesInt(peer.MaxTTL < 0, maxTTL, peer.MaxTTL))
		}
		p.line("   Check unicast src : %s", yes(i.CheckUnicastSrc, "yes", "no"))
		if i.UnicastTTL >= 0 {
			p.line("   Unicast TTL = %d", i.UnicastTTL)
		}
	}
	p.list("Virtual Routes", routes(i.Routes))
	p.list("Virtual Rules", rules(i.Rules))
}

// maxTTL is what no limit is.
const maxTTL = 255

func yesInt(b bool, t, f int) int {
	if b {
		return t
	}
	return f
}

// addresses are virtual or static addresses; set says that they are there.
func addresses(i *conf.VRRPInstance, list []conf.Address, set bool) (out []string) {
	for _, a := range list {
		s := a.Prefix.String()
		if a.Prefix.IsSingleIP() {
			s = a.Prefix.Addr().String()
		}
		switch {
		case a.Broadcast.IsValid():
			s += " brd " + a.Broadcast.String()
		case slices.Contains(a.Options, "brd +"):
			s += " brd " + lastOf(a.Prefix).String()
		}
		dev, scope := a.Dev, a.Scope
		if dev == "" && i != nil {
			dev = i.Interface
		}
		if scope == "" {
			scope = "global"
		}
		s += " dev " + dev + " scope " + scope
		if a.Label != "" {
			s += " label " + a.Label
		}
		if a.Prefix.Addr().Is6() {
			s += " preferred_lft forever"
		}
		out = append(out, s+yes(set, " set", ""))
	}
	return out
}

// lastOf is the last address of an IPv4 network.
func lastOf(p netip.Prefix) netip.Addr {
	if !p.Addr().Is4() {
		return p.Addr()
	}
	b := p.Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}

// routes are routes in keepalived's words, which names the protocol and the
// family of a next hop.
func routes(list []conf.Route) (out []string) {
	for _, r := range list {
		var w []string
		for i, word := range r.Words {
			if word == "gw" {
				word = "via"
			}
			if i > 0 && (r.Words[i-1] == "via" || r.Words[i-1] == "gw") && word != "inet" && word != "inet6" {
				w = append(w, yes(strings.Contains(word, ":"), "inet6", "inet"))
			}
			w = append(w, word)
		}
		s := "prepend " + strings.Join(w, " ")
		if !slices.Contains(r.Words, "proto") && !slices.Contains(r.Words, "protocol") {
			s += " proto 18"
		}
		if !slices.Contains(r.Words, "dev") && !slices.Contains(r.Words, "no_track") {
			s += " no_track"
		}
		out = append(out, s)
	}
	return out
}

func rules(list []conf.Route) (out []string) {
	for _, r := range list {
		out = append(out, strings.Join(r.Words, " "))
	}
	return out
}

func (p *printer) group(g *conf.SyncGroup, s *Group) {
	if s == nil {
		p.line(" VRRP Sync Group = %s", g.Name)
	} else {
		p.line(" VRRP Sync Group = %s, %s", g.Name, s.State)
		p.line("   Num member fault %d, num member init %d", s.Faults, s.Init)
	}
	p.list("VRRP member instances", g.Members)
	if g.TrackingWeight {
		p.line("   sync group tracking weight set")
	}
	p.tracks(g.TrackIfaces, g.TrackScripts, g.TrackFiles, false, nil)
	p.further(g.TrackProcesses, g.TrackBFDs, false)
	p.line("   Using smtp notification = %s", yes(g.SMTPAlert.Or(p.conf.Global.Mail.MailVRRP()), "yes", "no"))
	p.notify(&g.Notify)
}

func (p *printer) notify(n *conf.Notify) {
	for _, s := range notifyScripts(n) {
		if s.cmd != nil {
			p.line("   %s state transition script = %s", s.label, p.command(s.cmd))
		}
	}
}

type notifyScript struct {
	label, json string
	cmd         *conf.Command
}

func notifyScripts(n *conf.Notify) []notifyScript {
	return []notifyScript{
		{"Backup", "script_backup", n.Backup}, {"Master", "script_master", n.Master}, {"Fault", "script_fault", n.Fault},
		{"Stop", "script_stop", n.Stop}, {"Deleted", "script_deleted", n.Deleted}, {"Generic", "script", n.Any},
		{"Master rx lower pri", "script_master_rx_lower_pri", n.MasterRxLowerPri},
	}
}

func (p *printer) groupOf(instance string) *conf.SyncGroup {
	for _, g := range p.conf.Groups {
		if slices.Contains(g.Members, instance) {
			return g
		}
	}
	return nil
}
