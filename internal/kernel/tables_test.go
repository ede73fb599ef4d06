package kernel

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// suite is what the Writer and the Fake both pass.
func suite(t *testing.T, m *Mirror, tables Tables, wait func()) {
	v0, ok := m.Link("v0")
	if !ok {
		t.Fatal("no v0")
	}
	one, two := add(t, v0, "192.0.2.1/24"), add(t, v0, "2001:db8::2/64")
	route := resolve(t, m, "10.0.0.0/8 via 192.0.2.254 dev v0")
	ops := append(AddrOps([]AddrOp{one, two}), Op{Route: route, Of: RouteChanged})

	for i, err := range tables.ApplyNow(ops) {
		if err != nil {
			t.Errorf("op %d: %v", i, err)
		}
	}
	a, there := m.Address(one.Key)
	_, there6 := m.Address(two.Key)
	r, thereR := m.Route(route.Key)
	if !there || !there6 || !thereR || !AddrKind.Same(one.Want, a) || !RouteKind.Same(route.Want, r) {
		t.Fatalf("the mirror does not know at once: %v %v %v", there, there6, thereR)
	}

	relabelled := one
	relabelled.Verb, relabelled.Have, relabelled.Want.Label = reconcile.Change, one.Want, "v0:vip"
	off := ops[2]
	off.Route.Verb, off.Route.Have, off.Route.Want = reconcile.Remove, route.Want, Route{}
	var told []error
	called := 0
	err := tables.Apply([]Op{off, {Addr: relabelled}, {Addr: remove(two)}}, func(errs []error) { called++; told = errs })
	if err != nil {
		t.Fatal(err)
	}
	if !tables.Pending(ops[0]) || !tables.Pending(off) || tables.Pending(Op{Addr: add(t, v0, "192.0.2.9/24")}) {
		t.Error("pending is not what it says")
	}
	wait()
	if called != 1 || len(told) != 3 || errors.Join(told...) != nil {
		t.Fatalf("called %d times, %v", called, told)
	}
	if tables.Pending(ops[0]) || tables.Pending(off) {
		t.Error("still pending")
	}
	a, _ = m.Address(one.Key)
	_, there6 = m.Address(two.Key)
	_, thereR = m.Route(route.Key)
	if a.Label != "v0:vip" || there6 || thereR {
		t.Errorf("after Apply: %+v, IPv6 %v, route %v", a, there6, thereR)
	}
}

func TestTablesOfTheKernel(t *testing.T) {
	inside(t)
	r, w := openIt(t)
	suite(t, r.Mirror(), w, func() { (<-posted)() })
	if out := ip(t, "addr show dev v0"); !strings.Contains(out, "192.0.2.1/24 scope global v0:vip") {
		t.Errorf("no label in\n%s", out)
	}
}

func TestTablesOfTheFake(t *testing.T) {
	f := NewFake("v0")
	f.Slow = true
	suite(t, f.Mirror(), f, f.Finish)
	want := `ip addr add 192.0.2.1/24 dev v0
ip addr add 2001:db8::2/64 dev v0 nodad
ip route add 10.0.0.0/8 via 192.0.2.254 dev v0
ip route del 10.0.0.0/8 via 192.0.2.254 dev v0
ip addr replace 192.0.2.1/24 dev v0 label v0:vip
ip addr del 2001:db8::2/64 dev v0 nodad`
	if got := f.Told(); got != want {
		t.Errorf("told\n%s", got)
	}
}

