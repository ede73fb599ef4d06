package conf

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// Words of ip-route(8) and ip-rule(8), by what follows them.
var (
	routeValues = []string{"dev", "oif", "src", "table", "protocol", "scope", "metric", "priority", "preference", "mtu", "hoplimit", "advmss", "rtt", "rttvar", "reordering", "window", "cwnd", "ssthresh", "realms", "rto_min", "initcwnd", "initrwnd", "quickack", "congctl", "tos", "dsfield", "features", "vrf", "pref", "expires", "track_group", "fastopen_no_cookie", "ttl-propagate", "weight", "as"}
	routeFlags  = []string{"inet", "inet6", "onlink", "no_track", "append", "add", "nexthop", "lock", "unicast", "local", "broadcast", "anycast", "multicast", "throw", "unreachable", "prohibit", "blackhole", "nat", "or"}
	ruleValues  = []string{"from", "to", "table", "lookup", "preference", "order", "priority", "iif", "dev", "oif", "tos", "dsfield", "fwmark", "realms", "goto", "suppress_prefixlength", "suppress_ifgroup", "tun_id", "tunnel-id", "uidrange", "protocol", "ip_proto", "ipproto", "sport", "dport", "track_group", "vrf"}
	ruleFlags   = []string{"inet", "inet6", "no_track", "not", "l3mdev", "unicast", "unreachable", "prohibit", "blackhole", "nop"}
)

// route keeps a route as it was written; its words are iproute2's.
func (l *loader) route(s *stmt) (Route, bool) {
	r := Route{Pos: l.pos(s.Node.Words[0])}
	dest, tracked, iface, pref, ok := "", true, false, false, true
	l.routeFamily = 0
	w := s.Node.Words
	for i := 0; i < len(w) && ok; i++ {
		r.Words = append(r.Words, w[i].Text)
		switch word := w[i].Text; {
		case word == "gw" || word == "or":
			s.Fault("HF016", diag.Error, w[i], word+" is deprecated in routes", map[string]string{"gw": "via", "or": "nexthop"}[word])
			if word == "or" {
				i = l.nexthops(w, i+1, &r)
				continue
			}
			fallthrough
		case word == "via" || word == "src" || word == "to":
			if i++; i >= len(w) {
				s.Fault("HF012", diag.Fatal, w[i-1], word+" needs an address", "an IP address")
				break
			}
			if w[i].Text == "inet6" || w[i].Text == "inet" {
				r.Words = append(r.Words, w[i].Text)
				if i++; i >= len(w) {
					break
				}
			}
			r.Words = append(r.Words, w[i].Text)
			ok = l.routeAddress(s, w[i])
			if word == "to" {
				dest = w[i].Text
			}
		case slices.Contains(routeValues, word):
			if i++; i >= len(w) {
				s.Fault("HF012", diag.Fatal, w[i-1], word+" needs a value", "")
				break
			}
			r.Words = append(r.Words, l.number(word, w[i].Text))
			l.routeValue(s, word, w[i])
			ok = ok && l.validTOS(s, word, w[i])
			if w[i].Text == "lock" && i+1 < len(w) { // the value is behind it
				i++
				r.Words = append(r.Words, w[i].Text)
				l.routeValue(s, word, w[i])
			}
			pref = pref || word == "pref"
			iface = iface || word == "dev" || word == "oif"
		case word == "encap":
			i = encap(w, i+1, &r)
		case slices.Contains(routeFlags, word):
			tracked = tracked && word != "no_track"
			if word == "nexthop" {
				i = l.nexthops(w, i+1, &r)
			}
		case dest == "" && (word == "default" || isPrefix(word)):
			dest = word
			ok = l.routeAddress(s, w[i])
		default:
			s.Fault("HF011", diag.Error, w[i], "a route has no option "+strconv.Quote(word)+", the route is ignored", "options as in ip-route(8)")
			ok = false
		}
	}
	if ok && dest == "" {
		s.Fault("HF042", diag.Error, w[0], "the route has no destination, it is ignored", "ADDRESS/LENGTH or default")
		return r, false
	}
	if ok && pref && l.routeFamily != 6 {
		s.Fault("HF032", diag.Error, w[0], "pref is for IPv6 routes, the route is ignored", "no pref")
		ok = false
	}
	if ok && tracked && l.routeProto.Text != "" {
		s.Fault("HF042", diag.Error, l.routeProto, "a route of another protocol cannot be tracked, its protocol is ignored", "no protocol, or no_track")
	}
	l.routeProto = syntax.Word{}
	if ok && tracked && !iface {
		s.Fault("HF042", diag.Error, w[0], "the route names no interface and cannot be tracked", "dev INTERFACE, or no_track")
	}
	return r, ok
}

