// Package ipc carries framed messages, and file descriptors beside them,
// between the parent and its children over a Unix stream socket pair.
//
// A frame is the length of the rest, the length of the head (4 bytes each,
// big-endian), the head in JSON (a Message but for its Body) and the Body as it
// is. It knows nothing of what the messages bring about.
package ipc

import "time"

// MaxFrame bounds a frame in bytes: the status of 100,000 real servers fits.
const MaxFrame = 64 << 20

// Kind says what a message is.
type Kind string

// Messages of the parent.
const (
	// Boot is the first message to a child: Body is a BootInfo, and one
	// descriptor comes with it, the sealed snapshot of the configuration.
	Boot Kind = "boot"
	// Hello is to be answered with Hello and the same Seq from the child's loop.
	Hello Kind = "hello"
	// Reload carries a new snapshot descriptor, and in Topic the name that the
	// process is to have from now on; answered with Reloaded.
	Reload Kind = "reload"
	// Stop ends the child in an orderly way.
	Stop Kind = "stop"
	// Query asks for what Topic names; answered with Answer, the same Seq and
	// Topic, and Body: for TopicStatus an api.Status in which the child has
	// filled in what it knows, for the others what package dump has of it.
	Query Kind = "query"
	// Order is an operator's command about real servers: Body is an
	// api.ServerCommand; answered with Answer, the same Seq, and Body an
	// api.ServerAnswer, or Error.
	Order Kind = "order"
	// Load asks the throw-away reader to read the configuration; Body is what
	// package parent put there. Answered with Loaded.
	Load Kind = "load"
	// Prepare tells a reader in advance what it will be asked to read, so that it
	// makes ready for it; a bare Load follows, or nothing. Body is that of Load.
	Prepare Kind = "prepare"
	// Link carries one end of a socket pair whose other end the child named by
	// Topic has, for the two to speak without us: the BFD child to others.
	Link Kind = "link"
	// Dump asks the throw-away writer of data files to write some; Body is what
	// package parent put there, and the running snapshot comes with it. Answered
	// with Dumped.
	Dump Kind = "dump"
)

// Topics of a Query.
const (
	TopicStatus = "status"
	TopicDump   = "dump" // for the data files
	// TopicTraffic is asked over the Link to a checker child: the
	// answer is an api.Status of services, with what the director counted.
	TopicTraffic = "traffic"
	TopicClear   = "clear" // the same, and the counters begin anew
)

// Topics of a Wish.
const (
	WishReload = "reload"
	WishData   = "data" // files are to be written, as by signals
	WishStats  = "stats"
	WishClear  = "clear"
)

// Messages of a child.
const (
	Ready    Kind = "ready"    // up and serving; once
	Reloaded Kind = "reloaded" // Error empty: the new configuration runs
	Answer   Kind = "answer"
	Loaded   Kind = "loaded" // the reader's report and, unless Error, the snapshot's descriptor
	Dumped   Kind = "dumped" // Body is what package parent puts there
	Failed   Kind = "failed" // Error: why the child is about to end
	// Sessions goes over a Link: what has become of BFD sessions; Body is a
	// list of bfd.Verdict. The first has all that is known.
	Sessions Kind = "sessions"
	// Routers goes over a Link, from the VRRP to the outlet child: Body is a
	// feed.VRRP. A Query may come the other way, and is answered there.
	Routers Kind = "routers"
	// Pools goes over a Link, from the checker to the outlet child: Body is a
	// feed.Pool. A Query about TopicTraffic may come the other way.
	Pools Kind = "pools"
	// Garp goes over that Link the other way: the instance named by Topic is to
	// announce its addresses once, if it is master.
	Garp Kind = "garp"
	// Set goes there, too: Body is a feed.Setting; answered with Answer, the same
	// Seq, and perhaps Error.
	Set Kind = "set"
	// Hold carries a socket that the parent is to keep a copy of, by the name in
	// Topic, for whoever comes after a proxy child that dies (BootInfo.Held). Of
	// a name that it has it keeps the last.
	Hold Kind = "hold"
	// Drop ends that.
	Drop Kind = "drop"
	// Wish is what somebody outside asked the outlet child for, by Topic.
	Wish Kind = "wish"
)

