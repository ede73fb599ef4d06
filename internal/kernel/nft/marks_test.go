package nft

import (
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

func target(from, to string, port, portTo uint16) lvs.Target {
	return lvs.Target{From: netip.MustParseAddr(from), To: netip.MustParseAddr(to), Port: port, PortTo: portTo}
}

// The tables are what keepalived makes of the same groups, but that port 0 is
// every port; what others change is noticed.
func TestMarks(t *testing.T) {
	inside(t)
	m := lvs.Marks{Table: "marks", Priority: -1, Each: []lvs.Mark{
		{Mark: 1000, Protocol: lvs.TCP, Targets: []lvs.Target{target("10.1.0.1", "10.1.0.1", 80, 80), target("10.1.0.2", "10.1.0.5", 443, 443)}},
		{Mark: 1001, Protocol: lvs.UDP, Targets: []lvs.Target{target("10.1.0.1", "10.1.0.1", 80, 90)}},
		{Mark: 1002, Protocol: lvs.SCTP, Targets: []lvs.Target{target("2001:db8::1", "2001:db8::1", 0, 65535)}},
	}}
	for range 2 {
		if err := ApplyMarks(&m); err != nil {
			t.Fatal(err)
		}
	}
	out := nft(t, "list ruleset")
	for _, want := range []string{
		"type ipv4_addr . inet_service : mark", "flags interval",
		"10.1.0.1 . 80", "10.1.0.2-10.1.0.5 . 443", "10.1.0.1 . 80-90", "2001:db8::1 . 0-65535",
		"type filter hook input priority filter - 1; policy accept;",
		"meta mark set ip daddr . tcp dport map @tcp_map return", "meta mark set ip daddr . udp dport map @udp_map return",
		"meta mark set ip6 daddr . sctp dport map @sctp_map return",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	same := func(want bool, after string) {
		t.Helper()
		if have, err := SameMarks(&m); have != want || err != nil {
			t.Errorf("after %s: the same is %v, %v", after, have, err)
		}
	}
	same(true, "it was written")
	for _, words := range []string{
		"delete element ip marks tcp_map { 10.1.0.1 . 80 }", "add element ip marks tcp_map { 10.1.0.9 . 80 : 7 }",
		"flush chain ip6 marks in", "delete table ip marks", "flush ruleset",
	} {
		nft(t, words)
		same(false, words)
		if err := ApplyMarks(&m); err != nil {
			t.Fatal(err)
		}
		same(true, "it was put back")
	}
	m.Counters, m.Each = true, m.Each[:1]
	if err := ApplyMarks(&m); err != nil {
		t.Fatal(err)
	}
	same(true, "another one")
	out = nft(t, "list ruleset")
	if strings.Contains(out, "ip6") || !strings.Contains(out, "map @tcp_map counter packets 0 bytes 0 return") || !strings.Contains(out, "10.1.0.1 . 80 counter packets 0 bytes 0") {
		t.Errorf("there is\n%s", out)
	}
	if err := Remove("marks"); err != nil {
		t.Fatal(err)
	}
	if out := strings.TrimSpace(nft(t, "list ruleset")); out != "" {
		t.Errorf("left:\n%s", out)
	}
}

// Thousands of addresses that are no neighbours do not fit into one message.
func TestManyMarks(t *testing.T) {
	inside(t)
	one := lvs.Mark{Mark: 5, Protocol: lvs.TCP}
	a := netip.MustParseAddr("10.0.0.0")
	for range 5000 {
		a = a.Next().Next()
		one.Targets = append(one.Targets, lvs.Target{From: a, To: a, Port: 80, PortTo: 80})
	}
	m := lvs.Marks{Table: "marks", Each: []lvs.Mark{one}}
	if err := ApplyMarks(&m); err != nil {
		t.Fatal(err)
	}
	if same, err := SameMarks(&m); !same || err != nil {
		t.Errorf("the same: %v, %v", same, err)
	}
}

// A packet has the mark by the time that IPVS sees it.
func TestMarkedPacket(t *testing.T) {
	inside(t)
	for _, args := range []string{"link set lo up", "addr add 10.1.0.1/32 dev lo", "addr add 2001:db8::1/128 dev lo"} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", args, err, out)
		}
	}
	m := lvs.Marks{Table: "marks", Priority: -1, Each: []lvs.Mark{
		{Mark: 0x12345, Protocol: lvs.UDP, Targets: []lvs.Target{target("10.1.0.0", "10.1.0.3", 80, 90), target("2001:db8::1", "2001:db8::1", 0, 65535)}},
	}}
	if err := ApplyMarks(&m); err != nil {
		t.Fatal(err)
	}
	nft(t, "add table inet seen")
	nft(t, "add chain inet seen in { type filter hook input priority 98 ; }")
	nft(t, "add rule inet seen in meta mark 0x12345 counter")
	for _, to := range []string{"10.1.0.1:85", "10.1.0.1:91", "[2001:db8::1]:1234"} {
		a := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(to))
		c, err := net.DialUDP("udp", nil, a)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Write([]byte("x"))
		_ = c.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	if out := nft(t, "list table inet seen"); !strings.Contains(out, "counter packets 2 ") {
		t.Errorf("of three packets, two are marked, but\n%s", out)
	}
}