// encapWords are what may follow the type of an encapsulation, each with a value.
var encapWords = []string{"id", "dst", "src", "ttl", "tos", "hoplimit", "tc", "flags"}

// encap takes an encapsulation as it is: its type, and what belongs to it.
func encap(w []syntax.Word, i int, r *Route) int {
	if i < len(w) {
		r.Words = append(r.Words, w[i].Text)
		if w[i].Text == "mpls" || w[i].Text == "ila" {
			if i++; i < len(w) {
				r.Words = append(r.Words, w[i].Text)
			}
		}
	}
	for ; i+2 < len(w) && slices.Contains(encapWords, w[i+1].Text); i += 2 {
		r.Words = append(r.Words, w[i+1].Text, w[i+2].Text)
	}
	return i
}

// nexthops takes what follows the first nexthop as it is.
func (l *loader) nexthops(w []syntax.Word, i int, r *Route) int {
	for ; i < len(w); i++ {
		r.Words = append(r.Words, w[i].Text)
		if w[i].Text == "realms" && i+1 < len(w) {
			i++
			r.Words = append(r.Words, l.number("realms", w[i].Text))
			continue
		}
		if (w[i].Text == "dev" || w[i].Text == "oif") && i+1 < len(w) {
			l.needInterface(w[i+1], "nexthop")
		}
	}
	return i
}

func (l *loader) routeAddress(s *stmt, w syntax.Word) bool {
	if w.Text == "default" || w.Text == "all" {
		return true
	}
	if p, ok := schema.ParsePrefix(w.Text); ok {
		if f := family(p.Addr()); l.routeFamily == 0 {
			l.routeFamily = f
		} else if l.routeFamily != f {
			s.Fault("HF032", diag.Error, w, "IPv4 and IPv6 addresses in one route, it is ignored", "")
			return false
		}
		return true
	}
	s.Fault("HF011", diag.Error, w, strconv.Quote(w.Text)+" is no IP address, the route is ignored", "an IP address")
	return false
}

func isPrefix(t string) bool {
	_, ok := schema.ParsePrefix(t)
	return ok
}

func (l *loader) routeValue(s *stmt, word string, v syntax.Word) {
	switch word {
	case "dev", "oif", "iif", "vrf":
		l.needInterface(v, "a route or rule")
	case "metric", "priority", "preference", "order", "mtu", "hoplimit":
		if _, err := strconv.ParseUint(v.Text, 0, 32); err != nil && v.Text != "lock" {
			s.Fault("HF011", diag.Error, v, word+" "+strconv.Quote(v.Text)+" is not valid", "a number")
		}
	case "scope":
		if !knownScope(l.number(word, v.Text)) {
			s.Fault("HF011", diag.Error, v, "scope "+strconv.Quote(v.Text)+" is not valid", "host, link, site, global or a number from 0 to 255")
		}
	case "protocol":
		l.routeProto = v
	case "from", "to":
		l.routeAddress(s, v)
	case "table", "lookup":
		if !knownTable(l.number(word, v.Text)) {
			s.Fault("HF011", diag.Error, v, "there is no routing table "+strconv.Quote(v.Text), "main, local, default, a name of rt_tables or a number")
		}
	}
}

