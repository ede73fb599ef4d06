package vrrpd

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/kernel"
)

// An interface that goes and comes back as another concerns all its routers.
// Deadlines are served while they are looked at, and in the end all is as if
// nobody had gone first.
func TestAdvertsGoFirstWhileManyAreLookedAt(t *testing.T) {
	const many = 3 * compareSlice
	b := newBench(t)
	b.begin(multitude(many, 100))
	b.pass(2 * time.Second)
	if b.masters != many {
		t.Fatalf("%d masters", b.masters)
	}
	b.net.take()
	yields := 0
	b.yield = func() {
		yields++
		b.pass(10 * time.Millisecond)
	}
	link, _ := b.mirror.Link("eth0")
	link.Index = 7
	b.changed(b.kernel.RemoveLink(1))
	b.settle()
	if b.masters != 0 || b.mirror.Has(netip.MustParseAddr("10.0.0.1")) {
		t.Errorf("without the interface there are %d masters", b.masters)
	}
	b.changed(b.kernel.SetLink(link))
	p := netip.MustParsePrefix(own + "/24")
	b.changed(b.kernel.Put(kernel.Key(7, p), kernel.Address{Bits: p.Bits()}))
	b.settle()
	b.net.take()
	b.pass(2 * time.Second)
	if b.masters != many {
		t.Errorf("with the interface there are %d masters", b.masters)
	}
	b.said()

	// A strange hand takes one address, and no event tells of it.
	b.kernel.Told()
	b.kernel.Take(kernel.Key(7, netip.MustParsePrefix("10.0.0.40/32")))
	b.net.take()
	before := yields
	b.compareAll()
	if told := b.kernel.Told(); told != "ip addr add 10.0.0.40/32 dev eth0" {
		t.Errorf("the kernel was told %q", told)
	}
	if b.net.take() == "" || yields == before {
		t.Error("no advert went first")
	}
	b.yield = func() {}
	b.looksAtAll(t, true)
}

// promote_secondaries counts whenever it is set, and for every interface of that
// name.
func TestPromoteSecondariesOfALinkThatStays(t *testing.T) {
	i := instance("VI_1", 51, 100, "192.0.2.100/24")
	b := start(t, config(i))
	var set []string
	b.links.promote = func(link string) error { set = append(set, link); return nil }
	adopt := func(promote bool) {
		j := *i
		j.PromoteSecondaries = promote
		b.adopt(build.FromVRRP(config(&j)))
	}
	expect := func(what string, want ...string) {
		t.Helper()
		if !slices.Equal(set, want) {
			t.Errorf("%s: it is set on %s", what, strings.Join(set, " "))
		}
		set = nil
	}
	adopt(true)
	expect("newly", "eth0")
	adopt(true)
	expect("as before")
	link, _ := b.mirror.Link("eth0")
	link.Index = 7
	b.changed(b.kernel.RemoveLink(1))
	b.settle()
	b.changed(b.kernel.SetLink(link))
	b.settle()
	expect("another interface", "eth0")
	adopt(false)
	adopt(true)
	expect("once more", "eth0")
}

// A route on a link that gets another name goes, with all that its router has,
// which tracks the link; and comes back with the name.
func TestRoutesOfARenamedLink(t *testing.T) {
	i := instance("VI_1", 51, 100, "192.0.2.100/24")
	i.Routes = []conf.Route{
		{Words: strings.Fields("203.0.113.0/24 via 198.51.100.9 dev eth1")},
		{Words: strings.Fields("203.0.114.0/24 via 192.0.2.9 dev eth0")},
	}
	b := start(t, config(i))
	b.pass(4 * time.Second)
	b.want("at first", b.kernel.Told(), "ip addr add 192.0.2.100/24 dev eth0\nip route add 203.0.113.0/24 via 198.51.100.9 dev eth1\nip route add 203.0.114.0/24 via 192.0.2.9 dev eth0")
	link, _ := b.mirror.Link("eth1")
	link.Name = "other"
	b.changed(b.kernel.SetLink(link))
	b.settle()
	b.want("with another name", b.kernel.Told(), "ip route del 203.0.114.0/24 via 192.0.2.9 dev eth0\nip addr del 192.0.2.100/24 dev eth0\nip route del 203.0.113.0/24 via 198.51.100.9 dev other")
	link.Name = "eth1"
	b.changed(b.kernel.SetLink(link))
	b.settle()
	b.pass(5 * time.Second)
	b.want("with its name again", b.kernel.Told(), "ip addr add 192.0.2.100/24 dev eth0\nip route add 203.0.113.0/24 via 198.51.100.9 dev eth1\nip route add 203.0.114.0/24 via 192.0.2.9 dev eth0")
}

// Nobody is looked for anew when an address goes that is no source: those that a
// reload removes do.
func TestOnlySourcesAreMissed(t *testing.T) {
	b := start(t, config(instance("VI_1", 51, 100, "192.0.2.100/24"), instance("VI_2", 52, 100, "192.0.2.101/24", "192.0.2.102/24")))
	b.pass(4 * time.Second)
	foreign := b.put("192.0.2.50/24")
	b.changed(foreign)
	b.settle()
	take := func(s string) {
		b.changed(b.kernel.Take(kernel.Key(1, netip.MustParsePrefix(s))))
		b.settle()
	}
	wants := b.net.wants
	take("192.0.2.50/24")
	b.adopt(build.FromVRRP(config(instance("VI_1", 51, 100, "192.0.2.100/24"))))
	adopted := b.net.wants
	for _, a := range []string{"192.0.2.101/24", "192.0.2.102/24"} { // as the kernel tells of what we removed
		b.changed(kernel.Change{Kind: kernel.AddrChanged, Link: 1, Addr: kernel.Key(1, netip.MustParsePrefix(a)), Gone: true})
	}
	b.settle()
	if b.net.wants != adopted || adopted != wants+1 {
		t.Errorf("sockets were looked at %d times, once for the reload", b.net.wants-wants)
	}
	take(own + "/24")
	b.want("without a source", b.state(), "FAULT")
}
