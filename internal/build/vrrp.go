package build

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/track"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// VRRP is all that the VRRP daemon does with one configuration.
type VRRP struct {
	// Node is for the machine; its indexes are those of the slices below.
	Node    vrrp.Config
	Routers []Router
	Groups  []Group
	// Scripts are the track scripts that somebody refers to, sorted by name.
	Scripts []Script
	// Files are the track files that somebody refers to, in the order of the
	// configuration.
	Files []conf.TrackFile
	// BFDs are the bfd_instances that somebody refers to, by name; Processes
	// likewise.
	BFDs      []string
	Processes []Process
	// Interfaces are those whose state somebody tracks, sorted.
	Interfaces []string

	// Links are the virtual interfaces to make, in the order of the routers.
	Links []Link
	// Delays say how long changes of interfaces must last to count.
	Delays []conf.UpDownDelay
	// Linkbeats are interfaces whose links are polled.
	Linkbeats []conf.Linkbeat
	// Paces are interfaces whose announcements have one pace together.
	Paces    []conf.GARPGroup
	Firewall Firewall
	// NoLocalIGMP stops reports of link-local groups in the kernel.
	NoLocalIGMP bool

	// StaticAddresses, StaticRoutes and StaticRules are there whatever the states.
	StaticAddresses []conf.Address
	StaticRoutes    []conf.Route
	StaticRules     []conf.Route
	// TrackGroups are those that some router follows, in the order of the file.
	TrackGroups []string

	// Sync is the exchange of IPVS connections; nil without lvs_sync_daemon.
	Sync *conf.SyncDaemon
	// SyncNamespace is the network namespace of IPVS, as Services.Namespace.
	SyncNamespace string

	FIFOs        []FIFO // notify_fifo and vrrp_notify_fifo
	FIFOOnReload bool   // they get all states after a reload
	Mail         *Mail  // nil: nobody gets any
	Process      conf.Process
	Buffers      conf.Buffers
	// DelayAfterBoot holds routers back as Node.StartupDelay does, from the
	// system's boot on.
	DelayAfterBoot time.Duration
	// AutoPriority is up to which real-time priority it is raised when the loop is
	// later than AutoDelay; 0 = never.
	AutoPriority int
	AutoDelay    time.Duration
	// LogUnknown tells of adverts of virtual routers that nobody has.
	LogUnknown bool
	// Secure refuses scripts that others than root could change.
	Secure bool
	// User and Group run scripts that name nobody; may be empty.
	User, Group string
}

// Router is the edge of one virtual router: what the daemon needs beside the
// machine to speak for it.
type Router struct {
	Name string
	// Interface is where adverts are sent and heard: Base, which the
	// configuration names, or VMAC, a virtual one above it.
	Interface string
	Base      string
	VMAC      string // empty without; then also a Link
	XmitBase  bool   // adverts do not go over VMAC
	// Speaker is the interface whose address adverts come from: Base, or an
	// ipvlan, which has its own.
	Speaker  string
	Family   int // 4 or 6
	Version  int
	VRID     uint8
	Interval time.Duration // between adverts

	// Advertised are the addresses in adverts, in the order of the file.
	Advertised []netip.Addr
	// Addresses are there while the router is active: virtual_ipaddress and
	// virtual_ipaddress_excluded, Dev always filled in.
	Addresses []conf.Address
	Routes    []conf.Route
	Rules     []conf.Route

	// Source is mcast_src_ip or unicast_src_ip; without it adverts come from
	// the first address of the interface.
	Source netip.Addr
	// TrackSource: without Source on some interface the router is faulty.
	TrackSource bool
	// Group is the multicast destination; not used with Unicast.
	Group   netip.Addr
	Unicast bool
	Peers   []conf.Peer
	TTL     int // of adverts, 255 unless unicast_ttl
	// CheckSource refuses unicast adverts of others than Peers.
	CheckSource bool

	AuthType uint8   // wire.AuthNone, wire.AuthPass or wire.AuthAH
	AuthData [8]byte // the password, or the key of AH, padded with zeros

	// HMAC authenticates adverts; nil without auth_hmac.
	HMAC *HMAC

	// Checksum is how that of version 3 over IPv4 is reckoned. Peers that do it
	// in keepalived's old way are answered alike, unless NoOldChecksum.
	Checksum      wire.Checksum
	NoOldChecksum bool

	// ARPInterval and NAInterval pace announcements on the interface.
	ARPInterval, NAInterval time.Duration
	// Extra is how often addresses on other interfaces are announced; 0 = never.
	Extra              time.Duration
	ExtraAll           bool // not only on VMACs
	PromoteSecondaries bool
	// Lease is after how long the kernel drops addresses that are not renewed,
	// 0 = never.
	Lease time.Duration
	// RxBuffer is what it adds to the socket's receive buffer, in bytes; 0 = as
	// Buffers has it for all.
	RxBuffer int
	// Drop has packets to and from the addresses dropped (no_accept).
	Drop   bool
	Notify conf.Notify
	// NotifyPriority tells FIFOs of changes of priority.
	NotifyPriority bool
	Mail           bool // smtp_alert
	// Blocked says why the router can never take part; empty if it can.
	Blocked string
}

