// Package conf turns keepalived.conf into plain values.
//
// Load reads text through source.Files, expands and parses it, and fills the
// structs of this file from the rows of conf/schema. It knows the language
// and the keywords; what a keyword brings about is decided elsewhere: package
// build hands these values to the machines.
package conf

import (
	"net/netip"
	"strconv"
	"time"
)

// Config is everything that one configuration says, defaults filled in.
type Config struct {
	Global         Global
	TrackFiles     []*TrackFile
	TrackProcesses []*TrackProcess
	BFDs           []*BFD
	Scripts        []*VRRPScript
	Groups         []*SyncGroup
	Instances      []*VRRPInstance
	VirtualServers []*VirtualServer
	ServerGroups   []*ServerGroup
	SSL            *SSL // nil: there is no such block

	StaticAddresses []Address    // static_ipaddress
	StaticRoutes    []Route      // static_routes
	StaticRules     []Route      // static_rules
	TrackGroups     []TrackGroup // track_group

	GARPGroups []GARPGroup
	Linkbeats  []Linkbeat
	Delays     []UpDownDelay
}

// Global is the block global_defs.
type Global struct {
	RouterID      string // default: the host's name
	ConfigStrict  bool   // holdfast: refuse to start with problems
	Director      string // holdfast's lvs_director: auto (default), ipvs, proxy, none
	VRRPVersion   int    // 2 (default) or 3
	McastGroup4   netip.Addr
	McastGroup6   netip.Addr
	StartupDelay  time.Duration
	SkipCheckAddr bool // vrrp_skip_check_adv_addr
	Strict        bool // vrrp_strict
	OwnerIgnores  bool // vrrp_owner_ignore_adverts
	// LogUnknownVRIDs is log_unknown_vrids.
	LogUnknownVRIDs bool
	// MaxAutoPriority is how far the real-time priority may be raised when a
	// process is AutoPriorityDelay late (default 1 s): 0 not at all, -1 the same
	// and no hint, 1–99.
	MaxAutoPriority   int
	AutoPriorityDelay time.Duration
	V3AsV2            bool // v3_checksum_as_v2
	// GARP holds the defaults of all instances (vrrp_garp_*).
	GARP                 GARP
	LowerPrioNoAdvert    bool
	NotifyPriority       bool // vrrp_notify_priority_changes
	Firewall             Firewall
	Marking              Marking
	VMACPrefix           string // default vrrp
	VMACAddrPrefix       string // empty: VMACPrefix
	DisableLocalIGMP     bool
	LinkbeatPolling      bool // linkbeat_use_polling, of all interfaces
	HigherPrioSendAdvert bool
	DownTimerAdverts     int // default 3
	DefaultInterface     string
	DynamicInterfaces    bool

	ScriptUser, ScriptGroup string // empty: keepalived_script if it exists, else the daemon's
	ScriptSecurity          bool   // enable_script_security

	Mail Mail

	NotifyFIFO, VRRPNotifyFIFO, LVSNotifyFIFO                   FIFO
	FIFOOnReload                                                bool // fifo_write_vrrp_states_on_reload
	NotifyFIFOScript, VRRPNotifyFIFOScript, LVSNotifyFIFOScript *Command

	SNMP SNMP

	LVSTimeouts LVSTimeouts
	// ProxyMaxConnections bounds the connections of the embedded director; 0:
	// DefaultProxyConnections.
	ProxyMaxConnections int

	LVSFlush       bool
	LVSFlushOnStop FlushOnStop
	SyncDaemon     *SyncDaemon

	CheckerLogAllFailures bool
	RSInitNotifies        bool

	StartupScript, ShutdownScript   *Command
	StartupTimeout, ShutdownTimeout time.Duration

	// ProcessNames (process_names): processes have keepalived's usual names,
	// where there is none of their own.
	ProcessNames bool
	ProcessName  string // the parent's
	// What each child's process gets.
	VRRPProcess, CheckerProcess, BFDProcess Process
	Buffers                                 Buffers // what sockets may hold

	Instance     string // `instance NAME` at the root
	NetNamespace string
	// NetNamespaceIPVS is where IPVS is; "": in NetNamespace, StartNamespace:
	// where the daemon was started.
	NetNamespaceIPVS string
	UsePidDir        bool
	ChildWait        time.Duration // child_wait_time, default 5 s

	// IPRouteEtc and IPRouteUsr are where iproute2 has its names; empty:
	// /etc/iproute2 and /usr/share/iproute2.
	IPRouteEtc, IPRouteUsr string

	Umask   int // of files that are made; -1: not said
	Reloads Reloads
	// DelayAfterBoot (vrrp_delay_after_boot): instances keep still until the
	// system has run for so long.
	DelayAfterBoot time.Duration

	DataUseInstance                bool   // data_use_instance
	StateDump, StatsDump, JSONDump string // state_dump_file and its like; empty: keepalived.data and so on in TMPDIR or /tmp
	JSONVersion                    int    // 1 (default) or 2
	DBus                           DBus
}