// Message is one frame.
type Message struct {
	Kind  Kind   `json:"kind"`
	Seq   uint64 `json:"seq,omitempty"`
	Error string `json:"error,omitempty"`
	Topic string `json:"topic,omitempty"`
	// Body is JSON.
	Body []byte `json:"-"`
	// Files is how many descriptors travel with the message; Send sets it.
	Files int `json:"files,omitempty"`
}

// BootInfo is what a child must know besides the configuration.
type BootInfo struct {
	// Child is "vrrp", "checker", "bfd", "proxy" or "outlet".
	Child      string `json:"child"`
	ConfigFile string `json:"config_file"`
	ConfigID   string `json:"config_id"`
	// PIDFile is written, locked and removed by the child.
	PIDFile string `json:"pid_file"`
	// KeepVRRP (-V), KeepIPVS (-I): leave addresses or services at stop.
	KeepVRRP bool `json:"keep_vrrp"`
	// NoBFD (-B): there is no BFD child, and none will be.
	NoBFD bool `json:"no_bfd,omitempty"`
	// LogAddresses (-a): log all addresses that come and go.
	LogAddresses bool `json:"log_addresses,omitempty"`
	KeepIPVS     bool `json:"keep_ipvs"`
	// ReleaseVIPs (-X): drop virtual addresses also on a mere transition to backup by signal.
	ReleaseVIPs bool       `json:"release_vips"`
	Log         LogOptions `json:"log"`
	// StopFD is, in the VRRP child only, the number of a descriptor that becomes
	// readable when the parent is told to end (package bell), sooner than Stop
	// can come; it means the same. 0 if none.
	StopFD int `json:"stop_fd"`
	// NotesFD is, in the VRRP and the proxy child, the number of the descriptor
	// of its Notes. 0 if none.
	NotesFD int `json:"notes_fd"`
	// TailFD is the number of the descriptor of the child's Tail. 0 if none.
	TailFD int `json:"tail_fd,omitempty"`
	// ProxyFD is, in the proxy child only, the number of the descriptor of
	// the listening Unix socket that the parent made (director/proxy.Listen)
	// and keeps for as long as it lives, so that whoever dies finds the other
	// again. 0 if none.
	ProxyFD int `json:"proxy_fd"`
	// Held are, in the proxy child only, the sockets that its predecessor
	// listened on. It owns them.
	Held []Held `json:"held,omitempty"`
	// ProxyAddr is that socket's abstract name ("@holdfast-proxy-…"), for the
	// checker child, which connects to it if its configuration means the
	// director proxy. It is set also while no proxy child runs: a reload may
	// bring one.
	ProxyAddr string `json:"proxy_addr,omitempty"`
	// LedgerFile is, for the VRRP child, where it notes what it may put into the
	// kernel; for the checker child, what sysctls were before it set them.
	LedgerFile string `json:"ledger_file,omitempty"`
	// SNMP (-x): serve all of it; AgentX (-A): where the master agent is, if
	// the configuration does not say.
	SNMP   bool   `json:"snmp,omitempty"`
	AgentX string `json:"agentx,omitempty"`
	// Version is the program's, for the outlet child.
	Version string `json:"version,omitempty"`
	// StateFile is, for the checker child, where overrides by command are kept.
	StateFile string `json:"state_file,omitempty"`
	// NetNS and Instance are, for the outlet child, the names that count since
	// the daemon was started (-s or net_namespace, and instance); empty: none.
	NetNS    string `json:"net_namespace,omitempty"`
	Instance string `json:"instance,omitempty"`
	// TimerSlack is that of programs which the child starts: the parent's, while
	// the child's own may be longer (proc.WithSlack).
	TimerSlack time.Duration `json:"timer_slack_ns"`
	// Restarts counts how often this child was started again.
	Restarts int `json:"restarts"`
}

// MaxHeld bounds the sockets that are held for a child.
const MaxHeld = 4096

// Held is a socket that was held for a child.
type Held struct {
	Name string `json:"name"` // as Hold said
	FD   int    `json:"fd"`
}

// LogOptions says where a process logs to.
type LogOptions struct {
	Console  bool   `json:"console"`   // -l: stderr
	Detail   bool   `json:"detail"`    // -D
	NoSyslog bool   `json:"no_syslog"` // -G
	Facility int    `json:"facility"`  // -S, LOG_DAEMON by default
	File     string `json:"file"`      // -g
	JSON     bool   `json:"json"`      // holdfast: one JSON object a line
	Ident    string `json:"ident"`
}
