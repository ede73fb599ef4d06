package print

import (
	"encoding/hex"
	"strconv"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/schema"
)

func seconds(d time.Duration) string { return schema.FormatSeconds(int64(d)) }

// Script is a vrrp_script.
func Script(s *conf.VRRPScript) *Block {
	b := &Block{Keyword: "vrrp_script", Name: []string{s.Name}, Pos: s.Pos}
	b.set(Setting{Keyword: "script", Words: []string{commandWord(s.Command.Argv)}, Value: object{{"argv", s.Command.Argv}}})
	b.user(&s.Command)
	b.dur("interval", s.Interval, time.Second)
	b.dur("timeout", s.Timeout, s.Interval).From = "interval"
	w := []string{strconv.Itoa(s.Weight)}
	if s.Reverse {
		w = append(w, "reverse")
	}
	b.set(Setting{Keyword: "weight", Words: w, Value: weight(s.Weight, s.Reverse), Implied: s.Weight == 0 && !s.Reverse})
	b.num("rise", s.Rise, 1)
	b.num("fall", s.Fall, 1)
	b.flag("init_fail", s.InitFail)
	return b
}

func weight(n int, reverse bool) any {
	if reverse {
		return object{{"number", n}, {"reverse", true}}
	}
	return n
}

// user is the keyword user of a command's own.
func (b *Block) user(c *conf.Command) {
	if c.User == "" {
		return
	}
	w := []string{c.User}
	if c.Group != "" {
		w = append(w, c.Group)
	}
	b.set(Setting{Keyword: "user", Words: w, Value: w})
}

// Group is a vrrp_sync_group.
func Group(g *conf.SyncGroup) *Block {
	b := &Block{Keyword: "vrrp_sync_group", Name: []string{g.Name}, Pos: g.Pos}
	var members []Line
	for _, m := range g.Members {
		members = append(members, Line{Words: []string{m}})
	}
	b.list("group", members)
	b.flag("sync_group_tracking_weight", g.TrackingWeight)
	b.choice("smtp_alert", g.SMTPAlert)
	b.tracks("track_interface", g.TrackIfaces)
	b.tracks("track_script", g.TrackScripts)
	b.tracks("track_file", g.TrackFiles)
	b.tracks("track_process", g.TrackProcesses)
	b.tracks("track_bfd", g.TrackBFDs)
	b.notify(&g.Notify)
	return b
}

func (b *Block) notify(n *conf.Notify) {
	b.cmd("notify_master", n.Master)
	b.cmd("notify_backup", n.Backup)
	b.cmd("notify_fault", n.Fault)
	b.cmd("notify_stop", n.Stop)
	b.cmd("notify_deleted", n.Deleted)
	b.cmd("notify", n.Any)
	b.cmd("notify_master_rx_lower_pri", n.MasterRxLowerPri)
}

// Instance is a vrrp_instance. What it says about its family comes before the
// addresses that must fit.
func Instance(i *conf.VRRPInstance, g *conf.Global) *Block {
	b := &Block{Keyword: "vrrp_instance", Name: []string{i.Name}, Pos: i.Pos}
	state := "BACKUP"
	if i.StateMaster {
		state = "MASTER"
	}
	b.set(Setting{Keyword: "state", Words: []string{state}, Value: state})
	b.str("interface", i.Interface, "")
	// An ipvlan asks for the family before the addresses have said it.
	b.flag("native_ipv6", i.Family == 6 && (len(i.Addresses) == 0 || i.VMAC != nil && i.VMAC.IPVLAN))
	b.vmac(i)
	b.num("virtual_router_id", i.VRID, 0)
	b.num("priority", i.Priority, 0)
	version := g.VRRPVersion
	if i.Family == 6 {
		version = 3
	}
	b.num("version", i.Version, version).From = "vrrp_version"
	b.dur("advert_int", i.AdvertInt, time.Second)
	b.flag("nopreempt", i.NoPreempt)
	b.dur("preempt_delay", i.PreemptDelay, 0)
	b.num("down_timer_adverts", i.DownTimerAdverts, g.DownTimerAdverts).From = "vrrp_down_timer_adverts"
	if i.LateBackup != 0 {
		s := Setting{Keyword: "timer_expired_backup", Value: true}
		if i.LateBackup > 0 {
			s.Words, s.Value = []string{strconv.Itoa(i.LateBackup)}, i.LateBackup
		}
		b.set(s)
	}
	b.on("owner_ignore_adverts", i.OwnerIgnoresAdverts, g.OwnerIgnores).From = "vrrp_owner_ignore_adverts"
	b.on("strict_mode", i.Strict, g.Strict).From = "vrrp_strict"
	b.accept(i)
	b.on("skip_check_adv_addr", i.SkipCheckAddr, g.SkipCheckAddr).From = "vrrp_skip_check_adv_addr"
	b.on("lower_prio_no_advert", i.LowerPrioNoAdvert, g.LowerPrioNoAdvert).From = "vrrp_lower_prio_no_advert"
	last := b.on("higher_prio_send_advert", i.HigherPrioSendAdvert, g.HigherPrioSendAdvert)
	last.From = "vrrp_higher_prio_send_advert"
	last.Implied = last.Implied && (i.Strict || !i.HigherPrioSilent) // unset is not off
	b.instanceGARP(i, g)
	b.talk(i, g)
	b.addresses("virtual_ipaddress", i.Addresses)
	if len(i.Addresses) == 0 && (i.Version == 3 || i.Strict) {
		b.flag("no_virtual_ipaddress", true)
	}
	b.addresses("virtual_ipaddress_excluded", i.Excluded)
	b.routes("virtual_routes", i.Routes)
	b.routes("virtual_rules", i.Rules)
	b.flag("promote_secondaries", i.PromoteSecondaries)
	b.flag("track_src_ip", i.TrackSrcIP)
	b.num("kernel_rx_buf_size", i.RxBuffer, 0)
	b.num("vip_lease", int(i.VIPLease/time.Second), 0)
	b.flag("dont_track_primary", i.DontTrackPrimary)
	b.tracks("track_interface", i.TrackIfaces)
	b.tracks("track_script", i.TrackScripts)
	b.tracks("track_file", i.TrackFiles)
	b.tracks("track_process", i.TrackProcesses)
	b.tracks("track_bfd", i.TrackBFDs)
	b.notify(&i.Notify)
	b.on("notify_priority_changes", i.NotifyPriority, g.NotifyPriority).From = "vrrp_notify_priority_changes"
	b.choice("smtp_alert", i.SMTPAlert)
	b.auth(i)
	b.hmac(i)
	return b
}

