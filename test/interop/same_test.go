package interop_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// What both daemons are given, one option of keepalived.conf(5) after the other.
// What keepalived 2.2.7 is known to do otherwise is not among it: it loses the
// second way of "or", the encapsulation of a nexthop and the word inet6.
var (
	sameAddresses = []string{
		"10.1.1.1/24", "10.1.1.2/24", "10.1.2.1", "10.1.3.1/24 brd 10.1.3.77", "10.1.3.2/24 brd +", "10.1.4.3/24 brd -",
		"10.1.5.1/24 label eth0:x", "10.1.6.1/24 scope link", "10.1.6.2/24 scope host dev eth1", "10.1.7.1/24 scope 77",
		"10.1.8.1 peer 10.1.8.2", "10.1.9.1/24 noprefixroute", "10.1.10.1/24 home", "10.1.11.1/24 mngtmpaddr", "10.1.12.1/24 -nodad",
		"10.1.13.1/24 preferred_lft 0", "10.1.14.1/24 preferred_lft 100", "10.1.15.1/31", "10.1.16.1/24 no_track",
		"10.1.17.1/24 dev eth1 label eth1:x", "10.1.18.1/24 scope nowhere dev eth1", "224.0.0.99/32 autojoin",
		"2001:db8:1::1/64", "2001:db8:1::2", "2001:db8:1::3/64 home", "2001:db8:1::4/64 -nodad", "2001:db8:2::5/64 mngtmpaddr",
		"2001:db8:3::6/64 noprefixroute", "2001:db8:5::8/64 preferred_lft 100", "2001:db8:5::9/64 preferred_lft 0",
		"2001:db8:5::a/128 preferred_lft forever", "2001:db8:6::b peer 2001:db8:6::c", "fe80::77", "2001:db8:7::1/64 dev eth1",
	}
	sameRoutes = []string{
		"src 10.1.1.1 to 172.16.1.0/24 via 192.0.2.254 dev eth0", "172.16.2.0/24 via 192.0.2.254", "172.16.3.0/24 dev eth0 no_track",
		"172.16.4.0/24 gw 192.0.2.254 dev eth0", "blackhole 172.16.5.0/24", "0.0.0.0/0 via 192.0.2.254 table 100",
		"default via 192.0.2.254 dev eth0 table 101",
		"172.16.6.0/24 dev eth0 table 6909 tos 0x04 scope link priority 12 mtu 1000 hoplimit 100 advmss 101 rtt 102 rttvar 103 " +
			"reordering 104 window 105 cwnd 106 ssthresh lock 107 realms 3/4 rto_min 108 initcwnd 109 initrwnd 110 features ecn add",
		"172.16.7.0/24 via 192.0.2.9 dev eth0 rtt 5s rttvar lock 7s rto_min 300ms hoplimit 3", "172.16.8.0/24 dev eth0 mtu lock 1200 rto_min 1s rtt 5ms",
		"172.16.9.0/24 dev eth0 quickack 1 fastopen_no_cookie 1", "172.16.10.0/24 dev eth0 congctl reno", "172.16.11.0/24 dev eth0 congctl lock cubic",
		"172.16.12.0/24 dev eth0 ttl-propagate enabled",
		"172.16.13.0/24 nexthop via 192.0.2.9 dev eth0 weight 3 nexthop via 192.0.2.10 weight 5 onlink dev eth0 realms 1/2",
		"172.16.14.0/24 nexthop dev eth0 nexthop dev eth1 weight 256", "unreachable 172.16.15.0/24 metric 5", "prohibit 172.16.16.0/24",
		"throw 172.16.17.0/24 table 77", "172.16.18.0/24 via 10.9.9.9 dev eth0 onlink",
		"172.16.19.0/24 encap ip id 7 dst 10.0.0.9 src 10.0.0.8 ttl 5 tos 3 via 192.0.2.9 dev eth0",
		"172.16.20.0/24 encap ip6 id 7 dst 2001:db8::9 src 2001:db8::8 hoplimit 5 tc 3 via 192.0.2.9 dev eth0",
		"172.16.21.0/24 dev eth0 protocol 33 no_track", "172.16.22.0/24 dev eth0 scope global", "172.16.23.0/24 dev eth0 scope 33",
		"172.16.24.0/24 dev eth0 realms 5", "172.16.25.0/24 dev eth0 tos 8", "172.16.25.0/24 dev eth0 dsfield 16", "172.16.26.0/24 dev eth1 append",
		"172.16.27.0/24 dev eth0 metric 8", "172.16.27.0/24 dev eth1 preference 9", "172.16.28.0/24 oif eth0", "172.16.29.0/24 dev eth0 table local",
		"172.16.30.0/24 dev eth0 table default", "172.16.31.0/24 dev eth0 quickack 0", "multicast 228.0.0.0/8 dev eth0", "unicast 172.16.32.4/32 dev eth0",
		"2001:db8:101::/48 dev eth0", "2001:db8:102::/48 via 2001:db8:1::99 dev eth0", "2001:db8:103::/48 via 2001:db8:1::99 dev eth0 metric 7 pref low",
		"2001:db8:104::/48 dev eth0 expires 300", "2001:db8:105::/48 nexthop via 2001:db8:1::98 dev eth0 nexthop via 2001:db8:1::97 dev eth0 weight 4",
		"blackhole 2001:db8:106::/48", "unreachable 2001:db8:107::/48", "prohibit 2001:db8:108::/48 table 99",
		"2001:db8:109::/48 dev eth0 mtu 1400 hoplimit 9 advmss 1200", "to ::/0 dev eth0 table 42", "anycast 2001:db8:10a::4/128 dev eth0",
		"2001:db8:10b::/48 dev eth0 src 2001:db8:1::1 pref high", "2001:db8:10c::/48 encap ip6 id 7 dst 2001:db8::9 via fe80::9 dev eth0",
	}
	sameRules = []string{
		"from 192.168.2.0/24 table 1", "to 192.168.2.0/24 table 1 no_track",
		"from 192.168.28.0/24 to 192.168.29.0/26 table 300 iif eth0 oif eth1 tos 4 fwmark 24/12 preference 39 realms 30/20",
		"to 1:2:3:4:5:6:7:0/112 from 7:6:5:4:3:2::/96 table 6908 uidrange 10000-19999",
		"to 1:2:3:4:6:6:7:0/112 from 8:6:5:4:3:2::/96 l3mdev protocol 12 ipproto udp sport 10-20 dport 20-30",
		"from 10.3.0.0/16 goto 32766 preference 50", "from 10.3.0.1 goto 80 preference 79",
		"from 10.4.0.0/16 table main suppress_prefixlength 0 preference 51", "from 10.5.0.0/16 table main suppress_ifgroup 3 preference 52",
		"from 10.5.0.1 table main suppress_prefixlength 8 suppress_ifgroup default preference 85",
		"from 10.6.0.0/16 blackhole preference 53", "from 10.7.0.0/16 unreachable preference 54", "from 10.8.0.0/16 prohibit preference 55",
		"from 10.9.0.0/16 nop preference 56", "not from 10.10.0.0/16 table 5 preference 57", "fwmark 7 table 5 preference 58",
		"from all table 9 priority 59", "iif eth0 table 10 preference 60", "tunnel-id 55 table 10 preference 61",
		"from 10.11.0.0/16 table 10 dport 80-80 ipproto tcp preference 62", "from 10.12.0.0/16 table 11 order 63", "dev eth1 lookup 11 preference 64",
		"dsfield 8 table 11 preference 65", "from 10.13.0.0/16 table 11", "from 2001:db8::/64 table 11", "iif lo fwmark 0xa/0xff table 7 preference 66",
		"from 10.7.0.1 table main realms 3 preference 67", "not fwmark 3 uidrange 0-0 table 7 preference 82", "oif eth1 prohibit preference 84",
		"from 10.7.0.1 table 10 priority 87 protocol 44 no_track",
	}
	sameStatics = "static_ipaddress {\n    10.2.1.1/24 dev eth1\n    2001:db8:21::1/64 dev eth0\n}\n" +
		"static_routes {\n    172.17.1.0/24 via 10.2.1.9 dev eth1\n    172.17.2.0/24 dev eth1 src 10.2.1.1 mtu 1300\n    2001:db8:22::/48 via 2001:db8:21::9 dev eth0\n}\n" +
		"static_rules {\n    from 10.2.1.0/24 table 1 preference 20\n    from 2001:db8:21::/64 table 1 preference 20\n}\n"
)

