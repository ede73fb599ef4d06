package netns_test

import (
	"os"
	"syscall"
	"testing"

	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

func TestElection(t *testing.T) {
	_, a, b := pair(t)
	WaitLog(t, a, "(VI_1) "+enteringMaster, 1)
	WaitLog(t, b, "(VI_1) "+enteringBackup, 1)
	list, err := a.Node.Addresses("eth0")
	Must(t, err)
	if len(list) != 2 {
		t.Errorf("a has %v, want its own and the virtual address", list)
	}
}

func TestKillNineOfTheWholeDaemon(t *testing.T) {
	_, a, b := pair(t)
	Must(t, a.Kill())
	Wait(t, "b takes the address", func() bool { return b.Node.Has(Virtual) })
	if !a.Node.Has(Virtual) {
		t.Error("the address went from a, though nobody was left there to remove it")
	}
	Must(t, a.Start())
	WaitMaster(t, Virtual, a, b)
}

// A router that comes back after a crash finds its address still on the
// interface. It is not the master any more, so the address must go.
func TestLeftOverAddressIsRemovedFromABackup(t *testing.T) {
	_, a, b := pair(t)
	Must(t, a.Kill())
	Wait(t, "b takes the address", func() bool { return b.Node.Has(Virtual) })
	Must(t, a.Configure(config(Instance{Priority: 50})))
	Must(t, a.Start())
	WaitMaster(t, Virtual, b, a)
	WaitLog(t, a, "(VI_1) "+enteringBackup, 1)
}

func TestOrderlyStop(t *testing.T) {
	_, a, b := pair(t)
	pidFile := a.Node.Name() + ".pid"
	Must(t, a.Stop())
	WaitMaster(t, Virtual, b, a)
	if _, err := os.Stat(a.ConfigFile()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(a.ConfigFile()[:len(a.ConfigFile())-len("a.conf")] + pidFile); err == nil {
		t.Error("the pid file is left")
	}
	Must(t, a.Start())
	WaitMaster(t, Virtual, a, b)
}

// A SIGINT ends the daemon as a SIGTERM does.
func TestInterrupt(t *testing.T) {
	_, a, b := pair(t)
	Must(t, a.Signal(syscall.SIGINT))
	code, err := a.Wait(Patience)
	if code != 0 || err != nil {
		t.Errorf("exit status %d, %v", code, err)
	}
	WaitMaster(t, Virtual, b, a)
}

// With nopreempt a router of higher priority lets the master be.
func TestNoPreempt(t *testing.T) {
	_, a, b := pair(t)
	Must(t, a.Stop())
	WaitMaster(t, Virtual, b, a)
	Must(t, a.Configure(config(Instance{Priority: 150, Extra: "nopreempt"})))
	Must(t, a.Start())
	// a has made up its mind once it has been a backup; it would take over
	// within an advert's time. The third router is the clock: it has a lower
	// priority and starts later, so when it is a backup, a has had its time.
	WaitLog(t, a, "(VI_1) "+enteringBackup, 2)
	if masters := Logged(a, enteringMaster); masters != 1 {
		t.Errorf("a became master %d times, want once, before it was stopped", masters)
	}
	Must(t, b.Stop())
	WaitMaster(t, Virtual, a, b)
}

func TestIPv6(t *testing.T) {
	const virtual = "2001:db8::100"
	six := func(priority int) string {
		return config(Instance{Priority: priority, Addresses: []string{"fe80::100/64", virtual + "/64"}})
	}
	l := New(t)
	a := Start(t, Node(t, l, "a", "2001:db8::11/64"), Holdfast(), six(150))
	b := Start(t, Node(t, l, "b", "2001:db8::12/64"), Holdfast(), six(100))
	WaitMaster(t, virtual, a, b)
	client := Node(t, l, "client", "2001:db8::50/64")
	for _, d := range []interface{ Name() string }{a.Node, b.Node} {
		_, err := l.Get(d.Name()).Backend("[::]:80")
		Must(t, err)
	}
	answers := func(want string) func() bool {
		return func() bool {
			got, err := client.Get(t.Context(), "["+virtual+"]:80")
			return err == nil && got == want
		}
	}
	Wait(t, "a answers", answers("a"))
	Must(t, a.Stop())
	WaitMaster(t, virtual, b, a)
	// The client's neighbour entry names a; b's advertisement must correct it.
	Wait(t, "b answers", answers("b"))
}

// The client's ARP entry follows the address, for the new master announces it.
func TestGratuitousARP(t *testing.T) {
	l, a, b := pair(t)
	client := Node(t, l, "client", "192.0.2.50/24")
	for _, name := range []string{"a", "b"} {
		_, err := l.Get(name).Backend(":80")
		Must(t, err)
	}
	answers := func(want string) func() bool {
		return func() bool {
			got, err := client.Get(t.Context(), Virtual+":80")
			return err == nil && got == want
		}
	}
	Wait(t, "a answers", answers("a"))
	Must(t, a.Kill()) // a keeps the address and would still answer
	Wait(t, "b takes the address", func() bool { return b.Node.Has(Virtual) })
	Wait(t, "b answers", answers("b"))
}

func TestUnicast(t *testing.T) {
	peers := func(me, peer string) string {
		return "unicast_src_ip " + me + "\n    unicast_peer {\n        " + peer + "\n    }"
	}
	l := New(t)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(),
		config(Instance{Priority: 150, Extra: peers("192.0.2.11", "192.0.2.12")}))
	b := Start(t, Node(t, l, "b", "192.0.2.12/24"), Holdfast(),
		config(Instance{Priority: 100, Extra: peers("192.0.2.12", "192.0.2.11")}))
	WaitMaster(t, Virtual, a, b)
	Must(t, a.Stop())
	WaitMaster(t, Virtual, b, a)
	Must(t, a.Start())
	WaitMaster(t, Virtual, a, b)
}
