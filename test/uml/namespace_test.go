package uml_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// somebodyIn has a process in a network namespace: what it sees below /proc/net
// costs no program to look at. It returns where in /proc it is.
func somebodyIn(w *world, netns string) (proc string) {
	w.t.Helper()
	inside := exec.Command("ip", "netns", "exec", netns, "sleep", "infinity")
	if err := inside.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _, _ = inside.Process.Kill(), inside.Wait() })
	proc = fmt.Sprint("/proc/", inside.Process.Pid)
	w.wait("somebody is in the namespace", func() bool {
		b, _ := os.ReadFile(proc + "/comm")
		return strings.TrimSpace(string(b)) == "sleep"
	})
	return proc
}

// TestGuestNamespace: IPVS and its switches in another network namespace, and
// the checks in the daemon's own [net_namespace_ipvs].
func TestGuestNamespace(t *testing.T) {
	w, blue := newBlue(t)
	proc := somebodyIn(w, "blue")
	inBlue := func(want ...string) {
		t.Helper()
		glances, asked := "never", time.Time{}
		w.wait("in the namespace: "+strings.Join(want, ", "), func() bool {
			b, _ := os.ReadFile(proc + "/net/ip_vs")
			if string(b) == glances && time.Since(asked) < unseen {
				return false
			}
			glances, asked = string(b), time.Now()
			return blue("ipvsadm", "-Sn") == strings.Join(want, "\n")
		})
		w.sees()
	}
	w.serve("127.0.0.11:8080", "127.0.0.12:8080") // not in the namespace
	const (
		web = "-A -t 10.1.0.1:80 -s wlc"
		one = "-a -t 10.1.0.1:80 -r 127.0.0.11:8080 -m -w 1"
		two = "-a -t 10.1.0.1:80 -r 127.0.0.12:8080 -m -w 1"
	)
	ours := os.Getenv(labtest.BinaryEnv) != referee
	expire := ""
	if ours {
		expire = "\n    on_down expire"
	}
	service := virtual("10.1.0.1 80", nat, expire, real("127.0.0.11 8080"), real("127.0.0.12 8080"))
	w.configure("net_namespace_ipvs blue\n" + service)
	before := expiry()
	w.start()
	inBlue(web, one, two)
	if ours {
		if got := blue("cat", "/proc/sys/net/ipv4/vs/expire_nodest_conn"); got != "1" || expiry() != before {
			t.Errorf("expire_nodest_conn is %s in the namespace, and %s, was %s, outside", got, expiry(), before)
		}
	}
	w.fail("127.0.0.11:8080")
	inBlue(web, two)
	w.stop()
	inBlue()
	if !ours {
		return
	}
	w.serve("127.0.0.11:8080")
	w.configure("net_namespace blue\nnet_namespace_ipvs\n" + virtual("10.1.0.1 80", nat, "\n    real_server 127.0.0.11 8080 {\n        weight 1\n    }"))
	w.start()
	w.sees(web, one)
	if got := blue("ipvsadm", "-Sn"); got != "" {
		t.Errorf("in the namespace of the daemon: %s", got)
	}
	w.stop()
	w.sees()
	w.configure("net_namespace_ipvs green\n" + service)
	w.start()
	w.says("enter network namespace green: open /run/netns/green: no such file or directory")
	w.sees()
}

// TestGuestNamespaceSync: the kernel's sync daemon follows an instance of the
// daemon's own namespace, on an interface that only the other one has.
func TestGuestNamespaceSync(t *testing.T) {
	w, blue := newBlue(t)
	w.run("ip", "link", "add", "vrrp0", "type", "veth", "peer", "name", "vrrp1")
	t.Cleanup(func() { w.run("ip", "link", "del", "vrrp0") })
	for _, end := range []string{"vrrp0", "vrrp1"} {
		w.run("ip", "link", "set", end, "up")
	}
	w.run("ip", "addr", "add", "192.168.78.1/24", "dev", "vrrp0")
	blue("ip", "link", "add", "blue0", "type", "veth", "peer", "name", "blue1")
	blue("ip", "addr", "add", "192.168.79.1/24", "dev", "blue0")
	for _, end := range []string{"blue0", "blue1"} {
		blue("ip", "link", "set", end, "up")
	}
	runs := func(role string) {
		t.Helper()
		w.wait("in the namespace a sync daemon as "+role, func() bool {
			have := blue("ipvsadm", "-Ln", "--daemon")
			return role == "" && have == "" || role != "" && strings.HasPrefix(have, role+" sync daemon (mcast=blue0, syncid=51") && !strings.Contains(have, "\n")
		})
		if got := w.run("ipvsadm", "-Ln", "--daemon"); got != "" {
			t.Errorf("in the namespace of the daemon: %s", got)
		}
	}
	w.configure(`net_namespace_ipvs blue
global_defs {
    lvs_sync_daemon blue0 VI_1
}
vrrp_instance VI_1 {
    interface vrrp0
    virtual_router_id 51
    state BACKUP
    priority 100
    advert_int 1
    virtual_ipaddress {
        192.168.78.9
    }
}
`)
	w.start()
	runs("backup")
	runs("master")
	w.run("ip", "link", "set", "vrrp0", "down")
	runs("backup")
	w.stop()
	runs("")
}

// newBlue is a world with another network namespace, and runs commands there.
func newBlue(t *testing.T) (w *world, blue func(name string, args ...string) string) {
	t.Helper()
	w = newWorld(t)
	w.run("ip", "netns", "add", "blue")
	t.Cleanup(func() { w.kill(); w.run("ip", "netns", "del", "blue") })
	blue = func(name string, args ...string) string {
		t.Helper()
		return strings.TrimSpace(w.run("ip", append([]string{"netns", "exec", "blue", name}, args...)...))
	}
	blue("ip", "link", "set", "lo", "up") // IPVS wants servers that are to be reached
	return w, blue
}
