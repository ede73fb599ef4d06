package bfd

import (
	"net/netip"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// Standing is what a session means to those who track it: nothing until it was
// up or has had its time to come up, and down only by a failure, not by a
// neighbour that ends in an orderly way (RFC 5882 §3.2).
type Standing struct {
	Known, Up bool
	Why       string // in a clause; empty while nothing is known

	neighbour netip.Addr
	patience  clock.Instant // when it counts as down if it has not come up; 0 = known
}

// NewStanding is that of a session that has just begun.
func NewStanding(now clock.Instant, cfg *Config, neighbour netip.Addr) Standing {
	return Standing{neighbour: neighbour, patience: now.Add(cfg.Settling())}
}

// Deadline says when a Tick is wanted.
func (s *Standing) Deadline() (clock.Instant, bool) { return s.patience, s.patience != 0 }

// Tick: time has passed. It reports whether the session counts as down now, not
// having come up in time.
func (s *Standing) Tick(now clock.Instant, v View) bool {
	if s.patience == 0 || now.Before(s.patience) {
		return false
	}
	return s.judge(false, v.WhyNot(s.neighbour))
}

// Became takes a transition, after which the session is as in v. It reports
// whether those who track it are to be told.
func (s *Standing) Became(b Become, v View) bool {
	switch {
	case b.To == wire.BFDUp:
		return s.judge(true, v.WhyUp(s.neighbour))
	case b.From == wire.BFDUp && !b.Orderly:
		return s.judge(false, b.Why(s.neighbour))
	}
	return false
}

func (s *Standing) judge(up bool, why string) bool {
	s.patience = 0
	if s.Known && s.Up == up {
		return false
	}
	s.Known, s.Up, s.Why = true, up, why
	return true
}
