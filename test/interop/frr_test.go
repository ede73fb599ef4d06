package interop_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// frrDir is where Debian keeps FRR's daemons.
const frrDir = "/usr/lib/frr"

// frr is FRR's vrrpd with its zebra on one node, with virtual router 51. It wants
// a macvlan of the router's MAC address, which has the virtual address always, and
// which it sets up or down.
type frr struct {
	t             *testing.T
	node          *lab.Node
	dir           string
	vtysh         string
	family        string // v4 or v6
	zebra, daemon *lab.Process
}

// newFRR prepares a node with an instance of FRR, or skips the test.
func newFRR(t *testing.T, l *lab.Lab, version int, six bool) *frr {
	t.Helper()
	f := &frr{t: t, vtysh: Program(t, "vtysh"), family: "v4"}
	owner, err := user.Lookup("frr")
	if _, missing := os.Stat(filepath.Join(frrDir, "vrrpd")); err != nil || missing != nil {
		t.Skip("frr is not installed")
	}
	f.node = Node(t, l, "frr", "192.0.2.12/24", "2001:db8::12/64")
	if f.dir, err = os.MkdirTemp("", "holdfast-frr"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(f.dir) })
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	if err := os.Chown(f.dir, uid, gid); err != nil {
		t.Skipf("frr runs as a user of its own: %v", err)
	}
	mac, word, ip := "00:00:5e:00:01:33", "ip", Virtual
	if six {
		f.family, mac, word, ip = "v6", "00:00:5e:00:02:33", "ipv6", "2001:db8::100"
	}
	f.ip("link", "add", "vrrp-51", "link", "eth0", "type", "macvlan", "mode", "bridge")
	f.ip("link", "set", "vrrp-51", "address", mac)
	f.ip("addr", "add", ip+map[bool]string{false: "/24", true: "/64"}[six], "dev", "vrrp-51")
	f.ip("link", "set", "vrrp-51", "up")
	conf := fmt.Sprintf("log file %s/vrrpd.log\ndebug vrrp\ninterface eth0\n vrrp 51 version %d\n vrrp 51 priority 100\n vrrp 51 advertisement-interval %d\n vrrp 51 %s %s\n",
		f.dir, version, frrAdvert(version), word, ip)
	if six {
		conf += " vrrp 51 ipv6 fe80::100\n"
	}
	Must(t, os.WriteFile(f.dir+"/vrrpd.conf", []byte(conf), 0o644))
	Must(t, os.WriteFile(f.dir+"/zebra.conf", []byte("log file "+f.dir+"/zebra.log\n"), 0o644))
	t.Cleanup(func() {
		if t.Failed() {
			b, _ := os.ReadFile(f.dir + "/vrrpd.log")
			t.Logf("---- frr\n%s\n%s", f.show(), b[max(len(b)-6000, 0):])
		}
	})
	return f
}

// frrAdvert is an interval in milliseconds: whole seconds in version 2.
func frrAdvert(version int) int {
	if version == 2 {
		return 1000
	}
	return 300
}

func (f *frr) ip(args ...string) {
	f.t.Helper()
	if out, err := f.node.Run(Program(f.t, "ip"), args...); err != nil {
		f.t.Fatalf("ip %v: %v: %s", args, err, out)
	}
}

// start starts zebra, once, and vrrpd.
func (f *frr) start() {
	f.t.Helper()
	run := func(name string) *lab.Process {
		p, err := f.node.Start(filepath.Join(frrDir, name), "-f", f.dir+"/"+name+".conf", "-i", f.dir+"/"+name+".pid",
			"-z", f.dir+"/zserv.api", "--vty_socket", f.dir)
		Must(f.t, err)
		return p
	}
	if f.zebra == nil {
		f.zebra = run("zebra")
		Wait(f.t, "zebra listens", func() bool { _, err := os.Stat(f.dir + "/zserv.api"); return err == nil })
	}
	f.daemon = run("vrrpd")
}

// end ends vrrpd: with SIGTERM it resigns.
func (f *frr) end(s syscall.Signal) {
	f.t.Helper()
	Must(f.t, f.daemon.Signal(s))
	_, err := f.daemon.Wait(20 * time.Second)
	Must(f.t, err)
}

func (f *frr) show(commands ...string) string {
	args := []string{"--vty_socket", f.dir, "-d", "vrrpd"}
	for _, c := range append(commands, "show vrrp json") {
		args = append(args, "-c", c)
	}
	out, _ := exec.Command(f.vtysh, args...).CombinedOutput() // a socket of the file system; any namespace does
	return string(out)
}

// priority changes it in the running daemon.
func (f *frr) priority(p int) {
	f.show("configure terminal", "interface eth0", fmt.Sprint("vrrp 51 priority ", p), "end")
}

// is reports whether the router is in a state: Master or Backup.
func (f *frr) is(state string) bool {
	text := f.show()
	var all []map[string]json.RawMessage
	if at := strings.IndexByte(text, '['); at < 0 || json.Unmarshal([]byte(text[at:]), &all) != nil || len(all) == 0 {
		return false
	}
	var one struct{ Status string }
	return json.Unmarshal(all[0][f.family], &one) == nil && one.Status == state
}

// waits until the two agree on who is master.
func (f *frr) wait(what string, h *lab.Daemon, holdfast bool) {
	f.t.Helper()
	ours, theirs := "MASTER", "Backup"
	if !holdfast {
		ours, theirs = "BACKUP", "Master"
	}
	Wait(f.t, what, func() bool {
		i := h.Instance("VI_1")
		return i != nil && i.State == ours && f.is(theirs)
	})
}

// Mastership passes both ways between holdfast and FRR's vrrpd: by priority, by
// an orderly stop, by a kill, and when an interface goes down.
func TestFRR(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]Instance{
		"v3":   {},
		"v2":   {Version: 2},
		"IPv6": {Addresses: []string{"2001:db8::100/64", "fe80::100/64"}},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "v2" {
				v.Version = 3
			}
			l := New(t)
			Node(t, l, "holdfast", "192.0.2.11/24", "2001:db8::11/64")
			conf := func(priority int) string {
				i := v
				i.Priority = priority
				return i.String()
			}
			f := newFRR(t, l, v.Version, name == "IPv6")
			f.start()
			Wait(t, "FRR is master alone", func() bool { return f.is("Master") })
			h := Start(t, l.Get("holdfast"), Holdfast(), conf(150))
			f.wait("holdfast preempts", h, true)
			f.priority(200)
			f.wait("FRR preempts by its priority", h, false)
			f.end(syscall.SIGTERM)
			Wait(t, "FRR resigns", func() bool { i := h.Instance("VI_1"); return i != nil && i.State == "MASTER" })
			f.start()
			Wait(t, "FRR is there again", func() bool { return f.is("Backup") || f.is("Master") })
			f.priority(200)
			f.wait("FRR preempts again", h, false)
			Must(t, f.node.SetLink("eth0", false))
			Wait(t, "FRR's link is down", func() bool { i := h.Instance("VI_1"); return i != nil && i.State == "MASTER" })
			Must(t, f.node.SetLink("eth0", true))
			f.priority(100)
			f.wait("holdfast stays", h, true)
			Must(t, h.Stop())
			Wait(t, "holdfast resigns", func() bool { return f.is("Master") })
			Must(t, h.Start())
			f.wait("holdfast preempts again", h, true)
			Must(t, h.Kill())
			Wait(t, "holdfast is dead", func() bool { return f.is("Master") })
			if n := strings.Count(h.Log(), "ignoring advert"); n > 0 {
				t.Errorf("holdfast refuses %d of FRR's adverts", n)
			}
		})
	}
}
