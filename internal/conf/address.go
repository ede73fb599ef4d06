package conf

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// address reads one line of virtual_ipaddress or static_ipaddress.
func (l *loader) address(s *stmt, static bool) (Address, bool) {
	w := s.Node.Words
	ip, bits, slash := strings.Cut(w[0].Text, "/")
	p, ok := schema.ParsePrefix(ip)
	if !ok {
		s.Fault("HF011", diag.Error, w[0], strconv.Quote(w[0].Text)+" is no IP address, the line is ignored", "ADDRESS[/LENGTH] and options")
		return Address{}, false
	}
	if slash && bits != "" {
		n, err := strconv.ParseUint(bits, 10, 8)
		if err != nil || int(n) > p.Bits() {
			s.Fault("HF011", diag.Error, w[0], "length "+strconv.Quote(bits)+" of "+ip+" is not valid, taking "+strconv.Itoa(p.Bits()), "a prefix length from 0 to "+strconv.Itoa(p.Bits()))
		} else {
			p = netip.PrefixFrom(p.Addr(), int(n))
		}
	}
	a := Address{Prefix: p, Pos: l.pos(w[0])}
	for i := 1; i < len(w); i++ {
		n, good := l.addressOption(s, &a, w, i, static)
		if !good {
			return a, false
		}
		i += n
	}
	return a, true
}

// addressOption reads the option at w[i] and returns how many words follow it.
func (l *loader) addressOption(s *stmt, a *Address, w []syntax.Word, i int, static bool) (used int, ok bool) {
	switch w[i].Text {
	case "home", "-nodad", "mngtmpaddr", "noprefixroute", "autojoin":
		a.Options = append(a.Options, w[i].Text)
		return 0, true
	case "use_vmac":
		a.UseVMAC = true
		return 0, true
	case "no_track":
		a.NoTrack = true
		return 0, true
	}
	value := func() (string, bool) {
		if i+1 >= len(w) {
			s.Fault("HF012", diag.Error, w[i], w[i].Text+" needs a value, the line is ignored", "")
			return "", false
		}
		return w[i+1].Text, true
	}
	opt := w[i].Text
	if opt == "track_group" && !static {
		opt += " " // of static addresses only
	}
	switch opt {
	case "dev":
		if a.Dev, ok = value(); ok {
			l.needInterface(w[i+1], "address "+w[0].Text)
		}
	case "label":
		if a.Label, ok = value(); ok && len(a.Label) > schema.MaxInterface {
			s.Fault("HF011", diag.Error, w[i+1], "label "+strconv.Quote(a.Label)+" is too long, the line is ignored", "at most 15 characters")
			ok = false
		}
	case "scope":
		a.Scope, ok = value()
		if a.Scope = l.number(opt, a.Scope); ok && !knownScope(a.Scope) {
			s.Fault("HF011", diag.Error, w[i+1], "scope "+strconv.Quote(a.Scope)+" is not valid, it is ignored", "host, link, site, global or a number from 0 to 255")
			a.Scope = ""
		}
		if ok && a.Prefix.Addr().Is6() && a.Scope != "" && a.Scope != "global" {
			s.Fault("HF032", diag.Error, w[i], "IPv6 addresses have the scope that they have, it is ignored", "")
			a.Scope = ""
		}
	case "track_group", "preferred_lft":
		var v string
		if v, ok = value(); ok {
			if _, err := strconv.ParseUint(v, 10, 32); opt == "preferred_lft" && err != nil && v != "forever" {
				s.Fault("HF011", diag.Error, w[i+1], "preferred_lft "+strconv.Quote(v)+" is not valid, it is ignored", "seconds, or forever")
				return 1, true
			}
			a.Options = append(a.Options, opt+" "+v)
		}
	case "brd", "broadcast":
		return 1, l.broadcast(s, a, w, i, value)
	case "peer":
		var v string
		if v, ok = value(); ok {
			if w := w[0]; strings.Contains(w.Text, "/") {
				s.Fault("HF011", diag.Error, w, "the length of "+w.Text+" is ignored where there is a peer", "no length")
				a.Prefix = netip.PrefixFrom(a.Prefix.Addr(), a.Prefix.Addr().BitLen())
			}
			if a.Peer, ok = schema.ParsePrefix(v); !ok || strings.Contains(v, "/") || family(a.Peer.Addr()) != family(a.Prefix.Addr()) {
				a.Peer, ok = netip.Prefix{}, true
				s.Fault("HF011", diag.Error, w[i+1], "peer "+strconv.Quote(v)+" is not valid, it is ignored", "an address of the same family")
			}
		}
	default:
		s.Fault("HF011", diag.Error, w[i], "unknown option "+strconv.Quote(w[i].Text)+" of address "+w[0].Text, "dev, brd, label, scope, peer, no_track …")
		return 0, true
	}
	return 1, ok
}

func (l *loader) broadcast(s *stmt, a *Address, w []syntax.Word, i int, value func() (string, bool)) bool {
	v, ok := value()
	switch {
	case !ok:
		return false
	case a.Prefix.Addr().Is6():
		s.Fault("HF032", diag.Error, w[i], "IPv6 has no broadcast, the line is ignored", "an IPv4 address")
		return false
	case v == "+" || v == "-":
		a.Options = append(a.Options, "brd "+v)
		return true
	}
	b, err := netip.ParseAddr(v)
	if err != nil || !b.Is4() {
		s.Fault("HF011", diag.Error, w[i+1], "brd "+strconv.Quote(v)+" is not valid, the line is ignored", "an IPv4 address, + or -")
		return false
	}
	a.Broadcast = b
	return true
}

// knownScope knows iproute2's names for scopes (rt_scopes) and numbers.
func knownScope(s string) bool {
	switch s {
	case "host", "link", "site", "global", "universe", "nowhere":
		return true
	}
	n, err := strconv.ParseUint(s, 10, 8)
	return err == nil && n <= 255
}
