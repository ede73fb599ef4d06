package conf

import (
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// maxBusName bounds a bus name in bytes (D-Bus Specification, "Valid Names").
const maxBusName = 255

// busName reports whether a bus gives such a name to those who ask for it: two
// elements and more, of which none begins with a digit.
func busName(name string) bool {
	elements := strings.Split(name, ".")
	return len(elements) > 1 && !slices.ContainsFunc(elements, func(e string) bool {
		digit := e != "" && e[0] >= '0' && e[0] <= '9'
		return e == "" || digit || strings.Trim(e, busLetters) != ""
	})
}

const busLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// setBusName keeps what no bus will give, as keepalived does: that D-Bus is
// without it then is told again when the daemon runs.
func setBusName(l *loader, s *stmt) {
	name := s.Text()
	global(l).DBus.Service = name
	if name != "" && (len(name) > maxBusName || !busName(name)) {
		s.Fault("HF011", diag.Warning, s.Words()[0], s.Keyword().Text+" "+strconv.Quote(name)+" is no name that a bus gives, nothing will be on D-Bus", "a name such as org.example.Vrrp")
	}
}
