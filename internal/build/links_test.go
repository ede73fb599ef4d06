package build

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// virtual is an instance with a VMAC.
func virtual(name string, vrid int, addresses ...string) *conf.VRRPInstance {
	i := instance(name)
	i.VRID, i.VMAC, i.Addresses = vrid, &conf.VMAC{Group: -1}, nil
	for _, a := range addresses {
		i.Addresses = append(i.Addresses, address(a))
	}
	if strings.Contains(addresses[0], ":") {
		i.Family, i.Version = 6, 3
	}
	return i
}

func links(v *VRRP) (out []string) {
	for i := range v.Links {
		out = append(out, v.Links[i].Name+"@"+v.Links[i].Base)
	}
	return out
}

// Names are keepalived's: the prefix and the VRID, with a 6 or a number where
// that is taken, never a name that the configuration gives.
func TestLinkNames(t *testing.T) {
	a, b, c := virtual("a", 7, "192.0.2.1/24"), virtual("b", 7, "2001:db8::1/64"), virtual("c", 7, "198.51.100.1/24")
	d := virtual("d", 9, "192.0.2.9/24")
	c.Interface, d.VMAC.Name = "eth1", "v2.7"
	e := virtual("e", 7, "203.0.113.1/24")
	e.Interface = "eth2"
	got := FromVRRP(&conf.Config{Global: conf.Global{VMACPrefix: "v"}, Instances: []*conf.VRRPInstance{a, b, c, d, e}})
	if want := []string{"v.7@eth0", "v6.7@eth0", "v1.7@eth1", "v2.7@eth0", "v3.7@eth2"}; !slices.Equal(links(&got), want) {
		t.Errorf("got %q, want %q", links(&got), want)
	}
	if l := got.Links[1]; l.MAC != [6]byte{0, 0, 0x5e, 0, 2, 7} || !l.V6 || l.V4 || !l.LinkLocal {
		t.Errorf("%+v", l)
	}
	if r := got.Routers[0]; r.Interface != "v.7" || r.Base != "eth0" || r.Addresses[0].Dev != "v.7" || got.Node.Routers[0].Interface != "eth0" {
		t.Errorf("%+v", r)
	}
}

