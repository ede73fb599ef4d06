package netns_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// slackIn is what a file has as timer slack, in ns; 0 if it is not there yet.
func slackIn(path string) int {
	text, _ := os.ReadFile(path)
	ns, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return ns
}

// Children that have time are woken late, those that have none are not; and the
// programs of all of them have what the daemon was started with.
func TestTimerSlack(t *testing.T) {
	ordinary := slackIn("/proc/self/timerslack_ns")
	if ordinary == 0 {
		t.Skip("this kernel does not say what slack we have")
	}
	l := New(t)
	script := l.Path("slack.sh")
	Must(t, os.WriteFile(script, []byte("#!/bin/sh\ncat /proc/self/timerslack_ns >$1.new && mv $1.new $1\n"), 0o755))
	Must(t, os.Chmod(script, 0o755))
	told := func(who string) string { return l.Path("slack-of-" + who) }
	says := func(who string) string { return fmt.Sprintf("\"%s %s\"", script, told(who)) }

	servers := fmt.Sprintf(`virtual_server %s 80 {
    delay_loop 1
    lb_algo rr
    lb_kind NAT
    protocol TCP
    quorum_up %s root
    real_server 192.0.2.21 80 {
        weight 1
        MISC_CHECK {
            misc_path %s
            user root
        }
    }
}
`, Virtual, says("quorum"), says("check"))
	tracked := fmt.Sprintf("vrrp_script seen {\n    script %s\n    interval 1\n    user root\n}\n", says("track"))
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(
		"global_defs {\n    lvs_director proxy\n    enable_dbus\n    startup_script "+says("startup")+" root\n}",
		session("b1", "192.0.2.11", "192.0.2.12"), tracked, servers, Instance{
			Priority: 100, Extra: "track_script {\n        seen\n    }\n    notify_master " + says("notify") + " root",
		}))
	for _, who := range []string{"startup", "track", "notify", "check", "quorum"} {
		Wait(t, "a program says its slack: "+who, func() bool { return slackIn(told(who)) != 0 })
		if got := slackIn(told(who)); got != ordinary {
			t.Errorf("the program %s has a slack of %d ns, want %d as the daemon", who, got, ordinary)
		}
	}
	for name, late := range map[string]bool{"vrrp": false, "bfd": false, "checker": true, "proxy": false, "outlet": true} {
		got := slackIn(fmt.Sprintf("/proc/%d/timerslack_ns", childOf(t, a, name)))
		if got == 0 || late != (got > ordinary) {
			t.Errorf("the child %s has a slack of %d ns beside our %d, want more: %t", name, got, ordinary, late)
		}
	}
	if got := slackIn(fmt.Sprintf("/proc/%d/timerslack_ns", a.PID())); got != ordinary {
		t.Errorf("the parent has a slack of %d ns, want %d", got, ordinary)
	}
}
