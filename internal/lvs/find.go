package lvs

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"
)

// Find gives the places of the names that an operator may mean: the one that
// is written so, or else those that his short form fits. Names are as String
// and ServerName write them; short forms are an address, an address and a port
// ("10.0.0.1:80", "[2001:db8::1]:80"), with the protocol between them if need
// be ("10.0.0.1:tcp:80"), and "7" or "fwm7" for "FWM 7".
func Find(names []string, given string) (at []int) {
	for i, n := range names {
		if strings.EqualFold(n, given) {
			return []int{i}
		}
	}
	want := readName(given)
	for i, n := range names {
		if want.fits(readName(n)) {
			at = append(at, i)
		}
	}
	return at
}

// CompareNames orders names of services and servers as people do: by address
// and port, not by their letters; groups and marks after addresses.
func CompareNames(a, b string) int {
	x, y := readName(a), readName(b)
	m, _ := strconv.Atoi(x.port)
	n, _ := strconv.Atoi(y.port)
	return cmp.Or(strings.Compare(x.other, y.other), x.addr.Compare(y.addr), cmp.Compare(m, n), strings.Compare(a, b))
}

// spoken is a name taken apart; what was not said is empty.
type spoken struct {
	addr        netip.Addr
	other       string // in the place of the address: a group's name, a mark
	proto, port string
}

func readName(s string) (n spoken) {
	s = strings.ToLower(strings.TrimSpace(s))
	if mark, ok := strings.CutPrefix(s, "fwm"); ok {
		n.other = "fwm " + strings.TrimSpace(strings.TrimPrefix(mark, "ark"))
		return n
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		n.addr = a
		return n
	}
	var host, rest string
	if inner, ok := strings.CutPrefix(s, "["); ok {
		host, rest, _ = strings.Cut(inner, "]")
		rest = strings.TrimPrefix(rest, ":")
	} else {
		host, rest, _ = strings.Cut(s, ":")
	}
	if first, second, both := strings.Cut(rest, ":"); both {
		n.proto, n.port = first, second
	} else if _, err := strconv.Atoi(rest); err == nil {
		n.port = rest
	} else {
		n.proto = rest
	}
	a, err := netip.ParseAddr(host)
	if n.addr = a; err != nil {
		n.other = host
		if _, err := strconv.Atoi(host); err == nil {
			n.other = "fwm " + host
		}
	}
	return n
}

// fits reports whether a name has all that n says.
func (n spoken) fits(name spoken) bool {
	return n.addr == name.addr && n.other == name.other &&
		(n.proto == "" || n.proto == name.proto) && (n.port == "" || n.port == name.port)
}
