package dump

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// Routes and rules are kept as they were written, in any order; keepalived says
// them in one of its own, which is that of these lists. What is not in them
// stands where others is.
const others = ""

var (
	routeOrder = []string{"to", "src", "via", "dev", "table", "proto", "scope", "metric", "onlink", others, "nexthop", "no_track"}
	ruleOrder  = []string{
		"not", "from", "to", "priority", "tos", "fwmark", "iif", "oif", "uidrange", "suppress_prefixlen", "suppress_ifgroup",
		"protocol", "ipproto", "sport", "dport", "realms", others, "type", "goto", "lookup", "no_track",
	}
	// The words of a route that begin something and are in no list above.
	routeFurther = []string{
		"mtu", "hoplimit", "advmss", "rtt", "rttvar", "reordering", "window", "cwnd", "initcwnd", "initrwnd", "ssthresh", "realms", "realm",
		"rto_min", "quickack", "congctl", "pref", "features", "tos", "dsfield", "encap", "ttl-propagate", "fastopen_no_cookie", "expires", "as",
	}
	ruleFurther = []string{"blackhole", "unreachable", "prohibit", "nop"}
)

// routeWord is what keepalived calls something that a file may call otherwise.
func routeWord(w string) string {
	switch w {
	case "gw":
		return "via"
	case "protocol":
		return "proto"
	case "priority", "preference":
		return "metric"
	}
	return w
}

// ruleWord is the same of rules.
func ruleWord(w string) string {
	switch w {
	case "preference", "order":
		return "priority"
	case "table":
		return "lookup"
	case "proto":
		return "protocol"
	case "dsfield":
		return "tos"
	case "suppress_prefixlength":
		return "suppress_prefixlen"
	}
	return w
}

// phrase is a word that begins something, and what follows it.
type phrase []string

// phrases takes words apart where one begins something. What comes before the
// first of these begins with first.
func phrases(words []string, first string, order, further []string, name func(string) string) []phrase {
	var out []phrase
	for i, w := range words {
		key := name(w)
		whole := len(out) > 0 && out[len(out)-1][0] == "nexthop" // a path has words of its own
		switch {
		case !whole && (slices.Contains(order, key) || slices.Contains(further, key)):
			out = append(out, phrase{key})
		case i == 0 || len(out) == 0:
			out = append(out, phrase{first, w})
		default:
			out[len(out)-1] = append(out[len(out)-1], w)
		}
	}
	return out
}

// put adds a phrase unless there is one with its first word.
func put(all []phrase, p ...string) []phrase {
	if slices.ContainsFunc(all, func(o phrase) bool { return o[0] == p[0] }) {
		return all
	}
	return append(all, p)
}

// say puts phrases into an order.
func say(all []phrase, order []string) string {
	rank := func(p phrase) int {
		if at := slices.Index(order, p[0]); at >= 0 {
			return at
		}
		return slices.Index(order, others)
	}
	slices.SortStableFunc(all, func(a, b phrase) int { return cmp.Compare(rank(a), rank(b)) })
	var words []string
	for _, p := range all {
		words = append(words, p...)
	}
	return strings.Join(words, " ")
}

// routes are routes in keepalived's words, which names the protocol and the
// family of a next hop.
func routes(list []conf.Route) (out []string) {
	for _, r := range list {
		verb := "prepend "
		if slices.ContainsFunc(r.Words, nowhere) {
			verb = "add "
		}
		all := put(phrases(r.Words, "to", routeOrder, routeFurther, routeWord), "proto", "18")
		dev := false
		for i, p := range all {
			dev = dev || p[0] == "dev"
			all[i] = withFamily(p)
		}
		if !dev {
			all = put(all, "no_track")
		}
		out = append(out, verb+strings.TrimPrefix(say(all, routeOrder), "to "))
	}
	return out
}

// withFamily names the family of each next hop.
func withFamily(p phrase) (out phrase) {
	for i, w := range p {
		if w == "gw" {
			w = "via"
		}
		if i > 0 && (p[i-1] == "via" || p[i-1] == "gw") && w != "inet" && w != "inet6" {
			out = append(out, yes(strings.Contains(w, ":"), "inet6", "inet"))
		}
		out = append(out, w)
	}
	return out
}

// nowhere are the types of routes that end here.
func nowhere(word string) bool {
	switch word {
	case "blackhole", "unreachable", "prohibit", "throw":
		return true
	}
	return false
}

// rules are rules in keepalived's words, which names what every rule has.
func rules(list []conf.Route) (out []string) {
	for _, r := range list {
		all := phrases(r.Words, "from", ruleOrder, ruleFurther, ruleWord)
		for i, p := range all {
			switch {
			case nowhere(p[0]) || p[0] == "nop":
				all[i] = append(phrase{"type"}, p...)
			case (p[0] == "tos" || p[0] == "fwmark") && len(p) == 2:
				all[i] = phrase{p[0], inHex(p[1])}
			}
		}
		all = put(put(put(all, "from", "all"), "tos", "0x0"), "protocol", "18")
		out = append(out, say(all, ruleOrder))
	}
	return out
}

// inHex has the numbers of a value and its mask in hexadecimal.
func inHex(s string) string {
	parts := strings.Split(s, "/")
	for i, part := range parts {
		if n, err := strconv.ParseUint(part, 0, 32); err == nil {
			parts[i] = "0x" + strconv.FormatUint(n, 16)
		}
	}
	return strings.Join(parts, "/")
}
