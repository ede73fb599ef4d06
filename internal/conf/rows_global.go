package conf

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// rootRows are the keywords of the file's root that stand alone.
var rootRows = rows{
	{Name: "linkbeat_use_polling", Doc: "Watch links by polling them, as netlink's word is not enough.", To: flag(func(l *loader) *bool { return &global(l).LinkbeatPolling })},
	{Name: "net_namespace", Args: name, Soft: true, Doc: "The network namespace to run in.", To: str(func(l *loader) *string { return &l.cfg.Global.NetNamespace })},
	{Name: "net_namespace_ipvs", Args: optName, Doc: "The network namespace in which IPVS is set up, if it is another; without a name, the one that the daemon was started in.", Set: setIPVSNamespace},
	{Name: "namespace_with_ipsets", Doc: "Allow ipsets together with network namespaces, for kernels before Linux 3.13; without effect."},
	{Name: "use_pid_dir", Doc: "Keep pid files in /run/keepalived.", To: flag(func(l *loader) *bool { return &l.cfg.Global.UsePidDir })},
	{Name: "instance", Args: name, Soft: true, Doc: "The name of this instance, for pid files.", To: str(func(l *loader) *string { return &l.cfg.Global.Instance })},
	{Name: "child_wait_time", Args: wholeSecs(0, maxUint32), Doc: "How long children may take to end before they are killed; with many real servers a little more, 1 ms for each.", To: seconds(func(l *loader) *time.Duration { return &l.cfg.Global.ChildWait })},
}

// globalRoot is the block global_defs.
var globalRoot = rows{{Name: "global_defs", Block: globalBlock, Bare: true, Doc: "Settings for the whole daemon."}}

var globalBlock = &block{Name: "global_defs", Parts: []rows{globalOwn, globalNames, globalMail, globalScripts, globalVRRP,
	globalProcesses, globalLVS, globalBuffers, globalSNMP, globalFiles}}

// globalDefaults are the values of global_defs when nothing is said.
func globalDefaults() Global {
	return Global{
		Director:          "auto",
		VRRPVersion:       2,
		VMACPrefix:        "vrrp",
		Firewall:          Firewall{Table: "keepalived", Priority: usualNFTPriority},
		Marking:           Marking{Priority: usualNFTPriority, First: usualMark},
		McastGroup4:       netip.AddrFrom4([4]byte{224, 0, 0, 18}),
		McastGroup6:       netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0x12}),
		DownTimerAdverts:  3,
		GARP:              GARP{MasterDelay: unset, MasterRepeat: unset, RefreshRepeat: unset, LowerPrioDelay: unset, LowerPrioRepeat: unset},
		StartupTimeout:    10 * time.Second,
		ShutdownTimeout:   10 * time.Second,
		ChildWait:         5 * time.Second,
		Umask:             unset,
		Mail:              Mail{Port: 25, Timeout: 30 * time.Second},
		JSONVersion:       1,
		Buffers:           Buffers{Multiplier: defaultRxMultiplier},
		AutoPriorityDelay: time.Second,
		SNMP:              SNMP{ServiceStats: snmpStats, ServerStats: snmpStats},
	}
}

// maxRealTime is the highest real-time priority (sched(7)).
const maxRealTime = 99

// What all services of the embedded director together may have at once.
const (
	// MaxProxyConnections is the most that proxy_max_connections in global_defs may
	// be: the descriptors for more are beyond what a process may have (fs.nr_open).
	MaxProxyConnections = 500_000
	// DefaultProxyConnections is how many there may be without it.
	DefaultProxyConnections = 100_000
	// MaxProxySessions is how many UDP sessions there may be, which it does not bound.
	MaxProxySessions = 16_384
)

func global(l *loader) *Global { return &l.cfg.Global }

var globalOwn = rows{
	{Name: "lvs_director", Own: true, Args: enum("auto", "ipvs", "proxy", "none"), Soft: true,
		Doc: "What balances connections: the kernel's IPVS, the built-in proxy, whichever is there (auto), or nobody.",
		To:  str(func(l *loader) *string { return &global(l).Director })},
	{Name: "proxy_max_connections", Own: true, Args: num(1, MaxProxyConnections), Soft: true,
		Doc: "How many connections the embedded director holds at once, of all services; 100000 by default. More wait in the kernel's backlog. Each takes two descriptors.",
		To:  integer(func(l *loader) *int { return &global(l).ProxyMaxConnections })},
	{Name: "config_strict", Own: true, Args: on, Doc: "Refuse to start with a configuration that has problems.",
		To: flag(func(l *loader) *bool { return &global(l).ConfigStrict })},
}

