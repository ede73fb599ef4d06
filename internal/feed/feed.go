// Package feed has what the VRRP and the checker child tell the outlet child:
// what there is, and what becomes of it. Outlets (D-Bus, SNMP) make of it what they have to.
//
// These are values only; they travel by package ipc. What is asked for but
// seldom (counters, timers, tracked objects) is no part of them: a Query over
// the same link answers it with what package dump has.
package feed

import "strconv"

// Why says what a VRRP message is about.
type Why string

// The messages of a VRRP child. Began comes first on every link.
const (
	Began    Why = "began"    // all there are, as they are
	Present  Why = "present"  // the same, after something was lost on the way
	Changed  Why = "changed"  // those that changed state or priority, in that order, and what was refused
	Reloaded Why = "reloaded" // all there are now; Gone has those that were
	Stopped  Why = "stopped"  // all there were; the VRRP child ends in an orderly way
)

// VRRP is one message.
type VRRP struct {
	Why     Why      `json:"why"`
	Routers []Router `json:"routers,omitempty"` // in the configuration's order, unless Changed
	Gone    []Router `json:"gone,omitempty"`
	Groups  []Group  `json:"groups,omitempty"`
	// Refused are adverts that an instance did not believe. Whoever can send one
	// can send a million, so these are some of them; the counters have all.
	Refused []Refused `json:"refused,omitempty"`
}

// Refused is an advert that was not believed.
type Refused struct {
	Name   string `json:"name"`   // of the instance
	Source string `json:"source"` // an IP address
	Cause  string `json:"cause"`  // the counter's name, as package dump has it
}

// Pool is one message of a checker child: a real server came or went, or a
// virtual server got or lost its quorum.
type Pool struct {
	Service   string `json:"service"`
	HasQuorum bool   `json:"has_quorum"`
	Ups       int    `json:"ups"` // real servers that are up
	// Server is the real server that it is about; empty: the quorum.
	Server   string `json:"server,omitempty"`
	ServerUp bool   `json:"server_up,omitempty"`
	// Stopping: the checker child ends, and the service with it.
	Stopping bool `json:"stopping,omitempty"`
}

// Router is one VRRP instance.
type Router struct {
	Name string `json:"name"`
	// Interface as the configuration names it, below a virtual one; empty: none.
	Interface string `json:"interface,omitempty"`
	VRID      int    `json:"vrid"`
	Family    int    `json:"family"`  // 4 or 6
	Version   int    `json:"version"` // of the protocol, 2 or 3
	State     string `json:"state"`   // INIT, BACKUP, MASTER, FAULT; of one that is gone FAULT or DELETED
	Priority  int    `json:"priority"`
	Cause     string `json:"cause,omitempty"` // of a change, for people
}

// Group is one sync group.
type Group struct {
	Name  string `json:"name"`
	State string `json:"state"`
	Cause string `json:"cause,omitempty"`
}

// Setting is what somebody sets of an instance over SNMP; it goes from the
// outlet to the VRRP child.
type Setting struct {
	Name     string `json:"name"`               // of the instance
	Priority int    `json:"priority,omitempty"` // 1–255; 0: as it is
	Preempt  Switch `json:"preempt,omitempty"`
}

// Switch is on, off, or as it is.
type Switch string

// What a Switch may be.
const (
	AsItIs Switch = ""
	On     Switch = "on"
	Off    Switch = "off"
)

func (s Setting) String() string {
	switch {
	case s.Priority != 0:
		return "priority " + strconv.Itoa(s.Priority) + " of VRRP instance " + s.Name
	case s.Preempt == On:
		return "preemption of VRRP instance " + s.Name
	}
	return "no preemption of VRRP instance " + s.Name
}
