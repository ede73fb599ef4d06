package interop_test

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// bfd writes a bfd_instance: slow enough for a busy machine.
func bfd(name, source, neighbour string, more ...string) string {
	return fmt.Sprintf(`bfd_instance %s {
    neighbor_ip %s
    source_ip %s
    min_rx 200
    min_tx 200
    multiplier 10
    %s
}
`, name, neighbour, source, strings.Join(more, "\n    "))
}

func sessions(d *lab.Daemon) map[string]api.BFDSession {
	out := map[string]api.BFDSession{}
	if status, err := d.Status(); err == nil {
		for _, s := range status.BFD {
			out[s.Name] = s
		}
	}
	return out
}

// waitSession waits until a session is up at both ends, at full speed.
func waitSession(t *testing.T, d *lab.Daemon, names ...string) {
	t.Helper()
	for _, name := range names {
		Wait(t, "session "+name+" is up", func() bool {
			s := sessions(d)[name]
			return s.State == "Up" && s.RemoteState == "Up" && s.DetectMS <= 2000
		})
	}
}

func waitState(t *testing.T, d *lab.Daemon, name, state string) {
	t.Helper()
	Wait(t, "session "+name+" is "+state, func() bool { return sessions(d)[name].State == state })
}

// keepalived at the other end, over IPv4 and IPv6, either of them passive: it
// comes up, either end sees the other stop and die, and comes up again.
func TestBFDWithKeepalived(t *testing.T) {
	for name, passive := range map[string][2]string{"active": {}, "we are passive": {"passive", ""}, "it is passive": {"", "passive"}} {
		t.Run(name, func(t *testing.T) {
			Keepalived(t)
			l := New(t)
			Node(t, l, "holdfast", "192.0.2.11/24", "2001:db8::11/64")
			Node(t, l, "keepalived", "192.0.2.12/24", "2001:db8::12/64")
			track := Instance{Priority: 100, Extra: "track_bfd {\n        four\n    }"}.String()
			h := Start(t, l.Get("holdfast"), Holdfast(), bfd("four", "192.0.2.11", "192.0.2.12", passive[0])+bfd("six", "2001:db8::11", "2001:db8::12", passive[0]))
			k := Start(t, l.Get("keepalived"), Keepalived(t), bfd("four", "192.0.2.12", "192.0.2.11", passive[1])+bfd("six", "2001:db8::12", "2001:db8::11", passive[1])+track)
			waitSession(t, h, "four", "six")
			WaitMaster(t, Virtual, k)

			// An orderly end is no failure (RFC 5882 §3.2).
			Must(t, h.Stop())
			WaitLog(t, k, "(four) Entering Down state (Local diagnostic - Neighbor Signaled Session Down, Remote diagnostic - Administratively Down)", 1)
			Must(t, h.Start())
			waitSession(t, h, "four", "six")
			if n := Logged(k, "Tracked BFD instance four is DOWN"); n > 0 {
				t.Error("keepalived took our end for a failure")
			}

			Must(t, l.Isolate("keepalived"))
			waitState(t, h, "four", "Down")
			WaitLog(t, k, "Tracked BFD instance four is DOWN", 1)
			Must(t, l.Heal("keepalived"))
			waitSession(t, h, "four", "six")

			Must(t, k.Stop())
			waitState(t, h, "four", "Down")
		})
	}
}

// FRR's bfdd at the other end, also over several hops.
func TestBFDWithFRR(t *testing.T) {
	const programs = frrDir + "/"
	for _, p := range []string{"zebra", "bfdd"} {
		if _, err := os.Stat(programs + p); err != nil {
			t.Skipf("%v (apt install frr)", err)
		}
	}
	l := New(t)
	Node(t, l, "holdfast", "192.0.2.11/24", "2001:db8::11/64", "198.51.100.11/24")
	frr := Node(t, l, "frr", "192.0.2.12/24", "2001:db8::12/64", "198.51.100.12/24")
	peers := "bfd\n"
	for _, p := range []string{"192.0.2.11 local-address 192.0.2.12", "2001:db8::11 local-address 2001:db8::12", "198.51.100.11 multihop local-address 198.51.100.12"} {
		peers += " peer " + p + "\n  detect-multiplier 10\n  receive-interval 200\n  transmit-interval 200\n  no shutdown\n !\n"
	}
	dir, err := os.MkdirTemp("", "holdfast-frr") // FRR's user cannot look into the lab's
	Must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	Must(t, os.WriteFile(dir+"/bfdd.conf", []byte(peers), 0o644))
	give(t, dir, "frr")
	start := func(program string, more ...string) *lab.Process {
		p, err := frr.Start(programs+program, append([]string{"-u", "frr", "-g", "frr", "--vty_socket", dir, "-P", "0", "--log", "stdout",
			"-i", dir + "/" + program + ".pid", "-z", dir + "/zserv"}, more...)...)
		Must(t, err)
		return p
	}
	start("zebra", "-f", "/dev/null")
	Wait(t, "zebra listens", func() bool { _, err := os.Stat(dir + "/zserv"); return err == nil })
	start("bfdd", "-f", dir+"/bfdd.conf", "--bfdctl", dir+"/bfdctl")

	h := Start(t, l.Get("holdfast"), Holdfast(), bfd("four", "192.0.2.11", "192.0.2.12")+
		bfd("six", "2001:db8::11", "2001:db8::12", "hoplimit 255")+bfd("hops", "198.51.100.11", "198.51.100.12", "multihop"))
	waitSession(t, h, "four", "six", "hops")

	// Another interval is told by a Poll Sequence, and nothing goes down.
	Must(t, h.Configure(bfd("four", "192.0.2.11", "192.0.2.12", "min_tx 400", "min_rx 300")+
		bfd("six", "2001:db8::11", "2001:db8::12", "hoplimit 255")+bfd("hops", "198.51.100.11", "198.51.100.12", "multihop")))
	Must(t, h.Reload())
	Wait(t, "the new interval is agreed on", func() bool { s := sessions(h)["four"]; return s.TxMS == 400 && s.RxMS == 300 })
	for name, s := range sessions(h) {
		if s.Counters["down_transitions"] != 0 || s.State != "Up" {
			t.Errorf("%s: %+v", name, s)
		}
	}
	Must(t, l.Isolate("frr"))
	for _, name := range []string{"four", "six", "hops"} {
		waitState(t, h, name, "Down")
	}
	Must(t, l.Heal("frr"))
	waitSession(t, h, "six", "hops")
}

// give makes a user the owner of a folder.
func give(t *testing.T, dir, name string) {
	t.Helper()
	u, err := user.Lookup(name)
	Must(t, err)
	uid, err := strconv.Atoi(u.Uid)
	Must(t, err)
	gid, err := strconv.Atoi(u.Gid)
	Must(t, err)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Skipf("FRR needs a user of its own: %v", err)
	}
}