// validTOS: it is a byte, by number or by a name of rt_dsfield.
func (l *loader) validTOS(s *stmt, word string, v syntax.Word) bool {
	if word != "tos" && word != "dsfield" {
		return true
	}
	_, err := strconv.ParseUint(l.number(word, v.Text), 0, 8)
	if _, names := l.sys.(Namer); err == nil || !names && !errors.Is(err, strconv.ErrRange) {
		return true
	}
	s.Fault("HF011", diag.Error, v, word+" "+strconv.Quote(v.Text)+" is not valid, the line is ignored", "a byte such as 0x10, or a name of rt_dsfield")
	return false
}

// knownTable knows the kernel's names for tables (rt_tables) and numbers.
func knownTable(t string) bool {
	switch t {
	case "main", "local", "default", "unspec":
		return true
	}
	_, err := strconv.ParseUint(t, 0, 32)
	return err == nil
}

// rule keeps a rule as it was written.
func (l *loader) rule(s *stmt) (Route, bool) {
	w := s.Node.Words
	r := Route{Pos: l.pos(w[0])}
	acts, prefers, looks, six := false, false, false, false
	var narrow syntax.Word
	l.routeFamily = 0
	for i := 0; i < len(w); i++ {
		word := w[i].Text
		r.Words = append(r.Words, word)
		switch {
		case slices.Contains(ruleValues, word):
			if i++; i >= len(w) {
				s.Fault("HF012", diag.Fatal, w[i-1], word+" needs a value, the rule is ignored", "")
				return r, false
			}
			r.Words = append(r.Words, l.number(word, w[i].Text))
			if word != "lookup" && word != "protocol" {
				l.routeValue(s, word, w[i])
			}
			if !l.validTOS(s, word, w[i]) {
				return r, false
			}
			acts = acts || word == "table" || word == "lookup" || word == "goto"
			looks = looks || word == "table" || word == "lookup"
			if word == "suppress_prefixlength" || word == "suppress_ifgroup" || word == "realms" {
				narrow = w[i-1]
			}
			prefers = prefers || word == "preference" || word == "order" || word == "priority"
		case slices.Contains(ruleFlags, word):
			switch word {
			case "inet6":
				six = true
			case "no_track", "not", "inet":
			default:
				acts = true
			}
		case i == 0 && isPrefix(word):
		default:
			s.Fault("HF011", diag.Error, w[i], "a rule has no option "+strconv.Quote(word)+", the rule is ignored", "options as in ip-rule(8)")
			return r, false
		}
	}
	if !acts {
		s.Fault("HF042", diag.Error, w[0], "the rule does nothing, it is ignored", "table TABLE")
		return r, false
	}
	if narrow.Text != "" && !looks {
		s.Fault("HF042", diag.Error, narrow, narrow.Text+" is for rules that look into a table, the rule is ignored", "table TABLE")
		return r, false
	}
	if !prefers {
		pref := strconv.Itoa(l.preference(six || l.routeFamily == 6))
		s.Fault("HF042", diag.Error, w[0], "the rule has no preference, taking "+pref, "preference NUMBER")
		r.Words = append(r.Words, "preference", pref)
	}
	return r, true
}

// firstPreference is what keepalived gives to the first rule of a family that
// has no preference; those that follow get one less each.
const firstPreference = 16384

func (l *loader) preference(six bool) int {
	n := &l.preferences[0]
	if six {
		n = &l.preferences[1]
	}
	*n++
	return firstPreference + 1 - *n
}

// addressOf reads an address, whose length keepalived passes over.
func addressOf(t string) (netip.Addr, bool) {
	ip, _, _ := strings.Cut(t, "/")
	a, err := netip.ParseAddr(ip)
	return a, err == nil
}