var globalNames = rows{
	{Name: "router_id", Args: text, Soft: true, Doc: "The name of this machine in messages; its host name by default.", To: str(func(l *loader) *string { return &global(l).RouterID })},
	{Name: "process_names", Args: optText, Doc: "Give processes the names keepalived, keepalived_vrrp, keepalived_ipvs and keepalived_bfd, unless they have others.", Set: func(l *loader, _ *stmt) { global(l).ProcessNames = true }},
	{Name: "process_name", Args: name, Doc: "The parent's process name.", To: processName(func(l *loader) *string { return &global(l).ProcessName })},
	{Name: "vrrp_process_name", Args: name, Doc: "The VRRP child's process name.", To: processName(func(l *loader) *string { return &global(l).VRRPProcess.Name })},
	{Name: "checker_process_name", Args: name, Doc: "The checker child's process name.", To: processName(func(l *loader) *string { return &global(l).CheckerProcess.Name })},
	{Name: "lvs_process_name", Args: name, Doc: "Another word for checker_process_name.", To: processName(func(l *loader) *string { return &global(l).CheckerProcess.Name })},
	{Name: "bfd_process_name", Args: name, Doc: "The BFD child's process name.", To: processName(func(l *loader) *string { return &global(l).BFDProcess.Name })},
	{Name: "use_symlink_paths", Args: on, Since: since24, Doc: "Keep symbolic links in the paths of scripts as they are written, which holdfast always does."},
	{Name: "data_use_instance", Args: on, Doc: "Put the instance's name into the names of data files.", To: flag(func(l *loader) *bool { return &global(l).DataUseInstance })},
}

func mail(l *loader) *Mail { return &l.cfg.Global.Mail }

var globalMail = rows{
	{Name: "notification_email", Block: &block{Name: "notification_email", Line: addMail, LineArgs: args{{Label: "ADDRESS"}}}, Doc: "Who gets mail about state changes.", Set: emptyMail},
	{Name: "notification_email_from", Args: text, Soft: true, Doc: "The sender of those mails.", To: str(func(l *loader) *string { return &mail(l).From })},
	{Name: "smtp_server", Set: setMailServer, Args: args{{Kind: schema.Text, Label: "ADDRESS|NAME"}, {Kind: schema.Number, Label: "PORT", Min: 1, Max: 65535, Optional: true}}, Doc: "The mail server."},
	{Name: "smtp_helo_name", Args: optText, Doc: "The name given to the mail server.", Set: func(l *loader, s *stmt) {
		if s.Has(0) {
			mail(l).Helo = s.Text()
		}
	}},
	{Name: "smtp_connect_timeout", Args: wholeSecs(1, maxSeconds), Doc: "How long to wait for the mail server.", To: seconds(func(l *loader) *time.Duration { return &mail(l).Timeout })},
	{Name: "smtp_alert", Args: on, Doc: "Whether all that can send mail does.", To: choice(func(l *loader) *Choice { return &mail(l).Alerts })},
	{Name: "smtp_alert_vrrp", Args: on, Doc: "Whether instances and groups send mail.", To: choice(func(l *loader) *Choice { return &mail(l).VRRP })},
	{Name: "smtp_alert_checker", Args: on, Doc: "Whether checkers send mail.", To: choice(func(l *loader) *Choice { return &mail(l).Checker })},
	{Name: "no_email_faults", Doc: "Send no mail about the state FAULT.", To: flag(func(l *loader) *bool { return &mail(l).NoFaults })},
	{Name: "no_checker_emails", Args: on, Doc: "Send mail only when a server comes or goes, not at each checker's verdict.", To: flag(func(l *loader) *bool { return &mail(l).NoCheckers })},
}

