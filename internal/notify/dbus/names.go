package dbus

import (
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/feed"
)

// Paths and interfaces, as keepalived has them.
const (
	root = "/org/keepalived/Vrrp1"

	vrrpIface     = "org.keepalived.Vrrp1.Vrrp"
	instanceIface = "org.keepalived.Vrrp1.Instance"
)

// names make paths.
type names struct {
	base        string // of all paths
	noInterface string
}

// namesOf: daemons in several network namespaces, or several instances of one,
// have paths of their own, for they may share a bus.
func namesOf(netns, instance, noInterface string) names {
	n := names{root, noInterface}
	for _, name := range []string{netns, instance} {
		if name != "" {
			n.base += "/" + element(name)
		}
	}
	return n
}

// vrrp is the path of the object of all of VRRP.
func (n *names) vrrp() string { return n.base + "/Vrrp" }

// instance is the path of an instance's object: its interface, VRID and family.
func (n *names) instance(r *feed.Router) string {
	dev := r.Interface
	if dev == "" {
		dev = n.noInterface
	}
	return n.base + "/Instance/" + element(dev) + "/" + strconv.Itoa(r.VRID) + "/IPv" + strconv.Itoa(r.Family)
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