func TestFakeFailsWhenToldTo(t *testing.T) {
	f := NewFake("eth0")
	f.Fail = func(command string) error {
		if strings.Contains(command, "192.0.2.1") {
			return unix.ENODEV
		}
		return nil
	}
	eth0, _ := f.Mirror().Link("eth0")
	bad, good := add(t, eth0, "192.0.2.1/24"), add(t, eth0, "192.0.2.2/24")
	errs := f.ApplyNow(AddrOps([]AddrOp{bad, good}))
	if errs[0] == nil || errs[0].Error() != "add 192.0.2.1/24 to eth0: no such device" || errs[1] != nil {
		t.Errorf("%v", errs)
	}
	if _, ok := f.Mirror().Address(bad.Key); ok {
		t.Error("it is there all the same")
	}
	if c := f.Take(good.Key); !c.Gone || c.Addr != good.Key {
		t.Errorf("%+v", c)
	}
}

func TestAddressesAsWritten(t *testing.T) {
	m := NewFake("eth0").Mirror()
	for _, c := range []struct {
		spec    AddressSpec
		command string
	}{
		{AddressSpec{}, "192.0.2.1/24 dev eth0"},
		{AddressSpec{Label: "eth0:1", Broadcast: netip.MustParseAddr("192.0.2.255")}, "192.0.2.1/24 brd 192.0.2.255 dev eth0 label eth0:1"},
		{AddressSpec{Scope: "link", Options: []string{"noprefixroute"}}, "192.0.2.1/24 dev eth0 scope link noprefixroute"},
		{AddressSpec{Scope: "17"}, "192.0.2.1/24 dev eth0 scope 17"},
		{AddressSpec{Peer: netip.MustParsePrefix("192.0.2.9/32")}, "192.0.2.1 peer 192.0.2.9/32 dev eth0"},
		{AddressSpec{Prefix: netip.MustParsePrefix("2001:db8::1/64"), Label: "x", Scope: "host"}, "2001:db8::1/64 dev eth0 nodad"},
		{AddressSpec{Prefix: netip.MustParsePrefix("2001:db8::1/64"), Options: []string{"-nodad", "home"}}, "2001:db8::1/64 dev eth0 home"},
		{AddressSpec{Prefix: netip.MustParsePrefix("2001:db8::1/128")}, "2001:db8::1/128 dev eth0 nodad preferred_lft 0"},
		{AddressSpec{Prefix: netip.MustParsePrefix("2001:db8::1/128"), Options: []string{"preferred_lft", "forever"}}, "2001:db8::1/128 dev eth0 nodad"},
		{AddressSpec{Options: []string{"preferred_lft 0", "home"}}, "192.0.2.1/24 dev eth0"}, // IPv6 alone has these
		{AddressSpec{Options: []string{"brd +"}}, "192.0.2.1/24 brd 192.0.2.255 dev eth0"},
		{AddressSpec{Options: []string{"brd -", "track_group G"}}, "192.0.2.1/24 brd 192.0.2.0 dev eth0"},
		{AddressSpec{Prefix: netip.MustParsePrefix("192.0.2.1/31"), Options: []string{"brd +"}}, "192.0.2.1/31 dev eth0"},
		{AddressSpec{Lease: 30}, "192.0.2.1/24 dev eth0 valid_lft 30"},
		{AddressSpec{Prefix: netip.MustParsePrefix("2001:db8::1/64"), Options: []string{"preferred_lft 100"}}, "2001:db8::1/64 dev eth0 nodad preferred_lft 100"},
	} {
		if !c.spec.Prefix.IsValid() {
			c.spec.Prefix = netip.MustParsePrefix("192.0.2.1/24")
		}
		k, a, err := c.spec.On(1)
		if err != nil {
			t.Errorf("%+v: %v", c.spec, err)
			continue
		}
		if got := addrText(k, a, m.Name); got != c.command {
			t.Errorf("got %s\nwant %s", got, c.command)
		}
	}
	for _, c := range []AddressSpec{{Scope: "moon"}, {Options: []string{"frobnicate"}}, {Options: []string{"preferred_lft", "soon"}}, {Options: []string{"preferred_lft"}}} {
		c.Prefix = netip.MustParsePrefix("2001:db8::1/64")
		if _, _, err := c.On(1); err == nil || !strings.HasPrefix(err.Error(), "address 2001:db8::1/64: ") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
