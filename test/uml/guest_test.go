package uml_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// real is a real server that is checked a few times a second.
func real(address string, more ...string) string {
	return fmt.Sprintf(`
    real_server %s {
        %s
        TCP_CHECK {
            connect_timeout 2
            retry 1
            delay_before_retry 0.3
        }
    }`, address, strings.Join(more, "\n        "))
}

// virtual is a virtual server.
func virtual(address string, body ...string) string {
	return fmt.Sprintf("virtual_server %s {\n    delay_loop 0.3%s\n}\n", address, strings.Join(body, ""))
}

const nat = `
    lb_algo wlc
    lb_kind NAT
    protocol TCP`

// others is a service that belongs to somebody else.
const others = "-A -t 192.0.2.9:99 -s rr"

// TestGuestLife: start, a real server dies and returns, quorum and sorry
// server, reload, a dead checker, stop.
func TestGuestLife(t *testing.T) {
	w := newWorld(t)
	w.run("ip", "addr", "replace", "10.1.0.1/32", "dev", "lo")
	w.run("ipvsadm", strings.Fields(others)...)
	w.serve("127.0.0.11:8080", "127.0.0.12:8080", "127.0.0.99:8080", "[::1]:8080")
	web := func(weight int) string {
		return virtual("10.1.0.1 80", nat, "\n    persistence_timeout 300\n    sorry_server 127.0.0.99 8080",
			real("127.0.0.11 8080", fmt.Sprintf("weight %d", weight)), real("127.0.0.12 8080", "weight 5"))
	}
	const (
		webA   = "-A -t 10.1.0.1:80 -s wlc -p 300"
		web11  = "-a -t 10.1.0.1:80 -r 127.0.0.11:8080 -m -w 3"
		web11b = "-a -t 10.1.0.1:80 -r 127.0.0.11:8080 -m -w 7"
		web12  = "-a -t 10.1.0.1:80 -r 127.0.0.12:8080 -m -w 5"
		sorry  = "-a -t 10.1.0.1:80 -r 127.0.0.99:8080 -m -w 1"

		keptA  = "-A -t 10.1.0.2:8080 -s rr"
		kept11 = "-a -t 10.1.0.2:8080 -r 127.0.0.11:8080 -g -w 1"
		kept0  = "-a -t 10.1.0.2:8080 -r 127.0.0.11:8080 -g -w 0"

		sixA  = "-A -t [2001:db8::80]:80 -s wrr"
		six1  = "-a -t [2001:db8::80]:80 -r [::1]:8080 -m -w 2"
		dnsA  = "-A -u 10.1.0.3:53 -s sh"
		dns1  = "-a -u 10.1.0.3:53 -r 127.0.0.11:53 -m -w 1"
		markA = "-A -f 7 -s lc"
		mark1 = "-a -f 7 -r 127.0.0.11:0 -g -w 4"
	)
	kept := virtual("10.1.0.2 8080", "\n    lb_algo rr\n    lb_kind DR\n    protocol TCP", real("127.0.0.11 8080", "inhibit_on_failure"))
	six := virtual("2001:db8::80 80", "\n    lb_algo wrr\n    lb_kind NAT\n    protocol TCP", real("::1 8080", "weight 2"))
	dns := virtual("10.1.0.3 53", "\n    lb_algo sh\n    lb_kind NAT\n    protocol UDP\n    real_server 127.0.0.11 53 {\n        weight 1\n    }")
	mark := virtual("fwmark 7", "\n    lb_algo lc\n    lb_kind DR\n    real_server 127.0.0.11 {\n        weight 4\n    }")

	step := func(name string, f func()) {
		if !t.Failed() {
			t.Logf("step: %s", name)
			f()
		}
	}
	all := []string{others, webA, web11, web12, keptA, kept11, sixA, six1, dnsA, dns1, markA, mark1}
	step("start", func() {
		w.configure(web(3) + kept + six + dns + mark)
		w.start()
		w.sees(all...)
	})
	step("traffic through the virtual address", func() {
		if got := w.fetch("10.1.0.1:80"); got != "127.0.0.12:8080" && got != "127.0.0.11:8080" {
			t.Errorf("answer of %q", got)
		}
	})
	step("a real server dies", func() {
		w.fail("127.0.0.11:8080")
		w.sees(others, webA, web12, keptA, kept0, sixA, six1, dnsA, dns1, markA, mark1)
		w.says("Removing service [127.0.0.11]:tcp:8080 from VS [10.1.0.1]:tcp:80")
	})
	step("the last one dies: the sorry server", func() {
		w.fail("127.0.0.12:8080")
		w.sees(others, webA, sorry, keptA, kept0, sixA, six1, dnsA, dns1, markA, mark1)
	})
	step("both return", func() {
		w.serve("127.0.0.11:8080", "127.0.0.12:8080")
		w.sees(all...)
		w.says("Adding service [127.0.0.11]:tcp:8080 to VS [10.1.0.1]:tcp:80")
	})
	step("a reload changes a weight and takes a service away", func() {
		w.configure(web(7) + kept + dns)
		w.signal(syscall.SIGHUP)
		w.sees(others, webA, web11b, web12, keptA, kept11, dnsA, dns1)
	})
	step("a reload brings them back", func() {
		w.configure(web(3) + kept + six + dns + mark)
		w.signal(syscall.SIGHUP)
		w.sees(all...)
	})
	step("others change the table, and a reload audits it", func() {
		w.run("ipvsadm", "-d", "-t", "10.1.0.1:80", "-r", "127.0.0.11:8080")
		w.run("ipvsadm", "-e", "-t", "10.1.0.1:80", "-r", "127.0.0.12:8080", "-m", "-w", "99")
		w.run("ipvsadm", "-a", "-f", "7", "-r", "127.0.0.77:0", "-g")
		w.run("ipvsadm", "-D", "-u", "10.1.0.3:53")
		w.signal(syscall.SIGHUP)
		w.says("somebody else changed the table of ipvs; undid 5 changes: ")
		w.sees(all...)
	})
	step("the checker is killed, and what it left goes on", func() {
		child := w.child()
		if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		w.wait("a new checker", func() bool { return w.child() != child })
		w.fail("127.0.0.11:8080")
		w.sees(others, webA, web12, keptA, kept0, sixA, six1, dnsA, dns1, markA, mark1)
	})
	step("stop", func() {
		w.stop()
		w.sees(others)
	})
}

