package vrrpd

import (
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// edge is what the daemon keeps of one virtual router beside the machine's
// own: where it is on this system, what it has counted, and its advert.
type edge struct {
	*build.Router
	index int // in the configuration

	link     kernel.Link
	onLink   bool                   // the interface exists
	source   netip.Addr             // adverts come from there; invalid if there is none
	holds    []holding              // its addresses, as the kernel knows them
	at       map[kernel.AddrKey]int // where each is in holds: there may be thousands
	routes   []heldRoute
	rules    []heldRule
	active   bool   // addresses and routes are wanted
	owner    bool   // priority 255: addresses may be the interface's own
	sender   string // build.SourceTrack
	problem  string // why it cannot speak, empty if it can
	spoken   int    // the link of Speaker, 0 if there is none
	promoted int    // the link of promote_secondaries, 0 if there is none
	found    address
	listed   bool // packets to found are this router's

	announcement announcement // what is left to announce
	extraAt      clock.Instant
	forwards     bool // neighbour advertisements say that we are a router

	renewAt clock.Instant // its addresses are on a lease; 0: they are not, or not there
	fight   fight         // with somebody who undoes what we do
	repairs burst
	trouble quiet // with writing
	mute    quiet // with sending

	effective vrrp.Priority // before a reload

	up   clock.Instant // left Init or Fault; 0: it is there
	took string        // why it is master, as dump.Router has it

	fits     int    // how many of Advertised an advert has room for
	advert   []byte // as sent last; valid for the two that follow
	priority vrrp.Priority
	from     netip.Addr
	ah       *wire.AH // nil unless AuthType is AH
	hmac     *wire.HMAC
	trailer  []byte       // of the advert being sent, hmac's own; nil without
	signed   []byte       // advert and trailer
	olds     []netip.Addr // peers that reckon checksums as keepalived did once

	// configured is what somebody has set otherwise; nil: nothing.
	configured *api.Configured

	out  outcome       // of its last advert
	note int           // its place in the notes
	sent clock.Instant // its last advert as master, 0 if it is none

	counters counters
	refusals refusals
	faults   [wire.NumFaults]quiet
	tells    [vrrp.OtherTold + 1]quiet
	masters  burst
	naps     burst // of the process
}

// holding is one virtual address on the interface that it belongs to.
type holding struct {
	key     kernel.AddrKey
	addr    kernel.Address
	dev     string
	noTrack bool
	away    bool // no_track, and somebody removed it
	lane    int  // interfaces that are paced together
	pause   time.Duration
	beyond  bool // not where its router speaks: see garp_extra_if
	native  bool // the interface's own, there before us: it stays when we go
	counted bool // among the virtual addresses
}

func (h *holding) String() string { return h.key.Prefix(h.addr).String() }

// holding finds one of the router's addresses; it must be among them.
func (e *edge) holding(k kernel.AddrKey) *holding {
	return &e.holds[e.at[k]]
}

// before reports whether an edge comes before another in the configuration;
// nil and what is static come last.
func (e *edge) before(o *edge) bool {
	return o == nil || o.index == standing || e.index != standing && e.index < o.index
}

// put keeps one more address.
func (e *edge) put(h holding) {
	e.at[h.key] = len(e.holds)
	e.holds = append(e.holds, h)
}

// counters of one router; the names they are told under are in query.go.
type counters struct {
	faults       [wire.NumFaults]uint64 // by wire.Fault; Good counts good adverts
	sent         uint64
	zeroSent     uint64
	zeroHeard    uint64
	becameMaster uint64
	released     uint64
	announced    uint64
	sendErrors   uint64
}

// datagram is what goes to dst: the advert, and its trailer if there is one.
func (e *edge) datagram(p vrrp.Priority, dst netip.Addr) []byte {
	advert := e.payload(p, dst)
	if e.trailer == nil {
		return advert
	}
	e.signed = wire.AppendTrailer(append(e.signed[:0], advert...), 0, e.trailer, e.source, dst)
	return e.signed
}

// payload is the router's advert with that priority, encoded. It is made anew
// only when it differs from the last one.
func (e *edge) payload(p vrrp.Priority, dst netip.Addr) []byte {
	// Of version 3 the checksum is another one for each peer.
	if len(e.advert) == 0 || e.priority != p || e.from != e.source || e.Unicast && e.Version == 3 {
		e.advert = e.encode(e.advert[:0], p, dst)
		e.priority, e.from = p, e.source
	}
	return e.advert
}

func (e *edge) encode(b []byte, p vrrp.Priority, dst netip.Addr) []byte {
	a := wire.Advert{
		Version: e.Version, VRID: e.VRID, Priority: uint8(p), Interval: e.Interval,
		AuthType: e.AuthType, Addresses: e.Advertised[:e.fits], Checksum: e.Checksum,
	}
	if e.Checksum == wire.Standard && slices.Contains(e.olds, dst) {
		a.Checksum = wire.OldUnicast
	}
	if e.AuthType == wire.AuthPass {
		a.AuthData = e.AuthData // and never the key of AH
	}
	return wire.AppendAdvert(b, &a, e.source, dst)
}