var globalScripts = rows{
	{Name: "script_user", Args: user, Soft: true, Doc: "Whom scripts run as, unless they say otherwise.", Set: setScriptUser},
	{Name: "enable_script_security", Doc: "Refuse to run scripts as root that others than root could change.", To: flag(func(l *loader) *bool { return &global(l).ScriptSecurity })},
	{Name: "startup_script", Args: command, Soft: true, Doc: "A program to run before anything else.", To: lone(func(l *loader) **Command { return &global(l).StartupScript })},
	{Name: "startup_script_timeout", Args: wholeSecs(1, 1000), Soft: true, Doc: "How long startup_script may run.", To: seconds(func(l *loader) *time.Duration { return &global(l).StartupTimeout })},
	{Name: "shutdown_script", Args: command, Soft: true, Doc: "A program to run after everything else.", To: lone(func(l *loader) **Command { return &global(l).ShutdownScript })},
	{Name: "shutdown_script_timeout", Args: wholeSecs(1, 1000), Soft: true, Doc: "How long shutdown_script may run.", To: seconds(func(l *loader) *time.Duration { return &global(l).ShutdownTimeout })},
	{Name: "notify_fifo", Args: fifo, Soft: true, Doc: "A FIFO for all state changes.", To: ownedPipe(func(l *loader) *FIFO { return &global(l).NotifyFIFO })},
	{Name: "notify_fifo_script", Args: command, Soft: true, Doc: "A program that reads notify_fifo.", To: cmd(func(l *loader) **Command { return &global(l).NotifyFIFOScript })},
	{Name: "vrrp_notify_fifo", Args: fifo, Soft: true, Doc: "A FIFO for the state changes of instances and groups.", To: ownedPipe(func(l *loader) *FIFO { return &global(l).VRRPNotifyFIFO })},
	{Name: "vrrp_notify_fifo_script", Args: command, Soft: true, Doc: "A program that reads vrrp_notify_fifo.", To: cmd(func(l *loader) **Command { return &global(l).VRRPNotifyFIFOScript })},
	{Name: "lvs_notify_fifo", Args: fifo, Soft: true, Doc: "A FIFO for the state changes of virtual and real servers.", To: ownedPipe(func(l *loader) *FIFO { return &global(l).LVSNotifyFIFO })},
	{Name: "lvs_notify_fifo_script", Args: command, Soft: true, Doc: "A program that reads lvs_notify_fifo.", To: cmd(func(l *loader) **Command { return &global(l).LVSNotifyFIFOScript })},
	{Name: "vrrp_notify_priority_changes", Args: on, Doc: "Tell FIFOs about changes of priority too.", To: flag(func(l *loader) *bool { return &global(l).NotifyPriority })},
	{Name: "fifo_write_vrrp_states_on_reload", Doc: "Write all states to the FIFOs after a reload.", To: flag(func(l *loader) *bool { return &global(l).FIFOOnReload })},
}

var fifo = args{{Kind: schema.Path}, {Kind: schema.Name, Label: "USER", Optional: true}, {Kind: schema.Name, Label: "GROUP", Optional: true}}

func garp(l *loader) *GARP { return &l.cfg.Global.GARP }

