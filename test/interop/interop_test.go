// Package interop_test puts Debian's keepalived beside holdfast on one segment:
// each must take the other's word, and mastership must pass both ways.
package interop_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	_ "github.com/holdfast-ha/holdfast/internal/cli" // the daemon: see labtest.Main
	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// atOnce is how many tests run side by side: they wait for timers most of the
// time, whatever the number of processors.
const atOnce = "6"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	os.Exit(Main(m))
}

// version is one way in which two routers may speak.
type version struct {
	instance Instance
	virtual  string
	us, them string // what each side adds to its instance
}

const auth = `authentication {
        auth_type PASS
        auth_pass holdfast
    }`

const ah = `authentication {
        auth_type AH
        auth_pass holdfast
    }`

func unicast(me, peer string) string {
	return "unicast_src_ip " + me + "\n    unicast_peer {\n        " + peer + "\n    }"
}

var versions = map[string]version{
	"v2 with PASS": {instance: Instance{Version: 2, Extra: auth}},
	"v2 with AH":   {instance: Instance{Version: 2, Extra: ah}},
	"v2":           {instance: Instance{Version: 2}},
	"v3":           {instance: Instance{Version: 3}},
	"IPv6": {
		instance: Instance{Addresses: []string{"fe80::100/64", "2001:db8::100/64"}},
		virtual:  "2001:db8::100",
	},
	"unicast v2": {
		instance: Instance{Version: 2},
		us:       unicast("192.0.2.11", "192.0.2.12"), them: unicast("192.0.2.12", "192.0.2.11"),
	},
	"unicast v2 with AH": {
		instance: Instance{Version: 2, Extra: ah},
		us:       unicast("192.0.2.11", "192.0.2.12"), them: unicast("192.0.2.12", "192.0.2.11"),
	},
	"unicast v3": {
		us: unicast("192.0.2.11", "192.0.2.12"), them: unicast("192.0.2.12", "192.0.2.11"),
	},
	"unicast v3, old checksum": {
		instance: Instance{Extra: "old_unicast_checksum"},
		us:       unicast("192.0.2.11", "192.0.2.12"), them: unicast("192.0.2.12", "192.0.2.11"),
	},
	"10 ms": {instance: Instance{Advert: "0.01", Extra: "down_timer_adverts 50"}},
	"unicast IPv6": {
		instance: Instance{Addresses: []string{"fe80::100/64", "2001:db8::100/64"}},
		virtual:  "2001:db8::100",
		us:       unicast("2001:db8::11", "2001:db8::12"), them: unicast("2001:db8::12", "2001:db8::11"),
	},
	"many addresses": {
		instance: Instance{Addresses: []string{"192.0.2.100/24", "192.0.2.101/24", "192.0.2.102/24", "192.0.2.103/24"}},
	},
}

// setup makes both nodes and returns what writes a side's configuration.
func setup(t *testing.T, v version) (l *lab.Lab, conf func(extra string, priority int) string, virtual string) {
	t.Helper()
	Keepalived(t)
	l = New(t)
	Node(t, l, "holdfast", "192.0.2.11/24", "2001:db8::11/64")
	Node(t, l, "keepalived", "192.0.2.12/24", "2001:db8::12/64")
	virtual = Virtual
	if v.virtual != "" {
		virtual = v.virtual
	}
	return l, func(extra string, priority int) string {
		i := v.instance
		i.Priority = priority
		i.Extra += "\n    " + extra
		return "global_defs {\n    router_id test\n}\n" + i.String()
	}, virtual
}

// holdfast comes with the higher priority, takes over from keepalived, and
// yields when it stops and when its priority falls.
func TestHoldfastPreempts(t *testing.T) {
	t.Parallel()
	for name, v := range versions {
		t.Run(name, func(t *testing.T) {
			l, conf, virtual := setup(t, v)
			k := Start(t, l.Get("keepalived"), Keepalived(t), conf(v.them, 100))
			WaitMaster(t, virtual, k)
			h := Start(t, l.Get("holdfast"), Holdfast(), conf(v.us, 150))
			WaitMaster(t, virtual, h, k)
			WaitLog(t, k, "(VI_1) Entering BACKUP STATE", 2)

			Must(t, h.Configure(conf(v.us, 50)))
			Must(t, h.Reload())
			WaitMaster(t, virtual, k, h)

			Must(t, h.Configure(conf(v.us, 150)))
			Must(t, h.Reload())
			WaitMaster(t, virtual, h, k)
			Must(t, h.Stop())
			WaitMaster(t, virtual, k, h)
			noComplaint(t, k)
		})
	}
}

// keepalived comes with the higher priority, takes over from holdfast, and
// holdfast takes its place when it stops and when it dies.
func TestKeepalivedPreempts(t *testing.T) {
	t.Parallel()
	for name, v := range versions {
		t.Run(name, func(t *testing.T) {
			l, conf, virtual := setup(t, v)
			h := Start(t, l.Get("holdfast"), Holdfast(), conf(v.us, 100))
			WaitMaster(t, virtual, h)
			k := Start(t, l.Get("keepalived"), Keepalived(t), conf(v.them, 150))
			WaitMaster(t, virtual, k, h)
			Must(t, k.Stop())
			WaitMaster(t, virtual, h, k)
			Must(t, k.Start())
			WaitMaster(t, virtual, k, h)
			Must(t, k.Kill())
			Wait(t, "holdfast has the address", func() bool { return h.Node.Has(virtual) })
			noComplaint(t, k)
		})
	}
}

// noComplaint fails if keepalived found something wrong with our adverts.
func noComplaint(t *testing.T, k *lab.Daemon) {
	t.Helper()
	for line := range strings.Lines(k.Log()) {
		if strings.Contains(line, "lower priority") {
			continue // an advert that is in order, from a router that has to yield
		}
		for _, word := range []string{"nvalid", "mismatch", "incorrect", "ignoring", "expected", "discard"} {
			if strings.Contains(line, word) {
				t.Errorf("keepalived complains: %s", line)
			}
		}
	}
}

// With different passwords neither believes the other: both are masters.
func TestPasswordsDiffer(t *testing.T) {
	v := versions["v2"]
	l, conf, virtual := setup(t, v)
	pass := func(word string) string {
		return "authentication {\n        auth_type PASS\n        auth_pass " + word + "\n    }"
	}
	h := Start(t, l.Get("holdfast"), Holdfast(), conf(pass("one"), 100))
	k := Start(t, l.Get("keepalived"), Keepalived(t), conf(pass("two"), 150))
	Wait(t, "both have the address", func() bool { return h.Node.Has(virtual) && k.Node.Has(virtual) })
}