// DBus says how D-Bus is served.
type DBus struct {
	Enable bool // enable_dbus
	// Service is dbus_service_name; empty: org.keepalived.Vrrp1.
	Service string
	// NoInterface is dbus_no_interface_name; empty: none.
	NoInterface string
}

// Reloads says when reloads happen besides SIGHUP, and what comes with them.
type Reloads struct {
	TimeFile string // reload_time_file: says when to reload
	Repeat   bool   // reload_repeat: the file stays, and a time without a date counts every day
	File     string // reload_file: there while a configuration is read
	Check    bool   // reload_check_config: that is done in any case
	CheckLog string // and what was found is written there
}

// Process is what the process of a child gets (vrrp_*, checker_*, bfd_*).
type Process struct {
	Name string // NAME_process_name, at most 15 bytes
	Precedence
}

// Precedence is what a process asks of the kernel's scheduler and memory.
type Precedence struct {
	Nice       int           // NAME_priority, -20…19; 0: as it was started
	RTPriority int           // NAME_rt_priority, SCHED_RR 1…99; 0: none
	RTTime     time.Duration // NAME_rlimit_rttime; 0: no limit
	CPUs       []int         // NAME_cpu_affinity; empty: all
	NoSwap     bool          // NAME_no_swap
}

// LVSTimeouts are the kernel's connection timeouts; 0 keeps the kernel's.
type LVSTimeouts struct{ TCP, TCPFin, UDP time.Duration }

// GARP says how gratuitous ARP and unsolicited NA are sent.
type GARP struct {
	MasterDelay     time.Duration // second burst after becoming master; default 5 s
	MasterRepeat    int           // packets in a burst, default 5
	Refresh         time.Duration // 0 = never
	RefreshRepeat   int           // default 1
	LowerPrioDelay  time.Duration // default: MasterDelay
	LowerPrioRepeat int           // default: MasterRepeat
	Interval        time.Duration // between two packets on one interface
	GNAInterval     time.Duration
	// Extra is how often the addresses on other interfaces than the router's
	// are announced (garp_extra_if), 0 = never: of VMACs, or with ExtraAll of all.
	Extra    time.Duration
	ExtraAll bool
}

// Command is a program to run with its arguments, never through a shell.
type Command struct {
	Argv        []string
	User, Group string // empty: Global.ScriptUser
	Line        Pos
}

// Pos is where a value was written.
type Pos struct {
	File      string
	Line, Col int
}

// VRRPScript is a vrrp_script block.
type VRRPScript struct {
	Name     string
	Command  Command
	Interval time.Duration // default 1 s
	Timeout  time.Duration // default: Interval
	Weight   int           // -253…253; 0: failing means FAULT
	Reverse  bool
	Rise     int // default 1
	Fall     int // default 1
	InitFail bool
	Pos      Pos
}

// Notify holds the scripts of an instance or a group.
type Notify struct {
	Master, Backup, Fault, Stop, Deleted, Any, MasterRxLowerPri *Command
}

