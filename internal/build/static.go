package build

import (
	"cmp"
	"net/netip"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// usualInterface is where static addresses without one go when there is no
// default_interface (keepalived.conf(5)).
const usualInterface = "eth0"

// static takes what is there whatever the states, each address once.
func (v *VRRP) static(c *conf.Config) {
	type place struct {
		dev    string
		prefix netip.Prefix
	}
	seen := map[place]bool{}
	for _, a := range c.StaticAddresses {
		a.Dev = cmp.Or(a.Dev, c.Global.DefaultInterface, usualInterface)
		at := place{a.Dev, a.Prefix}
		if !a.Prefix.IsValid() || seen[at] {
			continue
		}
		seen[at] = true
		v.StaticAddresses = append(v.StaticAddresses, a)
	}
	v.StaticRoutes, v.StaticRules = c.StaticRoutes, c.StaticRules
}
