package mib

import (
	"net/netip"

	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// authErrors are the numbers of vrrpTrapAuthErrorType, by the counters' names.
var authErrors = map[string]int{"invalid_authtype": 1, "authtype_mismatch": 2, "auth_failure": 3}

// RefusedTraps are those of RFC 2787 and RFC 6527 about an advert that was not
// believed, as far as they are asked for: vrrpTrapAuthFailure of routers of
// version 2 and vrrpv3ProtoError of all. The state needs no more than the
// configuration and the interfaces.
func RefusedTraps(s *State, refused *feed.Refused) (out []Trap) {
	b := &builder{State: s, Tree: &Tree{}, links: byLink(s)}
	from, err := netip.ParseAddr(refused.Source)
	if err != nil {
		return nil
	}
	for _, r := range b.routers() {
		if r.conf.Name != refused.Name {
			continue
		}
		if n := authErrors[refused.Cause]; n > 0 && s.Parts.RFCv2 && r.v2() && from.Is4() {
			index := agentx.OID{part(b.ifIndex(r.conf.Interface)), part(r.conf.VRID)}
			t := newTrap(RFC2787.With(0, 2))
			t.add(RFC2787.With(1, 5).With(index...), agentx.IP(from))
			t.add(RFC2787.With(1, 6).With(index...), agentx.Int(n))
			out = append(out, t)
		}
		for _, e := range protocolErrors {
			if e.counter == refused.Cause && s.Parts.RFCv3 {
				t := newTrap(RFC6527.With(0, 2))
				t.add(RFC6527.With(1, 2, 5, 1, 6).With(b.indexV3(&r)...), agentx.Int(e.n))
				out = append(out, t)
			}
		}
	}
	return out
}