// Track is a reference to something tracked, by name.
type Track struct {
	Name    string
	Weight  int // 0: failing means FAULT, unless WeightSet
	Reverse bool
	// WeightSet: the reference itself gave the weight, overriding the block's.
	WeightSet bool
	Pos       Pos
}

// SyncGroup is a vrrp_sync_group block.
type SyncGroup struct {
	Name           string
	Members        []string
	Notify         Notify
	TrackIfaces    []Track
	TrackScripts   []Track
	TrackFiles     []Track
	TrackProcesses []Track
	TrackBFDs      []Track
	TrackingWeight bool // sync_group_tracking_weight
	SMTPAlert      Choice
	Pos            Pos
}

// VRRPInstance is a vrrp_instance block.
type VRRPInstance struct {
	Name         string
	Interface    string
	Version      int  // 2 or 3, never 0 after Load
	Family       int  // 4 or 6, from the addresses (or native_ipv6)
	StateMaster  bool // state MASTER
	VRID         int
	Priority     int           // 1…255, default 100
	AdvertInt    time.Duration // default 1 s
	Addresses    []Address     // virtual_ipaddress
	Excluded     []Address     // virtual_ipaddress_excluded
	Routes       []Route       // virtual_routes
	Rules        []Route       // virtual_rules
	NoPreempt    bool
	PreemptDelay time.Duration
	Accept       bool   // default true unless strict
	AuthType     string // "", "PASS", "AH"
	AuthPass     string // at most 8 bytes
	HMAC         *HMAC  // auth_hmac; nil without

	OldChecksum    string // old_unicast_checksum: "" (as the peer does), OldChecksumAll, OldChecksumNever
	V3ChecksumAsV2 bool   // v3_checksum_as_v2: no pseudo-header over IPv4

	SrcIP          netip.Addr // mcast_src_ip or unicast_src_ip
	Unicast        bool       // unicast_peer was given
	Peers          []Peer
	UnicastTTL     int
	McastDst       netip.Addr
	TrackIfaces    []Track
	TrackScripts   []Track
	TrackFiles     []Track
	TrackProcesses []Track
	TrackBFDs      []Track
	Notify         Notify
	GARP           GARP

	// LateBackup is timer_expired_backup: the highest priority of the others, 0
	// without it, -1 where it says none.
	LateBackup           int
	OwnerIgnoresAdverts  bool // owner_ignore_adverts
	FaultNoPeer          bool // unicast_fault_no_peer
	DontTrackPrimary     bool
	SkipCheckAddr        bool
	Strict               bool
	NotifyPriority       bool // notify_priority_changes
	LowerPrioNoAdvert    bool
	HigherPrioSendAdvert bool
	HigherPrioSilent     bool // higher_prio_send_advert was said to be off, or vrrp_strict forbids it
	DownTimerAdverts     int  // default 3
	CheckUnicastSrc      bool
	SMTPAlert            Choice
	PromoteSecondaries   bool
	RxBuffer             int           // kernel_rx_buf_size, in bytes: what it adds to the buffer of the socket it shares; 0: as vrrp_rx_bufs_policy has it
	TrackSrcIP           bool          // faulty while SrcIP is on no interface
	VIPLease             time.Duration // holdfast: the kernel drops addresses that are not renewed; 0: it does not

	VMAC     *VMAC // use_vmac or use_ipvlan, nil without
	VMACAddr bool  // use_vmac_addr
	XmitBase bool  // vmac_xmit_base
	Pos      Pos
}

// What old_unicast_checksum says.
const (
	OldChecksumAll   = "all"
	OldChecksumNever = "never"
)

// Peer is one unicast_peer line.
type Peer struct {
	Addr           netip.Addr
	MinTTL, MaxTTL int // -1: not checked
}

// Address is a virtual or static address with its options.
type Address struct {
	Prefix    netip.Prefix // the address itself with its length (not masked)
	Dev       string       // empty: the instance's interface
	Label     string
	Scope     string // empty: global; a name or number of rt_scopes
	Broadcast netip.Addr
	Peer      netip.Prefix
	NoTrack   bool
	UseVMAC   bool
	Options   []string // home, nodad, mngtmpaddr … as written
	Pos       Pos
}