// accept: with vrrp_strict only an owner does so unasked.
func (b *Block) accept(i *conf.VRRPInstance) {
	keyword, d := "no_accept", !i.Strict || i.Priority == 255
	if i.Accept {
		keyword = "accept"
	}
	b.set(Setting{Keyword: keyword, Value: true, Implied: i.Accept == d})
}

func (b *Block) instanceGARP(i *conf.VRRPInstance, g *conf.Global) {
	from := len(b.Settings)
	b.garp("", &i.GARP, &g.GARP)
	b.extra("", &i.GARP, &g.GARP)
	// vrrp_strict lets nothing be repeated, whatever is said.
	b.dur("garp_lower_prio_delay", i.GARP.LowerPrioDelay, g.GARP.LowerPrioDelay)
	b.num("garp_lower_prio_repeat", i.GARP.LowerPrioRepeat, g.GARP.LowerPrioRepeat)
	for k := from; k < len(b.Settings); k++ {
		b.Settings[k].From = "vrrp_" + b.Settings[k].Keyword
	}
}

// talk is to whom adverts go, and from where.
func (b *Block) talk(i *conf.VRRPInstance, g *conf.Global) {
	if i.SrcIP.IsValid() {
		keyword := "mcast_src_ip"
		if i.Unicast {
			keyword = "unicast_src_ip"
		}
		b.str(keyword, i.SrcIP.String(), "")
	}
	var peers []Line
	for _, p := range i.Peers {
		w := []string{p.Addr.String()}
		if p.MinTTL >= 0 {
			w = append(w, "min_ttl", strconv.Itoa(p.MinTTL))
		}
		if p.MaxTTL >= 0 {
			w = append(w, "max_ttl", strconv.Itoa(p.MaxTTL))
		}
		peers = append(peers, Line{Words: w})
	}
	b.list("unicast_peer", peers)
	if i.UnicastTTL >= 0 {
		b.num("unicast_ttl", i.UnicastTTL, -1)
	}
	b.flag("unicast_fault_no_peer", i.FaultNoPeer)
	b.flag("check_unicast_src", i.CheckUnicastSrc)
	if i.OldChecksum != "" {
		if i.OldChecksum == conf.OldChecksumAll { // the keyword alone
			b.flag("old_unicast_checksum", true)
		} else {
			b.str("old_unicast_checksum", i.OldChecksum, "")
		}
	}
	b.on("v3_checksum_as_v2", i.V3ChecksumAsV2, g.V3AsV2)
	group, from := g.McastGroup4, "vrrp_mcast_group4"
	if i.Family == 6 {
		group, from = g.McastGroup6, "vrrp_mcast_group6"
	}
	if i.McastDst.IsValid() {
		b.set(Setting{Keyword: "mcast_dst_ip", Words: []string{i.McastDst.String()}, Value: i.McastDst.String(), Implied: i.McastDst == group, From: from})
	}
}

func (b *Block) auth(i *conf.VRRPInstance) {
	if i.AuthType == "" {
		return
	}
	a := &Block{Keyword: "authentication", Plain: true}
	a.str("auth_type", i.AuthType, "")
	a.set(Setting{Keyword: "auth_pass", Words: []string{i.AuthPass}, Value: i.AuthPass, Secret: true})
	b.add(a)
}

func (b *Block) hmac(i *conf.VRRPInstance) {
	h := i.HMAC
	if h == nil {
		return
	}
	a := &Block{Keyword: "auth_hmac", Plain: true}
	for _, k := range h.Keys {
		bytes := "hex:" + hex.EncodeToString(k.Secret)
		word := bytes
		if k.File != "" {
			word = "file:" + k.File
		}
		a.set(Setting{Keyword: "key " + strconv.Itoa(k.ID), Words: []string{word}, Value: bytes, Pos: k.Pos, Secret: true})
	}
	only := 0
	if len(h.Keys) == 1 && h.Mode != conf.HMACReceiveOnly {
		only = h.Keys[0].ID
	}
	if h.Active != 0 {
		a.num("active_key", h.Active, only)
	}
	a.str("mode", h.Mode.String(), conf.HMACEnforce.String())
	replay := "time"
	if h.Monotonic {
		replay = "monotonic"
	}
	a.str("anti_replay", replay, "time")
	a.dur("time_window", h.Window, conf.HMACWindow(i.AdvertInt))
	b.add(a)
}
