package lvs

import "time"

// MaxWeight bounds a server's weight after all adjustments, as IPVS does.
const MaxWeight = 65535

// PoolConfig describes one virtual server; a Pool takes its slices over. Names in brackets are the keywords
// of keepalived.conf(5), and of docs/pools.md.
type PoolConfig struct {
	Name string // "[10.1.0.1]:tcp:80", "FWM 7", "[group]:0"
	// Keys are the services that the pool offers, more than one for a group.
	Keys []ServiceKey
	// Service is what they have in common; its Servers are not used.
	Service Service
	// Quorum is the weight that live servers must have together [quorum].
	Quorum int
	// Hysteresis is how much more is needed to gain quorum, and how much less
	// to lose it [hysteresis].
	Hysteresis int
	Sorry      *SorryConfig
	// Panic is the percentage of servers that must be up, or all of them get
	// traffic, 0: no such thing [panic_threshold].
	Panic int
	// MaxEject is the percentage of servers that checks may take out, 0: all
	// [max_eject].
	MaxEject int
	Servers  []ServerConfig // no Key twice
}

// SorryConfig is the server that answers when there is no quorum
// [sorry_server].
type SorryConfig struct {
	Key     ServerKey
	Name    string
	Server  Server
	Inhibit bool // stays in with weight 0 when not needed [sorry_server_inhibit]
}

// ServerConfig describes one real server.
type ServerConfig struct {
	Key    ServerKey
	Name   string // "[10.0.0.1]:tcp:80"
	Server Server
	// Inhibit: weight 0 instead of removal [inhibit_on_failure].
	Inhibit bool
	// Reset: when it fails, its connections are reset [on_down reset].
	Reset bool
	// Tier is its rank among backups, 0 first [tier].
	Tier int
	// Drain is how long it may keep its connections when it goes while it is
	// well, 0: not at all [drain].
	Drain time.Duration
	// SlowStart is the time in which its weight grows when it comes [slow_start].
	SlowStart time.Duration
	// Checks are the states of its checkers now: at the start as their alpha
	// says, at a reload as they are.
	Checks []CheckState
	// Override is what was said of it by command.
	Override Override
}

// reason is why a check has it down, or that it was configured.
func (c *ServerConfig) reason() string {
	for i := range c.Checks {
		if s := &c.Checks[i]; !s.Up && !s.Unknown && s.Cause != "" {
			return s.Cause
		}
	}
	return "reload"
}

// CheckState is what one checker says of its server.
type CheckState struct {
	Up bool
	// Unknown: it has not looked yet, and Up is what alpha says.
	Unknown bool
	// Weight is what its probe asks for; valid only when WeightSet.
	WeightSet bool
	Weight    int
	Cause     string // why it is down
}

// Override is what an operator says of a server; it goes before what
// configuration and checks say of its weight, and a failing check before it.
type Override struct {
	Kind   OverrideKind
	Weight int // of Weighted
}

// OverrideKind is a kind of override.
type OverrideKind uint8

// The overrides.
const (
	NoOverride OverrideKind = iota
	Drained                 // no new connections
	Disabled                // out at once
	Weighted                // another weight
)

// out reports whether the server is meant to take no new connections.
func (o Override) out() bool { return o.Kind == Drained || o.Kind == Disabled }
