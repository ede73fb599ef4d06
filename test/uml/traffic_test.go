package uml_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// The network of TestGuestTraffic: client, director and servers on the segment
// front; outer is between client and director only, so that what servers answer
// to it goes back through the director, as masquerading needs.
const (
	vipNAT    = "198.51.100.100"
	vipNAT6   = "2001:db8:51::100"
	vipDirect = "192.0.2.100"
	vipTunnel = "192.0.2.101"
	vipMark   = "192.0.2.102"
)

// serverAddress and serverAddress6 are those of s1, s2, s3 and sorry.
func serverAddress(i int) string  { return fmt.Sprintf("192.0.2.%d", 21+i) }
func serverAddress6(i int) string { return fmt.Sprintf("2001:db8:2::%d", 21+i) }

// balanced is a virtual server over s1, s2 and s3, with a sorry server, each
// checked by HTTP.
func balanced(at, kind string, address func(int) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "virtual_server %s {\n    delay_loop 0.3\n    lb_algo rr\n    lb_kind %s\n    protocol TCP\n    sorry_server %s 80\n", at, kind, address(3))
	for i := range 3 {
		fmt.Fprintf(&b, `    real_server %s 80 {
        HTTP_GET {
            url {
                path /
                status_code 200
            }
            connect_timeout 5
            retry 0
        }
    }
`, address(i))
	}
	return b.String() + "}\n"
}

// servers makes s1, s2, s3 and sorry. They have the addresses of direct routing
// and tunnels too, and keep quiet about them.
func servers(t *testing.T, l *lab.Lab) (list []*lab.Backend) {
	t.Helper()
	for i, name := range []string{"s1", "s2", "s3", "sorry"} {
		n := NodeWith(t, l, name, lab.Port{LAN: "front", Name: "eth0", Addresses: []string{serverAddress(i) + "/24", serverAddress6(i) + "/64"}})
		for _, key := range []string{"all/arp_ignore=1", "all/arp_announce=2"} {
			name, value, _ := strings.Cut(key, "=")
			Must(t, n.Sysctl("net/ipv4/conf/"+name, value))
		}
		for _, vip := range []string{vipDirect, vipTunnel, vipMark} {
			Must(t, n.AddAddress("lo", vip+"/32"))
		}
		Must(t, n.SetLink("tunl0", true))
		command(t, n, "ip", "route", "add", "default", "via", "192.0.2.1")
		command(t, n, "ip", "-6", "route", "add", "default", "via", "2001:db8:2::1")
		b, err := n.Backend(":80")
		Must(t, err)
		list = append(list, b)
	}
	return list
}

func command(t *testing.T, n *lab.Node, name string, args ...string) string {
	t.Helper()
	out, err := n.Run(name, args...)
	if err != nil {
		t.Fatalf("%s %s on %s: %v\n%s", name, strings.Join(args, " "), n.Name(), err, out)
	}
	return out
}

// TestGuestTraffic: connections through IPVS by masquerading, direct routing
// and tunnels, to an address, a firewall mark and over IPv6; what a client sees
// while servers die, drain and return.
func TestGuestTraffic(t *testing.T) {
	daemon := strings.Fields(os.Getenv(BinaryEnv))
	l, err := lab.New(lab.Options{})
	Must(t, err)
	t.Cleanup(func() { Must(t, l.Close()) })
	client := NodeWith(t, l, "client", lab.Port{LAN: "front", Name: "eth0", Addresses: []string{"192.0.2.50/24"}},
		lab.Port{LAN: "outer", Name: "eth1", Addresses: []string{"198.51.100.50/24", "2001:db8:51::50/64"}})
	director := NodeWith(t, l, "director",
		lab.Port{LAN: "front", Name: "eth0", Addresses: []string{"192.0.2.1/24", "2001:db8:2::1/64", vipDirect + "/32", vipTunnel + "/32", vipMark + "/32"}},
		lab.Port{LAN: "outer", Name: "eth1", Addresses: []string{"198.51.100.1/24", "2001:db8:51::1/64", vipNAT + "/32", vipNAT6 + "/128"}})
	modprobe, err := os.ReadFile("/proc/sys/kernel/modprobe")
	Must(t, err)
	command(t, director, strings.TrimSpace(string(modprobe)), "ipip") // gives every node its tunl0
	Must(t, director.Sysctl("net/ipv4/ip_forward", "1"))
	Must(t, director.Sysctl("net/ipv6/conf/all/forwarding", "1"))
	command(t, director, "iptables-legacy", strings.Fields("-t mangle -A PREROUTING -d "+vipMark+" -p tcp --dport 80 -j MARK --set-mark 7")...)
	backends := servers(t, l)
	webs := map[string]Web{}
	for name, to := range map[string]string{"nat": vipNAT, "direct": vipDirect, "tunnel": vipTunnel, "mark": vipMark, "nat6": "[" + vipNAT6 + "]"} {
		webs[name] = Web{Client: client, To: to + ":80"}
	}
	each := func(what string, do func(Web)) {
		for name, w := range webs {
			t.Logf("%s: %s", what, name)
			do(w)
		}
	}
	d := Start(t, director, daemon, balanced(vipNAT+" 80", "NAT", serverAddress)+balanced(vipDirect+" 80", "DR", serverAddress)+
		balanced(vipTunnel+" 80", "TUN", serverAddress)+balanced("fwmark 7", "DR", serverAddress)+balanced(vipNAT6+" 80", "NAT", serverAddress6))

	each("all serve, in turn", func(w Web) { w.Answers(t, "s1", "s2", "s3") })
	var kept []*Kept
	each("connections that stay", func(w Web) { kept = append(kept, w.Stay(t, "s2")) })
	hold := func() {
		t.Helper()
		for _, k := range kept {
			k.Holds(t, "s2")
		}
	}
	Must(t, backends[0].Fail(lab.Refuse))
	Wait(t, "it is in no service", func() bool {
		table := command(t, director, "ipvsadm", "-Sn")
		return !strings.Contains(table, "-r "+serverAddress(0)+":") && !strings.Contains(table, "-r ["+serverAddress6(0)+"]:")
	})
	each("one died, and no new connection fails", func(w Web) { w.AnswersNow(t, 6, "s2", "s3") })
	hold()
	Must(t, backends[0].Fail(lab.Healthy))
	each("it is back", func(w Web) { w.Answers(t, "s1", "s2", "s3") })
	hold()

	if daemon[0] != referee {
		Order(t, d, api.ServerDrain, "all", serverAddress(1))
		Order(t, d, api.ServerDrain, "all", serverAddress6(1))
		each("one drains, and keeps its connections", func(w Web) { w.Answers(t, "s1", "s3") })
		hold()
		Order(t, d, api.ServerClear, "", "")
		each("it is cleared", func(w Web) { w.Answers(t, "s1", "s2", "s3") })
	}

	for _, b := range backends[:3] {
		Must(t, b.Fail(lab.Broken))
	}
	each("the sorry server", func(w Web) { w.Answers(t, "sorry") })
	for _, b := range backends[:3] {
		Must(t, b.Fail(lab.Healthy))
	}
	each("all are back", func(w Web) { w.Answers(t, "s1", "s2", "s3") })
	Must(t, d.Stop())
	if left := command(t, director, "ipvsadm", "-Sn"); left != "" {
		t.Errorf("left after the stop:\n%s", left)
	}
}
