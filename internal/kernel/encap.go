package kernel

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Encap is how a next hop wraps packets (linux/lwtunnel.h); the zero value: it
// does not.
type Encap struct {
	Type     uint16 // LWTUNNEL_ENCAP_…
	ID       uint64 // ip, ip6: the tunnel's key
	Src, Dst netip.Addr
	TTL, TOS uint8
	Flags    uint16
	// Labels is the MPLS label stack as on the wire (RFC 3032 §2.1).
	Labels string
	// Locator is ILA's, in network order.
	Locator uint64
}

// Attributes of encapsulations (linux/lwtunnel.h, linux/ila.h).
const (
	tunnelID = iota + 1
	tunnelDst
	tunnelSrc
	tunnelTTL
	tunnelTOS
	tunnelFlags

	ilaLocator = 1
)

const (
	maxLabels = 16 // of an MPLS stack; the kernel has fewer
	maxLabel  = 1<<20 - 1
)

// encap reads "TYPE …" up to the first word that is not its own.
func (p *parser) encap() (e Encap) {
	switch w := p.next("encap"); w {
	case "ip":
		e.Type = unix.LWTUNNEL_ENCAP_IP
	case "ip6":
		e.Type = unix.LWTUNNEL_ENCAP_IP6
	case "mpls":
		e.Type = unix.LWTUNNEL_ENCAP_MPLS
		e.Labels = p.labels(p.next(w))
	case "ila":
		e.Type = unix.LWTUNNEL_ENCAP_ILA
		e.Locator = p.locator(p.next(w))
		return e
	default:
		p.fail("encap %s: expected ip, ip6, mpls or ila", w)
		return e
	}
	for p.err == nil {
		w := p.peek()
		if e.Type == unix.LWTUNNEL_ENCAP_MPLS && w != "ttl" {
			return e
		}
		switch w {
		case "ttl", "hoplimit":
			p.at++
			e.TTL = uint8(p.number(w, 255)) // bounded
		case "tos", "tc":
			p.at++
			e.TOS = uint8(p.number(w, 255)) // bounded
		case "id":
			p.at++
			e.ID = p.number(w, 1<<64-1)
		case "flags":
			p.at++
			e.Flags = uint16(p.number(w, 1<<16-1)) // bounded
		case "src":
			p.at++
			e.Src = p.addr(w)
		case "dst":
			p.at++
			e.Dst = p.addr(w)
		default:
			return e
		}
	}
	return e
}

// labels reads LABEL/LABEL/….
func (p *parser) labels(w string) string {
	list := strings.Split(w, "/")
	if len(list) > maxLabels {
		p.fail("encap mpls: more than %d labels", maxLabels)
		return ""
	}
	var b []byte
	for i, l := range list {
		n, err := strconv.ParseUint(l, 0, 32)
		if err != nil || n > maxLabel {
			p.fail("encap mpls %s: expected labels up to %d, with / between them", w, maxLabel)
			return ""
		}
		n <<= 12
		if i == len(list)-1 {
			n |= 1 << 8 // the bottom of the stack
		}
		b = network.AppendUint32(b, uint32(n)) // 20 bits and 12
	}
	return string(b)
}

// locator reads the upper half of an IPv6 address, A:B:C:D.
func (p *parser) locator(w string) uint64 {
	var n uint64
	parts := strings.Split(w, ":")
	for _, part := range parts {
		v, err := strconv.ParseUint(part, 16, 16)
		if err != nil || len(parts) != 4 {
			p.fail("encap ila %s: expected four hexadecimal numbers with : between them", w)
			return 0
		}
		n = n<<16 | v
	}
	return n
}

