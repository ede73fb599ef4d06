package ping

import (
	"context"
	"net/netip"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/probetest"
)

func ask(to probe.Endpoint) probe.Result { return (&Probe{To: to}).Probe(context.Background()) }

// space is a network of our own; with open, all groups may have sockets for
// pinging.
func space(t *testing.T, open bool) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	runtime.LockOSThread()
	old, err := netns.Get()
	if err != nil {
		t.Skipf("network namespaces: %v", err)
	}
	own, err := netns.New()
	if err != nil {
		t.Skipf("make a network namespace: %v", err)
	}
	t.Cleanup(func() {
		_ = netns.Set(old)
		_ = own.Close()
		_ = old.Close()
		runtime.UnlockOSThread()
	})
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err == nil && open {
		err = os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 2147483647"), 0o644) // it has its own mode
	}
	if err != nil {
		t.Skipf("a network namespace: %v", err)
	}
}

func at(a string) probe.Endpoint {
	return probe.Endpoint{Addr: netip.AddrPortFrom(netip.MustParseAddr(a), 80)}
}

func TestLoopback(t *testing.T) {
	for _, open := range []bool{false, true} {
		space(t, open)
		for _, a := range []string{"127.0.0.1", "127.0.0.9", "::1"} {
			leaks := probetest.NoLeaks(t)
			p := &Probe{To: at(a)}
			if fd, f, err := p.socket(); err != nil {
				t.Fatal(err)
			} else if _ = unix.Close(fd); f.raw == open {
				t.Errorf("%s: raw socket %v, all groups may ping %v", a, f.raw, open)
			}
			if r := ask(at(a)); !r.OK || r.Reason != probe.OK {
				t.Errorf("%s: %+v", a, r)
			}
			leaks()
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	space(t, false)
	if r := ask(at("192.0.2.1")); r.OK || r.Reason != probe.Unreach {
		t.Errorf("without a route: %+v", r)
	}
	cable := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "v0"}, PeerName: "v1"}
	if err := netlink.LinkAdd(cable); err != nil {
		t.Skipf("make an interface: %v", err)
	}
	addr, _ := netlink.ParseAddr("192.0.2.9/24")
	if err := netlink.AddrAdd(cable, addr); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"v0", "v1"} {
		end, err := netlink.LinkByName(name)
		if err == nil {
			err = netlink.LinkSetUp(end)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	defer probetest.NoLeaks(t)()
	to := at("192.0.2.1")
	to.Timeout = probetest.Short
	if r := ask(to); r.OK || r.Reason != probe.Timeout || r.Detail != "no echo reply within 150ms" {
		t.Errorf("on an empty segment: %+v", r)
	}
	to.BindTo = netip.MustParseAddr("198.51.100.1")
	if r := ask(to); r.OK || r.Reason != probe.Local {
		t.Errorf("from an address that is not here: %+v", r)
	}
	to.BindTo, to.BindIf = netip.Addr{}, "nosuch0"
	if r := ask(to); r.OK || r.Reason != probe.Local {
		t.Errorf("from an interface that is not here: %+v", r)
	}
}

func TestPackets(t *testing.T) {
	for _, f := range []form{{}, {raw: true}, {v6: true}, {v6: true, raw: true}} {
		own := token{1, 2, 3}
		b := request(f, own)
		if f.raw && !f.v6 {
			if checksum(b) != 0 {
				t.Errorf("%+v: a wrong checksum", f)
			}
			b = append(append([]byte{0x46}, make([]byte, 23)...), b...)
		}
		kind := len(b) - requestLen
		if isReply(b, f, own) {
			t.Errorf("%+v: a request is taken for a reply", f)
		}
		b[kind] = replyV4
		if f.v6 {
			b[kind] = replyV6
		}
		if !isReply(b, f, own) || isReply(b, f, token{9}) {
			t.Errorf("%+v: tokens are not told apart", f)
		}
		for n := range len(b) - (requestLen - headerLen - len(own)) {
			if isReply(b[:n], f, own) {
				t.Errorf("%+v: %d bytes are taken for a reply", f, n)
			}
		}
	}
}

func FuzzReply(f *testing.F) {
	f.Add([]byte{0x45, 0, 0}, true, false)
	f.Add(request(form{}, token{}), false, true)
	f.Fuzz(func(t *testing.T, b []byte, raw, v6 bool) {
		if isReply(b, form{v6: v6, raw: raw}, token{1}) && len(b) < headerLen+16 {
			t.Errorf("%x is taken for a reply", b)
		}
	})
}
