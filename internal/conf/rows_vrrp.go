package conf

import (
	"math"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// vrrpRoot are the blocks of the VRRP side.
var vrrpRoot = rows{
	{Name: "vrrp_instance", Args: name, Soft: true, Exact: true, Bare: true, Block: instanceBlock, Doc: "A virtual router.", Set: beginInstance, End: endInstance},
	{Name: "vrrp_sync_group", Args: name, Soft: true, Exact: true, Bare: true, Block: groupBlock, Doc: "Instances that change state together.", Set: beginGroup, End: endGroup},
	{Name: "vrrp_script", Args: name, Bare: true, Block: scriptBlock, Doc: "A program run again and again, whose exit status is tracked.", Set: beginScript, End: endScript},
	{Name: "static_ipaddress", Block: &block{Name: "static_ipaddress", LineArgs: addressArgs, Line: func(l *loader, s *stmt) {
		if a, ok := l.address(s, true); ok {
			if a.Dev == "" {
				l.bareStatic = append(l.bareStatic, s.Node.Words[0])
			}
			l.cfg.StaticAddresses = append(l.cfg.StaticAddresses, a)
		}
	}}, Bare: true, Doc: "Addresses that are there whatever the state."},
	{Name: "static_routes", Block: &block{Name: "static_routes", LineArgs: routeArgs, Line: func(l *loader, s *stmt) {
		if r, ok := l.route(s); ok {
			l.cfg.StaticRoutes = append(l.cfg.StaticRoutes, r)
		}
	}}, Bare: true, Doc: "Routes that are there whatever the state."},
	{Name: "static_rules", Block: &block{Name: "static_rules", LineArgs: ruleArgs, Line: func(l *loader, s *stmt) {
		if r, ok := l.rule(s); ok {
			l.cfg.StaticRules = append(l.cfg.StaticRules, r)
		}
	}}, Bare: true, Doc: "Rules that are there whatever the state."},
	{Name: "garp_group", Bare: true, Block: garpGroupBlock, Doc: "Interfaces that share a pace of gratuitous ARP.", Set: beginGARPGroup, End: endGARPGroup},
	{Name: "track_group", Exact: true, Args: name, Soft: true, Bare: true, Doc: "Instances that follow static addresses, routes and rules.",
		Block: &block{Name: "track_group", Parts: []rows{{{Name: "group", Bare: true, Block: &block{Name: "track_group > group", Line: trackGroupMember, LineArgs: name}, Doc: "The instances.", Set: trackGroupMembers}}}},
		Set: func(l *loader, s *stmt) {
			l.trackGroup = false
			l.cfg.TrackGroups = append(l.cfg.TrackGroups, TrackGroup{Name: s.Text(), Pos: l.pos(s.Keyword())})
		}},
	{Name: "linkbeat_interfaces", Bare: true, Block: &block{Name: "linkbeat_interfaces", LineArgs: args{{Kind: schema.Interface}, {Kind: schema.Words, Label: "MII|ETHTOOL|IOCTL", Optional: true}}, Line: func(l *loader, s *stmt) {
		w := s.Node.Words
		l.needInterface(w[0], "linkbeat_interfaces")
		l.linkbeat(s)
	}}, Doc: "Interfaces whose link is polled."},
	{Name: "interface_up_down_delays", Bare: true, Block: &block{Name: "interface_up_down_delays", Line: upDown, LineArgs: args{{Kind: schema.Interface}, {Kind: schema.Seconds, Label: "DOWN"}, {Kind: schema.Seconds, Label: "UP", Optional: true}}}, Doc: "How long an interface must be down or up to count as such."},
}

var (
	addressArgs = args{{Kind: schema.Prefix}, {Kind: schema.Words, Label: "brd ADDRESS, dev INTERFACE, label LABEL, scope SCOPE, peer ADDRESS, no_track …", Optional: true}}
	routeArgs   = args{{Kind: schema.Words, Label: "as ip-route(8) takes them"}}
	ruleArgs    = args{{Kind: schema.Words, Label: "as ip-rule(8) takes them"}}
	trackArgs   = args{{Kind: schema.Name}, {Kind: schema.Words, Label: "weight NUMBER [reverse]", Optional: true}}
)

func trackGroupMembers(l *loader, s *stmt) {
	if l.trackGroup {
		s.Fault("HF031", diag.Error, s.Keyword(), "group is given twice in this track_group, the second is ignored", "")
	}
	l.trackGroup = true
	needLines(l, s)
}

// trackGroupMember keeps the instances of one line.
func trackGroupMember(l *loader, s *stmt) {
	g := &l.cfg.TrackGroups[len(l.cfg.TrackGroups)-1]
	for _, w := range s.Node.Words {
		g.Members = append(g.Members, w.Text)
	}
}

// needLines complains about a list without lines.
func needLines(l *loader, s *stmt) {
	if len(s.Node.Block) == 0 {
		s.Fault("HF018", diag.Error, s.Keyword(), s.Keyword().Text+" is empty", "at least one line")
	}
}

// notifyRows are the scripts that instances and groups run.
var notifyRows = rows{
	{Name: "notify_master", Args: command, Doc: "Run on becoming master.", To: cmd(func(l *loader) **Command { return &l.notify.Master })},
	{Name: "notify_backup", Args: command, Doc: "Run on becoming backup.", To: cmd(func(l *loader) **Command { return &l.notify.Backup })},
	{Name: "notify_fault", Args: command, Doc: "Run on becoming faulty.", To: cmd(func(l *loader) **Command { return &l.notify.Fault })},
	{Name: "notify_stop", Args: command, Doc: "Run when VRRP stops.", To: cmd(func(l *loader) **Command { return &l.notify.Stop })},
	{Name: "notify", Args: command, Doc: "Run on every change, with type, name, state and priority as further arguments.", To: cmd(func(l *loader) **Command { return &l.notify.Any })},
	{Name: "notify_priority_changes", Args: on, Doc: "Tell FIFOs about changes of priority too; a group's word is its members'.", To: tri(func(l *loader) *int8 { return l.tellPriority })},
}

// tracks are the lists of what an instance or a group tracks.
type tracks struct{ ifaces, scripts, files, processes, bfds *[]Track }

func inst(l *loader) *VRRPInstance { return l.inst }
func vi(l *loader) *instanceNotes  { return l.vi }
func viGARP(l *loader) *GARP       { return &l.inst.GARP }
func viNotify(l *loader) *Notify   { return &l.inst.Notify }

var instanceBlock = &block{Name: "vrrp_instance", Parts: []rows{instanceWho, instanceTiming, instanceAddresses, instanceTracking, instanceTracks, instanceLinkbeat,
	notifyRows, instanceGARP, instanceRest}}

var instanceWho = rows{
	{Name: "state", Args: enum("MASTER", "BACKUP"), Doc: "The state to begin with; MASTER waits for nobody.", Set: func(l *loader, s *stmt) {
		l.inst.StateMaster, l.vi.state = s.Value(0).Int == 0, s.Words()[0]
	}, Wrong: func(l *loader) { l.inst.StateMaster = false }},
	{Name: "interface", Args: iface, Doc: "The interface that VRRP runs on.", Set: func(l *loader, s *stmt) {
		if s.Text() == loopback {
			s.Fault("HF011", diag.Error, s.Words()[0], "VRRP does not run on the loopback interface, the line is ignored", "another interface")
			return
		}
		l.inst.Interface, l.vi.iface = s.Text(), s.Words()[0]
		l.needInterface(s.Words()[0], "vrrp_instance "+l.inst.Name)
	}},
	{Name: "virtual_router_id", Args: num(1, 255), Doc: "The number of the virtual router, one for all who share it.", Set: func(l *loader, s *stmt) {
		l.inst.VRID, l.vi.vrid = s.Int(), s.Words()[0]
	}},
	{Name: "priority", Args: num(1, 255), Doc: "Who becomes master: the highest; 255 is for the addresses' owner. 100 by default, and 255 with state MASTER.", Set: func(l *loader, s *stmt) {
		l.inst.Priority = s.Int()
	}, Wrong: func(l *loader) { l.inst.Priority = defaultPriority }},
	{Name: "version", Args: num(2, 3), Doc: "The VRRP version; vrrp_version of global_defs by default.", Set: func(l *loader, s *stmt) {
		l.inst.Version, l.vi.version = s.Int(), s.Words()[0]
	}},
	{Name: "native_ipv6", Doc: "An IPv6 instance, though its addresses do not say so.", Set: func(l *loader, s *stmt) { l.setNativeV6(s) }},
	{Name: "authentication", Block: authBlock, Bare: true, Doc: "Authentication of version 2.", Set: func(l *loader, s *stmt) { needBraces(s) }},
	{Name: "auth_hmac", Block: hmacBlock, Since: since24, Doc: "Authentication of adverts by HMAC, in any version.", Set: beginHMAC},
	{Name: "vrf", Args: iface, Doc: "The VRF that the interface is in; the interface itself tells, so this is checked and no more.", Set: func(l *loader, s *stmt) {
		if l.sys != nil && !l.sys.Interface(s.Text()) {
			s.Fault("HF026", diag.Error, s.Words()[0], "there is no VRF "+s.Text()+", the line is ignored", "a VRF interface")
		}
	}},
}

func needBraces(s *stmt) {
	if !s.Node.Opened {
		s.Fault("HF017", diag.Error, s.Keyword(), s.Keyword().Text+" needs a block", "{ … }")
	}
}

var authBlock = &block{Name: "vrrp_instance > authentication", Parts: []rows{{
	{Name: "auth_type", Args: enum("PASS", "AH"), Doc: "PASS, a password in clear, or AH.", To: str(func(l *loader) *string { return &inst(l).AuthType })},
	{Name: "auth_pass", Args: args{{Kind: schema.Text, Label: "PASSWORD"}}, Doc: "The password; eight characters count.", Set: setAuthPass},
}}}

// maxAuthPass is the room for a password in a version 2 advert (RFC 2338 §5.3.10).
const maxAuthPass = 8

func setAuthPass(l *loader, s *stmt) {
	p := s.Text()
	if len(p) > maxAuthPass {
		s.Fault("HF019", diag.Error, s.Words()[0], "auth_pass is longer than 8 characters, the rest is ignored", "at most 8 characters")
		p = p[:maxAuthPass]
	}
	l.inst.AuthPass = p
}

var instanceTiming = rows{
	{Name: "advert_int", Args: secs(10*time.Millisecond, 255*time.Second), Doc: "How often a master sends adverts; whole seconds in version 2.", Set: func(l *loader, s *stmt) {
		l.inst.AdvertInt, l.vi.advert = s.Value(0).Dur(), s.Words()[0]
	}},
	{Name: "preempt", Doc: "Take over from a master of lower priority; the default.", To: tri(func(l *loader) *int8 { return &vi(l).preempt })},
	{Name: "nopreempt", Doc: "Leave a master of lower priority alone.", Set: func(l *loader, _ *stmt) { l.vi.preempt = 0 }},
	{Name: "preempt_delay", Args: secs(0, 1000*time.Second), Doc: "How long to wait before taking over.", Set: func(l *loader, s *stmt) {
		l.inst.PreemptDelay, l.vi.preemptDelay = s.Value(0).Dur(), s.Words()[0]
	}},
	{Name: "down_timer_adverts", Args: num(1, 100), Doc: "How many adverts may be missed.", To: integer(func(l *loader) *int { return &inst(l).DownTimerAdverts })},
	{Name: "timer_expired_backup", Args: optNum(1, 254), Since: since24, Doc: "Become backup when an advert is later than two intervals, or than the best of the others waits, whose priority this is.", Set: setLateBackup},
	{Name: "thread_timer_expired", Args: optNum(1, 254), Since: since24, Doc: "Another word for timer_expired_backup.", Set: setLateBackup},
	{Name: "owner_ignore_adverts", Args: on, Since: since24, Doc: "With priority 255 ignore other adverts, where otherwise one of two owners yields.", To: tri(func(l *loader) *int8 { return &vi(l).ownerIgnores })},
}

func setLateBackup(l *loader, s *stmt) {
	if l.inst.LateBackup = -1; len(s.Words()) > 0 {
		l.inst.LateBackup = s.Int()
	}
}

var instanceAddresses = rows{
	{Name: "virtual_ipaddress", Bare: true, Block: &block{Name: "virtual_ipaddress", Line: addVIP, LineArgs: addressArgs}, Doc: "The addresses that the master holds, named in adverts."},
	{Name: "virtual_ipaddress_excluded", Bare: true, Block: &block{Name: "virtual_ipaddress_excluded", Line: addExcluded, LineArgs: addressArgs}, Doc: "More addresses, not named in adverts."},
	{Name: "no_virtual_ipaddress", Since: since24, Doc: "No virtual addresses are meant.", To: flag(func(l *loader) *bool { return &vi(l).noVIPs })},
	{Name: "virtual_routes", Bare: true, Block: &block{Name: "virtual_routes", LineArgs: routeArgs, Line: func(l *loader, s *stmt) {
		if r, ok := l.route(s); ok {
			l.inst.Routes = append(l.inst.Routes, r)
		}
	}}, Doc: "Routes that the master has."},
	{Name: "virtual_rules", Bare: true, Block: &block{Name: "virtual_rules", LineArgs: ruleArgs, Line: func(l *loader, s *stmt) {
		if r, ok := l.rule(s); ok {
			l.inst.Rules = append(l.inst.Rules, r)
		}
	}}, Doc: "Rules that the master has."},
	{Name: "promote_secondaries", Doc: "Keep secondary addresses when the first of a network goes.", To: flag(func(l *loader) *bool { return &inst(l).PromoteSecondaries })},
	{Name: "vip_lease", Own: true, Args: numOf("SECONDS", 2, 3600), Doc: "After how many seconds the kernel itself drops the virtual addresses of a daemon that is dead or hangs.", Set: func(l *loader, s *stmt) {
		l.inst.VIPLease = time.Duration(s.Int()) * time.Second
	}},
	{Name: "mcast_src_ip", Args: address, Doc: "The source address of multicast adverts.", Set: setSource},
	{Name: "unicast_src_ip", Args: address, Doc: "The source address of unicast adverts.", Set: setSource},
	{Name: "mcast_dst_ip", Args: address, Doc: "The group to which adverts go.", Set: setMcastDst},
	{Name: "track_src_ip", Doc: "Faulty when the source address is gone.", To: flag(func(l *loader) *bool { return &inst(l).TrackSrcIP })},
	{Name: "unicast_peer", Bare: true, Block: &block{Name: "unicast_peer", Line: addPeer, LineArgs: args{{Kind: schema.Address}, {Kind: schema.Words, Label: "min_ttl NUMBER, max_ttl NUMBER", Optional: true}}}, Doc: "The other routers, if adverts go to them one by one.", Set: func(l *loader, s *stmt) {
		l.vi.unicast = true
	}},
	{Name: "unicast_ttl", Args: num(0, 255), Doc: "The TTL of unicast adverts.", Set: func(l *loader, s *stmt) {
		l.inst.UnicastTTL, l.vi.unicast = s.Int(), true
	}},
	{Name: "unicast_fault_no_peer", Doc: "Faulty when there is no unicast peer, where otherwise adverts go by multicast.", To: flag(func(l *loader) *bool { return &inst(l).FaultNoPeer })},
	{Name: "check_unicast_src", Doc: "Take unicast adverts from unicast peers only.", Set: func(l *loader, _ *stmt) { l.vi.checkSrc, l.vi.unicast = 1, true }},
	{Name: "old_unicast_checksum", Args: optEnum(OldChecksumNever), Doc: "Unicast checksums of version 3 as keepalived made them up to 1.3.6; with never not even for peers that do.", Set: func(l *loader, s *stmt) {
		l.vi.unicast, l.inst.OldChecksum = true, OldChecksumAll
		if len(s.Words()) > 0 {
			l.inst.OldChecksum = s.Text()
		}
	}},
	{Name: "v3_checksum_as_v2", Args: on, Since: since24, Doc: "Leave the pseudo-header out of version 3 checksums over IPv4.", To: tri(func(l *loader) *int8 { return &vi(l).v3AsV2 })},
	{Name: "accept", Doc: "Take packets to the virtual addresses though not their owner; the default.", Set: func(l *loader, s *stmt) { l.vi.accept, l.vi.acceptWord = 1, s.Keyword() }},
	{Name: "no_accept", Doc: "Drop them.", Set: func(l *loader, _ *stmt) { l.vi.accept = 0 }},
	{Name: "use_vmac", Args: optWords, Doc: "Give the virtual router its own MAC address.", Set: useVMAC},
	{Name: "use_vmac_addr", Doc: "The same for addresses on other interfaces.", To: flag(func(l *loader) *bool { return &inst(l).VMACAddr })},
	{Name: "vmac_xmit_base", Doc: "Send adverts from the interface below the VMAC.", Set: func(l *loader, s *stmt) { l.vi.xmitBase = s.Keyword() }},
	{Name: "use_ipvlan", Args: optWords, Doc: "Give the virtual router an ipvlan interface to speak from. Virtual addresses are on the interface below it.", Set: useIPVLAN},
}

var instanceTracking = rows{
	{Name: "dont_track_primary", Doc: "Do not become faulty when the interface is down.", To: flag(func(l *loader) *bool { return &inst(l).DontTrackPrimary })},
}

var instanceTracks = rows{
	{Name: "track_interface", Bare: true, Block: &block{Name: "vrrp_instance > track_interface", Line: trackInterface, LineArgs: trackArgs}, Doc: "Interfaces that must be up, or that weigh."},
	{Name: "track_script", Bare: true, Block: &block{Name: "vrrp_instance > track_script", Line: trackScript, LineArgs: trackArgs}, Doc: "Scripts that must succeed, or that weigh."},
	{Name: "track_file", Bare: true, Block: &block{Name: "vrrp_instance > track_file", Line: trackFiles, LineArgs: trackArgs}, Doc: "Files whose number weighs."},
	{Name: "track_process", Bare: true, Block: &block{Name: "vrrp_instance > track_process", Line: trackProcesses, LineArgs: trackArgs}, Doc: "Processes that must run, or that weigh."},
	{Name: "track_bfd", Bare: true, Block: &block{Name: "vrrp_instance > track_bfd", Line: trackBFDs, LineArgs: trackArgs}, Doc: "BFD sessions that must be up, or that weigh."},
}

var instanceLinkbeat = rows{
	{Name: "linkbeat_use_polling", Deprecated: "linkbeat_interfaces", Complain: true, Doc: "Poll the interface's link.", To: flag(func(l *loader) *bool { return &vi(l).linkbeat })},
}

var instanceGARP = rows{
	{Name: "garp_master_delay", Args: wholeSecs(0, maxSeconds), Doc: "When to repeat the gratuitous ARP after becoming master; 0 for never.", To: seconds(func(l *loader) *time.Duration { return &viGARP(l).MasterDelay })},
	{Name: "garp_master_repeat", Args: clamp(1, maxUint32), Doc: "How many gratuitous ARP packets at a time.", To: integer(func(l *loader) *int { return &viGARP(l).MasterRepeat })},
	{Name: "garp_master_refresh", Args: wholeSecs(0, maxUint32), Doc: "How often a master repeats its gratuitous ARP; 0 for never.", To: seconds(func(l *loader) *time.Duration { return &viGARP(l).Refresh })},
	{Name: "garp_master_refresh_repeat", Args: clamp(1, maxUint32), Doc: "How many packets then.", To: integer(func(l *loader) *int { return &viGARP(l).RefreshRepeat })},
	{Name: "garp_lower_prio_delay", Args: wholeSecs(0, maxSeconds), Doc: "When to repeat the gratuitous ARP after an advert of lower priority.", To: seconds(func(l *loader) *time.Duration { return &viGARP(l).LowerPrioDelay })},
	{Name: "garp_lower_prio_repeat", Args: num(0, math.MaxInt32), Doc: "How many packets then.", To: integer(func(l *loader) *int { return &viGARP(l).LowerPrioRepeat })},
	{Name: "garp_extra_if", Args: extraIf, Soft: true, Doc: "How often VMACs send gratuitous ARP on the interface below; with all for each address.", Set: instanceExtraIf},
	{Name: "vmac_garp_intvl", Args: extraIf, Soft: true, Deprecated: "garp_extra_if", Complain: true, Doc: "Old word for garp_extra_if.", Set: instanceExtraIf},
	{Name: "lower_prio_no_advert", Args: on, Doc: "A master says nothing when it hears a lower priority.", To: tri(func(l *loader) *int8 { return &vi(l).lowerPrio })},
	{Name: "higher_prio_send_advert", Args: on, Doc: "A master that hears a higher priority sends one more advert before it yields, so that the other announces its addresses again; only off keeps holdfast from it.", To: tri(func(l *loader) *int8 { return &vi(l).higherPrio })},
}

var instanceRest = rows{
	{Name: "notify_deleted", Args: optCommand, Doc: "Run when a reload removes the instance.", To: cmd(func(l *loader) **Command { return &viNotify(l).Deleted })},
	{Name: "notify_master_rx_lower_pri", Args: command, Doc: "Run when a master hears an advert of lower priority.", To: cmd(func(l *loader) **Command { return &viNotify(l).MasterRxLowerPri })},
	{Name: "skip_check_adv_addr", Args: on, Doc: "Do not compare addresses in adverts of a router that was checked before.", To: tri(func(l *loader) *int8 { return &vi(l).skipCheck })},
	{Name: "strict_mode", Args: on, Doc: "Hold this instance to the letter of the RFC, or not.", To: tri(func(l *loader) *int8 { return &vi(l).strict })},
	{Name: "smtp_alert", Args: on, Doc: "Send mail when the state changes.", To: choice(func(l *loader) *Choice { return &inst(l).SMTPAlert })},
	{Name: "debug", Args: num(0, 4), Doc: "A number that keepalived keeps and does nothing by; what holdfast logs is not a matter of instances."},
	{Name: "kernel_rx_buf_size", Exact: true, Args: numOf("BYTES", 0, maxUint32), Soft: true, Doc: "What the instance adds to the receive buffer of the socket for adverts, which it shares with all of its family; without it as vrrp_rx_bufs_policy says.", To: integer(func(l *loader) *int { return &inst(l).RxBuffer })},
	{Name: "lvs_sync_daemon_interface", Args: iface, Set: setSyncInterface, Deprecated: "lvs_sync_daemon in global_defs", Complain: true, Doc: "The interface of the IPVS sync daemon."},
}
