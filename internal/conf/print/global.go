package print

import (
	"fmt"
	"strconv"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
)

// nothing is a disk with one empty file, for the defaults of global_defs.
type nothing struct{}

func (nothing) Read(string) ([]byte, error)   { return nil, nil }
func (nothing) Glob(string) ([]string, error) { return nil, nil }

var _ source.Files = nothing{}

// defaults are what an empty file says. They are few to make, and most
// processes print nothing.
func defaults() *conf.Global {
	empty, _ := conf.Load(nothing{}, "", conf.Options{})
	return &empty.Global
}

func globalDefs(g *conf.Global) *Block {
	d := defaults()
	b := &Block{Keyword: "global_defs", Plain: true}
	b.str("router_id", g.RouterID, "")
	b.str("lvs_director", g.Director, d.Director)
	b.on("config_strict", g.ConfigStrict, false)
	b.flag("process_names", g.ProcessNames)
	b.str("process_name", g.ProcessName, "")
	b.process("vrrp", &g.VRRPProcess)
	b.process("checker", &g.CheckerProcess)
	b.process("bfd", &g.BFDProcess)
	b.str("default_interface", g.DefaultInterface, "")
	b.flag("dynamic_interfaces", g.DynamicInterfaces)
	b.mail(&g.Mail, &d.Mail)
	b.globalScripts(g, d)
	b.globalVRRP(g, d)
	b.globalLVS(g, d)
	b.reloads(g)
	b.snmp(&g.SNMP, &d.SNMP)
	b.dumps(g, d)
	b.buffers(&g.Buffers, &d.Buffers)
	return b
}

// reloads are umask, and when and how reloads happen.
func (b *Block) reloads(g *conf.Global) {
	if g.Umask >= 0 {
		b.set(Setting{Keyword: "umask", Words: []string{fmt.Sprintf("0%03o", g.Umask)}, Value: g.Umask})
	}
	r := &g.Reloads
	b.str("reload_time_file", r.TimeFile, "")
	b.flag("reload_repeat", r.Repeat)
	b.str("reload_file", r.File, "")
	if r.Check {
		var w []string
		if r.CheckLog != "" {
			w = []string{r.CheckLog}
		}
		b.set(Setting{Keyword: "reload_check_config", Words: w, Value: w})
	}
}

// process is what the process of a child gets.
func (b *Block) process(prefix string, p *conf.Process) {
	b.str(prefix+"_process_name", p.Name, "")
	b.num(prefix+"_priority", p.Nice, 0)
	b.num(prefix+"_rt_priority", p.RTPriority, 0)
	b.num(prefix+"_rlimit_rttime", int(p.RTTime.Microseconds()), 0)
	if len(p.CPUs) > 0 {
		var w []string
		for _, n := range p.CPUs {
			w = append(w, strconv.Itoa(n))
		}
		b.set(Setting{Keyword: prefix + "_cpu_affinity", Words: w, Value: p.CPUs})
	}
	b.flag(prefix+"_no_swap", p.NoSwap)
}

func (b *Block) globalScripts(g, d *conf.Global) {
	if g.ScriptUser != "" {
		w := []string{g.ScriptUser}
		if g.ScriptGroup != "" {
			w = append(w, g.ScriptGroup)
		}
		b.set(Setting{Keyword: "script_user", Words: w, Value: w})
	}
	b.flag("enable_script_security", g.ScriptSecurity)
	b.cmd("startup_script", g.StartupScript)
	b.dur("startup_script_timeout", g.StartupTimeout, d.StartupTimeout)
	b.cmd("shutdown_script", g.ShutdownScript)
	b.dur("shutdown_script_timeout", g.ShutdownTimeout, d.ShutdownTimeout)
	b.fifo("notify_fifo", &g.NotifyFIFO)
	b.cmd("notify_fifo_script", g.NotifyFIFOScript)
	b.fifo("vrrp_notify_fifo", &g.VRRPNotifyFIFO)
	b.cmd("vrrp_notify_fifo_script", g.VRRPNotifyFIFOScript)
	b.fifo("lvs_notify_fifo", &g.LVSNotifyFIFO)
	b.cmd("lvs_notify_fifo_script", g.LVSNotifyFIFOScript)
	b.flag("fifo_write_vrrp_states_on_reload", g.FIFOOnReload)
}