// Addresses elsewhere have VMACs of their own where that is asked for.
func TestAddressesOnLinks(t *testing.T) {
	i := virtual("a", 7, "192.0.2.1/24", "198.51.100.1/24", "198.51.100.2/24", "203.0.113.1/24", "192.0.2.2/24")
	i.Addresses[1].Dev, i.Addresses[2].Dev, i.Addresses[3].Dev, i.Addresses[4].Dev = "eth1", "eth1", "eth2", "eth0"
	i.Addresses[1].UseVMAC, i.Addresses[2].UseVMAC = true, true
	i.Excluded = []conf.Address{address("2001:db8::1/64")}
	devs := func() (out []string) {
		v := FromVRRP(&conf.Config{Global: conf.Global{VMACPrefix: "v", VMACAddrPrefix: "va"}, Instances: []*conf.VRRPInstance{i}})
		for _, a := range v.Routers[0].Addresses {
			out = append(out, a.Dev)
		}
		return out
	}
	if got, want := devs(), []string{"v.7", "va.7", "va.7", "eth2", "v.7", "v.7"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	i.VMACAddr = true
	if got, want := devs(), []string{"v.7", "va.7", "va.7", "va1.7", "v.7", "va6.7"}; !slices.Equal(got, want) {
		t.Errorf("with use_vmac_addr: got %q, want %q", got, want)
	}
	i.VMAC.MAC = [6]byte{2, 0, 0, 0, 0, 7}
	if got := devs(); got[5] != "v.7" {
		t.Errorf("a MAC address of its own is for both families: got %q", got)
	}
	i.XmitBase = true
	m, _ := one(i)
	for _, o := range m.Tracks {
		if strings.Contains(o.Name, ".7") {
			t.Errorf("%s is tracked", o.Name)
		}
	}
	if _, r := one(i); r.Interface != "eth0" || r.Addresses[0].Dev == "eth0" {
		t.Errorf("with vmac_xmit_base: adverts on %s, address on %s", r.Interface, r.Addresses[0].Dev)
	}
}

// An interface for addresses elsewhere is one router's, on one interface, and of
// one MAC address.
func TestLinksAreShared(t *testing.T) {
	a, b := virtual("a", 7, "192.0.2.1/24", "198.51.100.1/24", "203.0.113.1/24", "198.51.100.2/24"), virtual("b", 8, "192.0.2.9/24", "198.51.100.9/24")
	for _, i := range []*conf.VRRPInstance{a, b} {
		i.VMACAddr = true
		i.Addresses[1].Dev = "eth1"
	}
	a.Addresses[2].Dev, a.Addresses[3].Dev = "eth2", "eth1"
	a.Excluded = []conf.Address{address("2001:db8::1/64"), address("2001:db8::2/64")}
	a.Excluded[0].Dev, a.Excluded[1].Dev = "eth1", "eth1"
	v := FromVRRP(&conf.Config{Global: conf.Global{VMACPrefix: "v"}, Instances: []*conf.VRRPInstance{a, b}})
	var devs []string
	for _, r := range v.Routers {
		for _, a := range r.Addresses {
			devs = append(devs, a.Dev)
		}
	}
	if want := []string{"v.7", "v1.7", "v2.7", "v1.7", "v6.7", "v6.7", "v.8", "v1.8"}; !slices.Equal(devs, want) {
		t.Errorf("addresses are on %q, want %q", devs, want)
	}
	if want := []string{"v.7@eth0", "v1.7@eth1", "v2.7@eth2", "v6.7@eth1", "v.8@eth0", "v1.8@eth1"}; !slices.Equal(links(&v), want) {
		t.Errorf("%q, want %q", links(&v), want)
	}
}

// Two macvlans on an interface cannot have one MAC address.
func TestMACIsTaken(t *testing.T) {
	a, b := virtual("a", 7, "192.0.2.1/24"), virtual("b", 8, "198.51.100.1/24")
	a.VMAC.MAC, b.VMAC.MAC = [6]byte{2}, [6]byte{2}
	got := FromVRRP(&conf.Config{Global: conf.Global{VMACPrefix: "v"}, Instances: []*conf.VRRPInstance{a, b}})
	if got.Routers[0].Blocked != "" || !strings.Contains(got.Routers[1].Blocked, "that of a's v.7") {
		t.Errorf("%q and %q", got.Routers[0].Blocked, got.Routers[1].Blocked)
	}
}

// A change must have counted before others act on the silence.
func TestDelaysAreBounded(t *testing.T) {
	i := instance("a")
	i.DownTimerAdverts = 3
	v := FromVRRP(&conf.Config{Instances: []*conf.VRRPInstance{i}, Delays: []conf.UpDownDelay{
		{Interface: "eth0", Down: 5 * time.Second, Up: time.Second}, {Interface: "eth1", Down: 5 * time.Second},
	}})
	if d := v.Delays; d[0].Down != 2*time.Second || d[0].Up != time.Second || d[1].Down != 5*time.Second {
		t.Errorf("%+v", d)
	}
}

// An ipvlan is spoken from; addresses stay on the interface below.
func TestAddressesBesideAnIPVLAN(t *testing.T) {
	i := instance("VI_1")
	i.VMAC = &conf.VMAC{IPVLAN: true, Name: "ip0", Addr: netip.MustParsePrefix("192.0.2.21/24")}
	m, r := one(i)
	if r.Interface != "ip0" || m.Interface != "eth0" || r.Source != netip.MustParseAddr("192.0.2.21") {
		t.Errorf("it speaks on %s of %s from %s", r.Interface, m.Interface, r.Source)
	}
	for _, a := range r.Addresses {
		if a.Dev != "eth0" {
			t.Errorf("%s is on %s", a.Prefix, a.Dev)
		}
	}
}
