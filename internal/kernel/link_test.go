package kernel

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func makeIt(t *testing.T, r *Reflector, v *VirtualLink) {
	t.Helper()
	w, ok := r.Mirror().LinkWork(v)
	if !ok {
		t.Fatalf("there is nothing to do for %s", v.Name)
	}
	if err := w.Do(); err != nil {
		t.Fatal(err)
	}
	until(t, r, v.Name+" is ready", func() bool { s, _ := r.Mirror().State(v); return s == LinkReady })
}

// A VMAC is made as wanted, set right when somebody has changed it, and told
// from what is none.
func TestVirtualLink(t *testing.T) {
	inside(t)
	r, _ := openIt(t)
	m := r.Mirror()
	v := &VirtualLink{Name: "vm.1", Base: "v0", MAC: [6]byte{0, 0, 0x5e, 0, 1, 7}, Group: 5, V4: true}
	if s, _ := m.State(&VirtualLink{Name: "vm.1", Base: "none"}); s != LinkBlocked {
		t.Errorf("without a base it is %v", s)
	}
	makeIt(t, r, v)
	base, _ := m.Link("v0")
	if l, _ := m.Link("vm.1"); !l.Up() || l.MAC != v.MAC || l.Base != base.Index || l.Group != 5 || l.Kind != "macvlan" || !l.Ethernet {
		t.Errorf("%+v", l)
	}
	if out := ip(t, "-d link show vm.1"); !strings.Contains(out, "mode private") || !strings.Contains(out, "addrgenmode none") {
		t.Error(out)
	}
	if _, ok := m.LinkWork(v); ok {
		t.Error("there is more to do")
	}

	ip(t, "link set vm.1 down")
	until(t, r, "it is down", func() bool { s, _ := m.State(v); return s == LinkDown })
	makeIt(t, r, v)
	ip(t, "link set vm.1 address 02:00:00:00:00:99")
	until(t, r, "it has another address", func() bool { s, _ := m.State(v); return s == LinkWrong })
	makeIt(t, r, v)
	ip(t, "link del vm.1")
	until(t, r, "it is gone", func() bool { s, _ := m.State(v); return s == LinkMissing })
	makeIt(t, r, v)

	ip(t, "link add mine type veth peer name other")
	until(t, r, "a stranger is there", func() bool { _, ok := m.Link("mine"); return ok })
	if s, why := m.State(&VirtualLink{Name: "mine", Base: "v0"}); s != LinkBlocked || !strings.Contains(why, "no VMAC") {
		t.Errorf("%v %s", s, why)
	}
}

// Many go at once, and what is no VMAC stays.
func TestRemoveLinks(t *testing.T) {
	inside(t)
	r, _ := openIt(t)
	m := r.Mirror()
	var all []Link
	for i := range 3 {
		v := &VirtualLink{Name: "vm" + string(rune('a'+i)), Base: "v0", MAC: [6]byte{2, 0, 0, 0, 0, byte(i)}, Group: -1, V6: true}
		makeIt(t, r, v)
		l, _ := m.Link(v.Name)
		all = append(all, l)
	}
	v0, _ := m.Link("v0")
	for _, some := range [][]Link{all[:1], append(all[1:], v0)} {
		if err := RemoveLinks(some); err != nil {
			t.Error(err)
		}
	}
	if err := r.Drain(func(Change) {}); err != nil {
		t.Error(err)
	}
	if out := ip(t, "-o link show type macvlan"); out != "" {
		t.Errorf("left: %s", out)
	}
	if _, ok := m.Link("v0"); !ok {
		t.Error("v0 went with them")
	}
}

// What is changed is put back, unless somebody else has changed it since.
func TestSettings(t *testing.T) {
	inside(t)
	read := func(name string) string {
		b, err := os.ReadFile(sysctls + "ipv4/conf/" + name)
		if err != nil {
			t.Skip(err)
		}
		return strings.TrimSpace(string(b))
	}
	names := []string{"all/rp_filter", "v0/rp_filter", "v1/rp_filter", "default/rp_filter", "v0/arp_ignore", "v0/arp_filter", "v0/arp_announce"}
	if err := os.WriteFile(sysctls+"ipv4/conf/all/rp_filter", []byte("1"), 0); err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(sysctls+"ipv4/conf/v1/rp_filter", []byte("2"), 0); err != nil {
		t.Fatal(err)
	}
	before := map[string]string{}
	for _, n := range names {
		before[n] = read(n)
	}
	var s Settings
	for _, more := range []bool{true, false} {
		s.Begin()
		if err := s.LooseSources(); err != nil {
			t.Fatal(err)
		}
		if err := s.Lower("v0"); err != nil {
			t.Fatal(err)
		}
		if more { // and put back by the next End
			if err := s.Lower("v1"); err != nil {
				t.Fatal(err)
			}
		}
		s.End()
		if got := read("v1/arp_announce") == "2"; got != more {
			t.Errorf("v1 is lowered: %v, want %v", got, more)
		}
	}
	for n, want := range map[string]string{
		"all/rp_filter": "0", "v0/rp_filter": "1", "v1/rp_filter": "2", "default/rp_filter": "1", "v0/arp_ignore": "1", "v0/arp_announce": "2",
	} {
		if got := read(n); got != want {
			t.Errorf("%s is %s, want %s", n, got, want)
		}
	}
	if err := os.WriteFile(sysctls+"ipv4/conf/v0/arp_ignore", []byte("3"), 0); err != nil {
		t.Fatal(err)
	}
	s.Restore()
	before["v0/arp_ignore"] = "3"
	for _, n := range names {
		if got := read(n); got != before[n] {
			t.Errorf("%s is %s afterwards, want %s", n, got, before[n])
		}
	}
}

// The driver of a veth knows of its link by ETHTOOL; whatever is asked first,
// there is an answer.
func TestBeat(t *testing.T) {
	inside(t)
	for _, kind := range []string{"", "MII", "ETHTOOL", "IOCTL"} {
		if up, err := Beat("v0", kind); !up || err != nil {
			t.Errorf("%s: %v, %v", kind, up, err)
		}
	}
	ip(t, "link set v1 down")
	for _, kind := range []string{"", "ETHTOOL", "IOCTL"} {
		if up, err := Beat("v0", kind); up || err != nil {
			t.Errorf("%s with the other end down: %v, %v", kind, up, err)
		}
	}
	if _, err := Beat("none", ""); err == nil || !strings.Contains(err.Error(), unix.ENODEV.Error()) {
		t.Errorf("of no interface: %v", err)
	}
}