func (b *Block) fifo(keyword string, f *conf.FIFO) {
	if f.Path == "" {
		return
	}
	w := []string{f.Path}
	if f.User != "" {
		w = append(w, f.User)
		if f.Group != "" {
			w = append(w, f.Group)
		}
	}
	b.set(Setting{Keyword: keyword, Words: w, Value: w})
}

func (b *Block) mail(m, d *conf.Mail) {
	var to []Line
	for _, a := range m.To {
		to = append(to, Line{Words: []string{a}})
	}
	b.list("notification_email", to)
	b.str("notification_email_from", m.From, "")
	if m.Server != "" {
		b.set(Setting{Keyword: "smtp_server", Words: []string{m.Server, strconv.Itoa(m.Port)}, Value: m.Server + " " + strconv.Itoa(m.Port)})
	}
	b.str("smtp_helo_name", m.Helo, "")
	b.dur("smtp_connect_timeout", m.Timeout, d.Timeout)
	b.choice("smtp_alert", m.Alerts)
	b.choice("smtp_alert_vrrp", m.VRRP)
	b.choice("smtp_alert_checker", m.Checker)
	b.flag("no_email_faults", m.NoFaults)
	b.on("no_checker_emails", m.NoCheckers, false)
}

// buffers are what sockets may hold.
func (b *Block) buffers(g, d *conf.Buffers) {
	for _, one := range []struct {
		name string
		of   conf.Buffer
	}{
		{"vrrp_netlink_cmd", g.VRRPCommand}, {"vrrp_netlink_monitor", g.VRRPMonitor}, {"process_monitor", g.ProcessMonitor},
		{"lvs_netlink_monitor", g.LVSMonitor},
	} {
		b.num(one.name+"_rcv_bufs", one.of.Bytes, 0)
		b.on(one.name+"_rcv_bufs_force", one.of.Force, false)
	}
	policy := g.Policy
	if policy == conf.RxBytes {
		policy = strconv.Itoa(g.Bytes)
	}
	b.str("vrrp_rx_bufs_policy", policy, "")
	b.num("vrrp_rx_bufs_multiplier", g.Multiplier, d.Multiplier)
}

func (b *Block) snmp(s, d *conf.SNMP) {
	b.str("snmp_socket", s.Socket, "")
	b.flag("enable_traps", s.Traps)
	b.flag("enable_snmp_vrrp", s.VRRP)
	b.flag("enable_snmp_checker", s.Checker)
	b.flag("enable_snmp_rfcv2", s.RFCv2)
	b.flag("enable_snmp_rfcv3", s.RFCv3)
	b.dur("snmp_vs_stats_update_interval", s.ServiceStats, d.ServiceStats)
	b.dur("snmp_rs_stats_update_interval", s.ServerStats, d.ServerStats)
}

// dumps are the data files that signals ask for, and what buses do.
func (b *Block) dumps(g, d *conf.Global) {
	b.on("data_use_instance", g.DataUseInstance, false)
	b.str("state_dump_file", g.StateDump, "")
	b.str("stats_dump_file", g.StatsDump, "")
	b.str("json_dump_file", g.JSONDump, "")
	b.str("iproute_etc_dir", g.IPRouteEtc, "")
	b.str("iproute_usr_dir", g.IPRouteUsr, "")
	b.num("json_version", g.JSONVersion, d.JSONVersion)
	b.flag("enable_dbus", g.DBus.Enable)
	b.str("dbus_service_name", g.DBus.Service, "")
	b.str("dbus_no_interface_name", g.DBus.NoInterface, "")
}

