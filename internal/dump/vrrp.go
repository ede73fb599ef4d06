package dump

import (
	"fmt"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// Data is keepalived.data. Without a state (nil) it says of the configuration
// what there is to say.
func Data(c *conf.Config, s *VRRP, o *Options) []byte {
	if s == nil {
		s = &VRRP{}
	}
	p := &printer{conf: c, opts: o, is: s}
	p.global()
	p.garpGroups()
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
	base, preempt := basis(i, r)
	p.line("   Priority = %d", base)
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
	p.line("   Preempt = %s", onOff(preempt))
	if i.PreemptDelay != 0 {
		p.line("   Preempt delay = %s secs", seconds(i.PreemptDelay))
	}
	p.line("   Promote_secondaries = %s", onOff(i.PromoteSecondaries))
	if i.RxBuffer != 0 {
		p.line("   Kernel rx buffer size = %d", i.RxBuffer)
	}
	p.auth(i)
	p.holds(i, r)
	p.tracks(i.TrackIfaces, i.TrackScripts, i.TrackFiles, in != nil && !in.TrackingWeight, i)
	p.further(i.TrackProcesses, i.TrackBFDs, in != nil && !in.TrackingWeight)
	p.line("   Using smtp notification = %s", yes(i.SMTPAlert.Or(p.conf.Global.Mail.MailVRRP()), "yes", "no"))
	p.line("   Notify deleted = %s", yes(i.Notify.Deleted != nil, "Deleted", "Fault"))
	p.notify(&i.Notify)
	p.line("   Notify priority changes = %t", i.NotifyPriority)
}

// basis is the priority without what is tracked, and whether it preempts: as
// configured, or as somebody has set it.
func basis(i *conf.VRRPInstance, r *Router) (priority int, preempt bool) {
	if r != nil && r.Base != 0 {
		return r.Base, r.Preempt
	}
	return i.Priority, !i.NoPreempt
}

// state is what the child knows.
func (p *printer) state(i *conf.VRRPInstance, r *Router) {
	if r == nil {
		p.line("   Wantstate = %s", yes(i.StateMaster, "MASTER", "BACKUP"))
		return
	}
	p.line("   State = %s", r.State)
	p.flags(i, r)
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
	if r.Next.IsZero() {
		p.line("   Read timeout = DISABLED")
	} else {
		p.line("   Read timeout = %s", stamp(r.Next))
	}
	p.line("   Master down timer = %d usecs", r.Down.Microseconds())
}

// flags is how adverts go. Of other flags keepalived says only whether there are
// any.
func (p *printer) flags(i *conf.VRRPInstance, r *Router) {
	if !i.Unicast && !i.FaultNoPeer && !i.NoPreempt && !i.DontTrackPrimary && !i.SkipCheckAddr && !i.PromoteSecondaries &&
		!i.SrcIP.IsValid() && r.VMAC == "" {
		p.line("   Flags: none")
		return
	}
	p.line("   Flags:")
	if i.Unicast {
		p.line("     Using unicast")
	}
	if i.FaultNoPeer {
		p.line("     If unicast go to fault state if no peers")
	}
}

// wanted is the state that an instance is in, or will be in at first.
func wanted(i *conf.VRRPInstance, r *Router) string {
	if r.State != "INIT" {
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
	case i.VMAC != nil && i.VMAC.IPVLAN && i.VMAC.Addr.IsValid():
		p.line("   Using src_ip = %s (from configuration)", i.VMAC.Addr.Addr())
	case r != nil && r.Source != "":
		p.line("   Using src_ip = %s", r.Source)
	}
	if i.Unicast {
		return
	}
	group := i.McastDst.String()
	if i.Family == 6 {
		name := i.Interface
		if r != nil && r.VMAC != "" && !i.XmitBase {
			name = r.VMAC
		}
		if dev := p.dev(name); dev != nil {
			group += fmt.Sprintf(", ifindex %d", dev.Index)
		}
	}
	p.line("   Multicast address %s", group)
}

// vmac is the interface, and the virtual one above it.
func (p *printer) vmac(i *conf.VRRPInstance, r *Router) {
	name := i.Interface
	if r != nil && r.VMAC != "" && i.VMAC != nil {
		name = p.own(i, r)
	}
	if i.VMACAddr {
		p.line("   Use VMAC for VIPs on other interfaces")
	}
	p.line("   Interface = %s", name)
}

// own is the router's own virtual interface; what comes back names it.
func (p *printer) own(i *conf.VRRPInstance, r *Router) string {
	up := false
	if dev := p.dev(r.VMAC); dev != nil {
		up = dev.Up
	}
	v := i.VMAC
	if v.IPVLAN {
		addr := ""
		if v.Addr.IsValid() {
			addr = ", i/f address = " + v.Addr.String()
			if v.Addr.IsSingleIP() {
				addr = ", i/f address = " + v.Addr.Addr().String()
			}
		}
		p.line("   Use IPVLAN, i/f %s, is_up = %t%s, type %s", r.VMAC, up, addr, or(v.Mode, "bridge"))
		return r.VMAC + ", ipvlan on " + i.Interface
	}
	p.line("   Use VMAC, i/f name %s, is_up = %t, xmit_base = %t", r.VMAC, up, i.XmitBase)
	if m := v.MAC; m != ([6]byte{}) {
		p.line("     MAC = %02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
	}
	return r.VMAC + ", vmac on " + i.Interface + yes(i.XmitBase, ", xmit base i/f", "")
}

// dev is an interface of the system, nil if it is not there.
func (p *printer) dev(name string) *Interface {
	return find(p.opts.Interfaces, name, func(i *Interface) string { return i.Name })
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
	case i.HMAC != nil:
		p.hmac(i.HMAC)
	case i.AuthType == "PASS":
		p.line("   Authentication type = SIMPLE_PASSWORD")
		p.line("   Password = %s", Mask)
	case i.AuthType == "AH":
		p.line("   Authentication type = IPSEC_AH")
	case i.Version == 2:
		p.line("   Authentication type = none")
	}
}

// hmac is auth_hmac, of its keys only the numbers.
func (p *printer) hmac(h *conf.HMAC) {
	p.line("   Authentication type = HMAC")
	p.line("   HMAC mode = %s", h.Mode)
	for _, k := range h.Keys {
		p.line("   HMAC key %d = %s%s", k.ID, Mask, yes(k.ID == h.Active, ", active", ""))
	}
	p.line("   HMAC time window = %s sec", seconds(h.Window))
	p.line("   HMAC anti replay = %s", yes(h.Monotonic, "monotonic", "time"))
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
