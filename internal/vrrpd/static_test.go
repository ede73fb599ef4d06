package vrrpd

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/kernel"
)

// static adds an address of eth0 and a route to a configuration.
func static(c *conf.Config, addresses ...string) *conf.Config {
	for _, a := range addresses {
		p := prefix(a)
		p.Dev = "eth0"
		c.StaticAddresses = append(c.StaticAddresses, p)
	}
	c.StaticRoutes = append(c.StaticRoutes, conf.Route{Words: strings.Fields("198.51.100.0/24 via 10.0.0.9 dev eth0")})
	return c
}

func (b *bench) hasRoute() bool {
	_, ok := b.mirror.Route(kernel.RouteKey{Table: 254, Dst: netip.MustParsePrefix("198.51.100.0/24")})
	return ok
}

func TestStaticFromStartToStop(t *testing.T) {
	// The interface's own address is listed too: it was there before, and stays.
	b := start(t, static(config(instance("VI_1", 51, 100, "192.0.2.100/24")), "10.0.0.1/24", "192.0.2.11/24"))
	b.want("state", b.state(), "BACKUP")
	if !b.has("10.0.0.1/24") || !b.hasRoute() || b.has("192.0.2.100/24") {
		t.Error("a backup has its static addresses and routes, and they only")
	}
	if got := b.kernel.Told(); strings.Index(got, "10.0.0.1/24") > strings.Index(got, "198.51.100.0/24") {
		t.Errorf("the route needs the address:\n%s", got)
	}
	b.want("adverts come from", b.edges[0].source.String(), own)
	b.pass(4 * time.Second)
	b.stop("test")
	if b.has("10.0.0.1/24") || b.hasRoute() || b.has("192.0.2.100/24") || !b.has("192.0.2.11/24") {
		t.Errorf("left at the end:\n%s", b.kernel.Told())
	}
}

func TestStaticIsPutBack(t *testing.T) {
	b := start(t, static(config(instance("VI_1", 51, 100, "192.0.2.100/24")), "10.0.0.1/24"))
	b.said()
	b.changed(b.kernel.Take(kernel.Key(1, netip.MustParsePrefix("10.0.0.1/24"))))
	b.settle()
	if said := b.said(); !b.has("10.0.0.1/24") || !strings.Contains(said, "10.0.0.1/24 was removed from eth0 by somebody else") {
		t.Errorf("said %q", said)
	}
	if len(b.net.announced) > 0 {
		t.Errorf("announced %v, though it has not moved", b.net.announced)
	}
}

// An address that adverts come from may be one of the static ones.
func TestStaticAddressIsASource(t *testing.T) {
	c := static(config(), "10.0.0.1/24")
	i := instance("VI_1", 51, 100, "10.0.0.100/24")
	i.Interface = "eth1"
	c.Instances, c.StaticAddresses[0].Dev, c.StaticRoutes = append(c.Instances, i), "eth1", nil
	b := start(t, c)
	for k := range b.owners {
		b.changed(kernel.Change{Kind: kernel.AddrChanged, Link: k.Link, Addr: k})
	}
	b.relocate()
	b.want("source", b.edges[0].source.String(), "10.0.0.1")
	b.want("state", b.state(), "BACKUP")
}

func TestReloadOfStatic(t *testing.T) {
	b := start(t, static(config(instance("VI_1", 51, 100, "192.0.2.100/24")), "10.0.0.1/24", "10.0.1.1/24"))
	b.adopt(build.FromVRRP(static(config(instance("VI_1", 51, 100, "192.0.2.100/24")), "10.0.0.1/24", "10.0.2.1/24")))
	if !b.has("10.0.0.1/24") || b.has("10.0.1.1/24") || !b.has("10.0.2.1/24") || !b.hasRoute() {
		t.Errorf("after the reload:\n%s", b.kernel.Told())
	}
	b.adopt(build.FromVRRP(config(instance("VI_1", 51, 100, "192.0.2.100/24"))))
	if b.has("10.0.0.1/24") || b.has("10.0.2.1/24") || b.hasRoute() || !b.has("192.0.2.11/24") {
		t.Errorf("after the second:\n%s", b.kernel.Told())
	}
}

// Over a link that is set down there are no routes; that is no error, and they
// come back with it.
func TestStaticRouteOfALinkThatIsDown(t *testing.T) {
	b := newBench(t)
	eth0, _ := b.mirror.Link("eth0")
	down := eth0
	down.Flags = 0
	b.kernel.SetLink(down)
	b.begin(build.FromVRRP(static(config(), "10.0.0.1/24")))
	if b.hasRoute() || b.retryAt != 0 {
		t.Error("it was tried")
	}
	b.changed(b.kernel.SetLink(eth0))
	b.settle()
	if !b.hasRoute() {
		t.Error("it does not come back")
	}
}
