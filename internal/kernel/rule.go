package kernel

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// Rule is a rule of policy routing. To the kernel all of it together is what
// makes a rule one, so it is its own key.
type Rule struct {
	Six      bool   // IPv6
	Pref     uint32 // lower ones are looked at first
	Not      bool   // it is for whatever does not match
	From, To netip.Prefix
	IIF, OIF string // names: a rule may be there before its link
	// Mark is compared after Mask was applied (fwmark).
	Mark, Mask   uint32
	TOS          uint8
	TunID        uint64
	IPProto      uint8
	SPort, DPort PortRange
	UIDs         UIDRange

	Action uint8  // FR_ACT_…
	Table  uint32 // RT_TABLE_…, with FR_ACT_TO_TBL; 0 with L3MDev
	L3MDev bool   // the table of the packet's VRF
	Goto   uint32 // the preference to go on at, with FR_ACT_GOTO
	// Routes of prefixes up to SuppressLen-1, or out of links of the group
	// SuppressGroup-1, do not count; 0: all do.
	SuppressLen, SuppressGroup uint64
	// Realms is SOURCE<<16 | DESTINATION, IPv4 only.
	Realms uint32
	// Protocol is who added it (RTPROT_…).
	Protocol uint8
}

// PortRange is of ports, both ends included; zero: any.
type PortRange struct{ First, Last uint16 }

// UIDRange is of users, both ends included.
type UIDRange struct {
	First, Last uint32
	Set         bool
}

// maxRules is how many rules the mirror keeps; a kernel with more is a kernel
// that serves no packet in time.
const maxRules = 1 << 16

// Compare orders rules: by preference, then so that the order is always the same.
func (r Rule) Compare(o Rule) int {
	if c := cmp.Compare(r.Pref, o.Pref); c != 0 || r == o {
		return c
	}
	return cmp.Compare(r.String(), o.String())
}

// RuleKind compares rules that are wanted with those that are there.
var RuleKind = reconcile.Kind[Rule, struct{}]{
	Compare: Rule.Compare,
	Same:    func(struct{}, struct{}) bool { return true },
}

// RuleOp is one change of a rule.
type RuleOp = reconcile.Op[Rule, struct{}]

// Rule reports whether a rule is there.
func (m *Mirror) Rule(r Rule) bool {
	_, ok := m.rules[r]
	return ok
}

// ruleActions are the actions beside looking into a table (ip-rule(8)).
var ruleActions = []struct {
	name   string
	action uint8
}{
	{"blackhole", unix.FR_ACT_BLACKHOLE},
	{"unreachable", unix.FR_ACT_UNREACHABLE},
	{"prohibit", unix.FR_ACT_PROHIBIT},
	{"nop", unix.FR_ACT_NOP},
}

// String is a rule in iproute2's words.
func (r Rule) String() string {
	var b strings.Builder
	if r.Not {
		b.WriteString("not ")
	}
	b.WriteString("from ")
	b.WriteString(prefixText(r.From))
	word := func(format string, set bool, values ...any) {
		if set {
			fmt.Fprintf(&b, " "+format, values...)
		}
	}
	word("to %s", r.To.IsValid(), r.To)
	word("tos %#x", r.TOS != 0, r.TOS)
	word("fwmark %#x", r.Mark|r.Mask != 0, r.Mark)
	if r.Mask != 0 && r.Mask != 1<<32-1 {
		fmt.Fprintf(&b, "/%#x", r.Mask)
	}
	word("iif %s", r.IIF != "", r.IIF)
	word("oif %s", r.OIF != "", r.OIF)
	word("uidrange %d-%d", r.UIDs.Set, r.UIDs.First, r.UIDs.Last)
	word("ipproto %d", r.IPProto != 0, r.IPProto)
	word("sport %d-%d", r.SPort != PortRange{}, r.SPort.First, r.SPort.Last)
	word("dport %d-%d", r.DPort != PortRange{}, r.DPort.First, r.DPort.Last)
	word("tun_id %d", r.TunID != 0, r.TunID)
	word("table %d", r.Action == unix.FR_ACT_TO_TBL && !r.L3MDev, r.Table)
	word("l3mdev", r.L3MDev)
	word("goto %d", r.Action == unix.FR_ACT_GOTO, r.Goto)
	for _, a := range ruleActions {
		word("%s", a.action == r.Action, a.name)
	}
	word("suppress_prefixlength %d", r.SuppressLen != 0, r.SuppressLen-1)
	word("suppress_ifgroup %d", r.SuppressGroup != 0, r.SuppressGroup-1)
	word("realms %d/%d", r.Realms != 0, r.Realms>>16, r.Realms&0xffff)
	word("priority %d", true, r.Pref)
	return b.String()
}

