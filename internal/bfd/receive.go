package bfd

import (
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// heard takes a packet, in the order of RFC 5880 §6.8.6.
func (s *Session) heard(now clock.Instant, p *wire.BFD) {
	if s.state == wire.BFDAdminDown {
		return
	}
	before := s.interval()
	s.remote = remote{
		state: p.State, diag: p.Diag, discriminator: p.My, minTx: p.MinTx, minRx: p.MinRx,
		multiplier: p.Multiplier, demand: p.Demand,
	}
	if s.polling && p.Final {
		s.polled()
	}
	s.decide(now, p)
	if s.remote.discriminator != 0 {
		s.expireAt = now.Add(s.detect())
	}
	s.retime(now, before)
	if p.Poll && s.extra(now) {
		// "MUST transmit a BFD Control packet with the Poll (P) bit clear and
		// the Final (F) bit set as soon as practicable". One that is not
		// answered is followed by another: a Poll Sequence goes on until it is.
		answer := s.packet()
		answer.Poll, answer.Final = false, true
		s.actions = append(s.actions, Send{answer})
	}
}

// decide is the state machine of RFC 5880 §6.2 and §6.8.6.
func (s *Session) decide(now clock.Instant, p *wire.BFD) {
	signalled := Become{Diag: wire.BFDNeighbourDown, Their: p.Diag}
	switch {
	case p.State == wire.BFDAdminDown:
		signalled.Orderly = true
		if s.state != wire.BFDDown {
			s.become(now, wire.BFDDown, signalled)
		}
	case s.state == wire.BFDDown && p.State == wire.BFDDown:
		s.become(now, wire.BFDInit, Become{})
	case s.state == wire.BFDDown && p.State == wire.BFDInit:
		s.become(now, wire.BFDUp, Become{})
	case s.state == wire.BFDInit && (p.State == wire.BFDInit || p.State == wire.BFDUp):
		s.become(now, wire.BFDUp, Become{})
	case s.state == wire.BFDUp && p.State == wire.BFDDown:
		s.become(now, wire.BFDDown, signalled)
	}
}

// become is the only way to change the state; the other side learns of it at
// once, and of the intervals that go with it by a Poll Sequence.
func (s *Session) become(now clock.Instant, to wire.BFDState, b Become) {
	if to == s.state {
		return
	}
	b.From, b.To = s.state, to
	wasUp := s.state == wire.BFDUp
	s.state, s.diag = to, b.Diag
	if to == wire.BFDInit || to == wire.BFDUp {
		s.diag = wire.BFDNoDiag
	}
	s.polling = false
	s.minTx, s.minRx = s.wantTx(), s.cfg.MinRx
	if to == wire.BFDUp {
		s.polling = true // from slow to fast
	}
	if wasUp || to == wire.BFDAdminDown {
		s.expireAt = 0
	}
	s.actions = append(s.actions, b)
	// Whoever must not send does not (passive, or told not to); a last word is
	// always heard, everything else may have to wait for the next periodic
	// packet.
	if s.mayTell() && (to == wire.BFDAdminDown || s.extra(now)) {
		s.send(now)
	}
}

// mayTell reports whether a packet may be sent besides the periodic ones.
func (s *Session) mayTell() bool {
	return s.remote.discriminator != 0 && s.remote.minRx != 0
}

// reconfigure takes over new settings (RFC 5880 §6.8.3).
func (s *Session) reconfigure(now clock.Instant, cfg Config) {
	if cfg == s.cfg {
		return
	}
	before, told := s.interval(), s.packet()
	cfg.Discriminator = s.cfg.Discriminator
	s.cfg = cfg
	if s.state != wire.BFDUp {
		s.minTx, s.minRx = s.wantTx(), cfg.MinRx
		s.retime(now, before)
		return
	}
	// "If bfd.DesiredMinTxInterval is increased and bfd.SessionState is Up, the
	// actual transmission interval used MUST NOT change until the Poll
	// Sequence [...] has terminated. [...] If bfd.RequiredMinRxInterval is
	// reduced and bfd.SessionState is Up, the previous value [...] MUST be used
	// when calculating the Detection Time [...] until the Poll Sequence [...]
	// has terminated."
	s.minTx, s.minRx = min(s.minTx, cfg.MinTx), max(s.minRx, cfg.MinRx)
	if now := s.packet(); now != told {
		s.polling = true
	}
	s.retime(now, before)
}

// polled ends a Poll Sequence: the other side knows.
func (s *Session) polled() {
	s.polling = false
	s.minTx, s.minRx = s.wantTx(), s.cfg.MinRx
}
