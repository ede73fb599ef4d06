package netns_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

const vmac = "vrrp.51"

// virtually starts two routers with a VMAC, a as the master.
func virtually(t *testing.T, extra string) (a, b *lab.Daemon) {
	t.Helper()
	l := New(t)
	a = Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(Instance{Priority: 150, Extra: extra}))
	WaitMaster(t, Virtual, a)
	b = Start(t, Node(t, l, "b", "192.0.2.12/24"), Holdfast(), config(Instance{Priority: 100, Extra: extra}))
	WaitLog(t, b, "(VI_1) "+enteringBackup, 1)
	return a, b
}

// run runs a program on a node and returns what it said.
func run(t *testing.T, n *lab.Node, words ...string) string {
	t.Helper()
	out, err := n.Run(words[0], words[1:]...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
	return strings.TrimSpace(out)
}

// index is the line of `ip link` that names an interface, empty if there is none.
func index(n *lab.Node, name string) string {
	out, err := n.Run("ip", "-o", "link", "show", name)
	if err != nil {
		return ""
	}
	number, _, _ := strings.Cut(out, ":")
	return number
}

func holds(n *lab.Node, dev, address string) func() bool {
	return func() bool {
		out, err := n.Run("ip", "-o", "addr", "show", "dev", dev)
		return err == nil && strings.Contains(out, " "+address+"/")
	}
}

// steady fails if mastership has ever moved.
func steady(t *testing.T, a, b *lab.Daemon) {
	t.Helper()
	if Logged(a, enteringFault) > 0 || Logged(b, enteringMaster) > 0 {
		t.Error("mastership was lost, though nothing should have moved it")
	}
}

// A child that dies leaves its VMAC; the next one goes on with it.
func TestVMACOutlivesTheChild(t *testing.T) {
	a, b := virtually(t, "use_vmac")
	was := index(a.Node, vmac)
	old := child(t, a)
	kill(t, old)
	Wait(t, "another child", func() bool { pid := a.ChildPID("vrrp"); return pid > 0 && pid != old })
	WaitMaster(t, Virtual, a, b)
	if now := index(a.Node, vmac); now == "" || now != was {
		t.Errorf("%s was interface %s and is %q", vmac, was, now)
	}
}

func TestVMACRemovedBehindItsBackComesBack(t *testing.T) {
	a, b := virtually(t, "use_vmac")
	was := index(a.Node, vmac)
	run(t, a.Node, "ip", "link", "del", vmac)
	Wait(t, "the VMAC is back with its address", func() bool { return index(a.Node, vmac) != was && holds(a.Node, vmac, Virtual)() })
	run(t, a.Node, "ip", "link", "set", vmac, "down")
	Wait(t, "the VMAC is up again", func() bool { return strings.Contains(run(t, a.Node, "ip", "-o", "link", "show", vmac), ",UP") })
	steady(t, a, b)
}

// The interface below is removed and made again: so is the VMAC.
func TestInterfaceBelowAVMACComesBack(t *testing.T) {
	a, b := virtually(t, "use_vmac")
	run(t, a.Node, "ip", "link", "del", "eth0")
	WaitLog(t, a, "(VI_1) "+enteringFault, 1)
	WaitMaster(t, Virtual, b, a)
	for _, line := range []string{
		"link add eth0 type veth peer name far", "addr add 192.0.2.11/24 dev eth0", "link set far up", "link set eth0 up",
	} {
		run(t, a.Node, append([]string{"ip"}, strings.Fields(line)...)...)
	}
	Wait(t, "the address is on a new VMAC", holds(a.Node, vmac, Virtual)) // nobody else is on that wire
}

// A reload that adds or removes use_vmac moves the address, and nothing else.
func TestVMACComesAndGoesWithAReload(t *testing.T) {
	a, b := virtually(t, "")
	for _, extra := range []string{"use_vmac", "use_vmac\n    vmac_xmit_base", "", "use_vmac mine", ""} {
		dev, others := "eth0", []string{vmac, "mine"}
		if words := strings.Fields(extra); len(words) > 1 && words[1] == "mine" {
			dev, others = "mine", []string{vmac}
		} else if extra != "" {
			dev, others = vmac, []string{"mine"}
		}
		Must(t, a.Configure(config(Instance{Priority: 150, Extra: extra})))
		Must(t, a.Reload())
		Wait(t, "the address is on "+dev, holds(a.Node, dev, Virtual))
		for _, name := range others {
			Wait(t, name+" is gone", func() bool { return index(a.Node, name) == "" })
		}
		if dev != "eth0" && holds(a.Node, "eth0", Virtual)() {
			t.Errorf("with %q the address is on eth0 as well", extra)
		}
	}
	steady(t, a, b)
}

// What was made is gone after a stop, and what was set is as it was.
func TestVMACStopLeavesNothing(t *testing.T) {
	Program(t, "nft")
	settings := func(n *lab.Node) string {
		return run(t, n, "sysctl", "net.ipv4.conf.all.rp_filter", "net.ipv4.conf.eth0.rp_filter", "net.ipv4.conf.eth0.arp_ignore",
			"net.ipv4.conf.eth0.arp_filter", "net.ipv4.conf.eth0.arp_announce", "net.ipv4.igmp_link_local_mcast_reports")
	}
	l := New(t)
	n := Node(t, l, "a", "192.0.2.11/24")
	Must(t, n.Sysctl("net/ipv4/conf/all/rp_filter", "2"))
	before := settings(n)
	a := Start(t, n, Holdfast(), "global_defs {\n    disable_local_igmp\n}\n"+Instance{Priority: 150, Extra: "use_vmac\n    no_accept"}.String())
	WaitMaster(t, Virtual, a)
	if settings(n) == before || run(t, n, "nft", "list", "ruleset") == "" {
		t.Error("nothing is set while it runs")
	}
	Must(t, a.Stop())
	if out := run(t, n, "ip", "-o", "link", "show", "type", "macvlan"); out != "" {
		t.Errorf("left: %s", out)
	}
	if out := run(t, n, "nft", "list", "ruleset"); out != "" {
		t.Errorf("left: %s", out)
	}
	if now := settings(n); now != before {
		t.Errorf("settings are\n%s\nand were\n%s", now, before)
	}
}

// no_accept: the address is there for hosts to route by, and takes no packets.
// The rules come back when somebody removes them.
func TestNoAccept(t *testing.T) {
	Program(t, "nft")
	l := New(t)
	conf := func(extra string) string {
		return config("global_defs {\n    nftables_counters\n}", Instance{Priority: 150, Extra: extra})
	}
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), conf("no_accept"))
	WaitMaster(t, Virtual, a)
	client := Node(t, l, "client", "192.0.2.50/24")
	_, err := a.Node.Backend("0.0.0.0:80")
	Must(t, err)
	answers := func(address string) func() bool {
		return func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := client.Get(ctx, address+":80")
			return err == nil
		}
	}
	Wait(t, "the router's own address answers", answers("192.0.2.11"))
	dropped := regexp.MustCompile(`ip daddr @vips counter packets [1-9]`)
	Wait(t, "packets are dropped", func() bool {
		if answers(Virtual)() {
			t.Fatal("the virtual address answers")
		}
		return dropped.MatchString(run(t, a.Node, "nft", "list", "ruleset"))
	})
	run(t, a.Node, "nft", "flush", "ruleset")
	Wait(t, "the rules are back", func() bool {
		return strings.Contains(run(t, a.Node, "nft", "list", "ruleset"), "ip daddr @vips")
	})
	Must(t, a.Configure(conf("")))
	Must(t, a.Reload())
	Wait(t, "the virtual address answers", answers(Virtual))
}