// TrackGroup is a track_group block: instances that follow static things.
type TrackGroup struct {
	Name    string
	Members []string
	Pos     Pos
}

// Route is a virtual or static route as written, options in iproute2's words.
type Route struct {
	Words []string
	Pos   Pos
}

// VirtualServer is a virtual_server block.
type VirtualServer struct {
	// One of: Addr and Port, FWMark, Group.
	Addr     netip.Addr
	Port     uint16
	FWMark   uint32
	Group    string
	Family   int    // 4 or 6
	Protocol string // TCP (default), UDP, SCTP; "" for a firewall mark

	DelayLoop        time.Duration // default 60 s
	ConnectTimeout   time.Duration // default 5 s
	Retry            int           // -1: the checker's own default
	DelayBeforeRetry time.Duration // -1: the checker's own default
	Warmup           time.Duration // -1: DelayLoop
	Rise, Fall       int           // of its checks; 0: not given
	Scheduler        string        // lb_algo, default wlc
	SchedFlags       []string
	OnePacket        bool
	Forward          string        // lb_kind: NAT, DR, TUN
	Tunnel           *Tunnel       // of TUN; nil: ipip
	Persistence      time.Duration // 0: none
	PersistGran      int           // netmask bits or prefix length, 0: whole address
	Engine           string        // persistence_engine
	HASuspend        bool
	Alpha, Omega     bool
	InhibitOnFailure bool
	VirtualHost      string
	Weight           int // default weight of real servers, 1
	Quorum           int // default 1
	Hysteresis       int
	QuorumUp         *Command
	QuorumDown       *Command
	SNMPName         string // snmp_name
	Sorry            *RealServer
	SorryInhibit     bool
	// Of the embedded director only.
	ProxyProtocol       uint8 // proxy_protocol: version for servers that do not say, 0: none
	ProxyTransparent    bool  // proxy_source client
	ProxyMaxConnections uint32
	SMTPAlert           Choice
	Drain               time.Duration // holdfast: what servers that go get to end their connections; 0: none
	SlowStart           time.Duration // holdfast: in which the weight of one that comes grows; 0: at once
	OnDown              string        // holdfast: OnDownKeep and its like; "": keep
	PanicThreshold      int           // holdfast: percent, 0: none
	MaxEject            int           // holdfast: percent, 0: no bound
	Servers             []*RealServer
	Pos                 Pos
}

// RealServer is a real_server block or a sorry server. Its fields are in an
// order that wastes no room: a file may hold a hundred thousand of them.
type RealServer struct {
	Addr             netip.Addr
	Port             uint16 // 0: the virtual server's
	InhibitOnFailure bool
	Alpha            bool
	ProxyProtocol    uint8 // proxy_protocol: version, 0: none
	Tier             uint8 // holdfast: rank among backups
	SMTPAlert        Choice
	Weight           int
	UpperThreshold   uint32
	LowerThreshold   uint32
	Forward          string // empty: the virtual server's
	Tunnel           *Tunnel
	VirtualHost      string
	SNMPName         string
	Timing           *Timing       // of checkers that say nothing; nil: the virtual server's
	Drain            time.Duration // as the virtual server's
	SlowStart        time.Duration
	OnDown           string
	NotifyUp         *Command
	NotifyDown       *Command
	Checkers         []*Checker
	Pos              Pos
}

// Timing is when a real server's checkers are to run that do not say. What it
// does not say itself is the virtual server's; -1 as there.
type Timing struct {
	DelayLoop, ConnectTimeout, DelayBeforeRetry, Warmup time.Duration
	Retry                                               int
}

// Timing is that of checkers for which neither they nor their server say one.
func (v *VirtualServer) Timing() Timing {
	return Timing{v.DelayLoop, v.ConnectTimeout, v.DelayBeforeRetry, v.Warmup, v.Retry}
}