var globalVRRP = rows{
	{Name: "vrrp_version", Args: num(2, 3), Doc: "The VRRP version of instances that do not say; IPv6 is always 3.", To: integer(func(l *loader) *int { return &global(l).VRRPVersion })},
	{Name: "vrrp_mcast_group4", Args: address, Doc: "The group to which IPv4 adverts go.", Set: setMcast4},
	{Name: "vrrp_mcast_group6", Args: address, Doc: "The group to which IPv6 adverts go.", Set: setMcast6},
	{Name: "default_interface", Args: iface, Soft: true, Doc: "The interface of static addresses that do not name one.", To: str(func(l *loader) *string { return &global(l).DefaultInterface })},
	{Name: "dynamic_interfaces", Args: optEnum("allow_if_changes"), Doc: "Interfaces may be missing at start and come later.", Set: func(l *loader, _ *stmt) { global(l).DynamicInterfaces = true }},
	{Name: "vrrp_garp_master_delay", Args: wholeSecs(0, maxSeconds), Doc: "When to repeat the gratuitous ARP after becoming master; 0 for never.", To: seconds(func(l *loader) *time.Duration { return &garp(l).MasterDelay })},
	{Name: "vrrp_garp_master_repeat", Args: clamp(1, maxUint32), Doc: "How many gratuitous ARP packets at a time.", To: integer(func(l *loader) *int { return &garp(l).MasterRepeat })},
	{Name: "vrrp_garp_master_refresh", Args: wholeSecs(0, maxUint32), Doc: "How often a master repeats its gratuitous ARP; 0 for never.", To: seconds(func(l *loader) *time.Duration { return &garp(l).Refresh })},
	{Name: "vrrp_garp_master_refresh_repeat", Args: clamp(1, maxUint32), Doc: "How many packets then.", To: integer(func(l *loader) *int { return &garp(l).RefreshRepeat })},
	{Name: "vrrp_garp_lower_prio_delay", Args: wholeSecs(0, maxSeconds), Doc: "When to repeat the gratuitous ARP after an advert of lower priority.", To: seconds(func(l *loader) *time.Duration { return &garp(l).LowerPrioDelay })},
	{Name: "vrrp_garp_lower_prio_repeat", Args: num(0, math.MaxInt32), Doc: "How many packets then.", To: integer(func(l *loader) *int { return &garp(l).LowerPrioRepeat })},
	{Name: "vrrp_garp_interval", Args: secs(time.Microsecond, maxTimer), Doc: "The least time between two gratuitous ARP packets on an interface.", To: dur(func(l *loader) *time.Duration { return &garp(l).Interval })},
	{Name: "vrrp_gna_interval", Args: secs(time.Microsecond, maxTimer), Doc: "The same for unsolicited neighbour advertisements.", To: dur(func(l *loader) *time.Duration { return &garp(l).GNAInterval })},
	{Name: "vrrp_min_garp", Args: on, Doc: "One gratuitous ARP a transition, without repeats.", To: flag(func(l *loader) *bool { return &l.minGARP })},
	{Name: "vrrp_garp_extra_if", Args: extraIf, Soft: true, Doc: "How often VMACs send gratuitous ARP on the interface below; with all for each address.", Set: globalExtraIf},
	{Name: "vrrp_vmac_garp_intvl", Args: extraIf, Soft: true, Deprecated: "vrrp_garp_extra_if", Complain: true, Doc: "Old word for vrrp_garp_extra_if.", Set: globalExtraIf},
	{Name: "vrrp_down_timer_adverts", Args: num(1, 100), Doc: "How many adverts may be missed.", To: integer(func(l *loader) *int { return &global(l).DownTimerAdverts })},
	{Name: "vrrp_lower_prio_no_advert", Args: on, Doc: "A master says nothing when it hears a lower priority.", To: flag(func(l *loader) *bool { return &global(l).LowerPrioNoAdvert })},
	{Name: "vrrp_higher_prio_send_advert", Args: on, Doc: "A master that hears a higher priority sends one more advert before it yields, so that the other announces its addresses again; only off keeps holdfast from it.", To: flag(func(l *loader) *bool { return &global(l).HigherPrioSendAdvert })},
	{Name: "vrrp_check_unicast_src", Doc: "Take unicast adverts from unicast peers only.", Set: func(l *loader, _ *stmt) { l.checkSrc = true }},
	{Name: "vrrp_skip_check_adv_addr", Doc: "Do not compare addresses in adverts of a router that was checked before.", To: flag(func(l *loader) *bool { return &global(l).SkipCheckAddr })},
	{Name: "vrrp_strict", Doc: "Hold instances to the letter of the RFC.", To: flag(func(l *loader) *bool { return &global(l).Strict })},
	{Name: "vrrp_startup_delay", Args: secs(time.Millisecond, maxTimer), Doc: "How long after the start instances keep still.", To: dur(func(l *loader) *time.Duration { return &global(l).StartupDelay })},
	{Name: "vrrp_delay_after_boot", Args: secs(time.Millisecond, maxTimer), Since: since24, Doc: "How long after the system's boot instances keep still.", To: dur(func(l *loader) *time.Duration { return &global(l).DelayAfterBoot })},
	{Name: "vrrp_owner_ignore_adverts", Args: on, Since: since24, Doc: "Routers with priority 255 ignore other adverts, where otherwise one of two owners yields.", To: flag(func(l *loader) *bool { return &global(l).OwnerIgnores })},
	{Name: "v3_checksum_as_v2", Args: on, Since: since24, Doc: "Leave the pseudo-header out of version 3 checksums over IPv4, as some vendors do.", To: flag(func(l *loader) *bool { return &l.cfg.Global.V3AsV2 })},
	{Name: "log_unknown_vrids", To: flag(func(l *loader) *bool { return &global(l).LogUnknownVRIDs }), Doc: "Log adverts of virtual routers that are not configured."},
	{Name: "disable_local_igmp", Doc: "Keep the kernel from reporting link-local multicast groups.", To: flag(func(l *loader) *bool { return &global(l).DisableLocalIGMP })},
	{Name: "vrrp_iptables", Args: optWords, Deprecated: "nftables", Complain: true, Doc: "The iptables chains to use.", Set: noIPTables},
	{Name: "vrrp_ipsets", Args: optWords, Deprecated: "nftables", Complain: true, Doc: "The ipsets to use.", Set: noIPTables},
	{Name: "nftables", Args: optName, Doc: "The nftables table for no_accept and VMACs.", Set: setNFTables},
	{Name: "nftables_priority", Args: num(math.MinInt32, math.MaxInt32), Doc: "The priority of its chains.", To: integer(func(l *loader) *int { return &firewall(l).Priority })},
	{Name: "nftables_ifindex", Doc: "Use interface numbers rather than names in it.", To: flag(func(l *loader) *bool { return &firewall(l).Ifindex })},
	{Name: "nftables_counters", Doc: "Put counters into its rules.", To: flag(func(l *loader) *bool { return &firewall(l).Counters })},
	{Name: "vmac_prefix", Args: name, Doc: "How names of VMAC interfaces begin.", To: str(func(l *loader) *string { return &global(l).VMACPrefix })},
	{Name: "vmac_addr_prefix", Args: name, Doc: "How names of VMAC interfaces for addresses on other interfaces begin.", To: str(func(l *loader) *string { return &global(l).VMACAddrPrefix })},
	{Name: "max_auto_priority", Args: optNum(-1, 99), Doc: "How far the realtime priority may be raised when the daemon runs late; 0, the default, is not at all.", Set: func(l *loader, s *stmt) {
		if l.cfg.Global.MaxAutoPriority = maxRealTime; len(s.Words()) > 0 {
			l.cfg.Global.MaxAutoPriority = s.Int()
		}
	}},
	{Name: "min_auto_priority_delay", Args: num(1, 10_000_000), Soft: true, Doc: "How many microseconds late that is; a second by default.", Set: func(l *loader, s *stmt) {
		l.cfg.Global.AutoPriorityDelay = time.Duration(s.Int()) * time.Microsecond
	}},
}

