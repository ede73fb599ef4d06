package interop_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// vmacs are ways to speak with a virtual MAC address; both sides have it.
var vmacs = map[string]struct {
	version
	mac string // what hosts know of the address
}{
	"VMAC":                {version{}, "00:00:5e:00:01:33"},
	"VMAC of its own":     {version{us: "use_vmac vm 02:00:00:00:07", them: "use_vmac vm 02:00:00:00:07"}, "02:00:00:00:07:33"},
	"VMAC v2":             {version{instance: Instance{Version: 2}}, "00:00:5e:00:01:33"},
	"VMAC below the base": {version{us: "use_vmac\n    vmac_xmit_base", them: "use_vmac\n    vmac_xmit_base"}, "00:00:5e:00:01:33"},
	"VMAC IPv6": {version{
		instance: Instance{Addresses: []string{"fe80::100/64", "2001:db8::100/64"}}, virtual: "2001:db8::100",
	}, "00:00:5e:00:02:33"},
	"VMAC unicast": {version{
		us:   "use_vmac\n    vmac_xmit_base\n    " + unicast("192.0.2.11", "192.0.2.12"),
		them: "use_vmac\n    vmac_xmit_base\n    " + unicast("192.0.2.12", "192.0.2.11"),
	}, "00:00:5e:00:01:33"},
}

var linkLayer = regexp.MustCompile(`lladdr ([0-9a-f:]{17})`)

// Mastership passes both ways, and a host that talks to the address never
// learns another MAC address.
func TestVMAC(t *testing.T) {
	for name, v := range vmacs {
		t.Run(name, func(t *testing.T) {
			if v.us == "" {
				v.us, v.them = "use_vmac", "use_vmac"
			}
			l, conf, virtual := setup(t, v.version)
			client := Node(t, l, "client", "192.0.2.50/24", "2001:db8::50/64")
			known := func() string {
				out, err := client.Run("ip", "neigh", "show", "to", virtual)
				if m := linkLayer.FindStringSubmatch(out); err == nil && m != nil {
					return m[1]
				}
				return ""
			}
			serves := serving(t, l, client, virtual)
			knows(t, l.Get("keepalived"), client, "192.0.2.50", "2001:db8::50")
			k := Start(t, l.Get("keepalived"), Keepalived(t), conf(v.them, 100))
			WaitMaster(t, virtual, k)
			h := Prepare(t, l.Get("holdfast"), Holdfast(), conf(v.us, 150))
			served := func(by string) {
				t.Helper()
				Wait(t, by+" answers", serves(by))
				if mac := known(); mac != v.mac {
					t.Errorf("with %s as the master the client knows %s by %q, want %q", by, virtual, mac, v.mac)
				}
			}
			served("keepalived")
			Must(t, h.Start())
			WaitMaster(t, virtual, h, k)
			served("holdfast")
			Must(t, h.Stop())
			WaitMaster(t, virtual, k, h)
			served("keepalived")
			Must(t, h.Start())
			WaitMaster(t, virtual, h, k)
			Must(t, h.Configure(conf(v.us, 50)))
			Must(t, h.Reload())
			WaitMaster(t, virtual, k, h)
			served("keepalived")
			Must(t, k.Kill())
			Wait(t, "holdfast has the address", func() bool { return h.Node.Has(virtual) })
			noComplaint(t, k)
			Must(t, h.Stop())
			if left, _ := h.Node.Run("ip", "-o", "link", "show", "type", "macvlan"); left != "" {
				t.Errorf("left behind: %s", left)
			}
		})
	}
}

// One side with a VMAC, the other without: they understand each other.
func TestVMACOnOneSide(t *testing.T) {
	for _, sides := range [][2]string{{"use_vmac", ""}, {"", "use_vmac"}} {
		t.Run("us "+sides[0]+" them "+sides[1], func(t *testing.T) {
			l, conf, virtual := setup(t, version{})
			k := Start(t, l.Get("keepalived"), Keepalived(t), conf(sides[1], 100))
			WaitMaster(t, virtual, k)
			h := Start(t, l.Get("holdfast"), Holdfast(), conf(sides[0], 150))
			WaitMaster(t, virtual, h, k)
			Must(t, h.Stop())
			WaitMaster(t, virtual, k, h)
			noComplaint(t, k)
		})
	}
}

// knows spares a node to ask for the client's MAC address: Linux names the
// virtual address in the question as it does in the answer that it is for, and
// the client would learn the node's own MAC address from that.
func knows(t *testing.T, n, client *lab.Node, addresses ...string) {
	t.Helper()
	out, err := client.Run("ip", "-o", "link", "show", "eth0")
	Must(t, err)
	_, mac, _ := strings.Cut(out, "link/ether ")
	for _, a := range addresses {
		_, err := n.Run("ip", "neigh", "replace", a, "lladdr", mac[:17], "dev", "eth0", "nud", "permanent")
		Must(t, err)
	}
}

// serving starts a back end on both nodes and returns what tells which of them
// answers the client.
func serving(t *testing.T, l *lab.Lab, client *lab.Node, virtual string) func(name string) func() bool {
	t.Helper()
	for _, name := range []string{"holdfast", "keepalived"} {
		_, err := l.Get(name).Backend("[::]:80")
		Must(t, err)
	}
	at := virtual + ":80"
	if strings.Contains(virtual, ":") {
		at = "[" + virtual + "]:80"
	}
	return func(name string) func() bool {
		return func() bool {
			got, err := client.Get(t.Context(), at)
			return err == nil && got == name
		}
	}
}
