// Package api has the JSON values that holdfast's control socket speaks.
// They are public and versioned; fields are only ever added.
package api

import "time"

// Version is the version of these values.
const Version = 1

// Status answers GET /v1/status on the control socket.
type Status struct {
	Version    int         `json:"version"`
	Holdfast   string      `json:"holdfast"` // the program's version
	PID        int         `json:"pid"`
	Started    time.Time   `json:"started"`
	ConfigFile string      `json:"config_file"`
	ConfigID   string      `json:"config_id,omitempty"`
	Loaded     time.Time   `json:"loaded"`
	Problems   []Problem   `json:"problems"` // what the loaded configuration has wrong
	Reload     *ReloadFail `json:"reload_failed,omitempty"`
	LastReload *Reload     `json:"last_reload,omitempty"` // the last one that was taken
	Children   []Child     `json:"children"`
	Instances  []Instance  `json:"instances"`
	Groups     []Group     `json:"groups"`
	Director   string      `json:"director,omitempty"`
	PutBack    int         `json:"put_back,omitempty"` // entries of the director's table that others had changed
	// DirectorRefuses says what the director does not take of what it is told,
	// while that is so: real servers that are in may get nothing then.
	DirectorRefuses string    `json:"director_refuses,omitempty"`
	Services        []Service `json:"services"`
	// Shared are the probes that several real servers go by.
	Shared []SharedProbe `json:"shared_probes,omitempty"`
	// Overrides are what was said of servers by command.
	Overrides []Override   `json:"overrides,omitempty"`
	BFD       []BFDSession `json:"bfd,omitempty"`
	// BFDRefused counts BFD packets that belong to no session, by what was wrong.
	BFDRefused map[string]uint64 `json:"bfd_refused,omitempty"`
}

// Problem is one diagnostic of the configuration.
type Problem struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Message  string `json:"message"`
}

// ReloadFail tells that the last reload was refused; the running
// configuration is the one before.
type ReloadFail struct {
	At  time.Time `json:"at"`
	Why string    `json:"why"`
}

// Reload is what a reload did, as planned before anything was touched.
type Reload struct {
	At      time.Time `json:"at"`
	Changes bool      `json:"changes"`
	// Plan has a line for each object that did not stay as it was.
	Plan    []string `json:"plan"`
	LeftOut int      `json:"left_out,omitempty"` // further lines
}

// Child is one child process.
type Child struct {
	Name     string    `json:"name"`
	PID      int       `json:"pid"`
	State    string    `json:"state"` // "serving", "starting", or what is wrong
	Started  time.Time `json:"started"`
	Restarts int       `json:"restarts"`
	LastEnd  string    `json:"last_end,omitempty"` // why it ended last time
}

// Instance is one VRRP instance.
type Instance struct {
	Name         string            `json:"name"`
	State        string            `json:"state"` // MASTER, BACKUP, FAULT, INIT
	Since        time.Time         `json:"since"`
	Cause        string            `json:"cause"`
	Interface    string            `json:"interface"`      // as the configuration names it
	VMAC         string            `json:"vmac,omitempty"` // the virtual interface above it
	VRID         int               `json:"vrid"`
	Family       string            `json:"family"` // IPv4, IPv6
	VRRPVersion  int               `json:"vrrp_version"`
	Priority     int               `json:"priority"` // effective
	BasePriority int               `json:"base_priority"`
	AdvertMS     float64           `json:"advert_interval_ms"`
	Master       string            `json:"master,omitempty"` // the address we hear, on a backup
	MasterPrio   int               `json:"master_priority,omitempty"`
	Addresses    []string          `json:"addresses"`
	Tracks       map[string]string `json:"tracks,omitempty"` // name: "up", "down: exit status 1"
	Counters     map[string]uint64 `json:"counters"`
	// ReverseTracks are those of Tracks that are wanted down [reverse].
	ReverseTracks []string `json:"reverse_tracks,omitempty"`

	// On a backup: how long ago Master was heard, after how much silence this
	// router takes over (Master_Down_Interval), and in what time it does if
	// nobody is heard from now on; all in milliseconds. Of a router that is
	// not armed TakeoverMS is absent.
	HeardMS    float64  `json:"master_heard_ms_ago,omitempty"`
	DownMS     float64  `json:"master_down_interval_ms,omitempty"`
	TakeoverMS *float64 `json:"takeover_in_ms,omitempty"`
	// Waiting: it would take over, but other members of its sync group not.
	Waiting bool `json:"waits_for_group,omitempty"`
	Preempt bool `json:"preempt"`
	// ListensMS is for how long, in milliseconds, a master says nothing yet: it was
	// stopped or suspended, and somebody may have taken over.
	ListensMS float64 `json:"listens_ms,omitempty"`
	// Split is set while somebody is master beside this one.
	Split *Split `json:"split,omitempty"`
	// Refused is set while adverts are not believed.
	Refused *Refused `json:"refused,omitempty"`
	// Configured is what was set otherwise over SNMP, until the next reload;
	// absent: nothing.
	Configured *Configured `json:"configured,omitempty"`
	// Readiness says in a sentence what would happen if the master failed now.
	Readiness string `json:"readiness,omitempty"`
}

