package netns_test

import (
	"testing"

	"github.com/vishvananda/netlink"

	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

const statics = `
static_ipaddress {
    198.51.100.1/24 dev eth0
}
static_routes {
    203.0.113.0/24 via 198.51.100.9 dev eth0
}
`

// Static addresses and routes are there at once and whatever the state, come
// back when somebody removes them or the link was down, and go at the end.
func TestStaticAddressesAndRoutes(t *testing.T) {
	l := New(t)
	n := Node(t, l, "a", "192.0.2.11/24")
	d := Start(t, n, Holdfast(), statics)
	route := func() (there bool) {
		Must(t, n.Do(func() error {
			routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
			for _, r := range routes {
				there = there || r.Dst.String() == "203.0.113.0/24" && r.Gw.String() == "198.51.100.9"
			}
			return err
		}))
		return there
	}
	there := func() bool { return n.Has("198.51.100.1") && route() }
	Wait(t, "they are there", there)
	Must(t, n.DelAddress("eth0", "198.51.100.1/24"))
	Wait(t, "they are back", there)
	Must(t, n.SetLink("eth0", false))
	Wait(t, "the kernel drops the route", func() bool { return !route() })
	Must(t, n.SetLink("eth0", true))
	Wait(t, "the route is back", there)
	Must(t, d.Stop())
	Wait(t, "they are gone", func() bool { return !n.Has("198.51.100.1") && !route() && n.Has("192.0.2.11") })
}
