package bfdd

import (
	"log/slog"
	"net/netip"
	"strconv"

	"github.com/holdfast-ha/holdfast/internal/bfd"
	"github.com/holdfast-ha/holdfast/internal/socket"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// readable takes what came on a socket.
func (d *daemon) readable(at place, s *socket.BFD) {
	if err := s.Read(func(p *socket.Control) { d.heard(at, p) }); err != nil {
		d.loop.Fail(err)
	}
}

// heard takes one packet: it is parsed, its session found, everything checked
// that does not need the machine, and then the machine decides.
func (d *daemon) heard(at place, p *socket.Control) {
	if d.stopping {
		return
	}
	fault := wire.ParseBFD(&d.parsed, p.Data)
	s := d.find(at, p, fault)
	if s == nil {
		if fault == wire.BFDGood {
			fault = wire.BFDUnknownSession
		}
		d.strange(fault, p)
		return
	}
	if fault == wire.BFDGood {
		fault = s.judge(p)
	}
	s.counters.faults[fault]++
	if fault != wire.BFDGood {
		if s.quiet[fault].allow(d.loop.Now()) {
			d.sayf(slog.LevelWarn, kindPacket, s.Name, "(%s) ignoring packet from %s: %s", s.Name, p.Src.Addr(), words(fault, p))
		}
		return
	}
	d.step(s, bfd.Heard{Packet: d.parsed})
}

// find finds the session of a packet (RFC 5880 §6.8.6): by our discriminator
// where the packet has it, else by its source.
func (d *daemon) find(at place, p *socket.Control, fault wire.BFDFault) *session {
	if fault == wire.BFDGood && d.parsed.Your != 0 {
		s := d.byLocal[d.parsed.Your]
		if s != nil && s.Multihop == at.multihop {
			return s
		}
		return nil
	}
	return d.byPeer[peer{p.Src.Addr().WithZone(""), at.multihop}]
}

// judge checks what RFC 5881 §4 and §5 and RFC 5883 §3 ask of the headers.
func (s *session) judge(p *socket.Control) wire.BFDFault {
	src := p.Src.Addr()
	switch {
	case src.WithZone("") != s.Neighbour.WithZone(""), !sameZone(s.Neighbour, src),
		s.Source.IsValid() && p.Dst.IsValid() && p.Dst != s.Source.WithZone(""):
		return wire.BFDForeign
	case s.MinTTL > 0 && p.TTL < s.MinTTL:
		return wire.BFDHops
	}
	return wire.BFDGood
}

// sameZone: a link-local neighbour whose interface is given by number must be
// heard there. Names are the kernel's business.
func sameZone(want, have netip.Addr) bool {
	if _, err := strconv.Atoi(want.Zone()); err != nil {
		return true
	}
	return want.Zone() == have.Zone()
}

// strange counts a packet that belongs to nobody.
func (d *daemon) strange(fault wire.BFDFault, p *socket.Control) {
	d.stray[fault]++
	if d.quiet[fault].allow(d.loop.Now()) {
		d.sayf(slog.LevelWarn, kindPacket, "", "ignoring BFD packet from %s: %s", p.Src.Addr(), words(fault, p))
	}
}

// words says what is wrong with a packet.
func words(fault wire.BFDFault, p *socket.Control) string {
	switch fault {
	case wire.BFDHops:
		return "it came with TTL " + strconv.Itoa(p.TTL) + ", from further away than max_hops allows"
	case wire.BFDLength:
		return "its length of " + strconv.Itoa(len(p.Data)) + " bytes is wrong"
	case wire.BFDVersion:
		return "it is not of version 1"
	case wire.BFDBadMultiplier:
		return "its multiplier is 0"
	case wire.BFDBadMultipoint:
		return "it has the multipoint bit"
	case wire.BFDBadMy:
		return "its own discriminator is 0"
	case wire.BFDBadYour:
		return "it does not know our discriminator, and claims a session"
	case wire.BFDUnknownSession:
		return "there is no such session"
	case wire.BFDBadAuth:
		return "it is authenticated, and authentication is not configured"
	case wire.BFDForeign:
		return "it is not from the session's neighbour, or not for our address"
	}
	return fault.String()
}