var globalLVS = rows{
	{Name: "lvs_timeouts", Args: words, Soft: true, Doc: "The kernel's timeouts of connections: tcp, tcpfin, udp, each with seconds.", Set: setLVSTimeouts},
	{Name: "lvs_flush", Doc: "Empty the IPVS table at start.", To: flag(func(l *loader) *bool { return &global(l).LVSFlush })},
	{Name: "lvs_flush_on_stop", Args: optEnum("VS"), Doc: "Empty the IPVS table at stop.", Set: setFlushOnStop},
	{Name: "lvs_flush_onstop", Args: optEnum("VS"), Deprecated: "lvs_flush_on_stop", Doc: "Old word for lvs_flush_on_stop.", Set: setFlushOnStop},
	{Name: "lvs_sync_daemon", Args: args{{Kind: schema.Words, Label: "INTERFACE [[inst] INSTANCE] [id N] [maxlen BYTES] [port PORT] [ttl N] [group ADDRESS]"}}, Soft: true, Doc: "The kernel's daemon that tells the other director about connections: as master it sends them, otherwise it receives them, without an instance both.", Set: setSyncDaemon},
	{Name: "checker_log_all_failures", Args: on, Doc: "Log every failure of a checker, not only the last.", To: flag(func(l *loader) *bool { return &global(l).CheckerLogAllFailures })},
	{Name: "rs_init_notifies", Args: on, Doc: "Run notify_up at start too.", To: flag(func(l *loader) *bool { return &global(l).RSInitNotifies })},
	{Name: "nftables_ipvs", Args: optName, Doc: "Serve a virtual server group by one firewall mark, which this nftables table (keepalived_ipvs) gives to packets for its addresses.", Set: setNFTablesIPVS},
	{Name: "nftables_ipvs_priority", Args: num(math.MinInt32, math.MaxInt32), Doc: "The priority of its chain.", To: integer(func(l *loader) *int { return &marking(l).Priority })},
	{Name: "nftables_ipvs_start_fwmark", Args: num(1, maxUint32), Doc: "The first mark it uses.", Set: func(l *loader, s *stmt) { marking(l).First = uint32(s.Int()) }},
}