// What becomes of the connections of a server that fails [on_down].
const (
	OnDownKeep   = "keep"   // nothing is done about them
	OnDownExpire = "expire" // the kernel forgets them with their next packet
	OnDownReset  = "reset"  // both sides get a reset
)

// Tunnel says how TUN wraps packets, where it is not ipip.
type Tunnel struct {
	Type string // gue, gre
	Port uint16 // of gue, UDP
	Sum  string // "", csum, remcsum
}

// Words are the options as lb_kind takes them.
func (t *Tunnel) Words() []string {
	if t == nil {
		return nil
	}
	w := []string{"type", t.Type}
	if t.Port != 0 {
		w = append(w, "port", strconv.Itoa(int(t.Port)))
	}
	if t.Sum != "" {
		w = append(w, t.Sum)
	}
	return w
}

// Checker is one health check of a real server, inheritance resolved.
type Checker struct {
	Kind string // "TCP_CHECK", "HTTP_GET", "SSL_GET", "MISC_CHECK", …

	ConnectIP   netip.Addr // the real server's by default
	BindTo      netip.Addr
	BindIf      string
	ConnectPort uint16
	BindPort    uint16
	FWMark      uint32
	// Path: the probe goes to the virtual address and reaches the server as
	// the traffic does [check_path vip].
	Path bool

	Alpha          bool
	alpha          int8 // unset while reading, if the text does not say
	LogAllFailures bool

	Retry            int
	ConnectTimeout   time.Duration
	DelayBeforeRetry time.Duration
	DelayLoop        time.Duration
	Warmup           time.Duration
	// Rise is how many successes in a row bring it up, Fall how many failures
	// take it down in place of Retry; 0: not given.
	Rise, Fall int

	HTTP *HTTPCheck // HTTP_GET, SSL_GET
	Misc *MiscCheck // MISC_CHECK
	DNS  *DNSCheck  // DNS_CHECK
	SMTP *SMTPCheck // SMTP_CHECK
	UDP  *UDPCheck  // UDP_CHECK
	File *FileCheck // FILE_CHECK

	FTP    *FTPCheck    // FTP_CHECK
	GRPC   *GRPCCheck   // GRPC_CHECK
	Expect *ExpectCheck // EXPECT_CHECK
	// BFD is the bfd_instance that a BFD_CHECK follows.
	BFD string
	Pos Pos
}

// HTTPCheck is what HTTP_GET and SSL_GET add.
type HTTPCheck struct {
	TLS          bool
	VirtualHost  string
	Protocol     string // "1.0" (default), "1.0C", "1.1", "h2", …
	SNI          bool
	FastRecovery bool
	TLSCompliant bool
	Secure       TLS // SSL_GET
	URLs         []HTTPURL
}

// HTTPURL is one url block.
type HTTPURL struct {
	Path         string
	Digest       string // MD5, lower-case hex; "" = not compared
	Status       []StatusRange
	VirtualHost  string
	Regex        string
	RegexNoMatch bool
	RegexOptions []string // those of PCRE2 that are known
	// RegexMin and RegexMax are the first and last byte at which a match may
	// begin; RegexMax -1: anywhere.
	RegexMin, RegexMax int
	TLSCompliant       bool // or the check's
}

// StatusRange is a range of HTTP status codes, both ends included.
type StatusRange struct{ From, To int }

// MiscCheck is what MISC_CHECK adds.
type MiscCheck struct {
	Command Command
	Timeout time.Duration // 0: DelayLoop
	Dynamic bool
}

// ServerGroup is a virtual_server_group block.
type ServerGroup struct {
	Name    string
	Members []GroupMember
	Pos     Pos
}

// GroupMember is one line of a virtual_server_group: a range of addresses with
// a range of ports, or a firewall mark.
type GroupMember struct {
	From, To     netip.Addr
	Port, PortTo uint16
	FWMark       uint32
	Family       int // of a firewall mark, 0 if not said
	Pos          Pos
}

// StartNamespace is, in place of a name, the network namespace that the daemon
// was started in; no namespace can be called so.
const StartNamespace = "."