// Configured is what the configuration says that can be set.
type Configured struct {
	Priority int  `json:"priority"`
	Preempt  bool `json:"preempt"`
}

// Split is an episode with two masters.
type Split struct {
	With     string    `json:"with"` // the other's address
	Priority int       `json:"priority"`
	Since    time.Time `json:"since"`
}

// Refused tells of adverts for a virtual router that were not believed lately.
type Refused struct {
	From  string  `json:"from"` // who sent the last one
	Why   string  `json:"why"`
	Times uint64  `json:"times"` // since the child began
	AgoMS float64 `json:"ago_ms"`
}

// Group is one sync group.
type Group struct {
	Name    string   `json:"name"`
	State   string   `json:"state"`
	Members []string `json:"members"`
}

// Service is one virtual server.
type Service struct {
	Name       string `json:"name"` // [192.0.2.1]:tcp:80, or FWM 7
	Scheduler  string `json:"scheduler"`
	Forward    string `json:"forward"`
	Quorum     int    `json:"quorum"`
	HasQuorum  bool   `json:"has_quorum"`
	Sorry      string `json:"sorry_server,omitempty"`
	SorryInUse bool   `json:"sorry_in_use"`
	// Tier is which one serves, where there are several: its number, "all" or
	// "none".
	Tier    string   `json:"tier,omitempty"`
	Panic   bool     `json:"panic,omitempty"` // so few servers are up that all get traffic
	Traffic *Traffic `json:"traffic,omitempty"`
	Servers []Server `json:"servers"`
}

// Traffic is what the director counted, for a service or one of its servers
// and since that was made; nothing if the director does not count or did not
// answer in time. A connection is a session where there are datagrams.
type Traffic struct {
	Connections uint64 `json:"connections"`        // made
	Active      uint64 `json:"active"`             // now; of servers only, with IPVS
	Inactive    uint64 `json:"inactive,omitempty"` // that ended and are remembered (IPVS)
	InPackets   uint64 `json:"in_packets,omitempty"`
	InBytes     uint64 `json:"in_bytes"` // from clients
	OutPackets  uint64 `json:"out_packets,omitempty"`
	OutBytes    uint64 `json:"out_bytes"`            // to clients; not with direct routing and tunnels
	Persistent  uint64 `json:"persistent,omitempty"` // clients remembered
	// Of the embedded director: attempts that a server refused or did not
	// answer, connections for which there was no server, UDP sessions that
	// ended early to make room, attempts to accept or connect for which this
	// machine had no descriptors, memory or local ports left.
	Refused  uint64 `json:"refused,omitempty"`
	NoServer uint64 `json:"no_server,omitempty"`
	Evicted  uint64 `json:"evicted,omitempty"`
	Starved  uint64 `json:"starved,omitempty"`
	// Rates a second, as the kernel estimates them (IPVS).
	ConnectionRate uint64 `json:"connection_rate,omitempty"`
	InPacketRate   uint64 `json:"in_packet_rate,omitempty"`
	OutPacketRate  uint64 `json:"out_packet_rate,omitempty"`
	InByteRate     uint64 `json:"in_byte_rate,omitempty"`
	OutByteRate    uint64 `json:"out_byte_rate,omitempty"`
}

// Server is one real server.
type Server struct {
	Name   string `json:"name"`   // [10.0.0.1]:tcp:80
	Up     bool   `json:"up"`     // as its checks say, or it stays in though they fail
	Weight int    `json:"weight"` // as configured, or as checks or a command say
	// State is where it is: "in", "out", "draining", "drained", "disabled",
	// "standby" (another tier or the sorry server serves), "inhibited", "starts
	// slowly", "held in" (max_eject), "in by panic".
	State string `json:"state"`
	// Offered is the weight that the director is told; nothing if it is not told
	// of this server.
	Offered  *int      `json:"offered_weight,omitempty"`
	Tier     int       `json:"tier,omitempty"`
	Override *Override `json:"override,omitempty"`
	Since    time.Time `json:"since"`
	Cause    string    `json:"cause"`
	Checks   []Check   `json:"checks"`
	Traffic  *Traffic  `json:"traffic,omitempty"`
}

// Check is one checker of a real server.
type Check struct {
	Kind string `json:"kind"`
	// Follows names the bfd_instance of a BFD_CHECK.
	Follows string    `json:"follows,omitempty"`
	Up      bool      `json:"up"`
	Detail  string    `json:"detail"`
	Last    time.Time `json:"last"`
	TookMS  float64   `json:"took_ms"`
	// Shared is the ID of its probe in shared_probes, 0 if nobody else has it.
	Shared int `json:"shared_probe,omitempty"`
}

// SharedProbe is a check that several real servers have in common: it is made
// once, and its verdict is given to each of them.
type SharedProbe struct {
	ID     int         `json:"id"` // from 1; of this answer only
	Kind   string      `json:"kind"`
	Target string      `json:"target"` // 10.0.0.1:80, or what else is looked at
	Users  []ProbeUser `json:"users"`
}

// ProbeUser is a real server of a virtual server.
type ProbeUser struct {
	Service string `json:"service"`
	Server  string `json:"server"`
}
