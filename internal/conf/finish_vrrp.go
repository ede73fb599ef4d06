package conf

import (
	"strconv"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
)

// finishInstance gives an instance its defaults; false: it cannot run.
func (l *loader) finishInstance(n *instanceNotes) bool {
	i := n.inst
	if i.VRID == 0 {
		l.fatal("HF021", n.name, "vrrp_instance "+i.Name+" has no virtual_router_id", "virtual_router_id NUMBER")
		return false
	}
	if i.Interface == "" {
		l.fatal("HF020", n.name, "vrrp_instance "+i.Name+" has no interface", "interface NAME")
		return false
	}
	l.inheritGlobal(n)
	l.version(n)
	l.strict(n)
	l.start(n)
	l.unicast(n)
	l.hmac(n)
	l.auth(n)
	l.ownInterface(n)
	if n.linkbeat {
		l.cfg.Linkbeats = append(l.cfg.Linkbeats, Linkbeat{Interface: i.Interface})
	}
	l.vmac(n)
	return l.hasAddresses(n)
}

// vmac holds the keywords of VMACs to each other.
func (l *loader) vmac(n *instanceNotes) {
	if n.vmac.Text == "use_vmac" && n.inst.PromoteSecondaries {
		l.fault("HF033", n.vmac, "use_vmac implies promote_secondaries, which is ignored", "no promote_secondaries", "")
	}
	i, base := n.inst, n.xmitBase.Text != ""
	if v := i.VMAC; v != nil && n.shortMAC {
		v.MAC[len(v.MAC)-1] = byte(i.VRID) // 1–255
	}
	i.XmitBase = i.VMAC != nil && (base && !i.Strict || i.Unicast && !i.VMAC.IPVLAN)
	switch {
	case base && n.vmac.Text == "":
		l.fault("HF018", n.xmitBase, "vmac_xmit_base without use_vmac", "use_vmac", "")
	case base && n.inst.Strict:
		l.fault("HF037", n.xmitBase, "vmac_xmit_base is not allowed by vrrp_strict, it is ignored", "", "")
	case !base && n.vmac.Text == "use_vmac" && n.inst.Unicast:
		l.fault("HF018", n.vmac, "use_vmac with unicast_peer takes vmac_xmit_base, which is assumed", "vmac_xmit_base", "")
	}
}

// hasAddresses: no address is unusual in version 2 and not allowed in 3.
func (l *loader) hasAddresses(n *instanceNotes) bool {
	i := n.inst
	switch {
	case len(i.Addresses) > 0 || n.noVIPs:
		return true
	case i.Version == 3 || i.Strict:
		l.fatal("HF025", n.name, "vrrp_instance "+i.Name+" has no virtual_ipaddress", "at least one address (without any only in version 2, and not with vrrp_strict)")
		return false
	}
	l.fault("HF025", n.name, "vrrp_instance "+i.Name+" has no virtual_ipaddress", "at least one address", "")
	return true
}

// ownInterface drops the instance's own interface from what it tracks.
func (l *loader) ownInterface(n *instanceNotes) {
	i := n.inst
	kept := i.TrackIfaces[:0]
	for _, t := range i.TrackIfaces {
		if t.Name == i.Interface {
			l.fault("HF043", n.name, "vrrp_instance "+i.Name+" tracks its own interface "+t.Name+" anyway, track_interface is ignored for it", "other interfaces", "")
			continue
		}
		kept = append(kept, t)
	}
	i.TrackIfaces = kept
}

// inheritGlobal takes from global_defs what the instance does not say.
func (l *loader) inheritGlobal(n *instanceNotes) {
	i, g := n.inst, &l.cfg.Global
	if i.Family == 0 {
		i.Family = 4
	}
	n.garpRepeats = i.GARP.LowerPrioRepeat > 0
	d, o := &i.GARP, &g.GARP
	d.MasterDelay = or(d.MasterDelay, o.MasterDelay)
	d.Refresh = or(d.Refresh, o.Refresh)
	orInt(&d.MasterRepeat, o.MasterRepeat)
	orInt(&d.RefreshRepeat, o.RefreshRepeat)
	// What is sent after adverts of lower priority defaults to the global
	// setting, even where the instance has a master_delay of its own.
	d.LowerPrioDelay = or(d.LowerPrioDelay, o.LowerPrioDelay)
	orInt(&d.LowerPrioRepeat, o.LowerPrioRepeat)
	d.Interval, d.GNAInterval = o.Interval, o.GNAInterval
	if d.Extra == unset {
		d.Extra, d.ExtraAll = o.Extra, o.ExtraAll
	}
	if i.DownTimerAdverts == 0 {
		i.DownTimerAdverts = g.DownTimerAdverts
	}
	i.LowerPrioNoAdvert = pick(n.lowerPrio, g.LowerPrioNoAdvert)
	i.NotifyPriority = pick(n.tellPriority, g.NotifyPriority)
	i.HigherPrioSendAdvert = pick(n.higherPrio, g.HigherPrioSendAdvert)
	i.HigherPrioSilent = n.higherPrio == 0
	i.SkipCheckAddr = pick(n.skipCheck, false) || g.SkipCheckAddr // off does not undo the global setting
	i.CheckUnicastSrc = pick(n.checkSrc, l.checkSrc)
	i.Strict = pick(n.strict, g.Strict)
	i.OwnerIgnoresAdverts = pick(n.ownerIgnores, g.OwnerIgnores)
	i.V3ChecksumAsV2 = pick(n.v3AsV2, g.V3AsV2)
	if !i.McastDst.IsValid() {
		if i.McastDst = g.McastGroup4; i.Family == 6 {
			i.McastDst = g.McastGroup6
		}
	}
}

