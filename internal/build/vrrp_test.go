package build

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

func address(s string) conf.Address { return conf.Address{Prefix: netip.MustParsePrefix(s)} }

// instance is one as conf leaves it, defaults filled in.
func instance(name string) *conf.VRRPInstance {
	return &conf.VRRPInstance{
		Name: name, Interface: "eth0", Version: 2, Family: 4, VRID: 51, Priority: 100, AdvertInt: time.Second,
		DownTimerAdverts: 3, Accept: true,
		Addresses: []conf.Address{address("192.0.2.100/24")},
		GARP:      conf.GARP{MasterDelay: 5 * time.Second, MasterRepeat: 5, RefreshRepeat: 1, LowerPrioDelay: 5 * time.Second, LowerPrioRepeat: 5},
	}
}

func one(i *conf.VRRPInstance) (vrrp.RouterConfig, Router) {
	out := FromVRRP(&conf.Config{Instances: []*conf.VRRPInstance{i}})
	return out.Node.Routers[0], out.Routers[0]
}

func TestMachine(t *testing.T) {
	i := instance("VI_1")
	i.NoPreempt, i.StateMaster, i.SkipCheckAddr = true, true, true
	i.PreemptDelay = 7 * time.Second
	got, _ := one(i)
	want := vrrp.RouterConfig{
		Name: "VI_1", Interface: "eth0", Version: 2, VRID: 51, Priority: 100, Advert: time.Second, DownAdverts: 3,
		PreemptDelay: 7 * time.Second, StartActive: true, HigherPrioSendAdvert: true, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.100")},
		CheckAddresses: true, CheckOnce: true,
		GARP: vrrp.GARP{
			Delay: 5 * time.Second, LowerPrioDelay: 5 * time.Second, Repeat: 5, RefreshRepeat: 1, LowerPrioRepeat: 5,
		},
		Tracks: []vrrp.TrackRef{{Name: "interface eth0"}, {Name: "source address of VI_1 on eth0"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// An interface on which a router has something is followed without a weight,
// whatever track_interface says, unless no_track is said of what is there.
func TestInterfaceOfAnAddressHasNoWeight(t *testing.T) {
	for _, noTrack := range []bool{false, true} {
		i := instance("VI_1")
		there := address("198.51.100.1/32")
		there.Dev, there.NoTrack = "eth1", noTrack
		i.Addresses = append(i.Addresses, there)
		i.TrackIfaces = []conf.Track{{Name: "eth1", Weight: 5, WeightSet: true}, {Name: "eth2", Weight: -6, WeightSet: true}}
		want := []vrrp.TrackRef{{Name: "interface eth0"}, {Name: "source address of VI_1 on eth0"}, {Name: "interface eth1"}, {Name: "interface eth2", Weight: -6}}
		if noTrack {
			want[2].Weight = 5
		}
		if got, _ := one(i); !reflect.DeepEqual(got.Tracks, want) {
			t.Errorf("no_track %t: %+v, want %+v", noTrack, got.Tracks, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	i := instance("VI_1")
	i.Addresses = append(i.Addresses, address("192.0.2.101/32"), address("192.0.2.100/24"))
	other := address("2001:db8::1/64")
	other.Dev = "eth1"
	i.Excluded = []conf.Address{other}
	_, r := one(i)
	var devs []string
	for _, a := range r.Addresses {
		devs = append(devs, a.Prefix.String()+" "+a.Dev)
	}
	if want := []string{"192.0.2.100/24 eth0", "192.0.2.101/32 eth0", "2001:db8::1/64 eth1"}; !slices.Equal(devs, want) {
		t.Errorf("addresses %v, want %v", devs, want)
	}
	// What is excluded is on the interface, but not in the adverts.
	if len(r.Advertised) != 2 || r.Advertised[1] != netip.MustParseAddr("192.0.2.101") {
		t.Errorf("advertised %v", r.Advertised)
	}
}

// timer_expired_backup: two intervals, or until the best of the others would
// have taken over.
func TestYieldLate(t *testing.T) {
	for given, want := range map[int]time.Duration{0: 0, -1: 2 * time.Second, 128: 2*time.Second + 500*time.Millisecond} {
		i := instance("VI_1")
		i.LateBackup = given
		if got, _ := one(i); got.YieldLate != want {
			t.Errorf("%d: %v, want %v", given, got.YieldLate, want)
		}
	}
}

func TestNoPeer(t *testing.T) {
	i := instance("VI_1")
	i.FaultNoPeer = true
	if _, r := one(i); r.Blocked == "" || !r.Unicast {
		t.Errorf("%+v", r)
	}
	i.Unicast, i.Peers = true, []conf.Peer{{Addr: netip.MustParseAddr("192.0.2.2")}}
	if _, r := one(i); r.Blocked != "" {
		t.Error(r.Blocked)
	}
}

func TestDestination(t *testing.T) {
	own4, own6 := netip.MustParseAddr("224.0.0.99"), netip.MustParseAddr("ff02::99")
	for name, c := range map[string]struct {
		change func(*conf.VRRPInstance, *conf.Global)
		want   netip.Addr
	}{
		"IPv4":          {func(*conf.VRRPInstance, *conf.Global) {}, wire.Group4},
		"IPv6":          {func(i *conf.VRRPInstance, _ *conf.Global) { i.Family = 6 }, wire.Group6},
		"global IPv4":   {func(_ *conf.VRRPInstance, g *conf.Global) { g.McastGroup4 = own4 }, own4},
		"global IPv6":   {func(i *conf.VRRPInstance, g *conf.Global) { i.Family, g.McastGroup6 = 6, own6 }, own6},
		"other's group": {func(_ *conf.VRRPInstance, g *conf.Global) { g.McastGroup6 = own6 }, wire.Group4},
		"mcast_dst_ip":  {func(i *conf.VRRPInstance, g *conf.Global) { i.McastDst, g.McastGroup4 = own4, own6 }, own4},
	} {
		i, c0 := instance("VI_1"), &conf.Config{}
		c.change(i, &c0.Global)
		c0.Instances = []*conf.VRRPInstance{i}
		if r := FromVRRP(c0).Routers[0]; r.Group != c.want || r.TTL != 255 {
			t.Errorf("%s: %v with TTL %d, want %v", name, r.Group, r.TTL, c.want)
		}
	}
}

// "Specifying min_ttl or max_ttl turns on check_unicast_src."
func TestUnicast(t *testing.T) {
	i := instance("VI_1")
	i.Unicast, i.UnicastTTL = true, 64
	i.Peers = []conf.Peer{{Addr: netip.MustParseAddr("192.0.2.12"), MinTTL: -1, MaxTTL: -1}}
	if _, r := one(i); r.CheckSource || r.TTL != 64 || len(r.Peers) != 1 {
		t.Errorf("got %+v", r)
	}
	i.Peers[0].MinTTL = 60
	if _, r := one(i); !r.CheckSource {
		t.Error("min_ttl does not turn on the check")
	}
}

func TestAuthentication(t *testing.T) {
	i := instance("VI_1")
	i.AuthType, i.AuthPass = "PASS", "secret"
	if _, r := one(i); r.AuthType != wire.AuthPass || string(r.AuthData[:]) != "secret\x00\x00" {
		t.Errorf("PASS: %d %q", r.AuthType, r.AuthData)
	}
	i.Version = 3
	if _, r := one(i); r.AuthType != wire.AuthNone || r.AuthData != [8]byte{} {
		t.Error("version 3 has no authentication")
	}
	i.Version, i.AuthType = 2, "AH"
	if _, r := one(i); r.AuthType != wire.AuthAH || string(r.AuthData[:]) != "secret\x00\x00" || r.Blocked != "" {
		t.Errorf("AH: %d %q %q", r.AuthType, r.AuthData, r.Blocked)
	}
}

func TestSameVRIDTwice(t *testing.T) {
	a, b, six, elsewhere := instance("A"), instance("B"), instance("C"), instance("D")
	six.Family = 6
	elsewhere.Interface = "eth1"
	out := FromVRRP(&conf.Config{Instances: []*conf.VRRPInstance{a, b, six, elsewhere}})
	for i, blocked := range []bool{false, true, false, false} {
		if r := out.Routers[i]; (r.Blocked != "") != blocked {
			t.Errorf("%s: %q", r.Name, r.Blocked)
		}
	}
	if !strings.Contains(out.Routers[1].Blocked, "belongs to A") {
		t.Errorf("no owner in %q", out.Routers[1].Blocked)
	}
}

func TestTracks(t *testing.T) {
	i := instance("VI_1")
	i.DontTrackPrimary = true
	i.TrackIfaces = []conf.Track{{Name: "eth2", Weight: 10, WeightSet: true}, {Name: "eth1"}}
	i.TrackScripts = []conf.Track{
		{Name: "own", Weight: -7, WeightSet: true, Reverse: true}, {Name: "block"}, {Name: "missing"},
	}
	c := &conf.Config{
		Instances: []*conf.VRRPInstance{i},
		Groups: []*conf.SyncGroup{{Name: "G", Members: []string{"VI_1", "VI_9"},
			TrackScripts: []conf.Track{{Name: "block"}}}},
		Scripts: []*conf.VRRPScript{
			{Name: "own", Weight: 5, Interval: 2 * time.Second, Rise: 2, Fall: 3}, {Name: "block", Weight: 5, Reverse: true},
			{Name: "unused"},
		},
	}
	out := FromVRRP(c)
	want := []vrrp.TrackRef{
		{Name: "source address of VI_1 on eth0"}, {Name: "interface eth2", Weight: 10}, {Name: "interface eth1"},
		{Name: "script own", Weight: -7, Reverse: true}, {Name: "script block", Weight: 5, Reverse: true},
	}
	if got := out.Node.Routers[0].Tracks; !slices.Equal(got, want) {
		t.Errorf("tracks\n%v, want\n%v", got, want)
	}
	if g := out.Node.Groups[0]; !slices.Equal(g.Members, []string{"VI_1"}) || !slices.Equal(g.Tracks, want[4:]) {
		t.Errorf("group %+v", g)
	}
	if !slices.Equal(out.Interfaces, []string{"eth1", "eth2"}) {
		t.Errorf("interfaces %v", out.Interfaces)
	}
	if len(out.Scripts) != 2 || out.Scripts[0].Name != "block" || out.Scripts[1].Track.Fall != 3 {
		t.Errorf("scripts %+v", out.Scripts)
	}
}

func TestGlobals(t *testing.T) {
	c := &conf.Config{Global: conf.Global{
		NotifyFIFO: conf.FIFO{Path: "/run/a"}, VRRPNotifyFIFO: conf.FIFO{Path: "/run/b"}, LVSNotifyFIFO: conf.FIFO{Path: "/run/c"},
		VRRPProcess: conf.Process{Name: "v", Precedence: conf.Precedence{RTPriority: 50}}, StartupDelay: 3 * time.Second, DefaultInterface: "eth7", ScriptSecurity: true,
	}}
	i := instance("VI_1")
	i.Interface = ""
	c.Instances = []*conf.VRRPInstance{i}
	out := FromVRRP(c)
	if !slices.Equal(out.FIFOs, []FIFO{{Path: "/run/a"}, {Path: "/run/b"}}) || out.Process.Name != "v" || out.Process.RTPriority != 50 || !out.Secure ||
		out.Node.StartupDelay != 3*time.Second || out.Routers[0].Interface != "eth7" || out.Node.Routers[0].Interface != "eth7" {
		t.Errorf("got %+v", out)
	}
}
