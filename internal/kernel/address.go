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
	// Options are home, -nodad, mngtmpaddr, noprefixroute, autojoin,
	// preferred_lft SECONDS|forever, brd +|-; others' words are passed over.
	Options []string
	Lease   uint32 // seconds, 0 = none
}

// On makes of an address as written the key and the value that the kernel is to
// have on link. As keepalived has it, an IPv6 address is not probed for
// duplicates unless "-nodad" is given, and one with a /128 is deprecated (never
// chosen as a source) unless preferred_lft says otherwise.
func (c AddressSpec) On(link int) (AddrKey, Address, error) {
	key := Key(link, c.Prefix)
	a := Address{Bits: c.Prefix.Bits(), Label: c.Label, Protocol: Protocol, Lease: c.Lease, four: key.Addr.Is4()}
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
	if err := a.options(key.Addr, strings.Fields(strings.Join(c.Options, " "))); err != nil {
		return key, a, fmt.Errorf("address %s: %w", c.Prefix, err)
	}
	return key, a, nil
}

func (a *Address) options(addr netip.Addr, words []string) error {
	for i := 0; i < len(words); i++ {
		value := ""
		if i+1 < len(words) {
			value = words[i+1]
		}
		switch words[i] {
		case "use_vmac": // of the place, not of the address
		case "track_group":
			i++
		case "brd":
			i++
			a.Broadcast = hostBits(addr, a.Bits, value == "+")
		case "preferred_lft":
			i++
			if err := a.preferred(addr, value); err != nil {
				return err
			}
		default:
			if !a.flag(addr, words[i]) {
				return fmt.Errorf("unknown option %q", words[i])
			}
		}
	}
	return nil
}

// flag sets or clears a flag. Most are for IPv6; keepalived passes over them in
// IPv4.
func (a *Address) flag(addr netip.Addr, word string) bool {
	for _, f := range addressFlags {
		flag := f.flag
		if addr.Is4() && flag != unix.IFA_F_NOPREFIXROUTE && flag != unix.IFA_F_MCAUTOJOIN {
			flag = 0
		}
		switch word {
		case f.conf:
			a.Flags |= flag
			return true
		case "-" + f.conf:
			a.Flags &^= flag
			return true
		}
	}
	return false
}

// preferred reads preferred_lft; IPv4 addresses have no such thing.
func (a *Address) preferred(addr netip.Addr, value string) error {
	if addr.Is4() {
		return nil
	}
	a.Deprecated, a.Preferred = value == "0", 0
	if value == "forever" || a.Deprecated {
		return nil
	}
	n, err := strconv.ParseUint(value, 10, 32)
	if err != nil {
		return fmt.Errorf("preferred_lft %s: expected seconds or forever", value)
	}
	if n < forever {
		a.Preferred = uint32(n)
	}
	return nil
}

// hostBits is an IPv4 address with all bits behind the prefix set, or cleared.
// A network of two addresses or one has no broadcast (RFC 3021).
func hostBits(addr netip.Addr, bits int, set bool) netip.Addr {
	if !addr.Is4() || bits >= 31 {
		return netip.Addr{}
	}
	b := addr.As4()
	mask := uint32(1<<(32-bits) - 1)
	n := network.Uint32(b[:]) &^ mask
	if set {
		n |= mask
	}
	network.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}

// scopes are the names of rt_scopes that every system has.
var scopes = []struct {
	name  string
	scope uint8
}{
	{"global", unix.RT_SCOPE_UNIVERSE},
	{"universe", unix.RT_SCOPE_UNIVERSE},
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
