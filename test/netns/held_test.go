package netns_test

import (
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// holder starts one router that holds something of every kind, on two links.
func holder(t *testing.T, extra ...any) (*lab.Node, *lab.Daemon) {
	t.Helper()
	n := NodeWith(t, New(t), "a",
		lab.Port{LAN: "lan", Name: "eth0", Addresses: []string{"192.0.2.11/24"}},
		lab.Port{LAN: "other", Name: "eth1", Addresses: []string{"198.51.100.11/24"}})
	i := Instance{Priority: 150, Extra: `mcast_src_ip 192.0.2.11
    track_src_ip
    virtual_ipaddress_excluded {
        2001:db8::100/64
        198.51.100.100/24 dev eth1
        198.51.100.101/24 dev eth1 no_track
    }
    virtual_routes {
        172.16.0.0/16 via 192.0.2.254 dev eth0
        172.17.0.0/16 dev eth1 no_track
        2001:db8:1::/48 via 2001:db8::9 dev eth0
    }
    virtual_rules {
        from 172.16.0.0/16 table 7 preference 100
        from 2001:db8:1::/48 table 7 preference 100
        from 172.17.0.0/16 table 7 preference 101 no_track
    }`}
	d := Start(t, n, Holdfast(), config(append([]any{i}, extra...)...))
	Wait(t, "all is there", func() bool { return shows(t, n, allHeld...) })
	return n, d
}

// allHeld is what holder's router holds, in the words of ip(8).
var allHeld = []string{
	"inet 192.0.2.100/24", "inet6 2001:db8::100/64", "inet 198.51.100.100/24",
	"172.16.0.0/16 via 192.0.2.254", "2001:db8:1::/48 via 2001:db8::9",
	"100:\tfrom 172.16.0.0/16 lookup 7", "100:\tfrom 2001:db8:1::/48 lookup 7",
}

// shown is what a node has.
func shown(t *testing.T, n *lab.Node) (all string) {
	t.Helper()
	for _, words := range []string{"addr", "route", "-6 route", "rule", "-6 rule"} {
		out, err := n.Run("ip", strings.Fields(words)...)
		Must(t, err)
		all += out
	}
	return all
}

func shows(t *testing.T, n *lab.Node, what ...string) bool {
	t.Helper()
	all := shown(t, n)
	for _, w := range what {
		if !strings.Contains(all, w) {
			return false
		}
	}
	return true
}

func ip(t *testing.T, n *lab.Node, words string) {
	t.Helper()
	if out, err := n.Run("ip", strings.Fields(words)...); err != nil {
		t.Fatalf("ip %s: %v %s", words, err, out)
	}
}

// Whatever somebody takes away is put back, and the router stays master.
func TestWhatIsHeldIsPutBack(t *testing.T) {
	n, d := holder(t)
	for _, words := range []string{
		"addr del 192.0.2.100/24 dev eth0", "addr del 2001:db8::100/64 dev eth0", "route del 172.16.0.0/16", "-6 route del 2001:db8:1::/48",
		"rule del pref 100", "-6 rule del pref 100", "route replace 172.16.0.0/16 via 192.0.2.77", "route flush table main proto 18",
		"addr flush dev eth1 to 198.51.100.100", "rule flush",
	} {
		ip(t, n, words)
		Wait(t, "all is back after ip "+words, func() bool { return shows(t, n, allHeld...) })
	}
	ip(t, n, "addr del 198.51.100.101/24 dev eth1")
	Wait(t, "an address with no_track is missed", func() bool {
		return strings.Contains(d.Log(), "198.51.100.101/24 was removed from eth1 by somebody else: it stays away")
	})
	if shows(t, n, "198.51.100.101/24") || Logged(d, enteringMaster) != 1 {
		t.Errorf("after that:\n%s\n%s", shown(t, n), d.Log())
	}
	Must(t, d.Stop())
	Wait(t, "nothing is left", func() bool {
		all := shown(t, n)
		for _, w := range append(allHeld, "172.17.0.0/16", "101:") {
			if strings.Contains(all, w) {
				return false
			}
		}
		return shows(t, n, "192.0.2.11/24")
	})
}

// A child that dies leaves everything; the next one finds it and lets go of what
// it does not want.
func TestWhatIsHeldOutlivesAChild(t *testing.T) {
	n, d := holder(t)
	old := child(t, d)
	kill(t, old)
	Wait(t, "another child", func() bool { pid := d.ChildPID("vrrp"); return pid > 0 && pid != old })
	WaitLog(t, d, enteringMaster, 2)
	Wait(t, "all is there", func() bool { return shows(t, n, allHeld...) })
	Must(t, d.Stop())
	Wait(t, "nothing is left", func() bool { return !shows(t, n, "172.16.0.0/16") && !shows(t, n, "from 172") })
}

// The links of what is held may go down, vanish, be renamed and move elsewhere:
// what was on them comes back with them.
func TestLinksOfWhatIsHeldComeAndGo(t *testing.T) {
	n, d := holder(t)
	master := 1
	back := func(how string) {
		t.Helper()
		master++
		Wait(t, "master again after "+how, func() bool { return Logged(d, enteringMaster) >= master })
		Wait(t, "all is back after "+how, func() bool { return shows(t, n, allHeld...) })
	}
	fault := func() { t.Helper(); WaitLog(t, d, enteringFault, master) }
	ip(t, n, "link set eth1 down") // of an address, not of VRRP
	fault()
	ip(t, n, "link set eth1 up")
	back("eth1 down")
	ip(t, n, "link set eth0 down")
	fault()
	ip(t, n, "link set eth0 up")
	back("eth0 down")
	ip(t, n, "link set eth1 down")
	ip(t, n, "link set eth1 name gone")
	fault()
	ip(t, n, "link set gone name eth1")
	ip(t, n, "link set eth1 up")
	back("a new name")
	ip(t, n, "addr del 192.0.2.11/24 dev eth0") // track_src_ip
	fault()
	ip(t, n, "addr add 192.0.2.11/24 dev eth0")
	back("the source address")
}

// Static things that cannot be put back fault the routers of their track_group.
func TestTrackGroup(t *testing.T) {
	n := NodeWith(t, New(t), "a",
		lab.Port{LAN: "lan", Name: "eth0", Addresses: []string{"192.0.2.11/24"}},
		lab.Port{LAN: "other", Name: "eth1", Addresses: []string{"198.51.100.11/24"}})
	d := Start(t, n, Holdfast(), config(`
track_group G1 {
    group {
        VI_1
    }
}
static_ipaddress {
    203.0.113.1/24 dev eth1 track_group G1
}
static_routes {
    172.16.0.0/16 via 203.0.113.9 track_group G1
}
static_rules {
    from 203.0.113.0/24 table 7 preference 100 track_group G1
}
`, Instance{Priority: 150}))
	static := []string{"203.0.113.1/24", "172.16.0.0/16 via 203.0.113.9", "from 203.0.113.0/24"}
	WaitMaster(t, Virtual, d)
	Wait(t, "what is static is there", func() bool { return shows(t, n, static...) })
	ip(t, n, "rule del pref 100")
	Wait(t, "it is put back", func() bool { return shows(t, n, static...) })
	if Logged(d, enteringFault) != 0 {
		t.Error("a rule that was put back made a fault")
	}
	ip(t, n, "link set eth1 down")
	WaitLog(t, d, "(VI_1) "+enteringFault, 1)
	ip(t, n, "link set eth1 up")
	WaitLog(t, d, enteringMaster, 2)
	Wait(t, "what is static is back", func() bool { return shows(t, n, static...) })
}