// A link that bounces within interface_up_down_delays does no harm; one that
// stays away does.
func TestBouncingInterface(t *testing.T) {
	const delays = "interface_up_down_delays {\n    eth0 0.5 0.1\n}"
	l := New(t)
	conf := func(priority int) string {
		return config(delays, Instance{Priority: priority, Advert: "1"})
	}
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), conf(150))
	WaitMaster(t, Virtual, a)
	b := Start(t, Node(t, l, "b", "192.0.2.12/24"), Holdfast(), conf(100))
	WaitLog(t, b, "(VI_1) "+enteringBackup, 1)
	for range 3 {
		Must(t, l.Cut("a"))
		Must(t, l.Heal("a"))
	}
	Must(t, l.Cut("b")) // and when that has counted, so would the others have
	WaitLog(t, b, "(VI_1) "+enteringFault, 1)
	steady(t, a, b)
	Must(t, l.Cut("a"))
	WaitLog(t, a, "(VI_1) "+enteringFault, 1)
}

// A polled link is believed rather than the kernel.
func TestLinkbeat(t *testing.T) {
	l := New(t)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config("linkbeat_interfaces {\n    eth0 ETHTOOL\n}", Instance{Priority: 150}))
	WaitMaster(t, Virtual, a)
	Must(t, l.Cut("a"))
	WaitLog(t, a, "(VI_1) "+enteringFault, 1)
	Must(t, l.Heal("a"))
	WaitMaster(t, Virtual, a)
}
