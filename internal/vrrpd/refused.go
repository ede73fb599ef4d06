package vrrpd

import (
	"fmt"

	"github.com/holdfast-ha/holdfast/internal/wire"
)

// words say of a fault what a person can do something about.
var words = [wire.NumFaults]string{
	wire.Length:        "its length is not what its header says",
	wire.HopLimit:      "its TTL is not 255, so it has come through a router",
	wire.BadVersion:    "its VRRP version is not ours",
	wire.BadType:       "it is no advertisement",
	wire.BadVRID:       "there is no such virtual router",
	wire.BadChecksum:   "its checksum is wrong",
	wire.BadInterval:   "its advertisement interval is not ours",
	wire.BadAddresses:  "its addresses are not ours",
	wire.BadAuthType:   "its authentication type does not exist",
	wire.AuthMismatch:  "its authentication type is not ours",
	wire.AuthFailure:   "its password is wrong",
	wire.BadIPHeader:   "its IP header contradicts itself",
	wire.BadProtocol:   "it is not VRRP",
	wire.OwnAdvert:     "it is our own",
	wire.UnknownSource: "it is not from a configured peer",
	wire.Replayed:      "its AH sequence number was heard before: it is sent again, or its router has begun anew",
}

// reason adds what the packet had and what was expected. Passwords stay out.
func (e *edge) reason(f wire.Fault, p *packet, a *wire.Advert) string {
	switch f {
	case wire.HopLimit:
		return fmt.Sprintf("its TTL is %d, so it has come another way than it should", p.ttl)
	case wire.BadVersion:
		return fmt.Sprintf("its VRRP version is %d, ours %d", a.Version, e.Version)
	case wire.BadInterval:
		return fmt.Sprintf("its advertisement interval is %v, ours %v", a.Interval, e.Interval)
	case wire.AuthFailure:
		if e.AuthType == wire.AuthAH {
			return "its AH does not hold: another password, or the packet was changed"
		}
	case wire.AuthMismatch:
		return fmt.Sprintf("its authentication type is %d, ours %d", a.AuthType, e.AuthType)
	}
	return words[f]
}
