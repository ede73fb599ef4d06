package kernel

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// addressFlags are the flags that an address may be given: as
// keepalived.conf(5) has them, and as ip(8) does.
var addressFlags = []struct {
	conf, ip string
	flag     uint32
}{
	{"home", "home", unix.IFA_F_HOMEADDRESS},
	{"nodad", "nodad", unix.IFA_F_NODAD},
	{"mngtmpaddr", "mngtmpaddr", unix.IFA_F_MANAGETEMPADDR},
	{"noprefixroute", "noprefixroute", unix.IFA_F_NOPREFIXROUTE},
	{"autojoin", "autojoin", unix.IFA_F_MCAUTOJOIN},
}

// AddressSpec is a virtual or static address as written in the configuration.
type AddressSpec struct {
	Prefix    netip.Prefix // not masked
	Label     string       // IPv4 only
	Scope     string       // empty: global; a name or number of rt_scopes
	Broadcast netip.Addr
	Peer      netip.Prefix
	Options   []string // home, -nodad, mngtmpaddr, noprefixroute, autojoin, preferred_lft 0|forever
}

// On makes of an address as written the key and the value that the kernel is to
// have on link. As keepalived has it, an IPv6 address is not probed for
// duplicates unless "-nodad" is given, and one with a /128 is deprecated (never
// chosen as a source) unless preferred_lft says otherwise.
func (c AddressSpec) On(link int) (AddrKey, Address, error) {
	key := Key(link, c.Prefix)
	a := Address{Bits: c.Prefix.Bits(), Label: c.Label, Protocol: Protocol}
	var err error
	if a.Scope, err = parseScope(c.Scope); err != nil {
		return key, a, fmt.Errorf("address %s: %w", c.Prefix, err)
	}
	if c.Broadcast.IsValid() && key.Addr.Is4() {
		a.Broadcast = c.Broadcast
	}
	if c.Peer.IsValid() {
		a.Peer, a.Bits = c.Peer.Addr(), c.Peer.Bits()
		key = Key(link, netip.PrefixFrom(key.Addr, a.Bits))
	}
	if key.Addr.Is6() {
		a.Label, a.Scope = "", 0
		a.Flags = unix.IFA_F_NODAD
		a.Deprecated = a.Bits == 128
	}
	if err := a.options(strings.Fields(strings.Join(c.Options, " "))); err != nil {
		return key, a, fmt.Errorf("address %s: %w", c.Prefix, err)
	}
	return key, a, nil
}

func (a *Address) options(words []string) error {
next:
	for i := 0; i < len(words); i++ {
		if words[i] == "preferred_lft" && i+1 < len(words) {
			i++
			switch words[i] {
			case "0":
				a.Deprecated = true
			case "forever":
				a.Deprecated = false
			default:
				return fmt.Errorf("preferred_lft %s: expected 0 or forever", words[i])
			}
			continue
		}
		for _, f := range addressFlags {
			switch words[i] {
			case f.conf:
				a.Flags |= f.flag
				continue next
			case "-" + f.conf:
				a.Flags &^= f.flag
				continue next
			}
		}
		return fmt.Errorf("unknown option %q", words[i])
	}
	return nil
}

// scopes are the names of rt_scopes that every system has.
var scopes = []struct {
	name  string
	scope uint8
}{
	{"global", unix.RT_SCOPE_UNIVERSE},
	{"site", unix.RT_SCOPE_SITE},
	{"link", unix.RT_SCOPE_LINK},
	{"host", unix.RT_SCOPE_HOST},
	{"nowhere", unix.RT_SCOPE_NOWHERE},
}

func parseScope(word string) (uint8, error) {
	if word == "" {
		return unix.RT_SCOPE_UNIVERSE, nil
	}
	for _, s := range scopes {
		if s.name == word {
			return s.scope, nil
		}
	}
	n, err := strconv.ParseUint(word, 0, 8)
	if err != nil {
		return 0, fmt.Errorf("scope %q: expected global, site, link, host, nowhere or a number up to 255", word)
	}
	return uint8(n), nil
}

func scopeText(scope uint8) string {
	for _, s := range scopes {
		if s.scope == scope {
			return s.name
		}
	}
	return strconv.Itoa(int(scope))
}
