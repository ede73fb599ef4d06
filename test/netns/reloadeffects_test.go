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

// Each child has the name, the priorities, the CPUs, the limit and the locked
// memory that the configuration gives it, from a reload on until another.
func TestPrecedenceOfEachChild(t *testing.T) {
	l := New(t)
	text := config(proxy, Instance{Priority: 100}, virtualServer(Virtual+" 80", "", httpGet, 1)) +
		"bfd_instance peer {\n    neighbor_ip 192.0.2.12\n    source_ip 192.0.2.11\n}\n"
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), text)
	WaitMaster(t, Virtual, a)
	prefixes := []string{"vrrp", "checker", "bfd"}
	wanted, parent := "process_name daemon", about(a.PID(), "status", "Name:")
	pids, before := map[string]int{}, map[string]string{}
	for _, p := range prefixes {
		pids[p] = childOf(t, a, p)
		before[p] = standing(pids[p])
		for _, line := range []string{"process_name one_" + p, "priority -3", "no_swap", "cpu_affinity 0", "rt_priority 2", "rlimit_rttime 200000"} {
			wanted += "\n    " + p + "_" + line
		}
	}
	reload := func(text string) {
		t.Helper()
		Must(t, a.Configure(text))
		Must(t, a.Reload())
	}
	reload(strings.Replace(text, "router_id test", "router_id test\n    "+wanted, 1))
	for _, p := range prefixes {
		// keepalived, too, makes the soft limit half of the hard one, and SCHED_RR is 2.
		want := "one_" + p + " nice -3 policy 2 2 CPUs 0 limit 100000 200000 locked true"
		stands(t, pids[p], want)
	}
	Wait(t, "the parent has its name", func() bool { return about(a.PID(), "status", "Name:") == "Name:\tdaemon|" })
	reload(text)
	for _, p := range prefixes {
		// The kernel lets nobody raise a limit who has no CAP_SYS_RESOURCE.
		want := strings.Replace(before[p], "limit unlimited unlimited", "limit 100000 200000", 1)
		stands(t, pids[p], want)
	}
	Wait(t, "the parent has its name again", func() bool { return about(a.PID(), "status", "Name:") == parent })
}

// stands waits until a process stands with the kernel as it is to.
func stands(t *testing.T, pid int, want string) {
	t.Helper()
	last := ""
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s stood as %s", want, last)
		}
	})
	Wait(t, "a process stands as "+want, func() bool { last = standing(pid); return last == want })
}

// standing is how a process stands with the kernel.
func standing(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(text), ") ")
	stat := append(strings.Fields(after), make([]string, 40)...) // proc(5), from its third on
	word := func(file, line string, from int) string {
		return strings.Trim(strings.Join(append(strings.Fields(about(pid, file, line)), "", "", "", "")[from:], " "), " |")
	}
	limits := strings.Fields(word("limits", "Max realtime timeout", 3))
	return fmt.Sprintf("%s nice %s policy %s %s CPUs %s limit %s locked %v", word("status", "Name:", 1), stat[16], stat[38], stat[37],
		word("status", "Cpus_allowed_list:", 1), strings.Join(limits[:min(2, len(limits))], " "), word("status", "VmLck:", 1) != "0 kB")
}
