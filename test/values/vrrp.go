package values

import (
	"os"
	"os/user"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/dump"
)

// UnseenVRRP are fields of state rather than of configuration, or of what
// conf.Config does not keep.
var UnseenVRRP = []string{
	"State", "Master router", "Master priority", "Master advert int", "Flags", "Number of", "Last transition", "Read timeout",
	"Master down timer", "Using src_ip", "Effective priority", "Total priority", "Master advert interval", "fd_in",
	"Unicast checksum compatibility", "Unicast TTL",
	"Use VMAC", "Use IPVLAN", "Result", "Insecure", "Init state", "Status", "VRRP instances", "Num member", "Additional",
}

// VRRP says of a configuration what keepalived does of its VRRP part: it is what
// our own keepalived.data says, read in the same way. Of default_interface
// keepalived says eth0 whatever it is set to.
func VRRP(c *conf.Config) []Object {
	text, _, _ := strings.Cut(string(dump.Data(c, nil, &dump.Options{
		IDs: numbers, HostName: hostName(), Interfaces: []dump.Interface{{Name: "e0", Index: 3}}, // of the test's namespace
	})), "------< Interfaces")
	return slices.DeleteFunc(Parse(text), func(o Object) bool { return o.Kind == "Default interface" })
}

func hostName() string {
	name, _ := os.Hostname() // without one keepalived has none either
	return name
}

// masked is what our dump has for a password.
const masked = dump.Mask

// numbers are those of a user and a group.
func numbers(name, grp string) string {
	if name == "" {
		name = "root"
	}
	u, err := user.Lookup(name)
	if err != nil {
		return err.Error()
	}
	gid := u.Gid
	if grp != "" {
		g, err := user.LookupGroup(grp)
		if err != nil {
			return err.Error()
		}
		gid = g.Gid
	}
	return u.Uid + ":" + gid
}

// sorted puts the words of a route into an order; keepalived has its own.
func sorted(route string) string {
	w := strings.Fields(route)
	slices.Sort(w)
	return strings.Join(w, " ")
}
