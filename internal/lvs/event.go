package lvs

import "time"

// Event is what a Pool can be told: Turned, Weighed, Reconfigure, Overridden,
// Ended, Leave or Tick.
type Event interface{ event() }

// Turned: a checker has changed its mind.
type Turned struct {
	Server ServerKey
	Check  int // its place in ServerConfig.Checks
	Up     bool
	Cause  string // why
}

// Weighed: a checker's probe asks for a weight.
type Weighed struct {
	Server ServerKey
	Check  int
	Weight int
	Cause  string // which check it is, in words
}

// Reconfigure: a reload. Servers keep what their checkers said.
type Reconfigure struct{ Config PoolConfig }

// Overridden: an operator has said something of a server, or, with NoOverride,
// has taken it back.
type Overridden struct {
	Server   ServerKey
	Override Override
}

// Ended: a server that leaves has no connections any more.
type Ended struct{ Server ServerKey }

// Leave: the whole pool is to go; there is no way back. AtOnce: also servers
// that may drain.
type Leave struct{ AtOnce bool }

// Tick: the deadline has come.
type Tick struct{}

func (Turned) event()      {}
func (Weighed) event()     {}
func (Reconfigure) event() {}
func (Overridden) event()  {}
func (Ended) event()       {}
func (Leave) event()       {}
func (Tick) event()        {}

// Change is what a Pool reports: ServerUp, ServerDown, ServerAdded,
// ServerRemoved, WeightChanged, QuorumGained, QuorumLost, SorryIn, SorryOut,
// TierChanged, PanicBegan, PanicEnded, ServerHeld, HeldRecovered, DrainBegan,
// DrainEnded, RampBegan or RampEnded.
type Change interface{ change() }

// ServerUp: a real server takes connections again.
type ServerUp struct {
	Server *ServerConfig
	Cause  string
}

// ServerDown: a real server takes no more new connections.
type ServerDown struct {
	Server *ServerConfig
	Cause  string
}

// ServerAdded: a reload brought a server.
type ServerAdded struct {
	Server *ServerConfig
	Up     bool
}

// ServerRemoved: a reload took a server away.
type ServerRemoved struct {
	Server ServerConfig
	Up     bool
}

// WeightChanged: a server's weight is another, by a reload, by its checks or by
// command.
type WeightChanged struct {
	Server   *ServerConfig
	From, To int
	Active   bool // the server is up
	Cause    string
}

// QuorumGained: live servers weigh enough.
type QuorumGained struct {
	Quorum, Hysteresis, Weight int
	First                      bool // at the start
}

// QuorumLost: live servers do not weigh enough. Of tiers, Weight is the
// heaviest's.
type QuorumLost struct {
	Quorum, Hysteresis, Weight int
	First                      bool
}

// SorryIn: the sorry server stands in for all real servers.
type SorryIn struct{ Sorry *SorryConfig }

// SorryOut: the real servers are back.
type SorryOut struct{ Sorry *SorryConfig }

// AllTiers stands for a tier where none has quorum, and all serve together.
const AllTiers = -1

// TierChanged: servers of another tier serve.
type TierChanged struct{ From, To int }

// PanicBegan: so few servers are up that all get traffic.
type PanicBegan struct{ Up, Of, Threshold int }

// PanicEnded: enough servers are up again, or the sorry server stands in.
type PanicEnded struct{ Up, Of, Threshold int }

// ServerHeld: a server's checks fail, but it stays in, for Out others are out
// and no more may be.
type ServerHeld struct {
	Server  *ServerConfig
	Cause   string
	Allowed int
}

// HeldRecovered: a server that stayed in though it failed is well again.
type HeldRecovered struct{ Server *ServerConfig }

// DrainBegan: a server takes no new connections, and goes when those that it
// has end, or at the latest after For.
type DrainBegan struct {
	Name string
	For  time.Duration
}

// DrainEnded: it is gone.
type DrainEnded struct {
	Name  string
	Empty bool // no connection was left
}

// RampBegan: a server has come, and its weight grows from 1.
type RampBegan struct{ Server *ServerConfig }

// RampEnded: it has its whole weight.
type RampEnded struct {
	Server *ServerConfig
	Weight int
}

func (ServerUp) change()      {}
func (ServerDown) change()    {}
func (ServerAdded) change()   {}
func (ServerRemoved) change() {}
func (WeightChanged) change() {}
func (QuorumGained) change()  {}
func (QuorumLost) change()    {}
func (SorryIn) change()       {}
func (SorryOut) change()      {}
func (TierChanged) change()   {}
func (PanicBegan) change()    {}
func (PanicEnded) change()    {}
func (ServerHeld) change()    {}
func (HeldRecovered) change() {}
func (DrainBegan) change()    {}
func (DrainEnded) change()    {}
func (RampBegan) change()     {}
func (RampEnded) change()     {}
