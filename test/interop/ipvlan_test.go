package interop_test

import (
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// can skips the test where the kernel has no links of a kind; test/uml runs it
// with one that has.
func can(t *testing.T, n *lab.Node, words string) {
	t.Helper()
	if out, err := n.Run("ip", strings.Fields("link add try0 "+words)...); err != nil {
		t.Skipf("this kernel has no such link: %s", out)
	}
	run(t, n, "ip", "link", "del", "try0")
}

// Without an address of its own, an ipvlan speaks from its link-local one.
func TestIPVLANIPv6(t *testing.T) {
	l, conf, virtual := setup(t, versions["IPv6"])
	can(t, l.Get("holdfast"), "link eth0 type ipvlan mode l2")
	k := Start(t, l.Get("keepalived"), Keepalived(t), conf("", 100))
	WaitMaster(t, virtual, k)
	h := Start(t, l.Get("holdfast"), Holdfast(), conf("use_ipvlan ip0", 150))
	WaitMaster(t, virtual, h, k)
	Must(t, h.Stop())
	WaitMaster(t, virtual, k, h)
	noComplaint(t, k)
}

// Routers that speak from ipvlans take over from each other.
func TestIPVLAN(t *testing.T) {
	v := version{us: "use_ipvlan ip0 192.0.2.21/24", them: "use_ipvlan ip0 192.0.2.22/24"}
	l, conf, virtual := setup(t, v)
	can(t, l.Get("holdfast"), "link eth0 type ipvlan mode l2")
	k := Start(t, l.Get("keepalived"), Keepalived(t), conf(v.them, 100))
	WaitMaster(t, virtual, k)
	h := Start(t, l.Get("holdfast"), Holdfast(), conf(v.us, 150))
	WaitMaster(t, virtual, h, k)
	for _, d := range []*lab.Daemon{h, k} {
		if out := run(t, d.Node, "ip", "-o", "addr", "show", "dev", "ip0"); !strings.Contains(out, "192.0.2.2") || strings.Contains(out, virtual) {
			t.Errorf("ip0 of %s has %s", d.Name, out)
		}
	}
	if out := run(t, h.Node, "ip", "-o", "addr", "show", "dev", "eth0"); !strings.Contains(out, virtual) {
		t.Errorf("eth0 has %s", out)
	}
	Wait(t, "keepalived hears who it is", func() bool { return strings.Contains(k.Log(), "advert from 192.0.2.21 with higher priority") })
	Must(t, h.Stop())
	WaitMaster(t, virtual, k, h)
	if out := run(t, h.Node, "ip", "-o", "link", "show", "type", "ipvlan"); out != "" {
		t.Errorf("left behind: %s", out)
	}
	Must(t, h.Start())
	WaitMaster(t, virtual, h, k)
	Must(t, h.Kill())
	Wait(t, "keepalived takes over", func() bool { return k.Node.Has(virtual) })
	noComplaint(t, k)
}

// An interface in a VRF serves as any other, with a VMAC and without; the VMAC
// is in the VRF too, and follows the interface when it moves.
func TestVRF(t *testing.T) {
	for _, extra := range []string{"", "use_vmac"} {
		t.Run(extra, func(t *testing.T) {
			l, conf, virtual := setup(t, version{})
			n := l.Get("holdfast")
			can(t, n, "type vrf table 10")
			for _, line := range []string{"link add red type vrf table 10", "link set red up", "link set eth0 master red"} {
				run(t, n, append([]string{"ip"}, strings.Fields(line)...)...)
			}
			k := Start(t, l.Get("keepalived"), Keepalived(t), conf("", 100))
			WaitMaster(t, virtual, k)
			h := Start(t, n, Holdfast(), conf(extra, 150))
			WaitMaster(t, virtual, h, k)
			if extra != "" {
				inside := func(vrf string) func() bool {
					return func() bool {
						return strings.Contains(run(t, n, "ip", "-o", "link", "show", "dev", "vrrp.51"), vrf)
					}
				}
				Wait(t, "the VMAC is in the VRF", inside("master red"))
				run(t, n, "ip", "link", "add", "blue", "type", "vrf", "table", "11")
				run(t, n, "ip", "link", "set", "blue", "up")
				run(t, n, "ip", "link", "set", "eth0", "master", "blue")
				Wait(t, "the VMAC follows", inside("master blue"))
				WaitMaster(t, virtual, h, k)
			}
			Must(t, h.Stop())
			WaitMaster(t, virtual, k, h)
			noComplaint(t, k)
		})
	}
}
