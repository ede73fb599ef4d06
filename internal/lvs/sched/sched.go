// Package sched chooses a real server for a new connection, as the schedulers
// of IPVS do (ipvsadm(8), keepalived.conf(5) lb_algo), where no kernel does it.
//
// It is pure: who counts connections, applies thresholds and remembers clients
// is its caller, who also keeps the servers in order of their keys, so that
// two directors with the same servers come to the same choice. turns.go, least.go,
// order.go, hash.go and maglev.go are a family of schedulers each.
package sched

import (
	"net/netip"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// Server is what a scheduler sees of a real server.
type Server struct {
	Key    lvs.ServerKey
	Weight int // 0: nothing new
	// LastWeight is the last Weight above 0; mh keeps the place of a server
	// that is quiescent for a while.
	LastWeight int
	Active     int  // connections now
	Overloaded bool // over its upper threshold
	Tried      bool // it refused this very connection

	credit int // of the weighted round robin
}

// Available reports whether s may get a connection.
func (s *Server) Available() bool { return s.Weight > 0 && !s.Overloaded && !s.Tried }

// Set is the servers of a service in order of their keys. Version is another
// one after every change of servers or weights.
type Set struct {
	Servers []*Server
	Version uint64
}

// Request is the connection for which a server is wanted.
type Request struct {
	Client  netip.AddrPort
	Virtual netip.Addr // where the client went
}

// Scheduler chooses. It may remember where it was, so each service has its own.
type Scheduler interface {
	// Pick returns an available server, nil if r gets none: because there is
	// none, or because a hash says that it is the turn of one that is not
	// available.
	Pick(set *Set, r Request) *Server
}

// Fallback is used for schedulers that make no sense without a kernel: lblc
// and lblcr choose by the destination address of transparent caches, which is
// always the same here, and twos is wlc with less reading.
const Fallback = "wlc"

// The scheduler's flags (linux/ip_vs.h, IP_VS_SVC_F_SCHED1 and 2).
const (
	FlagFallback = 0x0008 // sh-fallback, mh-fallback: take another if it is not available
	FlagPort     = 0x0010 // sh-port, mh-port: the client's port counts too
)

// New returns a scheduler by its name in IPVS, and whether the name is one of
// ours; otherwise it is Fallback.
func New(name string, flags uint32) (Scheduler, bool) {
	fallback, port := flags&FlagFallback != 0, flags&FlagPort != 0
	switch name {
	case "rr":
		return &roundRobin{}, true
	case "wrr":
		return weightedTurns{}, true
	case "lc":
		return least{share: one, add: 0}, true
	case "wlc":
		return least{share: weight, add: 0}, true
	case "sed":
		return least{share: weight, add: 1}, true
	case "nq":
		return neverQueue{}, true
	case "fo":
		return heaviest{}, true
	case "ovf":
		return heaviest{overflow: true}, true
	case "sh":
		return hashed{key: clientHash(port), fallback: fallback}, true
	case "dh":
		return hashed{key: virtualHash, equal: true}, true
	case "mh":
		return &maglev{port: port, fallback: fallback}, true
	}
	return least{share: weight, add: 0}, false
}
