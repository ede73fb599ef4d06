package netns_test

import (
	"os"
	"strings"
	"testing"

	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// What a daemon that was killed has left, and the next configuration does not
// name, is removed; what is not its own, or is still wanted, is not touched.
func TestKilledDaemonsLeftoversAreRemoved(t *testing.T) {
	Program(t, "nft")
	l := New(t)
	second := Instance{Name: "VI_2", VRID: 52, Priority: 100, Addresses: []string{"192.0.2.102/24"}}
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(
		Instance{Priority: 100, Addresses: []string{"192.0.2.101/24"}, Extra: `use_vmac
    no_accept`},
		Instance{Name: "VI_3", VRID: 53, Priority: 100, Addresses: []string{"192.0.2.103/24"}, Extra: `virtual_ipaddress_excluded {
        198.51.100.1/32
        198.51.100.2/32
    }
    virtual_routes {
        203.0.113.0/24 via 192.0.2.1 dev eth0
    }
    virtual_rules {
        from 203.0.113.0/24 table 100 priority 1000
    }`}, second))
	run := func(args ...string) string {
		t.Helper()
		out, err := a.Node.Run(args[0], args[1:]...)
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return out
	}
	setting := func() string { return strings.TrimSpace(run("cat", "/proc/sys/net/ipv4/conf/eth0/arp_ignore")) }
	Wait(t, "all addresses are there", func() bool {
		for _, address := range []string{"192.0.2.101", "192.0.2.102", "192.0.2.103", "198.51.100.2"} {
			if !a.Node.Has(address) {
				return false
			}
		}
		return strings.Contains(run("ip", "rule"), "1000:")
	})
	if !strings.Contains(run("nft", "list", "ruleset"), "table ip keepalived") || setting() != "1" {
		t.Error("there is no table or setting to leave")
	}
	Must(t, a.Kill())
	// Somebody takes one over, and adds one of their own.
	Must(t, a.Node.DelAddress("eth0", "198.51.100.1/32"))
	Must(t, a.Node.AddAddress("eth0", "198.51.100.1/32"))
	Must(t, a.Node.AddAddress("eth0", "198.51.100.3/32"))

	Must(t, a.Configure(config(second)))
	Must(t, a.Start())
	WaitLog(t, a, "an earlier run was killed and left what the configuration no longer has", 1)
	Wait(t, "what was left is gone", func() bool {
		return !a.Node.Has("192.0.2.101") && !a.Node.Has("192.0.2.103") && !a.Node.Has("198.51.100.2") &&
			!strings.Contains(run("ip", "link"), "vrrp.51") && !strings.Contains(run("ip", "route"), "203.0.113.0") &&
			!strings.Contains(run("ip", "rule"), "1000:") && !strings.Contains(run("nft", "list", "ruleset"), "keepalived") && setting() == "0"
	})
	Wait(t, "VI_2 serves again", func() bool { i := a.Instance("VI_2"); return i != nil && i.State == "MASTER" })
	for _, address := range []string{"192.0.2.102", "198.51.100.1", "198.51.100.3"} {
		if !a.Node.Has(address) {
			t.Errorf("%s is gone\n%s", address, a.LogTail(10))
		}
	}
	// A configuration without VRRP leaves nothing either.
	Must(t, a.Kill())
	Must(t, a.Configure(config(virtualServer("192.0.2.80 80", "", httpGet, 1))))
	Must(t, a.Start())
	WaitLog(t, a, "VRRP child process ended: the configuration no longer needs it", 1)
	if a.Node.Has("192.0.2.102") {
		t.Errorf("192.0.2.102 is left\n%s", a.LogTail(10))
	}
	if _, err := os.Stat(l.Path("a.ledger")); !os.IsNotExist(err) {
		t.Errorf("the ledger is left, though nothing else is: %v", err)
	}
	Must(t, a.Stop())
	if _, err := os.Stat(l.Path("a.ledger")); !os.IsNotExist(err) {
		t.Errorf("the ledger is left: %v", err)
	}
}
