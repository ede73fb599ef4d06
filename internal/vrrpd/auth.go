package vrrpd

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/loop"
	"github.com/holdfast-ha/holdfast/internal/socket"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// rekey gives a router that authenticates by AH what it needs for it. The
// sequence goes on over a reload, or others would take us for a replay.
func (e *edge) rekey(next *build.Router) {
	switch {
	case next.AuthType != wire.AuthAH:
		e.ah = nil
	case e.ah == nil:
		e.ah = wire.NewAH(next.AuthData[:])
	case e.AuthData != next.AuthData:
		e.ah.Rekey(next.AuthData[:])
	}
}

// rehash gives a router that authenticates by HMAC what it needs for it. What
// was sent and heard goes on over a reload, so a change of keys misses nothing.
func (e *edge) rehash(next *build.Router) {
	switch {
	case next.HMAC == nil:
		e.hmac = nil
	case e.hmac == nil:
		e.hmac = wire.NewHMAC(next.HMAC.HMACConfig)
	default:
		e.hmac.Configure(next.HMAC.HMACConfig)
	}
}

// hashed checks an advert's HMAC. wall is when it came, in nanoseconds since
// the Unix epoch.
func (e *edge) hashed(p *packet, a *wire.Advert, wall int64) wire.Fault {
	switch {
	case e.hmac == nil && a.Trailer == nil:
		return wire.Good
	case e.hmac == nil:
		return wire.Length
	case a.Trailer != nil:
		return e.hmac.Verify(p.payload[:len(p.payload)-wire.TrailerLen], a.Trailer, p.src, wall)
	case e.HMAC.Required:
		return wire.ExtMissing
	}
	e.counters.faults[wire.ExtMissing]++
	return wire.Good
}

// sign makes the trailer of the adverts that are about to be sent: one for all
// peers, for the destination is not covered.
func (e *edge) sign(p vrrp.Priority, wall int64) {
	e.trailer = nil
	if e.hmac != nil && e.hmac.Signs() {
		e.trailer = e.hmac.Sign(e.payload(p, e.Group), e.source, wall)
	}
}

// authentic checks who vouches for an advert of version 2 (RFC 2338 §5.3.6).
func (e *edge) authentic(p *packet, a *wire.Advert) wire.Fault {
	switch {
	case a.AuthType != e.AuthType, (p.datagram != nil) != (e.ah != nil):
		return wire.AuthMismatch
	case a.AuthType == wire.AuthPass && a.AuthData != e.AuthData:
		return wire.AuthFailure
	case e.ah != nil:
		return e.ah.Verify(p.datagram)
	}
	return wire.Good
}

// wantAH opens the socket that receives AH if one of the routers uses it; what
// AH comes in for others is nothing to us, so it is closed when none does.
func (s *sockets) wantAH(edges []*edge) error {
	wanted := false
	for _, e := range edges {
		wanted = wanted || e.ah != nil && e.Blocked == ""
	}
	switch {
	case wanted && s.ah == nil:
		v, err := socket.OpenVRRP(4, socket.Options{Protocol: wire.ProtocolAH})
		if err != nil {
			return err
		}
		if err := s.d.loop.Watch(v.FD(), unix.EPOLLIN|loop.First, func(uint32) { s.hear(v) }); err != nil {
			v.Close()
			return err
		}
		s.ah = v
	case !wanted && s.ah != nil:
		s.d.loop.Unwatch(s.ah.FD())
		s.ah.Close()
		s.ah = nil
	}
	return nil
}

// unwrap takes an AH packet; it reports whether there is an advert in it. The
// advert is believed only when its router has verified the datagram.
func (s *sockets) unwrap(in *socket.Packet) bool {
	if in.Fault != wire.Good {
		return false
	}
	advert, fault := wire.SplitAH(in.Data)
	if fault != wire.Good {
		return false // somebody's IPsec
	}
	s.packet.payload, s.packet.datagram = advert, in.Datagram
	return true
}

// wrap makes an advert's datagram what the router's authentication wants.
func (s *sockets) wrap(e *edge, dg *socket.Datagram, dst netip.Addr) {
	if e.ah == nil {
		return
	}
	payload, id := e.ah.Append(s.frame[:0], dg.Data, e.TTL, e.source, dst)
	s.frame, dg.Data, dg.Protocol, dg.ID = payload[:0], payload, wire.ProtocolAH, int(id)
}
