package sim

import (
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/bfd"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// session is one end of a BFD session between two hosts: the machine of the
// daemon, whose packets travel as adverts do. It lives as long as the process
// of its host, and outlives the death of the VRRP child alone.
type session struct {
	name  string
	host  *host
	iface string // what must be up for its packets: "interface eth0"
	far   *session

	neighbour netip.Addr
	cfg       bfd.Config
	machine   *bfd.Session // nil: its host does not run
	standing  bfd.Standing
	backlog   []wire.BFD // of a process that does not run
	forced    bool       // down since the script says so
}

// between makes the two ends of a session.
func (w *World) between(a, b *session) {
	a.far, b.far = b, a
	for _, s := range []*session{a, b} {
		w.discriminator++
		s.cfg.Discriminator = w.discriminator
		s.host.sessions = append(s.host.sessions, s)
		s.host.facts[build.BFDTrack(s.name)] = fact{unknown: true}
	}
}

// bfd is a command: bfd HOST HOST NAME [interval TIME] [multiplier N].
func (w *World) bfd(s *words) {
	s.with(w, func(a *host) {
		s.with(w, func(b *host) {
			name, cfg := s.next(), bfd.Config{MinTx: time.Second, MinRx: time.Second, IdleTx: time.Second, Multiplier: 3}
			for s.err == nil && len(s.rest) > 0 {
				switch o := s.next(); o {
				case "interval":
					cfg.MinTx = max(s.duration(), time.Millisecond)
					cfg.MinRx = cfg.MinTx
				case "multiplier":
					cfg.Multiplier = uint8(s.number(1, 255)) // it is
				default:
					s.failf("a session has no option %q", o)
				}
			}
			switch {
			case w.cluster:
				s.failf("sessions come from the configurations")
			case a == b || a.node != nil || b.node != nil:
				s.failf("sessions are between two hosts that have not begun")
			case name == "" || a.session(build.BFDTrack(name)) != nil || b.session(build.BFDTrack(name)) != nil:
				s.failf("%q is no name for another session", name)
			case s.err == nil:
				w.between(&session{name: name, host: a, iface: linkTrack, neighbour: b.addr, cfg: cfg},
					&session{name: name, host: b, iface: linkTrack, neighbour: a.addr, cfg: cfg})
			}
		})
	})
}

// joinSessions connects the sessions of a cluster whose neighbours are nodes of
// it that have a session back. Others are up until the script says otherwise.
func (w *World) joinSessions(members []Member) {
	own := make([]map[netip.Addr]string, len(members)) // addresses of nodes, with the interface if known
	for i, m := range members {
		own[i] = map[netip.Addr]string{}
		for _, s := range m.BFD.Sessions {
			if s.Source.IsValid() {
				own[i][s.Source] = ""
			}
		}
		for name, p := range w.hosts[i].ports {
			if r := w.hosts[i].wanted.find(name); w.names[p.src] == "" && r != nil {
				own[i][p.src] = "interface " + r.Interface
			}
		}
	}
	for i := range members {
		for j := range members[:i] {
			for _, a := range members[i].BFD.Sessions {
				at := slices.IndexFunc(members[j].BFD.Sessions, func(b build.BFDSession) bool {
					_, there := own[j][a.Neighbour]
					_, here := own[i][b.Neighbour]
					return there && here && a.Multihop == b.Multihop &&
						(!a.Source.IsValid() || a.Source == b.Neighbour) && (!b.Source.IsValid() || b.Source == a.Neighbour)
				})
				if at >= 0 {
					b := members[j].BFD.Sessions[at]
					w.between(&session{name: a.Name, host: w.hosts[i], iface: own[i][b.Neighbour], neighbour: a.Neighbour, cfg: a.Machine},
						&session{name: b.Name, host: w.hosts[j], iface: own[j][a.Neighbour], neighbour: b.Neighbour, cfg: b.Machine})
				}
			}
		}
	}
}

// session finds one by what routers track.
func (h *host) session(track string) *session {
	for _, s := range h.sessions {
		if build.BFDTrack(s.name) == track {
			return s
		}
	}
	return nil
}

// begin starts the sessions of a host that has none running.
func (h *host) begin(w *World) {
	for _, s := range h.sessions {
		if s.machine == nil {
			now := h.local(w.now)
			s.machine, s.backlog = bfd.New(now, s.cfg, w.rng.Uint64()), nil
			s.standing = bfd.NewStanding(now, &s.cfg, s.neighbour)
			h.facts[build.BFDTrack(s.name)] = s.fact()
		}
	}
}

// cease ends them, with their last words or without.
func (h *host) cease(w *World, orderly bool) {
	for _, s := range h.sessions {
		if s.machine != nil && orderly && !h.asleep {
			w.stepSession(s, bfd.Stop{})
		}
		s.machine = nil
	}
}

// fact is what routers are to think of a session.
func (s *session) fact() fact {
	switch {
	case s.forced:
		return s.host.facts[build.BFDTrack(s.name)]
	case s.machine == nil || !s.standing.Known:
		return fact{unknown: true}
	}
	return fact{up: s.standing.Up, why: s.standing.Why}
}

// deadline is when a session wants to be woken, by its host's clock.
func (s *session) deadline() (clock.Instant, bool) {
	if s.machine == nil || s.host.asleep {
		return 0, false
	}
	at, ok := s.machine.Deadline()
	if patience, waits := s.standing.Deadline(); waits && (!ok || patience < at) {
		return patience, true
	}
	return at, ok
}

// stepSession tells a session something and carries out what it asks for.
func (w *World) stepSession(s *session, ev bfd.Event) {
	now, news := s.host.local(w.now), false
	actions := s.machine.Step(now, ev)
	for _, a := range actions {
		switch a := a.(type) {
		case bfd.Send:
			w.sendSession(s, a.Packet)
		case bfd.Become:
			news = s.standing.Became(a, s.machine.View()) || news
		default:
			w.fail("%s: an action of unknown kind %T", s.name, a)
		}
	}
	news = s.standing.Tick(now, s.machine.View()) || news
	if _, stop := ev.(bfd.Stop); news && !stop && !s.forced {
		w.set(s.host, build.BFDTrack(s.name), s.fact())
	}
	if at, ok := s.machine.Deadline(); ok && at < now-clock.Instant(time.Minute) {
		w.fail("%s: session %s has a deadline of a minute ago", s.host.name, s.name)
	}
}

func (s *session) cableDown() bool {
	f, ok := s.host.facts[s.iface]
	return ok && !f.unknown && !f.up
}

// sendSession encodes a packet for the other end.
func (w *World) sendSession(s *session, p wire.BFD) {
	if s.cableDown() {
		return
	}
	raw := wire.AppendBFD(nil, &p)
	w.carry(s.host, s.far.host, func() { w.arriveSession(s.far, raw) })
}

func (w *World) arriveSession(s *session, raw []byte) {
	var p wire.BFD
	switch fault := wire.ParseBFD(&p, raw); {
	case fault != wire.BFDGood:
		w.fail("%s: a packet of session %s: %v", s.host.name, s.name, fault)
	case s.machine == nil || s.host.suspended || s.cableDown():
	case p.Your != 0 && p.Your != s.cfg.Discriminator:
		w.fail("%s: a packet of session %s is for another", s.host.name, s.name)
	case !s.host.asleep:
		w.stepSession(s, bfd.Heard{Packet: p})
	case len(s.backlog) < maxBacklog:
		s.backlog = append(s.backlog, p)
	}
}

// wakeSessions reads what waited for a process that slept.
func (w *World) wakeSessions(h *host) {
	for _, s := range h.sessions {
		backlog := s.backlog
		s.backlog = nil
		for _, p := range backlog {
			w.stepSession(s, bfd.Heard{Packet: p})
		}
	}
}