func (b *Block) globalVRRP(g, d *conf.Global) {
	b.num("vrrp_version", g.VRRPVersion, d.VRRPVersion)
	b.str("vrrp_mcast_group4", g.McastGroup4.String(), d.McastGroup4.String())
	b.str("vrrp_mcast_group6", g.McastGroup6.String(), d.McastGroup6.String())
	b.dur("vrrp_startup_delay", g.StartupDelay, 0)
	b.dur("vrrp_delay_after_boot", g.DelayAfterBoot, 0)
	b.flag("vrrp_skip_check_adv_addr", g.SkipCheckAddr)
	b.flag("vrrp_strict", g.Strict)
	b.on("v3_checksum_as_v2", g.V3AsV2, false)
	b.on("vrrp_owner_ignore_adverts", g.OwnerIgnores, false)
	b.flag("log_unknown_vrids", g.LogUnknownVRIDs)
	b.num("max_auto_priority", g.MaxAutoPriority, d.MaxAutoPriority)
	micro := int(g.AutoPriorityDelay / time.Microsecond)
	b.num("min_auto_priority_delay", micro, int(d.AutoPriorityDelay/time.Microsecond))
	b.on("vrrp_lower_prio_no_advert", g.LowerPrioNoAdvert, false)
	b.on("vrrp_notify_priority_changes", g.NotifyPriority, false)
	b.on("vrrp_higher_prio_send_advert", g.HigherPrioSendAdvert, false)
	b.num("vrrp_down_timer_adverts", g.DownTimerAdverts, d.DownTimerAdverts)
	b.garp("vrrp_", &g.GARP, &d.GARP)
	// These two follow the two of becoming master, unless they are said.
	b.dur("vrrp_garp_lower_prio_delay", g.GARP.LowerPrioDelay, g.GARP.MasterDelay).From = "vrrp_garp_master_delay"
	b.num("vrrp_garp_lower_prio_repeat", g.GARP.LowerPrioRepeat, g.GARP.MasterRepeat).From = "vrrp_garp_master_repeat"
	b.extra("vrrp_", &g.GARP, &d.GARP)
	b.dur("vrrp_garp_interval", g.GARP.Interval, 0)
	b.dur("vrrp_gna_interval", g.GARP.GNAInterval, 0)
	b.str("vmac_prefix", g.VMACPrefix, d.VMACPrefix)
	b.str("vmac_addr_prefix", g.VMACAddrPrefix, "")
	b.flag("disable_local_igmp", g.DisableLocalIGMP)
	b.firewall(&g.Firewall, &d.Firewall)
}

// garp is what instances may say as well; d holds otherwise.
func (b *Block) garp(prefix string, g, d *conf.GARP) {
	b.dur(prefix+"garp_master_delay", g.MasterDelay, d.MasterDelay)
	b.num(prefix+"garp_master_repeat", g.MasterRepeat, d.MasterRepeat)
	b.dur(prefix+"garp_master_refresh", g.Refresh, d.Refresh)
	if g.RefreshRepeat == 0 && prefix != "" {
		b.flag("vrrp_min_garp", true) // nothing else brings it to nothing
		return
	}
	b.num(prefix+"garp_master_refresh_repeat", g.RefreshRepeat, d.RefreshRepeat)
}

func (b *Block) globalLVS(g, d *conf.Global) {
	var w []string
	o := object{}
	for _, t := range []struct {
		name string
		d    time.Duration
	}{{"tcp", g.LVSTimeouts.TCP}, {"tcpfin", g.LVSTimeouts.TCPFin}, {"udp", g.LVSTimeouts.UDP}} {
		if t.d != 0 {
			w = append(w, t.name, seconds(t.d))
			o = append(o, member{t.name, t.d.Seconds()})
		}
	}
	if w != nil {
		b.set(Setting{Keyword: "lvs_timeouts", Words: w, Value: o})
	}
	b.num("proxy_max_connections", g.ProxyMaxConnections, 0)
	b.flag("lvs_flush", g.LVSFlush)
	switch g.LVSFlushOnStop {
	case conf.FlushAll:
		b.flag("lvs_flush_on_stop", true)
	case conf.FlushServices:
		b.str("lvs_flush_on_stop", "VS", "")
	case conf.FlushNothing:
	}
	b.syncDaemon(g.SyncDaemon)
	b.str("nftables_ipvs", g.Marking.Table, d.Marking.Table)
	b.num("nftables_ipvs_priority", g.Marking.Priority, d.Marking.Priority)
	b.num("nftables_ipvs_start_fwmark", int(g.Marking.First), int(d.Marking.First))
	b.on("checker_log_all_failures", g.CheckerLogAllFailures, false)
	b.on("rs_init_notifies", g.RSInitNotifies, false)
}

func (b *Block) syncDaemon(d *conf.SyncDaemon) {
	if d == nil {
		return
	}
	w := []string{d.Interface}
	if d.Instance != "" {
		w = append(w, "inst", d.Instance)
	}
	number := func(word string, n int, unset int) {
		if n != unset {
			w = append(w, word, strconv.Itoa(n))
		}
	}
	number("id", d.ID, -1)
	number("maxlen", int(d.MaxLen), 0)
	number("port", int(d.Port), 0)
	number("ttl", int(d.TTL), 0)
	if d.Group.IsValid() {
		w = append(w, "group", d.Group.String())
	}
	b.set(Setting{Keyword: "lvs_sync_daemon", Words: w, Value: Words(w...)})
}