// globalProcesses are the rows that each child has.
var globalProcesses = rows{
	{Name: "vrrp_priority", Args: clamp(-20, 19), Soft: true, Doc: "The nice value of the VRRP child.", Set: setNice},
	{Name: "vrrp_no_swap", Doc: "Keep the VRRP child in memory.", Set: setNoSwap},
	{Name: "vrrp_rt_priority", Args: clamp(1, 99), Soft: true, Doc: "The realtime priority of the VRRP child.", Set: setRTPriority},
	{Name: "vrrp_cpu_affinity", Args: words, Soft: true, Doc: "The CPUs on which the VRRP child may run.", Set: setProcessCPUs},
	{Name: "vrrp_rlimit_rttime", Args: num(1, maxUint32), Doc: "The microseconds the VRRP child may run at realtime priority without a pause; no limit unless given, where keepalived has 10000.", Set: setRTTime},
	{Name: "vrrp_rlimit_rtime", Args: num(1, maxUint32), Doc: "Another spelling of vrrp_rlimit_rttime.", Set: setRTTime},
	{Name: "checker_priority", Args: clamp(-20, 19), Soft: true, Doc: "The nice value of the checker child.", Set: setNice},
	{Name: "checker_no_swap", Doc: "Keep the checker child in memory.", Set: setNoSwap},
	{Name: "checker_rt_priority", Args: clamp(1, 99), Soft: true, Doc: "The realtime priority of the checker child.", Set: setRTPriority},
	{Name: "checker_cpu_affinity", Args: words, Soft: true, Doc: "The CPUs on which the checker child may run.", Set: setProcessCPUs},
	{Name: "checker_rlimit_rttime", Args: num(1, maxUint32), Doc: "The microseconds the checker child may run at realtime priority without a pause; no limit unless given, where keepalived has 10000.", Set: setRTTime},
	{Name: "checker_rlimit_rtime", Args: num(1, maxUint32), Doc: "Another spelling of checker_rlimit_rttime.", Set: setRTTime},
	{Name: "bfd_priority", Args: clamp(-20, 19), Soft: true, Doc: "The nice value of the BFD child.", Set: setNice},
	{Name: "bfd_no_swap", Doc: "Keep the BFD child in memory.", Set: setNoSwap},
	{Name: "bfd_rt_priority", Args: clamp(1, 99), Soft: true, Doc: "The realtime priority of the BFD child.", Set: setRTPriority},
	{Name: "bfd_cpu_affinity", Args: words, Soft: true, Doc: "The CPUs on which the BFD child may run.", Set: setProcessCPUs},
	{Name: "bfd_rlimit_rttime", Args: num(1, maxUint32), Doc: "The microseconds the BFD child may run at realtime priority without a pause; no limit unless given, where keepalived has 10000.", Set: setRTTime},
	{Name: "bfd_rlimit_rtime", Args: num(1, maxUint32), Doc: "Another spelling of bfd_rlimit_rttime.", Set: setRTTime},
}

// processOf is the child that a line of globalProcesses is about.
func processOf(l *loader, s *stmt) *Process {
	switch child, _, _ := strings.Cut(s.Keyword().Text, "_"); child {
	case "vrrp":
		return &global(l).VRRPProcess
	case "bfd":
		return &global(l).BFDProcess
	}
	return &global(l).CheckerProcess
}

func setNice(l *loader, s *stmt)        { processOf(l, s).Nice = s.Int() }
func setNoSwap(l *loader, s *stmt)      { processOf(l, s).NoSwap = s.Bool() }
func setRTPriority(l *loader, s *stmt)  { processOf(l, s).RTPriority = s.Int() }
func setProcessCPUs(l *loader, s *stmt) { setCPUs(s, &processOf(l, s).CPUs) }

func setRTTime(l *loader, s *stmt) {
	processOf(l, s).RTTime = time.Duration(s.Int()) * time.Microsecond
}

