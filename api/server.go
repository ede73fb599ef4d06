package api

import "time"

// What may be said of a real server.
const (
	ServerDrain   = "drain"   // no new connections; those that it has go on
	ServerDisable = "disable" // out at once
	ServerWeight  = "weight"  // another weight
	ServerEnable  = "enable"  // take it back
	ServerClear   = "clear"   // take everything back, or all of a service
)

// ServerCommand is what POST /v1/server asks, in the query of its URL.
type ServerCommand struct {
	Action string `json:"action"`
	// Service and Server are names as Status has them, or short forms of them
	// that fit one only; "all" services are those that have such a server.
	// ServerClear takes a service or none, which is all, and no server.
	Service string `json:"service,omitempty"`
	Server  string `json:"server,omitempty"`
	Weight  int    `json:"weight,omitempty"` // of ServerWeight, 0–65535
	Why     string `json:"why,omitempty"`    // for those who look at the status
}

// MaxWhy bounds ServerCommand.Why in bytes.
const MaxWhy = 200

// ServerAnswer says what was done.
type ServerAnswer struct {
	// Done are the overrides that were made, or, with ServerEnable and
	// ServerClear, those that are gone.
	Done []Override `json:"done"`
	// Unsaved says why they will not outlive the daemon.
	Unsaved string `json:"unsaved,omitempty"`
}

// Override is what was said of a server by command; it holds until it is taken
// back, over reloads and restarts.
type Override struct {
	Service string    `json:"service"`
	Server  string    `json:"server"`
	Kind    string    `json:"kind"`   // drain, disable, weight
	Weight  int       `json:"weight"` // of weight
	Since   time.Time `json:"since"`
	Why     string    `json:"why,omitempty"`
	// Absent: the configuration has no such server at present.
	Absent bool `json:"absent,omitempty"`
}
