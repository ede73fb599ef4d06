package bfdd

import (
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/bfd"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/socket"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// session is one bfd_instance at work.
type session struct {
	build.BFDSession
	machine *bfd.Session
	local   uint32 // discriminator
	sender  *socket.BFDSender
	trouble string // why nothing can be sent, as told last
	slot    check.Slot[*session]

	since    clock.Instant // of its state
	standing bfd.Standing
	cause    string // why it is not Up; also when its neighbour took it down

	counters counters
	quiet    [wire.NumBFDFaults]quiet
}

// counters of a session.
type counters struct {
	sent, sendErrors, ups, downs uint64
	faults                       [wire.NumBFDFaults]uint64
}

func (s *session) verdict() bfd.Verdict {
	return bfd.Verdict{Name: s.Name, Up: s.standing.Up, Why: s.standing.Why}
}

func (s *session) close() {
	if s.sender != nil {
		s.sender.Close()
	}
	s.sender = nil
}

// step tells a session's machine what happened and carries out what it answers:
// packets first, then what others wait for, and words last.
func (d *daemon) step(s *session, ev bfd.Event) {
	actions := s.machine.Step(d.loop.Now(), ev)
	for _, a := range actions {
		if a, ok := a.(bfd.Send); ok {
			d.send(s, &a.Packet)
		}
	}
	for _, a := range actions {
		if a, ok := a.(bfd.Become); ok {
			d.become(s, a)
		}
	}
	d.schedule(s)
}

// schedule puts a session where its machine, or its patience, wants it.
func (d *daemon) schedule(s *session) {
	at, ok := s.machine.Deadline()
	if patience, waits := s.standing.Deadline(); waits && (!ok || patience.Before(at)) {
		at, ok = patience, true
	}
	if !ok {
		d.due.Remove(&s.slot)
		return
	}
	d.due.Set(&s.slot, at)
}

// settle: a session that has not come up in time is down for those who track it.
func (d *daemon) settle(s *session, now clock.Instant) {
	if !s.standing.Tick(now, s.machine.View()) {
		return
	}
	s.cause = s.standing.Why
	d.sayf(slog.LevelWarn, kindBFD, s.Name, "(%s) counts as down: %s", s.Name, s.cause)
	d.publish(s)
	d.schedule(s)
}

// become notes a transition and tells of it.
func (d *daemon) become(s *session, b bfd.Become) {
	now := d.loop.Now()
	s.since = now
	// At the end nobody is told: they end as well, or the next child tells.
	if s.standing.Became(b, s.machine.View()) && !d.stopping {
		d.publish(s)
	}
	switch {
	case b.To == wire.BFDUp:
		s.counters.ups++
		s.cause = ""
		why := s.machine.View().WhyUp(s.Neighbour)
		d.say(slog.LevelInfo, kindBFD, s.Name, why, fmt.Sprintf("(%s) Entering Up state: %s", s.Name, why))
	case b.From == wire.BFDUp:
		s.counters.downs++
		s.cause = b.Why(s.Neighbour)
		level, what := slog.LevelWarn, fmt.Sprintf("(%s) Entering %s state: %s", s.Name, b.To, s.cause)
		if b.Orderly {
			what += ", which is no failure"
		}
		if b.To == wire.BFDAdminDown || b.Orderly {
			level = slog.LevelInfo
		}
		d.say(level, kindBFD, s.Name, s.cause, what)
	default:
		d.sayf(slog.LevelDebug, kindBFD, s.Name, "(%s) Entering %s state, was %s", s.Name, b.To, b.From)
	}
}

// send sends a packet.
func (d *daemon) send(s *session, p *wire.BFD) {
	if s.sender == nil {
		return
	}
	d.out = wire.AppendBFD(d.out[:0], p)
	err := s.sender.Send(d.out)
	if err == nil {
		s.counters.sent++
		if s.trouble != "" {
			s.trouble = ""
			d.sayf(slog.LevelInfo, kindPacket, s.Name, "(%s) can send to %s again", s.Name, s.Neighbour)
		}
		return
	}
	s.counters.sendErrors++
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS) {
		return // as good as lost on the way
	}
	d.troubled(s, fmt.Errorf("send to %s: %w", s.Neighbour, err))
}

// troubled tells why nothing can be sent, when that is news.
func (d *daemon) troubled(s *session, err error) {
	if text := err.Error(); text != s.trouble {
		s.trouble = text
		d.say(slog.LevelWarn, kindPacket, s.Name, text, fmt.Sprintf("(%s) %s", s.Name, text))
	}
}