// peerLeft is an address that keepalived 2.2.7 does not remove: one with a peer.
const peerLeft = `"10.1.8.1"`

func sameConfig(priority int) string {
	list := func(name string, lines []string) string {
		return name + " {\n        " + strings.Join(lines, "\n        ") + "\n    }\n    "
	}
	i := Instance{Priority: priority, Extra: list("virtual_ipaddress_excluded", sameAddresses) +
		list("virtual_routes", sameRoutes) + list("virtual_rules", sameRules)}
	return "global_defs {\n    router_id test\n}\n" + sameStatics + i.String()
}

// With the same configuration in the same surroundings keepalived and holdfast
// leave the same addresses, routes and rules: as master, as backup, as master
// once more, and when they have ended. They announce the same addresses.
func TestSameInTheKernel(t *testing.T) {
	keepalived, tcpdump := Keepalived(t), Program(t, "tcpdump")
	l := New(t)
	sides := []*side{}
	for _, s := range []struct {
		name    string
		command []string
	}{{"keepalived", keepalived}, {"holdfast", Holdfast()}} {
		port := func(name, eth, address string) lab.Port {
			return lab.Port{LAN: s.name + eth, Name: eth, Addresses: []string{address}}
		}
		n := NodeWith(t, l, s.name, port(s.name, "eth0", "192.0.2.11/24"), port(s.name, "eth1", "198.51.100.11/24"))
		o := NodeWith(t, l, s.name+"-peer", port(s.name, "eth0", "192.0.2.12/24"), port(s.name, "eth1", "198.51.100.12/24"))
		d := &side{Daemon: Prepare(t, n, s.command, sameConfig(100)), before: look(t, n)}
		d.peer = Prepare(t, o, Holdfast(), "global_defs {\n    router_id test\n}\n"+Instance{Priority: 150}.String())
		var err error
		d.capture, err = o.Start(tcpdump, "-i", "eth0", "-nn", "-l", "-t", "arp or (icmp6 and ip6[40] == 136)")
		Must(t, err)
		Wait(t, "tcpdump listens", func() bool { return strings.Contains(d.capture.Output(), "listening on") })
		sides = append(sides, d)
	}
	compare := func(when string) {
		t.Helper()
		want, got := sides[0].state(t), sides[1].state(t)
		for _, line := range difference(want, got) {
			if when != "as master" && strings.Contains(line, peerLeft) {
				continue
			}
			t.Errorf("%s: only keepalived has %s", when, line)
		}
		for _, line := range difference(got, want) {
			t.Errorf("%s: only holdfast has %s", when, line)
		}
	}
	each := func(do func(s *side)) {
		for _, s := range sides {
			do(s)
		}
	}
	each(func(s *side) { Must(t, s.Start()) })
	each(func(s *side) { WaitMaster(t, Virtual, s.Daemon) })
	last := "2001:db8:7::1" // added late, and rules come after it
	each(func(s *side) {
		Wait(t, "all of it is there", func() bool {
			_, gone := s.state(t)["rule 87"]
			return s.Node.Has(last) && !gone && len(s.state(t)) > 100
		})
	})
	compare("as master")
	each(func(s *side) {
		Wait(t, "all is announced", func() bool { return len(s.announced()) > 20 })
	})
	for _, line := range difference(sides[0].announced(), sides[1].announced()) {
		t.Errorf("only keepalived announces %s", line)
	}
	each(func(s *side) { Must(t, s.peer.Start()) })
	each(func(s *side) { WaitMaster(t, Virtual, s.peer, s.Daemon) })
	each(func(s *side) {
		Wait(t, "nothing virtual is left", func() bool { return !s.Node.Has(last) && !s.Node.Has("10.1.16.1") })
	})
	compare("as backup")
	each(func(s *side) { Must(t, s.peer.Stop()) })
	each(func(s *side) { WaitMaster(t, Virtual, s.Daemon, s.peer) })
	each(func(s *side) {
		Wait(t, "all of it is there", func() bool { return s.Node.Has(last) && len(s.state(t)) > 100 })
	})
	compare("as master again")
	each(func(s *side) { Must(t, s.Stop()) })
	for line := range sides[1].state(t) {
		t.Errorf("holdfast has left behind %s", line)
	}
}