var globalSNMP = rows{
	{Name: "snmp_socket", Exact: true, Args: args{{Kind: schema.Text, Label: "SOCKET"}}, Soft: true, Doc: "The socket of the SNMP master agent: a path, unix:PATH, tcp:HOST:PORT or tcp6:[HOST]:PORT; /var/agentx/master by default.", To: str(func(l *loader) *string { return &global(l).SNMP.Socket })},
	{Name: "enable_traps", Doc: "Send SNMP traps.", To: flag(func(l *loader) *bool { return &global(l).SNMP.Traps })},
	{Name: "enable_snmp_vrrp", Doc: "Serve the VRRP part of KEEPALIVED-MIB.", To: flag(func(l *loader) *bool { return &global(l).SNMP.VRRP })},
	{Name: "enable_snmp_keepalived", Deprecated: "enable_snmp_vrrp or enable_snmp_checker", Doc: "Old word for enable_snmp_vrrp.", To: flag(func(l *loader) *bool { return &global(l).SNMP.VRRP })},
	{Name: "enable_snmp_checker", Doc: "Serve the checkers' part of KEEPALIVED-MIB.", To: flag(func(l *loader) *bool { return &global(l).SNMP.Checker })},
	{Name: "enable_snmp_rfc", Doc: "Serve the MIBs of RFC 2787 and RFC 6527.", Set: func(l *loader, _ *stmt) {
		global(l).SNMP.RFCv2, global(l).SNMP.RFCv3 = true, true
	}},
	{Name: "enable_snmp_rfcv2", Doc: "Serve the MIB of RFC 2787.", To: flag(func(l *loader) *bool { return &global(l).SNMP.RFCv2 })},
	{Name: "enable_snmp_rfcv3", Doc: "Serve the MIB of RFC 6527.", To: flag(func(l *loader) *bool { return &global(l).SNMP.RFCv3 })},
	{Name: "snmp_vs_stats_update_interval", Args: secs(time.Millisecond, 30*time.Second), Since: since24, Doc: "How old the counters of virtual servers may be; 5 s by default.", To: dur(func(l *loader) *time.Duration { return &global(l).SNMP.ServiceStats })},
	{Name: "snmp_rs_stats_update_interval", Args: secs(time.Millisecond, 30*time.Second), Since: since24, Doc: "How old the counters of real servers may be; 5 s by default.", To: dur(func(l *loader) *time.Duration { return &global(l).SNMP.ServerStats })},
	{Name: "enable_dbus", Doc: "Serve D-Bus.", To: flag(func(l *loader) *bool { return &global(l).DBus.Enable })},
	{Name: "dbus_service_name", Args: name, Soft: true, Doc: "The name taken on D-Bus; org.keepalived.Vrrp1 by default.", Set: setBusName},
	{Name: "dbus_no_interface_name", Args: name, Soft: true, Since: since24, Doc: "What stands for the interface of an instance without one in paths on D-Bus; none by default.", To: str(func(l *loader) *string { return &global(l).DBus.NoInterface })},
}

var globalFiles = rows{
	{Name: "umask", Args: words, Doc: "The umask of files that are made; 022 by default.", Set: setUmask},
	{Name: "random_seed", Args: num(0, maxUint32), Doc: "Make ${_RANDOM} repeatable."},
	{Name: "reload_check_config", Args: optPath, Doc: "Check the configuration before a reload, which holdfast always does, and write what is found into a file.", Set: func(l *loader, s *stmt) {
		global(l).Reloads.Check = true
		if s.Has(0) {
			global(l).Reloads.CheckLog = s.Text()
		}
	}},
	{Name: "reload_time_file", Exact: true, Args: path, Soft: true, Doc: "A file that says when to reload.", To: str(func(l *loader) *string { return &global(l).Reloads.TimeFile })},
	{Name: "reload_repeat", Doc: "Reload at that time every day.", To: flag(func(l *loader) *bool { return &global(l).Reloads.Repeat })},
	{Name: "reload_file", Args: optPath, Doc: "A file that exists while a reload reads the configuration.", Set: func(l *loader, s *stmt) {
		global(l).Reloads.File = defaultReloadFile
		if s.Has(0) {
			global(l).Reloads.File = s.Text()
		}
	}},
	{Name: "include_check", Args: optWords, Doc: "Which missing include files are errors.", Set: checkIncludes},
	{Name: "config_save_dir", Args: path, Doc: "Where keepalived, if it was built for debugging, keeps copies of the configurations that it read; holdfast keeps none."},
	{Name: "tmp_config_directory", Args: path, Soft: true, Set: func(l *loader, s *stmt) {
		if !l.name("tmp_config_directory", s.Keyword()) {
			s.Fault("HF031", diag.Error, s.Keyword(), "tmp_config_directory is given twice, the second is ignored", "")
		}
	}, Doc: "Where keepalived keeps the copy of the configuration that its processes share; here it is sealed memory."},
	{Name: "json_version", Args: num(1, 2), Since: since24, Doc: "The form of the JSON dump.", To: integer(func(l *loader) *int { return &global(l).JSONVersion })},
	{Name: "iproute_usr_dir", Args: path, Since: since24, Doc: "Where iproute2 has its names of tables, protocols, scopes and so on, if not in /usr/share/iproute2; it counts for what comes after it.", To: str(func(l *loader) *string { return &global(l).IPRouteUsr })},
	{Name: "iproute_etc_dir", Args: path, Since: since24, Doc: "Where the administrator has such names, if not in /etc/iproute2.", To: str(func(l *loader) *string { return &global(l).IPRouteEtc })},
	{Name: "state_dump_file", Args: path, Since: since24, Doc: "Where state is written on SIGUSR1.", To: str(func(l *loader) *string { return &global(l).StateDump })},
	{Name: "stats_dump_file", Args: path, Since: since24, Doc: "Where statistics are written on SIGUSR2.", To: str(func(l *loader) *string { return &global(l).StatsDump })},
	{Name: "json_dump_file", Args: path, Since: since24, Doc: "Where JSON is written on its signal.", To: str(func(l *loader) *string { return &global(l).JSONDump })},
}

