package dbus

import (
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/feed"
)

// Paths and interfaces, as keepalived has them.
const (
	root         = "/org/keepalived/Vrrp1"
	vrrpPath     = root + "/Vrrp"
	instancePath = root + "/Instance"

	vrrpIface     = "org.keepalived.Vrrp1.Vrrp"
	instanceIface = "org.keepalived.Vrrp1.Instance"
)

// pathOf is the path of an instance's object: its interface, VRID and family.
func pathOf(r *feed.Router, noInterface string) string {
	dev := r.Interface
	if dev == "" {
		dev = noInterface
	}
	return instancePath + "/" + element(dev) + "/" + strconv.Itoa(r.VRID) + "/IPv" + strconv.Itoa(r.Family)
}

// element makes a name an element of a path: what has no place there becomes _.
func element(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r == '_':
			return r
		}
		return '_'
	}, name)
}

// status is a state as properties and signals have it.
type status struct {
	Number uint32
	Name   string
}

// stopped is said of every instance at an orderly end.
var stopped = status{98, "Stop"}

var statuses = map[string]status{
	"INIT": {0, "Init"}, "BACKUP": {1, "Backup"}, "MASTER": {2, "Master"}, "FAULT": {3, "Fault"},
	"DELETED": {97, "Deleted"},
}

func statusOf(r *feed.Router) status { return statuses[r.State] }
