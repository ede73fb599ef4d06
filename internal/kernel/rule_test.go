package kernel

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// rules are as keepalived.conf(5) has them, and as ip(8) is told of them.
var rules = []struct{ words, command string }{
	{"from 192.168.2.0/24 table 1 preference 5", "rule add from 192.168.2.0/24 table 1 priority 5"},
	{"to 192.168.2.0/24 table 1 no_track priority 6", "rule add from all to 192.168.2.0/24 table 1 priority 6"},
	{
		"from 192.168.28.0/24 to 192.168.29.0/26 table 300 iif p33p1 oif wlan0 tos 20 fwmark 24/12 preference 39 realms 30/20",
		"rule add from 192.168.28.0/24 to 192.168.29.0/26 tos 0x14 fwmark 0x18/0xc iif p33p1 oif wlan0 table 300 realms 30/20 priority 39",
	},
	{
		"to 1:2:3:4:5:6:7:0/112 from 7:6:5:4:3:2::/96 table 6908 uidrange 10000-19999 order 7",
		"-6 rule add from 7:6:5:4:3:2::/96 to 1:2:3:4:5:6:7:0/112 uidrange 10000-19999 table 6908 priority 7",
	},
	{
		"to 1:2:3:4:6:6:7:0/112 from 8:6:5:4:3:2::/96 l3mdev protocol 12 ip_proto UDP sport 10-20 dport 20-30 preference 8",
		"-6 rule add from 8:6:5:4:3:2::/96 to 1:2:3:4:6:6:7:0/112 ipproto 17 sport 10-20 dport 20-30 l3mdev priority 8",
	},
	{"from 10.3.0.0/16 goto 32766 preference 50", "rule add from 10.3.0.0/16 goto 32766 priority 50"},
	{"from 10.3.0.0/16 goto 80 preference 79", "rule add from 10.3.0.0/16 goto 80 priority 79"},
	{"from 10.4.0.0/16 table main suppress_prefixlength 0 preference 51", "rule add from 10.4.0.0/16 table 254 suppress_prefixlength 0 priority 51"},
	{"from 10.5.0.0/16 lookup main suppress_ifgroup default preference 52", "rule add from 10.5.0.0/16 table 254 suppress_ifgroup 0 priority 52"},
	{"from 10.6.0.0/16 blackhole preference 53", "rule add from 10.6.0.0/16 blackhole priority 53"},
	{"from 10.7.0.0/16 unreachable preference 54", "rule add from 10.7.0.0/16 unreachable priority 54"},
	{"from 2001:db8::/32 prohibit preference 55", "-6 rule add from 2001:db8::/32 prohibit priority 55"},
	{"from 10.9.0.0/16 nop preference 56", "rule add from 10.9.0.0/16 nop priority 56"},
	{"not from 10.10.0.0/16 table 5 preference 57", "rule add not from 10.10.0.0/16 table 5 priority 57"},
	{"fwmark 7 table 5 preference 58", "rule add from all fwmark 0x7 table 5 priority 58"},
	{"inet6 fwmark 7 table 5 preference 58", "-6 rule add from all fwmark 0x7 table 5 priority 58"},
	{"fwmark 0/0xff table 5 preference 58", "rule add from all fwmark 0x0/0xff table 5 priority 58"},
	{"from all to default table 9 priority 59", "rule add from all table 9 priority 59"},
	{"iif v0 table 10 preference 60", "rule add from all iif v0 table 10 priority 60"},
	{"tunnel-id 55 table 10 preference 61", "rule add from all tun_id 55 table 10 priority 61"},
	{"from 10.11.0.1 table 10 dport 80 ipproto tcp preference 62", "rule add from 10.11.0.1/32 ipproto 6 dport 80-80 table 10 priority 62"},
	{"dev v1 lookup 70000 preference 64", "rule add from all iif v1 table 70000 priority 64"},
	{"10.7.0.2 dsfield 8 table 11 preference 65 protocol 44 no_track", "rule add from 10.7.0.2/32 tos 0x8 table 11 priority 65"},
	{"from 10.7.0.1 table main realms 3 preference 62", "rule add from 10.7.0.1/32 table 254 realms 0/3 priority 62"},
}

