package director

import (
	"fmt"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// ServiceName writes a service as keepalived's log does: "[10.1.0.1]:tcp:80",
// "FWM 7".
func ServiceName(k lvs.ServiceKey) string {
	if k.FWMark != 0 {
		return fmt.Sprintf("FWM %d", k.FWMark)
	}
	return fmt.Sprintf("[%s]:%s:%d", k.Addr, strings.ToLower(k.Protocol.String()), k.Port)
}

// ServerName writes a real server as keepalived's log does: "[10.0.0.1]:tcp:80".
func ServerName(service lvs.ServiceKey, k lvs.ServerKey) string {
	proto := "tcp"
	if service.FWMark == 0 {
		proto = strings.ToLower(service.Protocol.String())
	}
	return fmt.Sprintf("[%s]:%s:%d", k.Addr, proto, k.Port)
}
