package kernel

import (
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// routes are as people write them, and as ip(8) is told of them.
var routes = []struct{ words, command string }{
	{"192.168.109.0/24 via 192.0.2.254 dev v0", "192.168.109.0/24 via 192.0.2.254 dev v0"},
	{"src 192.0.2.1 to 192.168.108.0/24 via 192.0.2.254 dev v0", "192.168.108.0/24 via 192.0.2.254 dev v0 src 192.0.2.1"},
	{"192.168.111.0/24 dev v0 no_track", "192.168.111.0/24 dev v0 scope global"},
	{"192.168.113.0/24 via 192.0.2.254 or 192.0.2.253 dev v0", "192.168.113.0/24 nexthop via 192.0.2.254 dev v0 weight 1 nexthop via 192.0.2.253 dev v0 weight 1"},
	{"blackhole 192.168.114.0/24", "blackhole 192.168.114.0/24"},
	{"0.0.0.0/0 gw 192.0.2.254 table 100", "default via 192.0.2.254 table 100"},
	{"default via 192.0.2.254 metric 300 mtu 1400 advmss 1360", "default via 192.0.2.254 metric 300 mtu 1400 advmss 1360"},
	{"198.51.100.7 dev v0 scope link tos 0x10 protocol static", "198.51.100.7/32 dev v0 tos 0x10"},
	{"10.9.0.0/16 via 203.0.113.1 dev v0 onlink", "10.9.0.0/16 via 203.0.113.1 dev v0 onlink"},
	{"unreachable 10.8.7.6/15 table 6909", "unreachable 10.8.0.0/15 table 6909"},
	{
		"192.168.100.0/24 table 6909 nexthop via 192.0.2.3 dev v0 onlink weight 1 nexthop via 192.0.2.4 dev v0 weight 2",
		"192.168.100.0/24 table 6909 nexthop via 192.0.2.3 dev v0 onlink weight 1 nexthop via 192.0.2.4 dev v0 weight 2",
	},
	{"2001:db8:1::/48 via 2001:db8::2 dev v0", "2001:db8:1::/48 via 2001:db8::2 dev v0"},
	{"default via 2001:db8::2", "default via 2001:db8::2"},
	{"2001:db8:2::1 dev v0 metric 5 initcwnd 20", "2001:db8:2::1/128 dev v0 metric 5 initcwnd 20"},
	{"prohibit 2001:db8:3::/48", "prohibit 2001:db8:3::/48"},
	// As ip-route(8) and keepalived.conf(5) have them, and as keepalived 2.2.7 was seen to set them.
	{
		"10.1.0.0/24 dev v0 table 6909 tos 0x04 scope link priority 12 mtu 1000 hoplimit 100 advmss 101 rtt 102 rttvar 103 reordering 104 window 105 cwnd 106 ssthresh lock 107 realms 3/4 rto_min 108 initcwnd 109 initrwnd 110 features ecn add",
		"10.1.0.0/24 dev v0 realms 3/4 table 6909 tos 0x4 metric 12 mtu 1000 hoplimit 100 advmss 101 rtt 200ms rttvar 200ms rto_min 200ms reordering 104 window 105 cwnd 106 ssthresh lock 107 initcwnd 109 initrwnd 110 features ecn",
	},
	{"10.1.1.0/24 via 192.0.2.9 dev v0 rtt 5s rttvar lock 7s rto_min 300ms mtu lock 1200", "10.1.1.0/24 via 192.0.2.9 dev v0 mtu lock 1200 rtt 5000ms rttvar lock 7000ms rto_min 300ms"},
	{"10.1.2.0/24 dev v0 quickack 1 fastopen_no_cookie 1 congctl lock reno scope 33", "10.1.2.0/24 dev v0 scope 33 quickack 1 fastopen_no_cookie 1 congctl lock reno"},
	{"10.1.3.0/24 dev v0 protocol bird no_track ttl-propagate enabled", "10.1.3.0/24 dev v0 scope global"},
	{"10.1.4.0/24 encap ip id 7 dst 10.0.0.9 src 10.0.0.8 ttl 5 tos 3 via 192.0.2.9 dev v0", "10.1.4.0/24 encap ip id 7 src 10.0.0.8 dst 10.0.0.9 ttl 5 tos 3 via 192.0.2.9 dev v0"},
	{"10.1.5.0/24 encap ip6 id 7 dst 2001:db8::9 hoplimit 5 tc 3 via 192.0.2.9 dev v0", "10.1.5.0/24 encap ip6 id 7 dst 2001:db8::9 hoplimit 5 tc 3 via 192.0.2.9 dev v0"},
	{
		"10.1.6.0/24 nexthop via 192.0.2.9 dev v0 weight 3 nexthop encap ip dst 10.0.0.9 id 4 via 192.0.2.10 dev v0 weight 5 onlink realms 1/2",
		"10.1.6.0/24 nexthop via 192.0.2.9 dev v0 weight 3 nexthop encap ip id 4 dst 10.0.0.9 via 192.0.2.10 dev v0 onlink realms 1/2 weight 5",
	},
	{"throw 10.1.7.0/24 table 77", "throw 10.1.7.0/24 table 77"},
	{"multicast 228.0.0.0/8 dev v0", "multicast 228.0.0.0/8 dev v0 scope global"},
	{"local 10.1.8.1 dev lo table local", "local 10.1.8.1/32 dev lo table 255"},
	{"broadcast 10.1.8.2/32 dev v0", "broadcast 10.1.8.2/32 dev v0"},
	{"10.1.9.0/24 oif v0 append", "10.1.9.0/24 dev v0 scope global"},
	{"2001:db8:11::/48 via 2001:db8::2 dev v0 metric 7 pref low", "2001:db8:11::/48 via 2001:db8::2 dev v0 metric 7 pref low"},
	{"2001:db8:12::/48 dev v0 expires 300 pref high", "2001:db8:12::/48 dev v0 pref high expires 300"},
	{"2001:db8:13::/48 dev v0 mtu 1400 hoplimit 9 advmss 1200 src 2001:db8::1", "2001:db8:13::/48 dev v0 src 2001:db8::1 mtu 1400 hoplimit 9 advmss 1200"},
	{
		"2001:db8:14::/48 nexthop via 2001:db8::8 dev v0 nexthop via 2001:db8::7 dev v0 weight 4",
		"2001:db8:14::/48 nexthop via 2001:db8::8 dev v0 weight 1 nexthop via 2001:db8::7 dev v0 weight 4",
	},
	{"inet6 default dev v0 table 42", "default dev v0 table 42"},
	{"anycast 2001:db8:15::4 dev v0", "anycast 2001:db8:15::4/128 dev v0"},
	{"2001:db8:16::/48 encap ip6 id 7 dst 2001:db8::9 via 2001:db8::2 dev v0", "2001:db8:16::/48 encap ip6 id 7 dst 2001:db8::9 via 2001:db8::2 dev v0"},
	{"10.7.0.0/16 via inet6 2001:db8::2 dev v0", "10.7.0.0/16 via 2001:db8::2 dev v0"},
}

func resolve(t testing.TB, m *Mirror, words string) RouteOp {
	t.Helper()
	spec, err := ParseRoute(strings.Fields(words))
	if err != nil {
		t.Fatalf("%s: %v", words, err)
	}
	k, r, err := spec.Resolve(m)
	if err != nil {
		t.Fatalf("%s: %v", words, err)
	}
	return RouteOp{Verb: reconcile.Add, Key: k, Want: r}
}

func TestRoutesAreReadAsWritten(t *testing.T) {
	f := NewFake("v0", "lo")
	for _, c := range routes {
		op := Op{Route: resolve(t, f.Mirror(), c.words), Of: RouteChanged}
		if got := op.Command(f.Mirror().Name); got != "ip route add "+c.command {
			t.Errorf("%s:\n got %s\nwant ip route add %s", c.words, got, c.command)
		}
	}
	if spec, _ := ParseRoute([]string{"10.0.0.0/8", "dev", "v0", "no_track"}); !spec.NoTrack {
		t.Error("no_track was not seen")
	}
}

func TestRoutesThatMakeNoSense(t *testing.T) {
	for words, want := range map[string]string{
		"":                                   "expected a destination",
		"10.0.0.0/8":                         "expected via or dev",
		"10.0.0.0/8 via":                     "via: expected a value",
		"10.0.0.0/8 via eth0":                "via eth0: expected an address",
		"10.0.0.0/8 dev v0 frobnicate 3":     `"frobnicate": unknown word`,
		"frobnicate 10.0.0.0/8":              `unknown word "frobnicate"`,
		"10.0.0.0/8 11.0.0.0/8 dev v0":       "the destination is 10.0.0.0/8 already",
		"10.0.0.0/8 dev v0 metric many":      "metric many: expected a number",
		"10.0.0.0/8 dev v0 tos 256":          "tos 256: expected a number up to 255",
		"10.0.0.0/8 dev v0 table 0":          "table 0: expected",
		"10.0.0.0/8 dev v0 scope moon":       `scope "moon"`,
		"10.0.0.0/8 dev v0 mtu lock":         "mtu: expected a value",
		"10.0.0.0/8 dev v0 rtt soon":         "rtt soon: expected a time such as 300ms",
		"10.0.0.0/8 dev v0 realms x":         "realms x: expected [SOURCE/]DESTINATION",
		"10.0.0.0/8 dev v0 encap gre":        "encap gre: expected ip, ip6, mpls or ila",
		"10.0.0.0/8 dev v0 encap mpls 5/x":   "encap mpls 5/x: expected labels",
		"10.0.0.0/8 dev v0 encap ila 1:2":    "encap ila 1:2: expected four",
		"10.0.0.0/8 dev v0 pref huge":        "pref huge: expected low, medium or high",
		"10.0.0.0/8 dev v0 ttl-propagate 1":  "ttl-propagate 1: expected enabled or disabled",
		"10.0.0.0/8 dev v0 features none":    "features none: expected ecn",
		"10.0.0.0/8 dev v0 protocol nobody":  "protocol nobody: expected",
		"blackhole 10.0.0.0/8 dev v0":        "has no via or dev",
		"2001:db8::/32 via 192.0.2.1 dev v0": "another family",
		"10.0.0.0/8 dev v0 src 2001:db8::1":  "another family",
		"10.0.0.0/8 nexthop weight 3":        "nexthop: expected via or dev",
		"10.0.0.0/8 nexthop dev a weight 0":  "weight 0: expected 1 to 256",
		"10.0.0.0/8 nexthop dev a speed 1":   `nexthop: unknown word "speed"`,
		"10.0.0.0/8" + strings.Repeat(" nexthop via 192.0.2.1", MaxHops+1): "more than 32 next hops",
	} {
		_, err := ParseRoute(strings.Fields(words))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want …%s…", words, err, want)
		}
	}
	spec, err := ParseRoute(strings.Fields("10.0.0.0/8 dev nowhere"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = spec.Resolve(newMirror()); err == nil || err.Error() != "route 10.0.0.0/8: no interface nowhere" {
		t.Errorf("%v", err)
	}
}

func FuzzParseRoute(f *testing.F) {
	for _, c := range routes {
		f.Add(c.words)
	}
	m := NewFake("v0", "lo").Mirror()
	f.Fuzz(func(t *testing.T, line string) {
		spec, err := ParseRoute(strings.Fields(line))
		if err != nil {
			return
		}
		k, r, err := spec.Resolve(m)
		if err != nil {
			return
		}
		// What was understood can be told to the kernel, and read back.
		var q requests
		q.op(Op{Route: RouteOp{Verb: reconcile.Add, Key: k, Want: r}, Of: RouteChanged}, 1)
		k2, r2, ok := decodeRoute(q.buf[headerLen:])
		if !ok || k2 != k || len(r2.Hops) != len(r.Hops) || r2.Source != r.Source {
			t.Errorf("%q: %+v %+v became %+v %+v", line, k, r, k2, r2)
		}
	})
}

// The kernel has every route as it was written, the mirror sees the same, and
// nothing is left to do.
func TestRoutesInTheKernel(t *testing.T) {
	inside(t)
	ip(t, "addr add 192.0.2.1/24 dev v0")
	ip(t, "addr add 2001:db8::1/64 dev v0 nodad")
	ip(t, "link set lo up")
	ip(t, "route add 172.16.0.0/12 dev v0 proto static") // somebody else's
	r, w := openIt(t)
	m := r.Mirror()
	want := map[RouteKey]Route{}
	for _, c := range routes {
		op := resolve(t, m, c.words)
		want[op.Key] = op.Want
	}
	plan := func() []RouteOp { return reconcile.Plan(RouteKind, want, maps(m)) }
	ops := plan()
	if len(ops) != len(routes) {
		t.Fatalf("%d operations for %d routes", len(ops), len(routes))
	}
	mustApply(t, w, RouteOps(ops)...)
	clear(m.routes)
	r.again = true // forget what we did, and look
	if err := r.Routes([]uint8{unix.RTPROT_BIRD}, true); err != nil {
		t.Fatal(err)
	}
	until(t, r, "all routes in the mirror", func() bool { return len(m.routes) == len(want) })
	for _, op := range plan() {
		t.Errorf("still to do: %s\nhave %+v\nwant %+v", Op{Route: op, Of: RouteChanged}.Command(m.Name), op.Have, op.Want)
	}
	shown := ip(t, "-4 -j route show table all proto 18")
	var list []map[string]any
	if err := json.Unmarshal([]byte(shown), &list); err != nil || len(list) == 0 {
		t.Errorf("ip shows %s (%v)", shown, err)
	}

	clear(want)
	mustApply(t, w, RouteOps(plan())...)
	if out := ip(t, "route show table all proto 18") + ip(t, "-6 route show table all proto 18"); out != "" {
		t.Errorf("left over:\n%s", out)
	}
	if out := ip(t, "route show proto static"); !strings.Contains(out, "172.16.0.0/12") {
		t.Errorf("somebody else's route has gone: %s", out)
	}
}

func maps(m *Mirror) map[RouteKey]Route {
	have := map[RouteKey]Route{}
	for k, r := range m.routes {
		have[k] = r.Route
	}
	return have
}

func TestRouteChangesAndDisappears(t *testing.T) {
	inside(t)
	ip(t, "addr add 192.0.2.1/24 dev v0")
	r, w := openIt(t)
	m := r.Mirror()
	op := resolve(t, m, "10.0.0.0/8 via 192.0.2.254 dev v0")
	mustApply(t, w, Op{Route: op, Of: RouteChanged})
	other := resolve(t, m, "10.0.0.0/8 via 192.0.2.253 dev v0")
	mustApply(t, w, Op{Route: RouteOp{Verb: reconcile.Change, Key: op.Key, Want: other.Want, Have: op.Want}, Of: RouteChanged})
	if out := ip(t, "route show proto 18"); !strings.Contains(out, "via 192.0.2.253") || strings.Contains(out, ".254") {
		t.Errorf("after a change:\n%s", out)
	}
	ip(t, "link set v0 down") // takes the route with it, without a word
	changes := until(t, r, "route gone", func() bool { _, ok := m.Route(op.Key); return !ok })
	if last := changes[len(changes)-1]; last.Kind != RouteChanged || !last.Gone || last.Route != op.Key {
		t.Errorf("told %+v", changes)
	}
	mustApply(t, w, Op{Route: RouteOp{Verb: reconcile.Remove, Key: op.Key, Have: other.Want}, Of: RouteChanged})
	errs := w.ApplyNow(RouteOps([]RouteOp{op}))
	if errs[0] == nil || !strings.Contains(errs[0].Error(), "add route 10.0.0.0/8 via 192.0.2.254 dev v0: ") {
		t.Errorf("%v", errs)
	}
}

// A router with a full table has a million routes come and go: they do not wake us.
func TestOthersRoutesDoNotWakeUs(t *testing.T) {
	inside(t)
	ip(t, "addr add 192.0.2.1/24 dev v0")
	r, w := openIt(t)
	other := resolve(t, r.Mirror(), "10.2.0.0/16 dev v0")
	ip(t, "route add 10.1.0.0/16 dev v0 proto bird")
	ip(t, "-6 route add 2001:db8:1::/48 dev v0 proto bird")
	mustApply(t, w, Op{Route: other, Of: RouteChanged})
	ip(t, "route del 10.1.0.0/16 dev v0 proto bird")
	seen := 0
	for {
		n, err := unix.Read(r.fd, r.buf)
		if err != nil {
			break
		}
		_ = messages(r.buf[:n], func(m message) error {
			if m.typ == unix.RTM_NEWROUTE || m.typ == unix.RTM_DELROUTE {
				if seen++; m.data[5] != Protocol {
					t.Errorf("message %d of protocol %d", m.typ, m.data[5])
				}
			}
			return nil
		})
	}
	if seen != 1 {
		t.Errorf("%d messages about routes, want ours alone", seen)
	}
}
