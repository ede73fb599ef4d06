package vrrpd

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/clock"
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
	wire.ExtMissing:    "it has no HMAC",
	wire.ExtMalformed:  "its HMAC is of no kind that exists",
	wire.ExtUnknownKey: "its HMAC is of a key that we do not have",
	wire.ExtInvalid:    "its HMAC does not hold",
	wire.ExtStale:      "the time in its HMAC is not ours",
	wire.ExtReplay:     "its HMAC was heard before: somebody sends it again, or its router's clock was set back",
	wire.Replayed:      "its AH sequence number was heard before: it is sent again, or its router has begun anew",
}

// refusals are what there is to tell of adverts that a router did not believe.
type refusals struct {
	count uint64
	fault wire.Fault // of the last one,
	from  netip.Addr // and its source
	at    clock.Instant
	why   [wire.NumFaults]string // of each kind the one that was told last
	// fed is when the outlet child heard of one of each kind last; 0: never.
	fed [wire.NumFaults]clock.Instant
}

// refusedLately is for how long a refused advert is worth telling.
const refusedLately = time.Minute

// lately is what status tells of them; nil if there is nothing.
func (r *refusals) lately(now clock.Instant) *api.Refused {
	if ago := now.Sub(r.at); r.count > 0 && ago < refusedLately {
		return &api.Refused{From: r.from.String(), Why: r.why[r.fault], Times: r.count, AgoMS: ms(max(ago, 0))}
	}
	return nil
}

// reason adds what the packet had and what was expected. Passwords stay out.
func (d *daemon) reason(e *edge, f wire.Fault, p *packet) string {
	a := &d.parsed
	switch f {
	case wire.Length:
		if a.Trailer != nil {
			return "it has an HMAC, and we have no auth_hmac"
		}
	case wire.ExtUnknownKey, wire.ExtInvalid, wire.ExtStale:
		return e.reasonHMAC(f, a, d.cameAt(p))
	case wire.BadVRID:
		return fmt.Sprintf("its virtual_router_id is %d, ours %d, but it has our address %s", a.VRID, e.VRID, e.shares(a))
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

// reasonHMAC says of keys and clocks what must be the same on both routers.
func (e *edge) reasonHMAC(f wire.Fault, a *wire.Advert, wall int64) string {
	by, key := wire.Ahead(a.Trailer, wall)
	switch {
	case f == wire.ExtUnknownKey:
		return fmt.Sprintf("its HMAC is of key %d, which is not in our auth_hmac", key)
	case f == wire.ExtInvalid:
		return fmt.Sprintf("its HMAC does not hold: its key %d is another than ours, or the packet was changed", key)
	case by > 0:
		return fmt.Sprintf("its clock is %v ahead of ours, and time_window allows %v: set the clocks", by, e.hmac.Window())
	}
	return fmt.Sprintf("its clock is %v behind ours, and time_window allows %v: set the clocks; or it was heard before and is sent again", -by, e.hmac.Window())
}
