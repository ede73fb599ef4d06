package vrrpd

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// many is a router of so many addresses, which it is the owner of.
func many(n int) *conf.VRRPInstance {
	i := instance("VI_1", 51, 255)
	i.StateMaster = true
	for k := range n {
		i.Addresses = append(i.Addresses, prefix(fmt.Sprintf("10.9.%d.%d/32", k/250, k%250+1)))
	}
	return i
}

func setMTU(b *bench, mtu int) {
	l, _ := b.mirror.Link("eth0")
	l.MTU = mtu
	b.kernel.SetLink(l)
}

// How many addresses keepalived 2.2.7 says that a packet has room for: of
// version 2, 3, with AH, and over IPv6.
func TestCapacityAsKeepalived(t *testing.T) {
	for _, c := range []struct{ mtu, family, version, extra, want int }{
		{576, 4, 2, 0, 131}, {576, 4, 3, 0, 133}, {577, 4, 3, 0, 133}, {578, 4, 3, 0, 134}, {2000, 4, 3, 0, 255},
		{576, 4, 2, wire.AHLen, 125}, {580, 4, 2, wire.AHLen, 126}, {576, 6, 3, 0, 32}, {1295, 6, 3, 0, 77}, {0, 4, 2, 0, 255}, {60, 6, 3, 0, 0},
	} {
		if got := wire.Capacity(c.mtu, c.family, c.version, c.extra); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// What does not fit is there all the same; only the advert has the first ones.
func TestAdvertsFitTheMTU(t *testing.T) {
	b := newBench(t)
	setMTU(b, 576)
	b.begin(build.FromVRRP(config(many(250))))
	e := b.edges[0]
	if e.fits != 133 || len(e.payload(255, wire.Group4)) != 8+133*4 || len(e.holds) != 250 {
		t.Errorf("%d fit in %d bytes, %d are held", e.fits, len(e.advert), len(e.holds))
	}
	if said := b.said(); !strings.Contains(said, "Number of VIPs (250) exceeds maximum/space available in packet (max 133 addresses)") {
		t.Error(said)
	}
	if got := e.whole(e.Advertised[:133]); len(got) != 250 {
		t.Errorf("an advert that leaves out the same is another: %d", len(got))
	}
	i := many(250)
	i.HMAC = withHMAC(conf.HMACPermissive).HMAC
	b.adopt(build.FromVRRP(config(i)))
	if e = b.edges[0]; e.fits != 126 {
		t.Errorf("with an HMAC %d fit", e.fits)
	}
	setMTU(b, 9000)
	b.relocate()
	if e.fits != 250 || len(e.payload(255, wire.Group4)) != 8+250*4 {
		t.Errorf("%d fit a larger MTU", e.fits)
	}
}

func TestUnknownVRIDs(t *testing.T) {
	c := config(v2())
	c.Global.LogUnknownVRIDs = true
	b := start(t, c)
	for _, vrid := range []uint8{7, 7, 8} {
		a := good2()
		a.VRID = vrid
		b.receive(a, wire.Group4, nil)
	}
	if said := b.said(); strings.Count(said, "unknown VRID(7) received on interface(eth0)") != 1 || !strings.Contains(said, "unknown VRID(8)") {
		t.Error(said)
	}
}

// Why an IPv6 router cannot speak is said of the address that it would speak from.
func TestLinkLocalAddressThatCannotBeUsed(t *testing.T) {
	i := instance("VI_1", 51, 100, "fe80::100/64")
	i.Family = 6
	b := start(t, config(i))
	k := kernel.Key(1, netip.MustParsePrefix("fe80::1/64"))
	for _, c := range []struct {
		flags uint32
		want  string
	}{
		{unix.IFA_F_TENTATIVE, " to send from: whether another host has fe80::1 is still being found out"},
		{unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED, " to send from: another host on the link has fe80::1 (duplicate address detection failed)"},
		{0, ""},
	} {
		b.changed(b.kernel.Put(k, kernel.Address{Bits: 64, Flags: c.flags}))
		b.settle()
		if got := b.edges[0].problem; !strings.HasSuffix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("flags %#x: %q, want %q", c.flags, got, c.want)
		}
	}
}

// The commonest of mistakes: two routers with one address and two VRIDs, both
// master. Whoever shares neither is nobody's affair.
func TestOurAddressWithAnotherVRID(t *testing.T) {
	b := start(t, config(instance("VI_1", 51, 100, "192.0.2.100/24"), instance("VI_2", 53, 100, "192.0.2.101/24")))
	b.hear("192.0.2.12", 52, 150, "192.0.2.99")
	b.hear(own, 52, 150, "192.0.2.100") // we, after a reload
	if said := b.said(); strings.Contains(said, "ignoring") {
		t.Error(said)
	}
	const why = "its virtual_router_id is 52, ours 51, but it has our address 192.0.2.100"
	for range 3 {
		b.at = b.at.Add(time.Second)
		b.hear("192.0.2.12", 52, 150, "192.0.2.99", "192.0.2.100")
		b.hear("192.0.2.12", 52, 150, "192.0.2.99", "192.0.2.100") // too soon to be looked at
	}
	if said := b.said(); strings.Count(said, "(VI_1) ignoring advert from 192.0.2.12: "+why) != 1 || strings.Contains(said, "VI_2") {
		t.Error(said)
	}
	all := b.survey(false).status().Instances
	if r := all[0].Refused; r == nil || r.Why != why || r.Times != 3 || all[1].Refused != nil || all[0].Counters["advert_rcvd"] != 0 {
		t.Errorf("%+v of %+v", r, all)
	}
}

// Checksums of other kinds are taken from whom they are expected, and peers of
// the old kind are answered in it.
func TestKindsOfChecksums(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*conf.VRRPInstance)
		kind    wire.Checksum
		unicast bool
		taken   bool
		sends   wire.Checksum
	}{
		{"standard", nil, wire.Standard, false, true, wire.Standard},
		{"as version 2, unasked", nil, wire.AsV2, false, false, wire.Standard},
		{"as version 2", func(i *conf.VRRPInstance) { i.V3ChecksumAsV2 = true }, wire.AsV2, false, true, wire.AsV2},
		{"as version 2 is not needed", func(i *conf.VRRPInstance) { i.V3ChecksumAsV2 = true }, wire.Standard, false, true, wire.AsV2},
		{"old", nil, wire.OldUnicast, true, true, wire.OldUnicast},
		{"old, never", func(i *conf.VRRPInstance) { i.OldChecksum = conf.OldChecksumNever }, wire.OldUnicast, true, false, wire.Standard},
		{"old, all", func(i *conf.VRRPInstance) { i.OldChecksum = conf.OldChecksumAll }, wire.Standard, true, true, wire.OldUnicast},
	} {
		i := instance("VI_1", 51, 100, "192.0.2.100/24")
		if c.unicast {
			i.Unicast, i.Peers = true, []conf.Peer{{Addr: peer, MinTTL: -1, MaxTTL: -1}}
		}
		if c.change != nil {
			c.change(i)
		}
		b := start(t, config(i))
		dst := wire.Group4
		if c.unicast {
			dst = b.edges[0].source
		}
		a := good2()
		a.Version, a.AuthType, a.AuthData, a.Checksum = 3, 0, [8]byte{}, c.kind
		b.receive(a, dst, nil)
		if b.node.Router(0).Master.IsValid() != c.taken {
			t.Errorf("%s: taken %v, %s", c.name, !c.taken, b.said())
		}
		to := wire.Group4
		if c.unicast {
			to = peer
		}
		var sent wire.Advert
		if wire.ParseAdvert(&sent, b.edges[0].payload(100, to), b.edges[0].source, to); sent.Checksum != c.sends {
			t.Errorf("%s: sends %d", c.name, sent.Checksum)
		}
	}
}
