package bfd

import (
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// tick serves what is due: silence first, so that the packet that follows
// tells of it.
func (s *Session) tick(now clock.Instant) {
	if s.expireAt != 0 && !now.Before(s.expireAt) {
		s.expired(now)
	}
	if s.sends() && !now.Before(s.sendAt) {
		s.send(now)
	}
}

// expired: nothing was heard for the Detection Time (RFC 5880 §6.8.4).
func (s *Session) expired(now clock.Instant) {
	late := now.Sub(s.expireAt)
	s.expireAt = 0
	silent := s.detect()
	if s.state == wire.BFDInit || s.state == wire.BFDUp {
		s.become(now, wire.BFDDown, Become{Diag: wire.BFDDetectExpired, Detect: silent, Late: late})
	}
	// §6.8.1: "MUST be set to zero if a Detection Time has elapsed without
	// the receipt of a valid packet" — of the discriminator; and so we start
	// from what is true of somebody whom one has not met.
	s.remote = remote{state: wire.BFDDown, minRx: 1}
	s.sendAt = min(s.sendAt, now.Add(s.jittered(s.interval())))
}

// sends reports whether periodic packets are sent (RFC 5880 §6.8.7).
func (s *Session) sends() bool {
	switch {
	case s.state == wire.BFDAdminDown:
		return false // it was told once, and the daemon ends
	case s.remote.minRx == 0:
		return false
	case s.cfg.Passive && s.remote.discriminator == 0:
		return false
	case s.remote.demand && s.state == wire.BFDUp && s.remote.state == wire.BFDUp && !s.polling:
		return false
	}
	return true
}

// extra reports whether a packet besides the periodic ones may be sent now, and
// counts it.
func (s *Session) extra(now clock.Instant) bool {
	if now.Sub(s.extrasSince) >= s.wantTx() {
		s.extras, s.extrasSince = 0, now
	}
	s.extras++
	return s.extras <= maxExtras
}

// send sends a packet now, and plans the next.
func (s *Session) send(now clock.Instant) {
	s.lastSent = now
	s.sendAt = now.Add(s.jittered(s.interval()))
	s.actions = append(s.actions, Send{s.packet()})
}

// retime plans the next packet anew when the interval has changed.
func (s *Session) retime(now clock.Instant, before time.Duration) {
	if s.interval() == before {
		return
	}
	s.sendAt = max(now, s.lastSent.Add(s.jittered(s.interval())))
}

// interval is the one between periodic packets (RFC 5880 §6.8.7).
func (s *Session) interval() time.Duration { return max(s.minTx, s.remote.minRx) }

// jittered takes up to a quarter off an interval, and at least a tenth when a
// single packet that is late would end the session (RFC 5880 §6.8.7).
func (s *Session) jittered(d time.Duration) time.Duration {
	least, most := int64(75), int64(100)
	if s.cfg.Multiplier == 1 {
		most = 90
	}
	const fine = 1 << 20
	share := int64(s.next() % fine)
	return d*time.Duration(least)/100 + d*time.Duration(most-least)/100*time.Duration(share)/fine
}

// next is the generator splitmix64.
func (s *Session) next() uint64 {
	s.random += 0x9e3779b97f4a7c15
	z := s.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// packet is what there is to say (RFC 5880 §6.8.7).
func (s *Session) packet() wire.BFD {
	return wire.BFD{
		State: s.state, Diag: s.diag, Poll: s.polling, Multiplier: s.cfg.Multiplier,
		My: s.cfg.Discriminator, Your: s.remote.discriminator, MinTx: s.wantTx(), MinRx: s.cfg.MinRx,
	}
}