func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return "all"
	}
	return p.String()
}

// ruleOp appends RTM_NEWRULE or RTM_DELRULE (struct fib_rule_hdr).
func (q *requests) ruleOp(op RuleOp, seq uint32) {
	if op.Verb == reconcile.Remove {
		q.begin(unix.RTM_DELRULE, 0, seq)
	} else {
		q.begin(unix.RTM_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, seq)
	}
	q.rule(op.Key)
	q.end()
}

func (q *requests) rule(r Rule) {
	family := byte(unix.AF_INET)
	if r.Six {
		family = unix.AF_INET6
	}
	table := byte(unix.RT_TABLE_UNSPEC)
	if r.Table < 256 {
		table = byte(r.Table)
	}
	q.bytes(family, byte(max(r.To.Bits(), 0)), byte(max(r.From.Bits(), 0)), r.TOS, table, 0, 0, r.Action)
	flags := uint32(0)
	if r.Not {
		flags = unix.FIB_RULE_INVERT
	}
	q.u32(flags)
	prefix := func(typ uint16, p netip.Prefix) {
		if p.IsValid() && p.Bits() > 0 {
			q.attrAddr(typ, p.Addr())
		}
	}
	number := func(typ uint16, set bool, v uint32) {
		if set {
			q.attr32(typ, v)
		}
	}
	prefix(unix.FRA_SRC, r.From)
	prefix(unix.FRA_DST, r.To)
	number(unix.FRA_PRIORITY, true, r.Pref)
	number(unix.FRA_FWMARK, r.Mark|r.Mask != 0, r.Mark)
	number(unix.FRA_FWMASK, r.Mark|r.Mask != 0, r.Mask)
	number(unix.FRA_TABLE, r.Action == unix.FR_ACT_TO_TBL && !r.L3MDev, r.Table)
	number(unix.FRA_GOTO, r.Action == unix.FR_ACT_GOTO, r.Goto)
	number(unix.FRA_SUPPRESS_PREFIXLEN, r.SuppressLen != 0, uint32(r.SuppressLen-1))   // parsed from 32 bits
	number(unix.FRA_SUPPRESS_IFGROUP, r.SuppressGroup != 0, uint32(r.SuppressGroup-1)) // the same
	number(unix.FRA_FLOW, r.Realms != 0, r.Realms)
	q.ruleSelectors(r)
}

// ruleSelectors are the attributes that are no 32-bit numbers.
func (q *requests) ruleSelectors(r Rule) {
	if r.IIF != "" {
		q.attr(unix.FRA_IIFNAME, append([]byte(r.IIF), 0))
	}
	if r.OIF != "" {
		q.attr(unix.FRA_OIFNAME, append([]byte(r.OIF), 0))
	}
	if r.UIDs.Set {
		q.attr(unix.FRA_UID_RANGE, native.AppendUint32(native.AppendUint32(nil, r.UIDs.First), r.UIDs.Last))
	}
	if r.IPProto != 0 {
		q.attr(unix.FRA_IP_PROTO, []byte{r.IPProto})
	}
	for typ, p := range map[uint16]PortRange{unix.FRA_SPORT_RANGE: r.SPort, unix.FRA_DPORT_RANGE: r.DPort} {
		if p != (PortRange{}) {
			q.attr(typ, native.AppendUint16(native.AppendUint16(nil, p.First), p.Last))
		}
	}
	if r.TunID != 0 {
		q.attr(unix.FRA_TUN_ID, network.AppendUint64(nil, r.TunID))
	}
	if r.L3MDev {
		q.attr(unix.FRA_L3MDEV, []byte{1})
	}
	if r.Protocol != 0 {
		q.attr(unix.FRA_PROTOCOL, []byte{r.Protocol})
	}
}