// defaultReloadFile is reload_file's without a name.
const defaultReloadFile = "/run/keepalived.reload"

// lone is a command whose user must exist.
type lone func(*loader) **Command

// Keep stores it.
func (f lone) Keep(l *loader, s *stmt) {
	w := s.Words()
	if len(w) > 3 {
		s.Fault("HF013", diag.Error, w[3], s.Keyword().Text+" takes a command, a user and a group, the line is ignored", "a command in quotes if it has arguments")
		return
	}
	if w[0].Text == "" {
		s.Fault("HF011", diag.Error, w[0], s.Keyword().Text+" names no program", "a command")
		return
	}
	if len(w) > 1 && !l.account(s, w[1:]) {
		return
	}
	cmd(f).Keep(l, s)
}

// ownedPipe is a named pipe and its owner; the first line counts.
type ownedPipe func(*loader) *FIFO

// Keep stores it.
func (f ownedPipe) Keep(l *loader, s *stmt) {
	p := f(l)
	if p.Path != "" {
		s.Fault("HF031", diag.Error, s.Keyword(), s.Keyword().Text+" is given twice, the second is ignored", "")
		return
	}
	p.Path = s.Text()
	if !s.Has(1) {
		return
	}
	p.User = s.Value(1).Text
	if s.Has(2) {
		p.Group = s.Value(2).Text
	}
}

// maxMail bounds the addresses that mail goes to.
const maxMail = 1000

func addMail(l *loader, s *stmt) {
	for _, w := range s.Node.Words {
		if len(mail(l).To) == maxMail {
			s.Fault("HF013", diag.Error, w, "mail goes to "+strconv.Itoa(maxMail)+" addresses at most, the rest is ignored", "")
			return
		}
		mail(l).To = append(mail(l).To, w.Text)
	}
}

// maxProcessName is how long a name the kernel keeps (TASK_COMM_LEN less NUL).
const maxProcessName = 15

// processName is a name that the kernel may cut.
type processName func(*loader) *string

// Keep stores it.
func (f processName) Keep(l *loader, s *stmt) {
	n := s.Text()
	if len(n) > maxProcessName {
		s.Fault("HF011", diag.Error, s.Words()[0], "the process name is too long, taking "+n[:maxProcessName], "at most 15 characters")
		n = n[:maxProcessName]
	}
	*f(l) = n
}

func emptyMail(l *loader, s *stmt) {
	if len(s.Node.Block) == 0 {
		s.Fault("HF018", diag.Error, s.Keyword(), "notification_email is empty", "at least one mail address")
	}
}

func setScriptUser(l *loader, s *stmt) {
	if l.knownUser(s) {
		g := global(l)
		g.ScriptUser, g.ScriptGroup = s.Text(), ""
		if s.Has(1) {
			g.ScriptGroup = s.Value(1).Text
		}
	}
}

func setMcast4(l *loader, s *stmt) {
	if a := s.Value(0).Addr; a.Is4() && a.IsMulticast() {
		global(l).McastGroup4 = a
		return
	}
	s.Fault("HF011", diag.Error, s.Words()[0], s.Text()+" is no IPv4 multicast group", "224.0.0.0 to 239.255.255.255")
}

func setMcast6(l *loader, s *stmt) {
	if a := s.Value(0).Addr; a.Is6() && a.IsMulticast() {
		global(l).McastGroup6 = a
		return
	}
	s.Fault("HF011", diag.Error, s.Words()[0], s.Text()+" is no IPv6 multicast group", "an address in ff00::/8")
}

func noIPTables(l *loader, s *stmt) {
	s.Fault("HF011", diag.Error, s.Keyword(), s.Keyword().Text+" is not supported, nftables does the same", "nftables")
}

func setIPVSNamespace(l *loader, s *stmt) {
	if l.cfg.Global.NetNamespaceIPVS != "" {
		s.Fault("HF031", diag.Error, s.Keyword(), "net_namespace_ipvs is given twice, the second is ignored", "")
		return
	}
	l.cfg.Global.NetNamespaceIPVS = StartNamespace
	if s.Has(0) {
		l.cfg.Global.NetNamespaceIPVS = s.Text()
	}
}
