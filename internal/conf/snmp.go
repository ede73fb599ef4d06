package conf

import "time"

// SNMP is what global_defs says of SNMP: which tables are served, and over what.
type SNMP struct {
	Socket                    string // of the master agent; empty: DefaultAgentX
	Traps                     bool
	VRRP, Checker             bool          // the parts of KEEPALIVED-MIB
	RFCv2, RFCv3              bool          // VRRP-MIB (RFC 2787), VRRPV3-MIB (RFC 6527)
	ServiceStats, ServerStats time.Duration // how old counters may be, 1 ms to 30 s
}

// DefaultAgentX is where a master agent listens, unless it was told otherwise
// (RFC 2741 §8.1).
const DefaultAgentX = "/var/agentx/master"

// snmpStats is how old counters may be where nothing is said.
const snmpStats = 5 * time.Second

// Any reports whether anything is served.
func (s *SNMP) Any() bool { return s.VRRP || s.Checker || s.RFCv2 || s.RFCv3 }

// Options are the command line's: all asks for everything, and socket is where
// the master agent is if nothing else is said.
func (s *SNMP) Options(all bool, socket string) {
	if all {
		s.VRRP, s.Checker, s.RFCv2, s.RFCv3 = true, true, true, true
	}
	if s.Socket == "" {
		s.Socket = socket
	}
}