// encap appends RTA_ENCAP_TYPE and RTA_ENCAP.
func (q *requests) encap(e Encap) {
	if e.Type == 0 {
		return
	}
	q.attr(unix.RTA_ENCAP_TYPE, native.AppendUint16(nil, e.Type))
	at := q.nest(unix.RTA_ENCAP | unix.NLA_F_NESTED)
	addr := func(typ uint16, a netip.Addr) {
		if a.IsValid() {
			q.attrAddr(typ, a)
		}
	}
	octet := func(typ uint16, v uint8) {
		if v != 0 {
			q.attr(typ, []byte{v})
		}
	}
	switch e.Type {
	case unix.LWTUNNEL_ENCAP_MPLS:
		q.attr(unix.MPLS_IPTUNNEL_DST, []byte(e.Labels))
		octet(unix.MPLS_IPTUNNEL_TTL, e.TTL)
	case unix.LWTUNNEL_ENCAP_ILA:
		q.attr(ilaLocator, network.AppendUint64(nil, e.Locator))
	default:
		if e.ID != 0 {
			q.attr(tunnelID, network.AppendUint64(nil, e.ID))
		}
		addr(tunnelDst, e.Dst)
		addr(tunnelSrc, e.Src)
		octet(tunnelTTL, e.TTL)
		octet(tunnelTOS, e.TOS)
		if e.Flags != 0 {
			q.attr(tunnelFlags, network.AppendUint16(nil, e.Flags))
		}
	}
	q.endNest(at)
}

// take reads RTA_ENCAP; its type is known by then or comes later.
func (e *Encap) take(typ uint16, v []byte) {
	octet := func(to *uint8) {
		if len(v) == 1 {
			*to = v[0]
		}
	}
	switch {
	case e.Type == unix.LWTUNNEL_ENCAP_MPLS && typ == unix.MPLS_IPTUNNEL_DST:
		e.Labels = string(v)
	case e.Type == unix.LWTUNNEL_ENCAP_MPLS && typ == unix.MPLS_IPTUNNEL_TTL:
		octet(&e.TTL)
	case e.Type == unix.LWTUNNEL_ENCAP_ILA && typ == ilaLocator && len(v) == 8:
		e.Locator = network.Uint64(v)
	case e.Type != unix.LWTUNNEL_ENCAP_IP && e.Type != unix.LWTUNNEL_ENCAP_IP6:
	case typ == tunnelID && len(v) == 8:
		e.ID = network.Uint64(v)
	case typ == tunnelDst:
		e.Dst = known(attrAddr(v))
	case typ == tunnelSrc:
		e.Src = known(attrAddr(v))
	case typ == tunnelTTL:
		octet(&e.TTL)
	case typ == tunnelTOS:
		octet(&e.TOS)
	case typ == tunnelFlags && len(v) == 2:
		e.Flags = network.Uint16(v)
	}
}

// known: an unspecified address is what the kernel has where none was given.
func known(a netip.Addr) netip.Addr {
	if a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// text is an encapsulation in iproute2's words, with a blank before it.
func (e Encap) text() string {
	var b strings.Builder
	word := func(set bool, format string, v any) {
		if set {
			fmt.Fprintf(&b, format, v)
		}
	}
	ttl, tos := " ttl %d", " tos %d"
	switch e.Type {
	case 0:
		return ""
	case unix.LWTUNNEL_ENCAP_MPLS:
		b.WriteString(" encap mpls")
		sep := " "
		for l := []byte(e.Labels); len(l) >= 4; l = l[4:] {
			fmt.Fprintf(&b, "%s%d", sep, network.Uint32(l)>>12)
			sep = "/"
		}
	case unix.LWTUNNEL_ENCAP_ILA:
		l := e.Locator
		fmt.Fprintf(&b, " encap ila %x:%x:%x:%x", l>>48, l>>32&0xffff, l>>16&0xffff, l&0xffff)
	case unix.LWTUNNEL_ENCAP_IP6:
		b.WriteString(" encap ip6")
		ttl, tos = " hoplimit %d", " tc %d"
	default:
		b.WriteString(" encap ip")
	}
	word(e.ID != 0, " id %d", e.ID)
	word(e.Src.IsValid(), " src %s", e.Src)
	word(e.Dst.IsValid(), " dst %s", e.Dst)
	word(e.TTL != 0, ttl, e.TTL)
	word(e.TOS != 0, tos, e.TOS)
	return b.String()
}