// fetch returns what the address says.
func (w *world) fetch(address string) string {
	w.t.Helper()
	c, err := net.DialTimeout("tcp", address, labtest.Patience)
	if err != nil {
		w.t.Error(err)
		return ""
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(labtest.Patience))
	b, err := io.ReadAll(c)
	if err != nil {
		w.t.Error(err)
	}
	return string(b)
}

// TestGuestKeepsServices: -I leaves the table behind, and the next start takes
// it over.
func TestGuestKeepsServices(t *testing.T) {
	w := newWorld(t)
	if os.Getenv(labtest.BinaryEnv) == referee {
		t.Skip("what another daemon leaves behind is its own affair")
	}
	w.serve("127.0.0.11:8080")
	w.configure(virtual("10.1.0.1 80", nat, real("127.0.0.11 8080")))
	want := []string{"-A -t 10.1.0.1:80 -s wlc", "-a -t 10.1.0.1:80 -r 127.0.0.11:8080 -m -w 1"}
	w.start("-I")
	w.sees(want...)
	w.stop()
	w.sees(want...)
	w.start()
	w.says("Startup complete")
	w.sees(want...)
	w.stop()
	w.sees()
}

// TestGuestSyncDaemon: which of the kernel's sync daemons runs follows the
// state of an instance.
func TestGuestSyncDaemon(t *testing.T) {
	w := newWorld(t)
	if _, err := os.Stat("/sys/class/net/sync0"); err != nil {
		w.run("ip", "link", "add", "sync0", "type", "veth", "peer", "name", "sync1")
	}
	w.run("ip", "addr", "replace", "192.168.77.1/24", "dev", "sync0")
	w.run("ip", "link", "set", "sync1", "up")
	w.run("ip", "link", "set", "sync0", "up")
	const options = ", syncid=51, maxlen=1400, group=224.0.0.99, port=8850, ttl=3)"
	runs := func(want ...string) {
		t.Helper()
		for i := range want {
			want[i] += " sync daemon (mcast=sync0" + options
		}
		w.wait("sync daemons "+strings.Join(want, ", "), func() bool {
			return strings.TrimSpace(w.run("ipvsadm", "-Ln", "--daemon")) == strings.Join(want, "\n")
		})
	}
	w.configure(`global_defs {
    lvs_sync_daemon sync0 inst VI_1 maxlen 1400 port 8850 ttl 3 group 224.0.0.99
}
vrrp_instance VI_1 {
    interface sync0
    virtual_router_id 51
    state BACKUP
    priority 100
    advert_int 1
    virtual_ipaddress {
        192.168.77.9
    }
}
`)
	w.start()
	runs("backup")
	runs("master")
	w.run("ip", "link", "set", "sync0", "down")
	runs("backup")
	w.run("ip", "link", "set", "sync0", "up")
	runs("master")
	w.stop()
	runs()
}

// TestGuestFlush: what is there at the start stays, but for what has our key,
// unless lvs_flush; and so at the stop, unless lvs_flush_on_stop.
func TestGuestFlush(t *testing.T) {
	w := newWorld(t)
	web := virtual("10.1.0.1 80", nat, "\n    real_server 127.0.0.11 80 {\n        weight 1\n    }")
	ours := []string{"-A -t 10.1.0.1:80 -s wlc", "-a -t 10.1.0.1:80 -r 127.0.0.11:80 -m -w 1"}
	for _, c := range []struct {
		words       string
		during, end []string
	}{
		{"lvs_flush", ours, nil},
		{"lvs_flush_on_stop", append([]string{others}, ours...), nil},
		{"lvs_flush_on_stop VS", append([]string{others}, ours...), []string{others}},
	} {
		w.run("ipvsadm", "-C")
		w.run("ipvsadm", strings.Fields(others)...)
		w.run("ipvsadm", "-A", "-t", "10.1.0.1:80", "-s", "wlc")
		w.configure("global_defs {\n    " + c.words + "\n}\n" + web)
		w.start()
		w.sees(c.during...)
		w.stop()
		w.sees(c.end...)
	}
}