func rule(t testing.TB, words string) Rule {
	t.Helper()
	spec, err := ParseRule(strings.Fields(words))
	if err != nil {
		t.Fatalf("%s: %v", words, err)
	}
	r, err := spec.Resolve(newMirror())
	if err != nil {
		t.Fatalf("%s: %v", words, err)
	}
	return r
}

func TestRulesAreReadAsWritten(t *testing.T) {
	for _, c := range rules {
		op := Op{Rule: RuleOp{Key: rule(t, c.words)}, Of: RuleChanged}
		if got := op.Command(newMirror().Name); got != "ip "+c.command {
			t.Errorf("%s:\n got %s\nwant ip %s", c.words, got, c.command)
		}
	}
	spec, _ := ParseRule(strings.Fields("from all table 5 protocol 12 track_group G"))
	if spec.Rule.Protocol != Protocol || spec.TrackGroup != "G" || spec.NoTrack {
		t.Errorf("a rule that is tracked: %+v", spec)
	}
	spec, _ = ParseRule(strings.Fields("from all vrf blue"))
	if _, err := spec.Resolve(newMirror()); err == nil || !strings.HasSuffix(err.Error(), "blue is no VRF") {
		t.Errorf("%v", err)
	}
	m := NewFake("blue").m
	m.links[1] = linkEntry{Link: Link{Index: 1, Name: "blue", VRFTable: 77}}
	if r, err := spec.Resolve(m); err != nil || r.Table != 77 {
		t.Errorf("table of a VRF: %d, %v", r.Table, err)
	}
}

func TestRulesThatMakeNoSense(t *testing.T) {
	for words, want := range map[string]string{
		"from 10.0.0.0/8":                      "the rule does nothing",
		"from 10.0.0.0/8 to 2001:db8::/32 nop": "IPv4 and IPv6 in one rule",
		"from nowhere table 5":                 "from nowhere: expected an address",
		"frobnicate":                           `unknown word "frobnicate"`,
		"table":                                "table: expected a value",
		"table 5 goto 6":                       "more than one action",
		"table 5 fwmark x":                     "fwmark x: expected MARK or MARK/MASK",
		"table 5 fwmark 1/x":                   "fwmark 1/x: expected MARK or MARK/MASK",
		"table 5 sport 20-10":                  "sport 20-10: expected FIRST-LAST",
		"table 5 dport 0":                      "dport: ports begin at 1",
		"table 5 uidrange x-5":                 "uidrange x-5: expected FIRST-LAST",
		"table 5 ipproto nothing":              "ipproto nothing: expected",
		"table 5 suppress_prefixlength 129":    "suppress_prefixlength 129: expected a number up to 128",
		"table 5 protocol x":                   "protocol x: expected",
		"table 5 realms 1/70000":               "realms 1/70000: expected",
	} {
		_, err := ParseRule(strings.Fields(words))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want …%s…", words, err, want)
		}
	}
}

// The kernel has every rule as it was written, the mirror sees the same by the
// kernel's own word, and nothing is left to do.
func TestRulesInTheKernel(t *testing.T) {
	inside(t)
	ip(t, "rule add from 172.16.0.0/12 table 7") // somebody else's
	r, w := openIt(t)
	m := r.Mirror()
	before := len(m.rules)
	want := map[Rule]struct{}{}
	for _, c := range rules {
		want[rule(t, c.words)] = struct{}{}
	}
	plan := func() []RuleOp {
		have := map[Rule]struct{}{}
		for k := range m.rules {
			if _, ok := want[k]; ok || k.Protocol == Protocol {
				have[k] = struct{}{}
			}
		}
		return reconcile.Plan(RuleKind, want, have)
	}
	ops := plan()
	if len(ops) != len(rules) {
		t.Fatalf("%d operations for %d rules", len(ops), len(rules))
	}
	for range 2 { // what is there already is done
		mustApply(t, w, RuleOps(ops)...)
	}
	clear(m.rules)
	r.again = true // forget what we did, and look
	until(t, r, "all rules in the mirror", func() bool { return len(m.rules) == before+len(want) })
	for _, op := range plan() {
		t.Errorf("still to do: %s\n%+v", Op{Rule: op, Of: RuleChanged}.Command(m.Name), op.Key)
	}
	for k := range m.rules {
		if _, ours := want[k]; !ours && k.Pref != 0 && k.Pref < 32765 {
			t.Errorf("the kernel has %s\n%+v", k.String(), k)
		}
	}

	gone := rule(t, rules[0].words)
	ip(t, "rule del pref 5")
	changes := until(t, r, "a rule has gone", func() bool { return !m.Rule(gone) })
	// The links made above may settle only now.
	if !slices.Contains(changes, Change{Kind: RuleChanged, Rule: gone, Gone: true}) {
		t.Errorf("told %+v", changes)
	}
	for i := range ops {
		ops[i].Verb = reconcile.Remove
	}
	for range 2 { // what has gone already is done
		mustApply(t, w, RuleOps(ops)...)
	}
	if out := ip(t, "rule show"); strings.Count(out, "\n") != 4 || !strings.Contains(out, "172.16.0.0/12") {
		t.Errorf("left:\n%s", out)
	}
	if out := ip(t, "-6 rule show"); strings.Count(out, "\n") != 2 {
		t.Errorf("left:\n%s", out)
	}
}

