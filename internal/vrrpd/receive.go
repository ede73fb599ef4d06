package vrrpd

import (
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// packet is what came in on one socket.
type packet struct {
	link    int // where it came in
	family  int
	src     netip.Addr
	dst     netip.Addr
	ttl     int // or hop limit; -1 if the kernel did not say
	payload []byte
	at      clock.Instant // when the kernel got it; timers run from there
	fault   wire.Fault    // what is wrong below VRRP

	wrapped  bool   // it came with AH,
	datagram []byte // and this is the whole of it
}

// place is one interface and family.
type place struct{ link, family int }

// spot is an address on a link.
type spot struct {
	link int
	addr netip.Addr
}

// address is how a packet finds its router.
type address struct {
	place
	vrid    uint8
	unicast bool
}

// stray counts what came in on an interface and belongs to no router.
type stray struct {
	faults [wire.NumFaults]uint64
	quiet  [wire.NumFaults]quiet
	vrids  [256]bool          // told of with log_unknown_vrids
	asked  [256]clock.Instant // when namesake last looked
}

// heard takes one packet: it is parsed, its router found, everything checked
// that does not need the machine, and then the machine decides.
func (d *daemon) heard(p *packet) {
	a := &d.parsed
	fault := p.fault
	if fault == wire.Good {
		fault = wire.ParseAdvert(a, p.payload, p.src, p.dst)
	} else {
		a.VRID = 0
	}
	at := place{p.link, p.family}
	var e *edge
	if p.fault == wire.Good && len(p.payload) >= minVRID {
		e = d.routers[address{at, a.VRID, !p.dst.IsMulticast()}]
	}
	if e != nil && !e.Unicast && p.dst != e.Group {
		e = nil // the system is in that group for others
	}
	if e == nil {
		if fault == wire.Good {
			fault = wire.BadVRID
		}
		d.stray(at, fault, p)
		return
	}
	if fault == wire.Good {
		fault = d.judge(e, p, a)
	}
	e.counters.faults[fault]++
	if fault != wire.Good {
		d.refuse(e, fault, p)
		return
	}
	if a.Priority == 0 {
		e.counters.zeroHeard++
	}
	d.stepAt(p.at, vrrp.Heard{
		Router: e.index, Source: p.src, Local: e.source, Priority: vrrp.Priority(a.Priority),
		Advert: a.Interval, Addresses: e.whole(a.Addresses),
	})
}

// minVRID is how much of a packet there must be for its VRID.
const minVRID = 8

// judge checks what can be known of a packet without the machine (RFC 9568
// §7.1, RFC 3768 §7.1, and keepalived's rules for unicast).
func (d *daemon) judge(e *edge, p *packet, a *wire.Advert) wire.Fault {
	switch {
	case a.Version != e.Version:
		return wire.BadVersion
	case !d.reckoned(e, p, a):
		return wire.BadChecksum
	case p.src == e.source:
		return wire.OwnAdvert
	}
	if e.Unicast {
		if f := e.judgePeer(p); f != wire.Good {
			return f
		}
	} else if p.ttl != wire.TTL {
		return wire.HopLimit
	}
	if f := e.hashed(p, a, d.cameAt(p)); f != wire.Good || a.Version != 2 {
		return f
	}
	if f := e.authentic(p, a); f != wire.Good {
		return f
	}
	if a.Interval != e.Interval {
		return wire.BadInterval
	}
	return wire.Good
}

// reckoned reports whether the checksum is of a kind that the router takes. A
// peer of the old kind is answered in its kind, as keepalived does.
func (d *daemon) reckoned(e *edge, p *packet, a *wire.Advert) bool {
	switch a.Checksum {
	case wire.AsV2:
		return e.Checksum == wire.AsV2
	case wire.OldUnicast:
		if e.NoOldChecksum {
			return false
		}
		if e.Checksum == wire.Standard && !slices.Contains(e.olds, p.src) && e.peer(p.src) != nil {
			e.olds = append(e.olds, p.src)
			d.sayf(slog.LevelInfo, kindPacket, e.Name, "(%s) Setting unicast VRRPv3 checksum to old version: %s reckons it so", e.Name, p.src)
		}
	}
	return true
}

// cameAt is when a packet came by the wall clock, as HMAC compares it; 0 where
// nobody looks.
func (d *daemon) cameAt(p *packet) int64 {
	if d.parsed.Trailer == nil {
		return 0
	}
	now := d.read()
	return now.Wall - int64(now.Mono.Sub(p.at))
}

// judgePeer checks who sent a unicast advert, if that is wanted.
func (e *edge) judgePeer(p *packet) wire.Fault {
	if !e.CheckSource {
		return wire.Good
	}
	peer := e.peer(p.src)
	switch {
	case peer == nil:
		return wire.UnknownSource
	case p.ttl < 0:
		return wire.Good
	case peer.MinTTL >= 0 && p.ttl < peer.MinTTL, peer.MaxTTL >= 0 && p.ttl > peer.MaxTTL:
		return wire.HopLimit
	}
	return wire.Good
}

func (e *edge) peer(a netip.Addr) *conf.Peer {
	for i := range e.Peers {
		if e.Peers[i].Addr == a {
			return &e.Peers[i]
		}
	}
	return nil
}

// refuse tells of a bad packet for a router, the first of its kind and then
// seldom; the counters have all of them.
func (d *daemon) refuse(e *edge, fault wire.Fault, p *packet) {
	if fault == wire.OwnAdvert {
		return
	}
	r := &e.refusals
	r.fault, r.from, r.at = fault, p.src, p.at
	r.count++
	d.outlets.refuse(e, fault, p.src, p.at)
	if times, ok := e.faults[fault].allow(d.now()); ok {
		r.why[fault] = d.reason(e, fault, p)
		d.sayf(slog.LevelWarn, kindPacket, e.Name, "(%s) ignoring advert from %s: %s%s", e.Name, p.src, r.why[fault], times)
	}
}

// stray counts a packet that belongs to nobody. That another virtual router
// shares the link is no news; that a packet is broken is.
func (d *daemon) stray(at place, fault wire.Fault, p *packet) {
	s := d.strays[at]
	if s == nil {
		s = &stray{}
		d.strays[at] = s
	}
	s.faults[fault]++
	if fault == wire.BadVRID {
		d.unknown(s, at, p)
		d.namesake(s, at, p)
		return
	}
	if times, ok := s.quiet[fault].allow(d.now()); ok {
		d.sayf(slog.LevelWarn, kindPacket, "", "ignoring VRRP packet from %s on %s: %s%s", p.src, d.linkName(at.link), words[fault], times)
	}
}

// namesakeEvery is how often an unknown VRID is looked at: what it costs must not
// grow with what somebody sends.
const namesakeEvery = 50 * time.Millisecond

// namesake tells of a virtual router that is not configured and has an address of
// one that is: they are meant to be one, and will both be master.
func (d *daemon) namesake(s *stray, at place, p *packet) {
	a := &d.parsed
	if !slices.ContainsFunc(a.Addresses, d.isVirtual) || p.at < s.asked[a.VRID].Add(namesakeEvery) {
		return
	}
	s.asked[a.VRID] = p.at
	for _, e := range d.edges {
		if e.link.Index == at.link && e.Family == at.family && p.src != e.source && e.shares(a) != (netip.Addr{}) {
			d.refuse(e, wire.BadVRID, p)
		}
	}
}

// shares returns an address that both the router and an advert have, none if
// there is no such.
func (e *edge) shares(a *wire.Advert) netip.Addr {
	for _, addr := range a.Addresses {
		if slices.Contains(e.Advertised, addr) {
			return addr
		}
	}
	return netip.Addr{}
}

// unknown tells of a virtual router that is not configured, once of each, if
// log_unknown_vrids wants it.
func (d *daemon) unknown(s *stray, at place, p *packet) {
	vrid := d.parsed.VRID
	if !d.cfg.LogUnknown || s.vrids[vrid] {
		return
	}
	s.vrids[vrid] = true
	d.sayf(slog.LevelInfo, kindPacket, "", "unknown VRID(%d) received on interface(%s). ignoring...: %s advertises it over IPv%d with priority %d",
		vrid, d.linkName(at.link), p.src, at.family, d.parsed.Priority)
}

func (d *daemon) linkName(index int) string {
	l, _ := d.mirror.LinkAt(index)
	return l.Name
}
