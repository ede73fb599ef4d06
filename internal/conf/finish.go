package conf

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// finish settles, when all of the text has been read, what depends on more
// than one block: inheritance from global_defs, references by name, and what
// keepalived would leave out of such a configuration.
func (l *loader) finish() {
	l.finishGlobal()
	l.finishScripts()
	kept := l.cfg.Instances[:0]
	for _, n := range l.instances {
		if l.finishInstance(n) {
			kept = append(kept, n.inst)
		}
	}
	l.cfg.Instances = kept
	l.uniqueVRIDs()
	l.finishTracks()
	l.finishGroups()
	l.finishServers()
	if l.sys != nil {
		l.finishInterfaces()
	}
}

func (l *loader) finishGlobal() {
	g := &l.cfg.Global
	if g.GARP.LowerPrioDelay == unset {
		g.GARP.LowerPrioDelay = g.GARP.MasterDelay
	}
	if g.GARP.LowerPrioRepeat == unset {
		g.GARP.LowerPrioRepeat = g.GARP.MasterRepeat
	}
	if g.RouterID == "" && l.sys != nil {
		g.RouterID = l.sys.HostName()
	}
}

// finishInstance gives an instance its defaults; false: it cannot run.
func (l *loader) finishInstance(n *instanceNotes) bool {
	i := n.inst
	if i.VRID == 0 {
		l.fault("HF021", n.name, "vrrp_instance "+i.Name+" has no virtual_router_id, it is ignored", "virtual_router_id NUMBER", "")
		return false
	}
	if i.Interface == "" && !l.addressesHaveDev(i) {
		l.fault("HF020", n.name, "vrrp_instance "+i.Name+" has no interface, it is ignored", "interface NAME", "")
		return false
	}
	l.inheritGlobal(n)
	l.version(n)
	l.strict(n)
	l.start(n)
	l.unicast(n)
	l.auth(n)
	if len(i.Addresses) == 0 && !n.noVIPs {
		l.fault("HF025", n.name, "vrrp_instance "+i.Name+" has no virtual_ipaddress", "at least one address", "")
	}
	return true
}

func (l *loader) addressesHaveDev(i *VRRPInstance) bool { return false }

// inheritGlobal takes from global_defs what the instance does not say.
func (l *loader) inheritGlobal(n *instanceNotes) {
	i, g := n.inst, &l.cfg.Global
	if i.Family == 0 {
		i.Family = 4
		if i.SrcIP.IsValid() {
			i.Family = family(i.SrcIP)
		}
	}
	d, o := &i.GARP, &g.GARP
	d.MasterDelay = or(d.MasterDelay, o.MasterDelay)
	d.Refresh = or(d.Refresh, o.Refresh)
	orInt(&d.MasterRepeat, o.MasterRepeat)
	orInt(&d.RefreshRepeat, o.RefreshRepeat)
	// Of what is said for adverts of lower priority the instance's own
	// master_delay and master_repeat are the default, not the global ones.
	if d.LowerPrioDelay == unset {
		if d.LowerPrioDelay = o.LowerPrioDelay; o.LowerPrioDelay == o.MasterDelay {
			d.LowerPrioDelay = d.MasterDelay
		}
	}
	if d.LowerPrioRepeat == unset {
		if d.LowerPrioRepeat = o.LowerPrioRepeat; o.LowerPrioRepeat == o.MasterRepeat {
			d.LowerPrioRepeat = d.MasterRepeat
		}
	}
	d.Interval, d.GNAInterval = o.Interval, o.GNAInterval
	if i.DownTimerAdverts == 0 {
		i.DownTimerAdverts = g.DownTimerAdverts
	}
	i.LowerPrioNoAdvert = pick(n.lowerPrio, g.LowerPrioNoAdvert)
	i.HigherPrioSendAdvert = pick(n.higherPrio, g.HigherPrioSendAdvert)
	i.SkipCheckAddr = pick(n.skipCheck, g.SkipCheckAddr)
	i.CheckUnicastSrc = pick(n.checkSrc, l.checkSrc)
	i.Strict = pick(n.strict, g.Strict)
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
		l.warn("HF035", n.name, "vrrp_instance "+i.Name+" has IPv6 addresses, it uses version 3", "version 3", "")
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
	if i.Version == 3 {
		i.AdvertInt = i.AdvertInt.Round(10 * time.Millisecond)
	}
}

