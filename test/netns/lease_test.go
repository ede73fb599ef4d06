package netns_test

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

const virtual6 = "2001:db8::100"

// leased starts one router whose addresses are on a lease of two seconds, with a
// route that depends on one of them.
func leased(t *testing.T) (*lab.Node, *lab.Daemon) {
	t.Helper()
	n := Node(t, New(t), "a", "192.0.2.11/24")
	d := Start(t, n, Holdfast(), config(Instance{Priority: 150, Extra: `@holdfast vip_lease 2
    virtual_ipaddress_excluded {
        ` + virtual6 + `/64
    }
    virtual_routes {
        172.16.0.0/12 via 192.0.2.254 dev eth0 src ` + Virtual + `
    }`}))
	WaitMaster(t, Virtual, d)
	Wait(t, "the IPv6 address and the route are there", func() bool { return n.Has(virtual6) && strings.Contains(routes(t, n), "172.16") })
	return n, d
}

func routes(t *testing.T, n *lab.Node) string {
	t.Helper()
	out, err := n.Run("ip", "route", "show", "proto", "18")
	Must(t, err)
	return out
}

// left is how many seconds an address has, by the kernel's word.
func left(t *testing.T, n *lab.Node, address string) (valid float64) {
	t.Helper()
	out, err := n.Run("ip", "-j", "addr", "show", "to", address)
	Must(t, err)
	var list []struct {
		Info []struct {
			Valid float64 `json:"valid_life_time"`
		} `json:"addr_info"`
	}
	Must(t, json.Unmarshal([]byte(out), &list))
	for _, l := range list {
		for _, i := range l.Info {
			valid = i.Valid
		}
	}
	return valid
}

// Addresses stay as long as the daemon lives, and nobody is told of a renewal.
func TestLeaseIsRenewed(t *testing.T) {
	n, d := leased(t)
	for _, a := range []string{Virtual, virtual6} {
		if s := left(t, n, a); s > 2 {
			t.Errorf("%s is there for %.0f s, though its lease is 2", a, s)
		}
	}
	for end := time.Now().Add(3500 * time.Millisecond); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if !n.Has(Virtual) || !n.Has(virtual6) {
			t.Fatal("an address was lost, though the daemon lives")
		}
	}
	if log := d.Log(); strings.Contains(log, "somebody else") || Logged(d, enteringMaster) != 1 {
		t.Errorf("the renewals were noticed:\n%s", log)
	}
	Must(t, d.Stop())
	Wait(t, "they are gone", func() bool { return !n.Has(Virtual) && !n.Has(virtual6) })
}

// Without a daemon the kernel drops them by itself, and the route with them.
func TestLeaseEndsWithTheDaemon(t *testing.T) {
	for how, signal := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "stopped": syscall.SIGSTOP} {
		t.Run(how, func(t *testing.T) {
			n, d := leased(t)
			parent, vrrp := d.PID(), child(t, d)
			began := time.Now()
			Must(t, syscall.Kill(parent, signal))
			Must(t, syscall.Kill(vrrp, signal))
			Wait(t, "the kernel drops them", func() bool { return !n.Has(Virtual) && !n.Has(virtual6) && routes(t, n) == "" })
			t.Logf("gone after %v", time.Since(began).Round(time.Millisecond))
			if !n.Has("192.0.2.11") {
				t.Error("the interface's own address has gone")
			}
			if signal == syscall.SIGSTOP { // they go on, and serve again
				Must(t, syscall.Kill(parent, syscall.SIGCONT))
				Must(t, syscall.Kill(vrrp, syscall.SIGCONT))
				Wait(t, "they are back", func() bool { return n.Has(Virtual) && n.Has(virtual6) && routes(t, n) != "" })
			}
		})
	}
}