// side is one daemon in its surroundings.
type side struct {
	*lab.Daemon
	peer    *lab.Daemon
	capture *lab.Process
	before  map[string]bool
}

// state is what the node has that it had not before.
func (s *side) state(t *testing.T) map[string]bool {
	t.Helper()
	now := look(t, s.Node)
	maps.DeleteFunc(now, func(line string, _ bool) bool { return s.before[line] })
	return now
}

// look reads addresses, routes and rules as ip(8) has them.
func look(t *testing.T, n *lab.Node) map[string]bool {
	t.Helper()
	seen := map[string]bool{}
	for kind, args := range map[string][]string{
		"address": {"addr", "show"}, "route": {"-4", "route", "show", "table", "all"}, "route6": {"-6", "route", "show", "table", "all"},
		"rule": {"-4", "rule"}, "rule6": {"-6", "rule"},
	} {
		out, err := n.Run("ip", append([]string{"-d", "-j"}, args...)...)
		Must(t, err)
		var list []map[string]any
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		for _, o := range list {
			for _, part := range parts(kind, o) {
				seen[kind+" "+part] = true
			}
		}
	}
	return seen
}

// parts writes an object of ip(8) down so that it can be compared: without what
// tells who made an address, and how long ago.
func parts(kind string, o map[string]any) (out []string) {
	plain := func(o map[string]any) string {
		for _, k := range []string{"protocol", "expires", "preferred_life_time"} {
			if v, ok := o[k].(float64); kind != "rule" && ok && k != "protocol" && v < 1000 && v > 0 {
				o[k] = "some time"
			} else if kind == "address" && k == "protocol" {
				delete(o, k)
			}
		}
		b, _ := json.Marshal(o) // it came from JSON
		return string(b)
	}
	if kind != "address" {
		return []string{plain(o)}
	}
	infos, _ := o["addr_info"].([]any)
	for _, i := range infos {
		if a, ok := i.(map[string]any); ok {
			out = append(out, fmt.Sprint(o["ifname"], " ", plain(a)))
		}
	}
	return out
}

// announced are the gratuitous ARPs and unsolicited neighbour advertisements
// that the peer has heard.
func (s *side) announced() map[string]bool {
	seen := map[string]bool{}
	for line := range strings.Lines(s.capture.Output()) {
		line = strings.TrimSpace(line)
		if _, after, ok := strings.Cut(line, "who-has "); ok {
			who := strings.Fields(after)[0]
			if strings.Contains(after, "tell "+who+",") {
				seen["ARP "+who] = true
			}
		} else if _, after, ok := strings.Cut(line, "neighbor advertisement, tgt is "); ok && strings.Contains(line, "ff02::1:") {
			seen["NA "+strings.TrimSuffix(strings.Fields(after)[0], ",")] = true
		}
	}
	return seen
}

func difference(a, b map[string]bool) []string {
	return slices.Sorted(func(yield func(string) bool) {
		for line := range a {
			if !b[line] && !yield(line) {
				return
			}
		}
	})
}