func orInt(v *int, d int) {
	if *v == unset {
		*v = d
	}
}

// version settles the version and what it allows.
func (l *loader) version(n *instanceNotes) {
	i := n.inst
	if i.AdvertInt == 0 {
		i.AdvertInt = time.Second
	}
	switch {
	case i.Family == 6 && i.Version == 2:
		l.fault("HF035", n.version, "vrrp_instance "+i.Name+" has IPv6 addresses and so uses version 3", "version 3", "")
		i.Version = 3
	case i.Family == 6:
		i.Version = 3
	case i.Version == 0:
		i.Version = l.cfg.Global.VRRPVersion
	}
	if i.Version == 3 && i.AdvertInt > maxAdvertV3 {
		l.fault("HF035", n.advert, "advert_int "+n.advert.Text+" is too long for version 3, taking 40.95", "at most 40.95 seconds", "")
		i.AdvertInt = maxAdvertV3
	}
	if i.Version == 2 && i.AdvertInt%time.Second != 0 {
		i.AdvertInt = max(i.AdvertInt.Round(time.Second), time.Second)
		l.fault("HF035", n.advert, "advert_int "+n.advert.Text+" is not whole seconds, which version 2 needs, taking "+strconv.Itoa(int(i.AdvertInt/time.Second)), "whole seconds, or version 3", "")
	}
	if i.Version == 3 && i.AdvertInt%(10*time.Millisecond) != 0 {
		i.AdvertInt = i.AdvertInt.Round(10 * time.Millisecond)
		l.fault("HF035", n.advert, "advert_int "+n.advert.Text+" is no multiple of 10 ms, taking "+schema.FormatSeconds(int64(i.AdvertInt)), "hundredths of a second", "")
	}
}

// Priorities when nothing is said: of a router, and of the addresses' owner.
const (
	defaultPriority = 100
	ownerPriority   = 255
	// usualDownAdverts is how many adverts may be missed (RFC 9568 §6.1).
	usualDownAdverts = 3
)

// maxAdvertV3 is the longest interval of version 3: twelve bits of hundredths
// of a second (RFC 9568 §5.2.7).
const maxAdvertV3 = 40950 * time.Millisecond

// start settles the initial state, priority and preemption.
func (l *loader) start(n *instanceNotes) {
	i := n.inst
	if i.Priority == ownerPriority && n.state.Text == "BACKUP" {
		l.warn("HF036", n.state, "vrrp_instance "+i.Name+" has priority 255 and so starts as MASTER", "state MASTER, or a lower priority")
	}
	if i.Priority == ownerPriority {
		i.StateMaster = true
	}
	if i.AuthType == "AH" && i.StateMaster && i.Priority != ownerPriority {
		l.fault("HF036", n.state, "vrrp_instance "+i.Name+": the state MASTER does not go with auth_type AH, it starts as BACKUP", "state BACKUP", "")
		i.StateMaster = false
	}
	i.NoPreempt = n.preempt == 0
	i.Accept = pick(n.accept, !i.Strict || i.Priority == ownerPriority)
	if i.NoPreempt && i.StateMaster {
		l.fault("HF036", n.name, "vrrp_instance "+i.Name+": nopreempt does not go with the state MASTER, it is ignored", "state BACKUP on all routers", "")
		i.NoPreempt = false
	}
	if i.PreemptDelay > 0 && (i.NoPreempt || i.StateMaster) {
		l.fault("HF036", n.preemptDelay, "vrrp_instance "+i.Name+": preempt_delay does not go with nopreempt or the state MASTER, it is ignored", "", "")
		i.PreemptDelay = 0
	}
}

