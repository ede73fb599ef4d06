package kernel

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// parser goes through the words of a route or a rule. Its first complaint is
// the one that counts.
type parser struct {
	words []string
	at    int
	err   error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// next is the value of the word before it.
func (p *parser) next(of string) string {
	if p.at >= len(p.words) {
		p.fail("%s: expected a value", of)
		return ""
	}
	p.at++
	return p.words[p.at-1]
}

// peek is the next word, if there is one.
func (p *parser) peek() string {
	if p.at >= len(p.words) {
		return ""
	}
	return p.words[p.at]
}

// link is the name of an interface (linux/if.h, IFNAMSIZ).
func (p *parser) link(of string) string {
	w := p.next(of)
	if w == "" || len(w) >= unix.IFNAMSIZ || strings.ContainsAny(w, "/\x00") {
		p.fail("%s %q: expected the name of an interface", of, w)
	}
	return w
}

func (p *parser) number(of string, most uint64) uint64 {
	w := p.next(of)
	n, err := strconv.ParseUint(w, 0, 64)
	if err != nil || n > most {
		p.fail("%s %s: expected a number up to %d", of, w, most)
	}
	return n
}

// addr reads an address, perhaps behind "inet" or "inet6".
func (p *parser) addr(of string) netip.Addr {
	w := p.next(of)
	if w == "inet" || w == "inet6" {
		w = p.next(of)
	}
	a, err := netip.ParseAddr(w)
	if err != nil || a.Zone() != "" {
		p.fail("%s %s: expected an address", of, w)
	}
	return a
}

// parsePrefix reads ADDRESS or ADDRESS/LENGTH.
func parsePrefix(w string) (netip.Prefix, bool) {
	dst, err := netip.ParsePrefix(w)
	if err != nil {
		a, err := netip.ParseAddr(w)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, false
		}
		dst = netip.PrefixFrom(a, a.BitLen())
	}
	return dst.Masked(), true
}

// tables are the names of rt_tables that every system has.
var tables = map[string]uint32{"default": unix.RT_TABLE_DEFAULT, "main": unix.RT_TABLE_MAIN, "local": unix.RT_TABLE_LOCAL}

func (p *parser) table(w string) uint32 {
	if t, ok := tables[w]; ok {
		return t
	}
	n, err := strconv.ParseUint(w, 0, 32)
	if err != nil || n == 0 {
		p.fail("table %s: expected a number, main, local or default", w)
	}
	return uint32(n) // bounded
}

// protocols are the names of rt_protos that every system has.
var protocols = map[string]uint8{
	"kernel": unix.RTPROT_KERNEL, "boot": unix.RTPROT_BOOT, "static": unix.RTPROT_STATIC, "gated": unix.RTPROT_GATED,
	"ra": unix.RTPROT_RA, "mrt": unix.RTPROT_MRT, "zebra": unix.RTPROT_ZEBRA, "bird": unix.RTPROT_BIRD,
	"dnrouted": unix.RTPROT_DNROUTED, "xorp": unix.RTPROT_XORP, "ntk": unix.RTPROT_NTK, "dhcp": unix.RTPROT_DHCP,
	"keepalived": unix.RTPROT_KEEPALIVED, "babel": unix.RTPROT_BABEL, "bgp": unix.RTPROT_BGP, "isis": unix.RTPROT_ISIS,
	"ospf": unix.RTPROT_OSPF, "rip": unix.RTPROT_RIP, "eigrp": unix.RTPROT_EIGRP,
}

func (p *parser) protocol(of string) uint8 {
	w := p.next(of)
	if n, ok := protocols[w]; ok {
		return n
	}
	n, err := strconv.ParseUint(w, 0, 8)
	if err != nil {
		p.fail("%s %s: expected a name of rt_protos or a number up to 255", of, w)
	}
	return uint8(n) // bounded
}

// realms reads [SOURCE/]DESTINATION.
func (p *parser) realms(of string) uint32 {
	w := p.next(of)
	from, to, both := strings.Cut(w, "/")
	if !both {
		from, to = "0", from
	}
	a, err1 := strconv.ParseUint(from, 0, 16)
	b, err2 := strconv.ParseUint(to, 0, 16)
	if err1 != nil || err2 != nil {
		p.fail("%s %s: expected [SOURCE/]DESTINATION, numbers up to 65535", of, w)
	}
	return uint32(a<<16 | b) // 16 bits each
}
