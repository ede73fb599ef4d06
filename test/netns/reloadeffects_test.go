package netns_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// about is the line of a process's file in /proc that begins so.
func about(pid int, file, line string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	for l := range strings.Lines(string(text)) {
		if strings.HasPrefix(l, line) {
			return strings.TrimSpace(l) + "|"
		}
	}
	return ""
}

// What has its effect outside of the daemon has it by a reload as by a start,
// on an interface and a process that stay; and loses it by a reload.
func TestReloadHasTheEffectsOfAStart(t *testing.T) {
	Program(t, "nft")
	l := New(t)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(Instance{Priority: 100}))
	WaitMaster(t, Virtual, a)
	pid := child(t, a)
	run := func(args ...string) func(*lab.Daemon) string {
		return func(*lab.Daemon) string {
			out, _ := a.Node.Run(args[0], args[1:]...)
			return out
		}
	}
	process := func(file, line string) func(*lab.Daemon) string {
		return func(*lab.Daemon) string { return about(pid, file, line) }
	}
	setting := func(path string) func(*lab.Daemon) string { return run("cat", "/proc/sys/net/ipv4/"+path) }
	locked := func(*lab.Daemon) string {
		return strings.TrimSuffix("locked "+strings.Join(strings.Fields(about(pid, "status", "VmLck:")), " "), "locked VmLck: 0 kB|")
	}
	for _, c := range []struct {
		global, inside string
		see            func(*lab.Daemon) string
		has            string // of what is seen, with it and not without
		stays          bool   // the kernel keeps it
	}{
		{global: "vrrp_no_swap", see: locked, has: "locked"},
		{global: "vrrp_cpu_affinity 0", see: process("status", "Cpus_allowed_list:"), has: "\t0|"},
		{global: "vrrp_rt_priority 1\n    vrrp_rlimit_rttime 200000", see: process("limits", "Max realtime timeout"), has: "200000", stays: true}, // it takes CAP_SYS_RESOURCE to raise it again
		{global: "disable_local_igmp", see: setting("igmp_link_local_mcast_reports"), has: "0"},
		{global: "vrrp_mcast_group4 224.0.0.99", see: run("cat", "/proc/net/igmp"), has: "630000E0"},
		{global: "nftables other", inside: "no_accept", see: run("nft", "list", "tables"), has: "table ip other"},
		{global: "nftables_counters", inside: "no_accept", see: run("nft", "list", "ruleset"), has: "counter"},
		{inside: "promote_secondaries", see: setting("conf/eth0/promote_secondaries"), has: "1", stays: true},
		{inside: "use_vmac", see: run("ip", "link"), has: "vrrp.51"},
		{inside: "use_vmac", see: setting("conf/eth0/arp_ignore"), has: "1"},
		{inside: "vip_lease 10", see: run("ip", "addr", "show", "dev", "eth0"), has: "dynamic"},
	} {
		reload := func(text string, there bool) {
			t.Helper()
			Must(t, a.Configure(text))
			Must(t, a.Reload())
			if !c.stays || there {
				Wait(t, fmt.Sprintf("%s %s: %q is %v", c.global, c.inside, c.has, there), func() bool { return strings.Contains(c.see(a), c.has) == there })
			}
		}
		if strings.Contains(c.see(a), c.has) {
			t.Errorf("%s %s: %q is there before", c.global, c.inside, c.has)
			continue
		}
		reload(strings.Replace(config(Instance{Priority: 100, Extra: c.inside}), "router_id test", "router_id test\n    "+c.global, 1), true)
		reload(config(Instance{Priority: 100}), false)
	}
	if child(t, a) != pid {
		t.Error("the child was started again")
	}
}