// maxAdvertV3 is the longest interval of version 3: twelve bits of hundredths
// of a second (RFC 9568 §5.2.7).
const maxAdvertV3 = 40950 * time.Millisecond

// start settles the initial state, priority and preemption.
func (l *loader) start(n *instanceNotes) {
	i := n.inst
	if i.Priority == 0 {
		i.Priority = 100
	}
	if i.Priority == 255 && n.state.Text == "BACKUP" {
		l.warn("HF036", n.state, "vrrp_instance "+i.Name+" has priority 255 and so starts as MASTER", "state MASTER, or a lower priority", "")
	}
	if i.Priority == 255 {
		i.StateMaster = true
	}
	i.NoPreempt = n.preempt == 0
	i.Accept = pick(n.accept, !i.Strict || i.Priority == 255)
	if i.NoPreempt && i.StateMaster {
		l.fault("HF036", n.name, "vrrp_instance "+i.Name+": nopreempt does not go with the state MASTER, it is ignored", "state BACKUP on all routers", "")
		i.NoPreempt = false
	}
	if i.PreemptDelay > 0 && (i.NoPreempt || i.StateMaster) {
		l.fault("HF036", n.preemptDelay, "vrrp_instance "+i.Name+": preempt_delay does not go with nopreempt or the state MASTER, it is ignored", "", "")
		i.PreemptDelay = 0
	}
}

// strict holds an instance to the RFC where vrrp_strict says so.
func (l *loader) strict(n *instanceNotes) {
	i := n.inst
	if !i.Strict {
		return
	}
	if i.AuthType != "" {
		l.fault("HF037", n.name, "vrrp_instance "+i.Name+": authentication is not allowed by vrrp_strict, it is ignored", "", "")
		i.AuthType, i.AuthPass = "", ""
	}
	if len(i.Peers) > 0 {
		l.fault("HF037", n.name, "vrrp_instance "+i.Name+": unicast_peer is not allowed by vrrp_strict, it is ignored", "", "")
		i.Peers = nil
	}
	if i.PreemptDelay > 0 {
		l.fault("HF037", n.preemptDelay, "vrrp_instance "+i.Name+": preempt_delay is not allowed by vrrp_strict, it is ignored", "", "")
		i.PreemptDelay = 0
	}
	if i.StateMaster != (i.Priority == 255) && n.state.Text != "" {
		l.fault("HF037", n.state, "vrrp_instance "+i.Name+": by vrrp_strict the state is MASTER with priority 255, and BACKUP otherwise", "", "")
		i.StateMaster = i.Priority == 255
	}
}

// unicast settles peers and source.
func (l *loader) unicast(n *instanceNotes) {
	i := n.inst
	kept := i.Peers[:0]
	for _, p := range i.Peers {
		if family(p.Addr) != i.Family {
			l.fault("HF032", n.name, "vrrp_instance "+i.Name+": unicast_peer "+p.Addr.String()+" is not of the instance's family, it is ignored", "an IPv"+strconv.Itoa(i.Family)+" address", "")
			continue
		}
		kept = append(kept, p)
	}
	i.Peers = kept
	i.Unicast = len(i.Peers) > 0
	if n.unicast && !i.Unicast {
		l.fault("HF038", n.name, "vrrp_instance "+i.Name+" is set up for unicast and has no unicast_peer, it uses multicast", "unicast_peer { ADDRESS … }", "")
	}
	if i.SrcIP.IsValid() && family(i.SrcIP) != i.Family {
		l.fault("HF032", n.source, "vrrp_instance "+i.Name+": source "+i.SrcIP.String()+" is not of the instance's family, it is ignored", "an IPv"+strconv.Itoa(i.Family)+" address", "")
		i.SrcIP = netip.Addr{}
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
		if first, dup := seen[k]; dup {
			l.fault("HF022", l.notesOf(i).vrid, "vrrp_instance "+i.Name+" has the virtual_router_id "+strconv.Itoa(i.VRID)+" of "+first+" on "+i.Interface+", it is ignored", "another number", "")
			continue
		}
		seen[k] = i.Name
		kept = append(kept, i)
	}
	l.cfg.Instances = kept
}

