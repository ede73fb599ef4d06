package uml_test

import (
	"os"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// TestGuestNamespace: IPVS, its switches and sync daemons in another network
// namespace, and the checks in the daemon's own [net_namespace_ipvs].
func TestGuestNamespace(t *testing.T) {
	w := newWorld(t)
	w.run("ip", "netns", "add", "blue")
	t.Cleanup(func() { w.kill(); w.run("ip", "netns", "del", "blue") })
	blue := func(name string, args ...string) string {
		return strings.TrimSpace(w.run("ip", append([]string{"netns", "exec", "blue", name}, args...)...))
	}
	blue("ip", "link", "set", "lo", "up") // IPVS wants servers that are to be reached
	inBlue := func(want ...string) {
		t.Helper()
		w.wait("in the namespace: "+strings.Join(want, ", "), func() bool {
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
