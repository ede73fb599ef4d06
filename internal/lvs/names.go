package lvs

import (
	"fmt"
	"strings"
)

// String writes a service as keepalived's log does: "[10.1.0.1]:tcp:80",
// "FWM 7".
func (k ServiceKey) String() string {
	if k.FWMark != 0 {
		return fmt.Sprintf("FWM %d", k.FWMark)
	}
	return fmt.Sprintf("[%s]:%s:%d", k.Addr, k.word(), k.Port)
}

// ServerName writes one of the service's real servers as keepalived's log
// does: "[10.0.0.1]:tcp:80", and with a mark "[10.0.0.1]:none:80".
func (k ServiceKey) ServerName(s ServerKey) string {
	return fmt.Sprintf("[%s]:%s:%d", s.Addr, k.word(), s.Port)
}

func (k ServiceKey) word() string {
	if k.FWMark != 0 || k.Protocol == 0 {
		return "none"
	}
	return strings.ToLower(k.Protocol.String())
}