// Lost events about rules are made up for like all others.
func TestRulesAreSwept(t *testing.T) {
	inside(t)
	r, w := openIt(t)
	one := rule(t, rules[0].words)
	mustApply(t, w, Op{Rule: RuleOp{Key: one}, Of: RuleChanged})
	until(t, r, "quiet", func() bool { return len(r.dumps) == 0 })
	ip(t, "rule del pref 5")
	for { // as if they had been lost
		if _, err := unix.Read(r.fd, r.buf); err != nil {
			break
		}
	}
	if !r.m.Rule(one) {
		t.Fatal("the mirror has read what it should have lost")
	}
	r.again = true
	until(t, r, "true again", func() bool { return !r.m.Rule(one) })
}

func TestOrderOfOperations(t *testing.T) {
	m := NewFake("v0").m
	removeRoute := func(words string) RouteOp {
		op := resolve(t, m, words)
		op.Verb, op.Have, op.Want = reconcile.Remove, op.Want, Route{}
		return op
	}
	link, _ := m.Link("v0")
	gone := add(t, link, "192.0.2.2/24")
	gone = remove(gone)
	ops := []Op{
		{Of: AddrChanged, Addr: gone},
		{Of: RuleChanged, Rule: RuleOp{Key: rule(t, "from 10.0.0.0/8 table 5 preference 1")}},
		{Of: RuleChanged, Rule: RuleOp{Verb: reconcile.Remove, Key: rule(t, "from 10.0.0.0/8 table 5 preference 2")}},
		{Of: RouteChanged, Route: removeRoute("10.1.0.0/16 dev v0")},
		{Of: RouteChanged, Route: removeRoute("10.2.0.0/16 via 10.1.0.1")},
		{Of: RouteChanged, Route: resolve(t, m, "10.1.0.0/16 via 10.9.0.1")},
		{Of: RouteChanged, Route: resolve(t, m, "10.9.0.0/16 dev v0 scope link")},
		{Of: AddrChanged, Addr: add(t, link, "192.0.2.1/24")},
	}
	Order(ops)
	var got []string
	for _, op := range ops {
		got = append(got, op.Command(m.Name))
	}
	want := []string{
		"ip addr add 192.0.2.1/24 dev v0",
		"ip route add 10.9.0.0/16 dev v0",
		"ip route add 10.1.0.0/16 via 10.9.0.1",
		"ip rule add from 10.0.0.0/8 table 5 priority 1",
		"ip rule del from 10.0.0.0/8 table 5 priority 2",
		"ip route del 10.2.0.0/16 via 10.1.0.1",
		"ip route del 10.1.0.0/16 dev v0 scope global",
		"ip addr del 192.0.2.2/24 dev v0",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func FuzzParseRule(f *testing.F) {
	for _, c := range rules {
		f.Add(c.words)
	}
	f.Fuzz(func(t *testing.T, line string) {
		spec, err := ParseRule(strings.Fields(line))
		if err != nil || spec.VRF != "" {
			return
		}
		// What was understood can be told to the kernel, and read back.
		var q requests
		q.op(Op{Rule: RuleOp{Key: spec.Rule}, Of: RuleChanged}, 1)
		if back, ok := decodeRule(q.buf[headerLen:]); !ok || back != spec.Rule {
			t.Errorf("%q: %+v became %+v", line, spec.Rule, back)
		}
	})
}
