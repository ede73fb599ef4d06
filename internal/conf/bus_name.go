package conf

import (
	"regexp"
	"strconv"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// maxBusName bounds a bus name in bytes (D-Bus Specification, "Valid Names").
const maxBusName = 255

// busName is what a bus gives to those who ask for it: two elements and more, of
// which none begins with a digit.
var busName = regexp.MustCompile(`^[A-Za-z_-][A-Za-z0-9_-]*(\.[A-Za-z_-][A-Za-z0-9_-]*)+$`)

// setBusName keeps what no bus will give, as keepalived does: that D-Bus is
// without it then is told again when the daemon runs.
func setBusName(l *loader, s *stmt) {
	name := s.Text()
	global(l).DBus.Service = name
	if name != "" && (len(name) > maxBusName || !busName.MatchString(name)) {
		s.Fault("HF011", diag.Warning, s.Words()[0], s.Keyword().Text+" "+strconv.Quote(name)+" is no name that a bus gives, nothing will be on D-Bus", "a name such as org.example.Vrrp")
	}
}