// strict settles the priority, and holds an instance to the RFC where
// vrrp_strict says so.
func (l *loader) strict(n *instanceNotes) {
	i := n.inst
	if i.Priority == 0 {
		if i.Priority = defaultPriority; i.StateMaster {
			i.Priority = ownerPriority
		}
	}
	if !i.Strict {
		return
	}
	if i.AuthType != "" {
		l.fault("HF037", n.name, "vrrp_instance "+i.Name+": authentication is not allowed by vrrp_strict, it is ignored", "", "")
		i.AuthType, i.AuthPass = "", ""
	}
	if i.Family == 6 && len(i.Addresses) > 0 && !i.Addresses[0].Prefix.Addr().IsLinkLocalUnicast() {
		l.fault("HF037", n.vips[0], "vrrp_instance "+i.Name+": by vrrp_strict the first IPv6 address is link-local", "an address in fe80::/10", "")
	}
	if n.accept == 1 && i.Version == 2 {
		l.fault("HF037", n.acceptWord, "vrrp_instance "+i.Name+": accept is not allowed by vrrp_strict in version 2, it is ignored", "", "")
		n.accept = 0
	}
	if i.DownTimerAdverts != usualDownAdverts {
		l.fault("HF037", n.name, "vrrp_instance "+i.Name+": down_timer_adverts is not allowed by vrrp_strict, taking 3", "", "")
		i.DownTimerAdverts = usualDownAdverts
	}
	l.strictTalk(n)
	if i.PreemptDelay > 0 {
		l.fault("HF037", n.preemptDelay, "vrrp_instance "+i.Name+": preempt_delay is not allowed by vrrp_strict, it is ignored", "", "")
		i.PreemptDelay = 0
	}
	if owner := i.Priority == ownerPriority; i.StateMaster != owner {
		l.fault("HF037", n.state, "vrrp_instance "+i.Name+": by vrrp_strict the state is MASTER with priority 255, and BACKUP otherwise", "", "")
		i.StateMaster = owner
	}
}

// strictTalk: what is sent beyond the RFC.
func (l *loader) strictTalk(n *instanceNotes) {
	i := n.inst
	if n.garpRepeats {
		l.fault("HF037", n.name, "vrrp_instance "+i.Name+": gratuitous ARP is not repeated after a lower priority with vrrp_strict", "", "")
	}
	i.GARP.LowerPrioRepeat, i.GARP.LowerPrioDelay = 0, 0
	if n.lowerPrio == 0 {
		l.fault("HF037", n.name, "vrrp_instance "+i.Name+": vrrp_strict needs lower_prio_no_advert", "", "")
	}
	if i.HigherPrioSendAdvert {
		l.fault("HF037", n.name, "vrrp_instance "+i.Name+": higher_prio_send_advert is not allowed by vrrp_strict, it is ignored", "", "")
	}
	i.LowerPrioNoAdvert, i.HigherPrioSendAdvert, i.HigherPrioSilent = true, false, true
}

// unicast settles peers and source.
func (l *loader) unicast(n *instanceNotes) {
	i := n.inst
	i.Unicast = len(i.Peers) > 0
	if n.unicast && !i.Unicast && !i.FaultNoPeer {
		l.fault("HF038", n.name, "vrrp_instance "+i.Name+" is set up for unicast and has no unicast_peer, it uses multicast", "unicast_peer { ADDRESS … }", "")
	}
}

// auth: version 3 has no authentication (RFC 5798 §9), IPv6 never had.
func (l *loader) auth(n *instanceNotes) {
	i := n.inst
	if i.AuthType == "" {
		if i.AuthPass != "" {
			i.AuthPass = ""
		}
		return
	}
	if i.Version == 3 {
		l.fault("HF039", n.name, "vrrp_instance "+i.Name+": version 3 has no authentication, it is ignored", "", "")
		i.AuthType, i.AuthPass = "", ""
		return
	}
	if i.AuthPass == "" {
		l.fault("HF039", n.name, "vrrp_instance "+i.Name+" has auth_type "+i.AuthType+" and no auth_pass, authentication is ignored", "auth_pass PASSWORD", "")
		i.AuthType = ""
	}
}

// uniqueVRIDs drops instances that share interface, family and VRID.
func (l *loader) uniqueVRIDs() {
	type key struct {
		iface        string
		family, vrid int
	}
	seen := make(map[key]string, len(l.cfg.Instances))
	kept := l.cfg.Instances[:0]
	for _, i := range l.cfg.Instances {
		k := key{i.Interface, i.Family, i.VRID}
		if l.cfg.Global.DynamicInterfaces && l.sys != nil && !l.sys.Interface(i.Interface) {
			kept = append(kept, i) // nobody knows what will come under that name
			continue
		}
		if first, dup := seen[k]; dup {
			l.fatal("HF022", l.notesOf(i).vrid, "vrrp_instance "+i.Name+" has the virtual_router_id "+strconv.Itoa(i.VRID)+" of "+first+" on "+i.Interface, "another number")
			continue
		}
		seen[k] = i.Name
		kept = append(kept, i)
	}
	l.cfg.Instances = kept
}

func (l *loader) notesOf(i *VRRPInstance) *instanceNotes {
	if n := l.byName[i.Name]; n != nil {
		return n
	}
	return &instanceNotes{}
}
