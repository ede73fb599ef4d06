package lvs

import (
	"net/netip"
	"strconv"
)

// String writes a service as keepalived's log does: "[10.1.0.1]:tcp:80",
// "FWM 7".
func (k ServiceKey) String() string {
	if k.FWMark != 0 {
		return "FWM " + strconv.FormatUint(uint64(k.FWMark), 10)
	}
	return k.name(k.Addr, k.Port)
}

// ServerName writes one of the service's real servers as keepalived's log
// does: "[10.0.0.1]:tcp:80", and with a mark "[10.0.0.1]:none:80".
func (k ServiceKey) ServerName(s ServerKey) string { return k.name(s.Addr, s.Port) }

// name is written by hand, since tens of thousands are made at a start.
func (k ServiceKey) name(a netip.Addr, port uint16) string {
	var buf [64]byte
	b := a.AppendTo(append(buf[:0], '['))
	b = append(b, "]:"...)
	b = append(b, k.word()...)
	b = strconv.AppendUint(append(b, ':'), uint64(port), 10)
	return string(b)
}

func (k ServiceKey) word() string {
	switch {
	case k.FWMark != 0:
	case k.Protocol == TCP:
		return "tcp"
	case k.Protocol == UDP:
		return "udp"
	case k.Protocol == SCTP:
		return "sctp"
	}
	return "none"
}