// Group is the edge of one sync group.
type Group struct {
	Name    string
	Members []string
	Notify  conf.Notify
	Mail    bool // smtp_alert
}

// Script is one track script.
type Script struct {
	Name    string
	Command conf.Command
	Track   track.Config
}

// InterfaceTrack, ScriptTrack and SourceTrack name tracked objects, as the
// machine and the daemon both call them.
func InterfaceTrack(name string) string { return interfaceTrack + name }

const interfaceTrack = "interface "

// TrackedInterface is the interface that an InterfaceTrack names.
func TrackedInterface(track string) (name string, is bool) {
	return strings.CutPrefix(track, interfaceTrack)
}

// ScriptTrack names a vrrp_script.
func ScriptTrack(name string) string { return "script " + name }

// FileTrack names a track_file.
func FileTrack(name string) string { return "file " + name }

// SourceTrack names a router's own ability to speak: it has an interface with
// an address to send from, and nothing blocks it.
func SourceTrack(router, dev string) string { return "source address of " + router + " on " + dev }

// FromVRRP builds what the VRRP daemon needs.
func FromVRRP(c *conf.Config) VRRP {
	g := &c.Global
	out := VRRP{
		AutoPriority: max(g.MaxAutoPriority, 0), AutoDelay: g.AutoPriorityDelay, LogUnknown: g.LogUnknownVRIDs,
		Process: g.VRRPProcess, Buffers: g.Buffers, Secure: g.ScriptSecurity,
		User: g.ScriptUser, Group: g.ScriptGroup,
	}
	out.Node.StartupDelay, out.DelayAfterBoot = g.StartupDelay, g.DelayAfterBoot
	out.Paces, out.NoLocalIGMP = c.GARPGroups, g.DisableLocalIGMP
	out.Firewall = Firewall{Firewall: g.Firewall, KeepIGMP: g.DisableLocalIGMP}
	out.Sync, out.SyncNamespace = g.SyncDaemon, g.NetNamespaceIPVS
	out.static(c)
	out.FIFOs = fifo(fifo(nil, g, g.NotifyFIFO, g.NotifyFIFOScript), g, g.VRRPNotifyFIFO, g.VRRPNotifyFIFOScript)
	out.FIFOOnReload, out.Mail = g.FIFOOnReload, mail(g)
	scripts := map[string]*conf.VRRPScript{}
	for _, s := range c.Scripts {
		scripts[s.Name] = s
	}
	n := len(c.Instances)
	out.Routers, out.Node.Routers = make([]Router, 0, n), make([]vrrp.RouterConfig, 0, n)
	b := builder{conf: c, global: g, scripts: scripts, out: &out, names: make(map[string]bool, n), wire: make(map[onWire]string, n)}
	b.named(c)
	for _, i := range c.Instances {
		b.router(i)
	}
	for _, s := range c.Groups {
		b.group(s)
	}
	slices.Sort(out.Interfaces)
	out.delays(c)
	out.linkbeats(c)
	slices.SortFunc(out.Scripts, func(a, b Script) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// builder collects what several routers share.
type builder struct {
	conf    *conf.Config
	global  *conf.Global
	scripts map[string]*conf.VRRPScript
	out     *VRRP
	names   map[string]bool   // of the routers
	wire    map[onWire]string // who has it
	links   map[string]bool   // names of virtual interfaces
	made    map[string]int    // those that there will be, by name: index of out.Links
	macs    map[station]int   // macvlans of them
}

// onWire is what tells virtual routers apart on a link.
type onWire struct {
	dev     string
	family  int
	vrid    int
	unicast bool // has sockets of its own, so it may share a VRID
}

func (b *builder) router(i *conf.VRRPInstance) {
	dev := i.Interface
	if dev == "" {
		dev = b.global.DefaultInterface
	}
	r := Router{
		Name: i.Name, Interface: dev, Base: dev, Speaker: dev, Family: i.Family, Version: i.Version,
		VRID: uint8(i.VRID), Interval: i.AdvertInt, // 1–255, conf sees to it
		Routes: i.Routes, Rules: i.Rules, Source: i.SrcIP, Unicast: i.Unicast, Peers: i.Peers,
		TTL: wire.TTL, CheckSource: i.CheckUnicastSrc,
		ARPInterval: i.GARP.Interval, NAInterval: i.GARP.GNAInterval,
		Extra: i.GARP.Extra, ExtraAll: i.GARP.ExtraAll, Drop: !i.Accept && i.Priority != int(vrrp.OwnerPriority),
		PromoteSecondaries: i.PromoteSecondaries, Lease: i.VIPLease, TrackSource: i.TrackSrcIP, RxBuffer: i.RxBuffer,
		Notify: i.Notify, NotifyPriority: i.NotifyPriority,
		Mail: i.SMTPAlert.Or(b.global.Mail.MailVRRP()),
	}
	b.destination(&r, i)
	b.vmac(&r, i)
	b.addresses(&r, i)
	if i.FaultNoPeer && len(i.Peers) == 0 {
		r.Unicast, r.Blocked = true, "it has no unicast_peer, and unicast_fault_no_peer is set"
	}
	r.authenticate(i)
	r.hmac(i)
	switch {
	case i.Version != 3 || i.Family != 4:
	case i.V3ChecksumAsV2:
		r.Checksum = wire.AsV2
	case i.OldChecksum == conf.OldChecksumAll && i.Unicast:
		r.Checksum = wire.OldUnicast
	}
	r.NoOldChecksum = i.OldChecksum == conf.OldChecksumNever
	key := onWire{dev, i.Family, i.VRID, i.Unicast}
	if first, taken := b.wire[key]; taken && r.Blocked == "" {
		r.Blocked = fmt.Sprintf("virtual_router_id %d on %s belongs to %s already", i.VRID, dev, first)
	} else if !taken {
		b.wire[key] = i.Name
	}
	b.names[i.Name] = true
	b.out.Routers = append(b.out.Routers, r)
	b.out.Node.Routers = append(b.out.Node.Routers, b.machine(&r, i))
}

// destination is where adverts go, and from whom they may come.
func (b *builder) destination(r *Router, i *conf.VRRPInstance) {
	switch {
	case i.McastDst.IsValid():
		r.Group = i.McastDst
	case i.Family == 6 && b.global.McastGroup6.IsValid():
		r.Group = b.global.McastGroup6
	case i.Family == 6:
		r.Group = wire.Group6
	case b.global.McastGroup4.IsValid():
		r.Group = b.global.McastGroup4
	default:
		r.Group = wire.Group4
	}
	if !i.Unicast {
		return
	}
	if i.UnicastTTL > 0 {
		r.TTL = i.UnicastTTL
	}
	for _, p := range i.Peers {
		// "Specifying min_ttl or max_ttl turns on check_unicast_src."
		if p.MinTTL > 0 || p.MaxTTL >= 0 && p.MaxTTL < wire.TTL {
			r.CheckSource = true
		}
	}
}

// addresses sorts out which are advertised, and where each goes.
func (b *builder) addresses(r *Router, i *conf.VRRPInstance) {
	n := len(i.Addresses) + len(i.Excluded)
	seen := make(map[netip.Addr]bool, n)
	r.Addresses, r.Advertised = make([]conf.Address, 0, n), make([]netip.Addr, 0, len(i.Addresses))
	take := func(a *conf.Address) bool {
		if !a.Prefix.IsValid() || seen[a.Prefix.Addr()] {
			return false
		}
		seen[a.Prefix.Addr()] = true
		r.Addresses = append(r.Addresses, *a)
		a = &r.Addresses[len(r.Addresses)-1]
		a.Dev = b.dev(r, i, a)
		return true
	}
	for k := range i.Addresses {
		if a := &i.Addresses[k]; take(a) && a.Prefix.Addr().Is6() == (i.Family == 6) {
			r.Advertised = append(r.Advertised, a.Prefix.Addr())
		}
	}
	for k := range i.Excluded {
		take(&i.Excluded[k])
	}
}

func (r *Router) authenticate(i *conf.VRRPInstance) {
	if i.Version != 2 || i.Family != 4 {
		return // RFC 9568 §1.5: version 3 has none
	}
	switch i.AuthType {
	case "PASS":
		r.AuthType = wire.AuthPass
		copy(r.AuthData[:], i.AuthPass)
	case "AH":
		r.AuthType = wire.AuthAH
		copy(r.AuthData[:], i.AuthPass)
	}
}

// machine is the router as the machine sees it.
func (b *builder) machine(r *Router, i *conf.VRRPInstance) vrrp.RouterConfig {
	m := vrrp.RouterConfig{
		Name: i.Name, Interface: r.Base, Version: i.Version, VRID: vrrp.VRID(r.VRID),
		Priority: vrrp.Priority(i.Priority), Advert: i.AdvertInt, DownAdverts: i.DownTimerAdverts, // 1–255
		Preempt: !i.NoPreempt, PreemptDelay: i.PreemptDelay, StartActive: i.StateMaster,
		Addresses: r.Advertised, CheckAddresses: true, CheckOnce: i.SkipCheckAddr,
		OwnerIgnores: i.OwnerIgnoresAdverts, YieldLate: yieldLate(i),
		LowerPrioNoAdvert: i.LowerPrioNoAdvert, HigherPrioSendAdvert: !i.HigherPrioSilent,
		GARP: vrrp.GARP{
			Delay: i.GARP.MasterDelay, Refresh: i.GARP.Refresh, LowerPrioDelay: i.GARP.LowerPrioDelay,
			Repeat: i.GARP.MasterRepeat, RefreshRepeat: i.GARP.RefreshRepeat, LowerPrioRepeat: i.GARP.LowerPrioRepeat,
		},
	}
	// In the order in which one should be blamed: without the interface there
	// is no address on it either.
	if !i.DontTrackPrimary {
		m.Tracks = append(m.Tracks, b.iface(conf.Track{Name: r.Base}))
	}
	m.Tracks = append(m.Tracks, vrrp.TrackRef{Name: SourceTrack(i.Name, r.Base)})
	for _, g := range b.groupsOf(i.Name) {
		m.Tracks = append(m.Tracks, vrrp.TrackRef{Name: GroupTrack(g)})
		if !slices.Contains(b.out.TrackGroups, g) {
			b.out.TrackGroups = append(b.out.TrackGroups, g)
		}
	}
	weighed := slices.Clone(i.TrackIfaces)
	for _, dev := range b.follows(r, i) { // without a weight, whatever track_interface says
		if at := slices.IndexFunc(weighed, func(t conf.Track) bool { return t.Name == dev }); at >= 0 {
			weighed[at] = conf.Track{Name: dev}
		} else {
			weighed = append(weighed, conf.Track{Name: dev})
		}
	}
	for _, t := range b.tracks(tracked{weighed, i.TrackScripts, i.TrackFiles, i.TrackProcesses, i.TrackBFDs}) {
		if !slices.ContainsFunc(m.Tracks, func(o vrrp.TrackRef) bool { return o.Name == t.Name }) {
			m.Tracks = append(m.Tracks, t)
		}
	}
	return m
}

// yieldLate is how late an advert of ours may be (timer_expired_backup): two
// intervals, or as long as the best of the others waits before it takes over.
func yieldLate(i *conf.VRRPInstance) time.Duration {
	switch {
	case i.LateBackup == 0:
		return 0
	case i.LateBackup > 0:
		best := vrrp.Priority(i.LateBackup) // 1–254
		return vrrp.MasterDown(i.Version, best, i.DownTimerAdverts, i.AdvertInt) - i.AdvertInt
	}
	return 2 * i.AdvertInt
}

func (b *builder) group(s *conf.SyncGroup) {
	members := slices.DeleteFunc(slices.Clone(s.Members), func(name string) bool { return !b.names[name] })
	b.out.Groups = append(b.out.Groups, Group{Name: s.Name, Members: members, Notify: s.Notify, Mail: s.SMTPAlert.Or(b.global.Mail.MailVRRP())})
	b.out.Node.Groups = append(b.out.Node.Groups, vrrp.GroupConfig{
		Name: s.Name, Members: members, TrackingWeight: s.TrackingWeight,
		Tracks: b.tracks(tracked{s.TrackIfaces, s.TrackScripts, s.TrackFiles, s.TrackProcesses, s.TrackBFDs}),
	})
}

// tracked is what a router or a group tracks, by kind.
type tracked struct{ ifaces, scripts, files, processes, bfds []conf.Track }

func (b *builder) tracks(t tracked) []vrrp.TrackRef {
	var refs []vrrp.TrackRef
	for _, t := range t.ifaces {
		refs = append(refs, b.iface(t))
	}
	for _, t := range t.scripts {
		s := b.scripts[t.Name]
		if s == nil {
			continue // conf has said so
		}
		b.script(s)
		refs = append(refs, refer(ScriptTrack(t.Name), t, s.Weight, s.Reverse))
	}
	refs = append(refs, b.files(t.files)...)
	refs = append(refs, b.processes(t.processes)...)
	return append(refs, b.bfds(t.bfds)...)
}

// refer makes a reference; weight and reverse are the tracked thing's own, for
// one that says none.
func refer(name string, t conf.Track, weight int, reverse bool) vrrp.TrackRef {
	if t.WeightSet {
		weight, reverse = t.Weight, t.Reverse
	}
	return vrrp.TrackRef{Name: name, Weight: weight, Reverse: reverse}
}

func (b *builder) script(s *conf.VRRPScript) {
	if slices.ContainsFunc(b.out.Scripts, func(o Script) bool { return o.Name == s.Name }) {
		return
	}
	b.out.Scripts = append(b.out.Scripts, Script{Name: s.Name, Command: s.Command, Track: track.Config{
		Interval: s.Interval, Timeout: s.Timeout, Rise: s.Rise, Fall: s.Fall, InitFail: s.InitFail,
	}})
}

func (b *builder) iface(t conf.Track) vrrp.TrackRef {
	if !slices.Contains(b.out.Interfaces, t.Name) {
		b.out.Interfaces = append(b.out.Interfaces, t.Name)
	}
	return vrrp.TrackRef{Name: InterfaceTrack(t.Name), Weight: t.Weight, Reverse: t.Reverse}
}
