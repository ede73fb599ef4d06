package kernel

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// RuleSpec is a rule as written.
type RuleSpec struct {
	Rule Rule
	// VRF names a link whose table the rule is about, or is empty.
	VRF string
	// NoTrack: the rule is not put back when somebody removes it.
	NoTrack bool
	// TrackGroup is who follows a static rule, or empty.
	TrackGroup string
}

// Resolve finds the table of a rule. The error names what is missing.
func (s RuleSpec) Resolve(m *Mirror) (Rule, error) {
	r := s.Rule
	if s.VRF == "" {
		return r, nil
	}
	l, ok := m.Link(s.VRF)
	if !ok || l.VRFTable == 0 {
		return r, fmt.Errorf("rule %s: %s is no VRF", r.String(), s.VRF)
	}
	r.Table = l.VRFTable
	return r, nil
}

// ParseRule reads a line of virtual_rules or static_rules, in the words of
// ip-rule(8).
func ParseRule(words []string) (RuleSpec, error) {
	p := ruleParser{parser: parser{words: words}}
	for p.err == nil && p.at < len(p.words) {
		p.word()
	}
	if p.err == nil {
		p.finish()
	}
	return p.spec, p.err
}

type ruleParser struct {
	parser
	spec  RuleSpec
	seen  int  // 4 or 6 once an address or a word says so
	proto bool // protocol was given
}

func (p *ruleParser) word() {
	r := &p.spec.Rule
	switch w := p.next(""); w {
	case "not":
		r.Not = true
	case "inet":
		p.family(4)
	case "inet6":
		p.family(6)
	case "from":
		r.From = p.prefix(w)
	case "to":
		r.To = p.prefix(w)
	case "iif", "dev":
		r.IIF = p.link(w)
	case "oif":
		r.OIF = p.link(w)
	case "tos", "dsfield":
		r.TOS = uint8(p.number(w, 255)) // bounded
	case "preference", "order", "priority":
		r.Pref = uint32(p.number(w, 1<<32-1)) // bounded
	case "fwmark":
		p.mark(p.next(w))
	case "realms":
		r.Realms = p.realms(w)
	case "uidrange":
		first, last := p.span(w, 1<<32-1)
		r.UIDs = UIDRange{uint32(first), uint32(last), true} // bounded
	case "sport":
		r.SPort = p.ports(w)
	case "dport":
		r.DPort = p.ports(w)
	case "ip_proto", "ipproto":
		p.ipProto(p.next(w))
	case "tun_id", "tunnel-id":
		r.TunID = p.number(w, 1<<64-1)
	case "protocol":
		r.Protocol, p.proto = p.protocol(w), true
	case "no_track":
		p.spec.NoTrack = true
	case "track_group":
		p.spec.TrackGroup = p.next(w)
	default:
		p.action(w)
	}
}

// action reads what is done with packets that match.
func (p *ruleParser) action(w string) {
	r := &p.spec.Rule
	switch w {
	case "table", "lookup":
		p.act(unix.FR_ACT_TO_TBL)
		r.Table = p.table(p.next(w))
	case "vrf":
		p.act(unix.FR_ACT_TO_TBL)
		p.spec.VRF = p.link(w)
	case "l3mdev":
		p.act(unix.FR_ACT_TO_TBL)
		r.L3MDev = true
	case "goto":
		p.act(unix.FR_ACT_GOTO)
		r.Goto = uint32(p.number(w, 1<<32-1)) // bounded
	case "suppress_prefixlength":
		r.SuppressLen = p.number(w, 128) + 1
	case "suppress_ifgroup":
		if p.at < len(p.words) && p.words[p.at] == "default" {
			p.at++
			r.SuppressGroup = 1
			return
		}
		r.SuppressGroup = p.number(w, 1<<31-1) + 1
	default:
		for _, a := range ruleActions {
			if a.name == w {
				p.act(a.action)
				return
			}
		}
		p.at--
		r.From = p.prefix("")
	}
}

func (p *ruleParser) act(action uint8) {
	if p.spec.Rule.Action != 0 {
		p.fail("more than one action")
	}
	p.spec.Rule.Action = action
}

func (p *ruleParser) family(f int) {
	if p.seen != 0 && p.seen != f {
		p.fail("IPv4 and IPv6 in one rule")
	}
	p.seen = f
}

// prefix reads an address with or without length; all and default are every one.
func (p *ruleParser) prefix(of string) netip.Prefix {
	w := p.next(of)
	if w == "all" || w == "default" || w == "any" {
		return netip.Prefix{}
	}
	dst, ok := parsePrefix(w)
	if !ok {
		if of == "" {
			p.fail("unknown word %q", w)
		} else {
			p.fail("%s %s: expected an address", of, w)
		}
		return netip.Prefix{}
	}
	if dst.Addr().Is6() {
		p.family(6)
	} else {
		p.family(4)
	}
	if dst.Bits() == 0 {
		return netip.Prefix{}
	}
	return dst
}

// mark reads MARK[/MASK].
func (p *ruleParser) mark(w string) {
	mark, mask, masked := strings.Cut(w, "/")
	m, err := strconv.ParseUint(mark, 0, 32)
	if err != nil {
		p.fail("fwmark %s: expected MARK or MARK/MASK", w)
	}
	k := uint64(0)
	if m != 0 {
		k = 1<<32 - 1 // the kernel's own
	}
	if masked {
		if k, err = strconv.ParseUint(mask, 0, 32); err != nil {
			p.fail("fwmark %s: expected MARK or MARK/MASK", w)
		}
	}
	p.spec.Rule.Mark, p.spec.Rule.Mask = uint32(m), uint32(k)
}

// span reads FIRST-LAST, or one number.
func (p *ruleParser) span(of string, most uint64) (first, last uint64) {
	w := p.next(of)
	a, b, two := strings.Cut(w, "-")
	first, err := strconv.ParseUint(a, 10, 64)
	last = first
	if two && err == nil {
		last, err = strconv.ParseUint(b, 10, 64)
	}
	if err != nil || last > most || first > last {
		p.fail("%s %s: expected FIRST-LAST, up to %d", of, w, most)
		return 0, 0
	}
	return first, last
}

func (p *ruleParser) ports(of string) PortRange {
	first, last := p.span(of, 65534)
	if first == 0 {
		p.fail("%s: ports begin at 1", of)
	}
	return PortRange{uint16(first), uint16(last)} // bounded
}

// ipProtocols are names of protocols(5) that every system has.
var ipProtocols = map[string]uint8{
	"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "dccp": 33, "gre": 47, "esp": 50, "ah": 51,
	"ipv6-icmp": 58, "icmpv6": 58, "ospf": 89, "vrrp": 112, "sctp": 132, "udplite": 136,
}

func (p *ruleParser) ipProto(w string) {
	n, ok := ipProtocols[strings.ToLower(w)]
	if !ok {
		v, err := strconv.ParseUint(w, 10, 8)
		if err != nil {
			p.fail("ipproto %s: expected tcp, udp … or a number up to 255", w)
		}
		n = uint8(v)
	}
	p.spec.Rule.IPProto = n
}

// finish fills in what keepalived would.
func (p *ruleParser) finish() {
	r := &p.spec.Rule
	r.Six = p.seen == 6
	if r.Action == 0 {
		p.fail("the rule does nothing: expected table, goto, blackhole …")
	}
	// A rule that is not tracked need not be told from others'.
	if !p.spec.NoTrack || p.proto && r.Protocol == Protocol {
		r.Protocol = Protocol
	}
}