func (l *loader) notesOf(i *VRRPInstance) *instanceNotes {
	for _, n := range l.instances {
		if n.inst == i {
			return n
		}
	}
	return &instanceNotes{}
}

// finishTracks drops tracked scripts that are not defined.
func (l *loader) finishTracks() {
	have := make(map[string]bool, len(l.cfg.Scripts))
	for _, s := range l.cfg.Scripts {
		have[s.Name] = true
	}
	for _, t := range l.tracked {
		if have[t.word.Text] || l.disabled[t.word.Text] {
			continue
		}
		l.fault("HF023", t.word, "there is no vrrp_script "+t.word.Text+", it is ignored", "the name of a vrrp_script", nearestName(t.word.Text, l.cfg.Scripts))
	}
	if len(l.tracked) == 0 {
		return
	}
	drop := func(list []Track) []Track {
		kept := list[:0]
		for _, t := range list {
			if have[t.Name] {
				kept = append(kept, t)
			}
		}
		return kept
	}
	for _, i := range l.cfg.Instances {
		i.TrackScripts = drop(i.TrackScripts)
	}
	for _, g := range l.cfg.Groups {
		g.TrackScripts = drop(g.TrackScripts)
	}
}

func nearestName(word string, scripts []*VRRPScript) string {
	for _, s := range scripts {
		if strings.EqualFold(strings.NewReplacer("-", "", "_", "").Replace(s.Name), strings.NewReplacer("-", "", "_", "").Replace(word)) {
			return "did you mean " + s.Name + "?"
		}
	}
	return ""
}

// finishGroups drops members that are no instances, and empty groups.
func (l *loader) finishGroups() {
	have := make(map[string]bool, len(l.cfg.Instances))
	for _, i := range l.cfg.Instances {
		have[i.Name] = true
	}
	owner := map[string]string{}
	kept := l.cfg.Groups[:0]
	for gi, g := range l.cfg.Groups {
		n := l.groups[gi]
		g.Members = l.knownMembers(g, n.members, have, owner)
		switch len(g.Members) {
		case 0:
			l.fault("HF024", n.name, "vrrp_sync_group "+g.Name+" has no member, it is ignored", "group { INSTANCE … }", "")
			continue
		case 1:
			l.fault("HF024", n.name, "vrrp_sync_group "+g.Name+" has one member only, it is ignored", "at least two instances", "")
			continue
		}
		kept = append(kept, g)
	}
	l.cfg.Groups = kept
}

func (l *loader) knownMembers(g *SyncGroup, words []syntax.Word, have map[string]bool, owner map[string]string) []string {
	var members []string
	for _, w := range words {
		switch {
		case !have[w.Text]:
			l.fault("HF024", w, "vrrp_sync_group "+g.Name+": there is no vrrp_instance "+w.Text+", it is ignored", "the name of a vrrp_instance", "")
		case owner[w.Text] != "":
			l.fault("HF024", w, "vrrp_instance "+w.Text+" is in vrrp_sync_group "+owner[w.Text]+" already, it is ignored here", "", "")
		default:
			owner[w.Text] = g.Name
			members = append(members, w.Text)
		}
	}
	return members
}

// report puts what was found into the order of the text.
func inOrder(d diag.List) {
	first := map[string]int{}
	for i := range d {
		if _, ok := first[d[i].Span.File]; !ok {
			first[d[i].Span.File] = i
		}
	}
	sortStable(d, func(a, b *diag.Diagnostic) bool {
		if a.Span.File != b.Span.File {
			return first[a.Span.File] < first[b.Span.File]
		}
		if a.Span.Line != b.Span.Line {
			return a.Span.Line < b.Span.Line
		}
		return a.Span.Col < b.Span.Col
	})
}
