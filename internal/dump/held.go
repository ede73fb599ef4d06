package dump

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// static are addresses, routes and rules that are there whatever the state.
func (p *printer) static() {
	for _, s := range []struct {
		title string
		lines []string
	}{
		{"Static Addresses", p.staticAddresses()},
		{"Static Routes", routes(p.conf.StaticRoutes)},
		{"Static Rules", rules(p.conf.StaticRules)},
	} {
		if len(s.lines) > 0 {
			p.line("------< %s >------", s.title)
			for _, l := range s.lines {
				p.line("     %s", l)
			}
		}
	}
}

func (p *printer) staticAddresses() (out []string) {
	for i := range p.conf.StaticAddresses {
		a := &p.conf.StaticAddresses[i]
		dev := or(a.Dev, or(p.conf.Global.DefaultInterface, usualInterface))
		is := p.dev(dev)
		out = append(out, address(a, dev, is != nil && slices.Contains(is.Addresses, a.Prefix.Addr())))
	}
	return out
}

// virtualAddresses are those of virtual_ipaddress, and of
// virtual_ipaddress_excluded, with the interfaces where they belong.
func virtualAddresses(i *conf.VRRPInstance, r *Router) (listed, excluded []string) {
	for k := range i.Addresses {
		listed = append(listed, virtualAddress(i, r, &i.Addresses[k]))
	}
	for k := range i.Excluded {
		excluded = append(excluded, virtualAddress(i, r, &i.Excluded[k]))
	}
	return listed, excluded
}

func virtualAddress(i *conf.VRRPInstance, r *Router, a *conf.Address) string {
	dev := or(a.Dev, i.Interface)
	if r == nil {
		return address(a, dev, false)
	}
	if on := r.Links[a.Prefix.Addr().String()]; on != "" && on != dev {
		dev = on + "@" + dev
	}
	return address(a, dev, r.Addresses) + yes(r.Addresses && !i.Accept && r.Priority != owner, " nftable_set", "")
}

// owner is the priority of whoever owns an address (RFC 5798 §5.2.4); it always
// accepts what is sent to it.
const owner = 255

// address is one in keepalived's words, and whether it is there.
func address(a *conf.Address, dev string, set bool) string {
	s := a.Prefix.String()
	if a.Prefix.IsSingleIP() {
		s = a.Prefix.Addr().String()
	}
	switch {
	case a.Broadcast.IsValid():
		s += " brd " + a.Broadcast.String()
	case slices.Contains(a.Options, "brd +"):
		s += " brd " + lastOf(a.Prefix).String()
	}
	s += " dev " + dev + yes(a.UseVMAC, " use_vmac", "") + " scope " + or(a.Scope, "global")
	if a.Label != "" {
		s += " label " + a.Label
	}
	if a.Peer.IsValid() {
		s += " peer " + a.Peer.String()
	}
	for _, o := range a.Options {
		if !strings.Contains(o, " ") {
			s += " " + o // a flag
		}
	}
	s += yes(a.NoTrack, " no_track", "")
	for _, o := range a.Options {
		if strings.HasPrefix(o, "track_group ") {
			s += " " + o
		}
	}
	return s + lifetime(a) + yes(set, " set", "")
}

// lifetime is for how long an IPv6 address is a source that others prefer: one
// that is alone in its network never is, unless preferred_lft says otherwise.
func lifetime(a *conf.Address) string {
	if a.Prefix.Addr().Is4() {
		return ""
	}
	said := ""
	for _, o := range a.Options {
		if v, ok := strings.CutPrefix(o, "preferred_lft "); ok {
			said = v
		}
	}
	if said == "0" || said == "" && a.Prefix.IsSingleIP() {
		return " deprecated"
	}
	return " preferred_lft " + or(said, "forever")
}

// holds are the addresses, routes and peers.
func (p *printer) holds(i *conf.VRRPInstance, r *Router) {
	listed, excluded := virtualAddresses(i, r)
	if len(listed) > 0 {
		p.line("   Virtual IP (%d):", len(listed))
		for _, l := range listed {
			p.line("     %s", l)
		}
	}
	p.list("Virtual IP Excluded", excluded)
	if i.Unicast {
		p.peers(i)
	}
	p.list("Virtual Routes", routes(i.Routes))
	p.list("Virtual Rules", rules(i.Rules))
}

func (p *printer) peers(i *conf.VRRPInstance) {
	if i.UnicastTTL > 0 || i.Family == 4 {
		p.line("   Unicast TTL = %d", yesInt(i.UnicastTTL <= 0, maxTTL, i.UnicastTTL))
	}
	check := i.CheckUnicastSrc
	for _, peer := range i.Peers {
		check = check || peer.MinTTL > 0 || peer.MaxTTL >= 0 && peer.MaxTTL < maxTTL
	}
	p.line("   Check unicast src : %s", yes(check, "yes", "no"))
	p.line("   Unicast Peer :")
	for _, peer := range i.Peers {
		p.line("     %s min_ttl %d max_ttl %d", peer.Addr, max(peer.MinTTL, 0), yesInt(peer.MaxTTL < 0, maxTTL, peer.MaxTTL))
	}
	p.line("   Unicast checksum compatibility = %s", oldChecksums(i.OldChecksum))
}

// oldChecksums are keepalived's words for old_unicast_checksum.
func oldChecksums(word string) string {
	switch word {
	case "":
		return "no"
	case conf.OldChecksumAll:
		return "config"
	case conf.OldChecksumNever:
		return "never"
	}
	return ""
}

// maxTTL is what no limit is.
const maxTTL = 255

func yesInt(b bool, t, f int) int {
	if b {
		return t
	}
	return f
}

// lastOf is the last address of an IPv4 network.
func lastOf(p netip.Prefix) netip.Addr {
	if !p.Addr().Is4() {
		return p.Addr()
	}
	b := p.Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}