// ruleMessage takes RTM_NEWRULE and RTM_DELRULE.
func (m *Mirror) ruleMessage(msg message) (Change, bool) {
	r, ok := decodeRule(msg.data)
	if !ok {
		return Change{}, false
	}
	_, had := m.rules[r]
	if msg.typ == unix.RTM_DELRULE {
		delete(m.rules, r)
		return Change{Kind: RuleChanged, Rule: r, Gone: true}, had
	}
	if had || len(m.rules) < maxRules {
		m.rules[r] = m.generation
	}
	return Change{Kind: RuleChanged, Rule: r}, !had
}

func decodeRule(d []byte) (r Rule, ok bool) {
	if len(d) < ruleHeader || d[0] != unix.AF_INET && d[0] != unix.AF_INET6 {
		return r, false
	}
	r = Rule{
		Six: d[0] == unix.AF_INET6, TOS: d[3], Table: uint32(d[4]), Action: d[7],
		Not: native.Uint32(d[8:])&unix.FIB_RULE_INVERT != 0,
	}
	if attrs(d, ruleHeader, func(typ uint16, v []byte) { r.take(typ, v, d) }) != nil {
		return r, false
	}
	if r.Action != unix.FR_ACT_TO_TBL || r.L3MDev {
		r.Table = 0
	}
	return r, true
}

// ruleHeader is the size of struct fib_rule_hdr.
const ruleHeader = 12

// take reads one attribute; d is the message, for what the header says of it.
func (r *Rule) take(typ uint16, v, d []byte) {
	suppress := func(to *uint64) {
		if n := attrU32(v); n != 1<<32-1 {
			*to = uint64(n) + 1
		}
	}
	ports := func(to *PortRange) {
		if len(v) >= 4 {
			*to = PortRange{native.Uint16(v), native.Uint16(v[2:])}
		}
	}
	octet := func(to *uint8) {
		if len(v) == 1 {
			*to = v[0]
		}
	}
	switch typ {
	case unix.FRA_SRC:
		r.From = netip.PrefixFrom(attrAddr(v), int(d[2]))
	case unix.FRA_DST:
		r.To = netip.PrefixFrom(attrAddr(v), int(d[1]))
	case unix.FRA_PRIORITY:
		r.Pref = attrU32(v)
	case unix.FRA_FWMARK:
		r.Mark = attrU32(v)
	case unix.FRA_FWMASK:
		r.Mask = attrU32(v)
	case unix.FRA_TABLE:
		r.Table = attrU32(v)
	case unix.FRA_GOTO:
		r.Goto = attrU32(v)
	case unix.FRA_SUPPRESS_PREFIXLEN:
		suppress(&r.SuppressLen)
	case unix.FRA_SUPPRESS_IFGROUP:
		suppress(&r.SuppressGroup)
	case unix.FRA_FLOW:
		r.Realms = attrU32(v)
	case unix.FRA_IIFNAME:
		r.IIF = attrString(v)
	case unix.FRA_OIFNAME:
		r.OIF = attrString(v)
	case unix.FRA_UID_RANGE:
		if len(v) >= 8 {
			r.UIDs = UIDRange{native.Uint32(v), native.Uint32(v[4:]), true}
		}
	case unix.FRA_IP_PROTO:
		octet(&r.IPProto)
	case unix.FRA_SPORT_RANGE:
		ports(&r.SPort)
	case unix.FRA_DPORT_RANGE:
		ports(&r.DPort)
	case unix.FRA_TUN_ID:
		if len(v) >= 8 {
			r.TunID = network.Uint64(v)
		}
	case unix.FRA_L3MDEV:
		r.L3MDev = len(v) == 1 && v[0] != 0
	case unix.FRA_PROTOCOL:
		octet(&r.Protocol)
	}
}

// wrapRule says of an error what was attempted on what.
func wrapRule(op RuleOp, err error) error {
	return fmt.Errorf("%s rule %s: %w", op.Verb, op.Key.String(), err)
}
