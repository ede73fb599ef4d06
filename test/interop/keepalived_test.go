package interop_test

import (
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// Mastership follows an interface that goes down, on either side.
func TestInterfaceDown(t *testing.T) {
	l, conf, virtual := setup(t, versions["v3"])
	h := Start(t, l.Get("holdfast"), Holdfast(), conf("", 150))
	k := Start(t, l.Get("keepalived"), Keepalived(t), conf("", 100))
	WaitMaster(t, virtual, h, k)
	WaitLog(t, k, "(VI_1) Entering BACKUP STATE", 1)
	Must(t, h.Node.SetLink("eth0", false))
	WaitLog(t, h, "(VI_1) Entering FAULT STATE", 1)
	WaitMaster(t, virtual, k, h)
	Must(t, h.Node.SetLink("eth0", true))
	WaitMaster(t, virtual, h, k)
	Must(t, h.Configure(conf("", 50)))
	Must(t, h.Reload())
	WaitMaster(t, virtual, k, h)
	Must(t, k.Node.SetLink("eth0", false))
	WaitMaster(t, virtual, h, k)
	Must(t, k.Node.SetLink("eth0", true))
	WaitMaster(t, virtual, k, h)
}

// Two instances of a sync group, on a segment each, move together.
func TestSyncGroupsMoveTogether(t *testing.T) {
	Keepalived(t)
	l := New(t)
	node := func(name, one, two string) *lab.Node {
		return NodeWith(t, l, name, lab.Port{LAN: "in", Name: "eth0", Addresses: []string{one}}, lab.Port{LAN: "out", Name: "eth1", Addresses: []string{two}})
	}
	a, b := node("holdfast", "192.0.2.11/24", "198.51.100.11/24"), node("keepalived", "192.0.2.12/24", "198.51.100.12/24")
	const other = "198.51.100.100"
	conf := func(priority int) string {
		return "vrrp_sync_group G {\n    group {\n        VI_1\n        VI_2\n    }\n}\n" +
			Instance{Priority: priority}.String() +
			Instance{Name: "VI_2", Interface: "eth1", VRID: 52, Priority: priority, Addresses: []string{other + "/24"}}.String()
	}
	h, k := Start(t, a, Holdfast(), conf(150)), Start(t, b, Keepalived(t), conf(100))
	both := func(master, backup *lab.Daemon) {
		t.Helper()
		WaitMaster(t, Virtual, master, backup)
		WaitMaster(t, other, master, backup)
	}
	both(h, k)
	Must(t, a.SetLink("eth1", false))
	both(k, h)
	// The other segment's backup need not wait for silence.
	WaitLog(t, k, "(VI_1) Backup received priority 0 advertisement", 1)
	Must(t, a.SetLink("eth1", true))
	both(h, k)
	Must(t, h.Stop())
	both(k, h)
	Must(t, h.Start())
	both(h, k)
	Must(t, h.Kill())
	Wait(t, "keepalived has both", func() bool { return b.Has(Virtual) && b.Has(other) })
}

// A backup of version 3 goes by its master's interval, not by its own.
func TestLearnsTheInterval(t *testing.T) {
	v := versions["v3"]
	l, conf, virtual := setup(t, v)
	slowConf := func(priority int) string { return Instance{Priority: priority, Advert: "0.8"}.String() }
	k := Start(t, l.Get("keepalived"), Keepalived(t), slowConf(150))
	WaitMaster(t, virtual, k)
	h := Start(t, l.Get("holdfast"), Holdfast(), conf("", 100))
	WaitLog(t, h, "advertisement interval updated from 300ms to 800ms", 1)
	Must(t, k.Configure(slowConf(50)))
	Must(t, k.Reload())
	WaitMaster(t, virtual, h, k)
	Must(t, h.Stop())
	WaitMaster(t, virtual, k, h)
}

// A peer that reckons unicast checksums in keepalived's old way is recognised,
// and answered in it.
func TestOldChecksumIsRecognised(t *testing.T) {
	v := versions["unicast v3"]
	l, conf, virtual := setup(t, v)
	k := Start(t, l.Get("keepalived"), Keepalived(t), conf(v.them+"\n    old_unicast_checksum", 100))
	WaitMaster(t, virtual, k)
	h := Start(t, l.Get("holdfast"), Holdfast(), conf(v.us, 150))
	WaitLog(t, h, "Setting unicast VRRPv3 checksum to old version", 1)
	WaitMaster(t, virtual, h, k)
	noComplaint(t, k)
}
