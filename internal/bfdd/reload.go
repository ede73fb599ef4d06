package bfdd

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/bfd"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/loop"
	"github.com/holdfast-ha/holdfast/internal/socket"
)

// read makes a configuration out of a snapshot. It may take its time and does
// not run on the loop.
func read(snapshot []byte, boot ipc.BootInfo) (build.BFD, error) {
	c, err := files.LoadSnapshot(snapshot, boot.ConfigFile, boot.ConfigID)
	if err != nil {
		return build.BFD{}, err
	}
	return build.FromBFD(c), nil
}

func (d *daemon) reload(next build.BFD) {
	if d.stopping {
		return
	}
	before := len(d.sessions)
	d.adopt(next)
	d.sayf(slog.LevelInfo, kindConfig, "", "Configuration reloaded: %d BFD sessions (before: %d)", len(d.sessions), before)
}

// identity is what must be the same for a session to go on over a reload.
type identity struct {
	name              string
	neighbour, source netip.Addr
	multihop          bool
}

func identify(s *build.BFDSession) identity {
	return identity{s.Name, s.Neighbour, s.Source, s.Multihop}
}

// adopt makes a configuration the running one: a start is a reload from
// nothing. A session that is the same goes on; where its intervals are others
// the neighbour is told by a Poll Sequence.
func (d *daemon) adopt(next build.BFD) {
	was := map[identity]*session{}
	for _, s := range d.sessions {
		was[identify(&s.BFDSession)] = s
	}
	had := make(map[identity]bool, len(was))
	for i := range next.Sessions {
		had[identify(&next.Sessions[i])] = true
	}
	for k, s := range was { // first: another may get its neighbour
		if !had[k] {
			d.drop(s)
		}
	}
	d.cfg, d.sessions = next, d.sessions[:0:0]
	for i := range next.Sessions {
		cfg := &next.Sessions[i]
		s := was[identify(cfg)]
		if s == nil {
			s = d.add(cfg)
		} else {
			d.change(s, cfg)
		}
		d.sessions = append(d.sessions, s)
	}
	d.precedence()
	d.openAll()
}

// add begins a session.
func (d *daemon) add(cfg *build.BFDSession) *session {
	now := d.loop.Now()
	s := &session{BFDSession: *cfg, since: now, standing: bfd.NewStanding(now, &cfg.Machine, cfg.Neighbour)}
	for s.local == 0 || d.byLocal[s.local] != nil {
		s.local = uint32(seed()) // the lower half
	}
	cfg.Machine.Discriminator = s.local
	s.machine = bfd.New(now, cfg.Machine, seed())
	s.slot.Item = s
	d.byLocal[s.local] = s
	d.byPeer[s.peer()] = s
	return s
}

func (s *session) peer() peer { return peer{s.Neighbour.WithZone(""), s.Multihop} }

// change gives a running session its new settings.
func (d *daemon) change(s *session, cfg *build.BFDSession) {
	ttl, told := s.TTL, [2]bool{s.VRRP, s.Checker}
	s.BFDSession = *cfg
	if s.TTL != ttl && s.sender != nil {
		if err := s.sender.TTL(s.TTL); err != nil {
			d.troubled(s, err)
		}
	}
	d.step(s, bfd.Reconfigure{Config: cfg.Machine})
	if told != [2]bool{s.VRRP, s.Checker} && s.standing.Known {
		d.publish(s)
	}
}

// drop ends a session; its neighbour is told.
func (d *daemon) drop(s *session) {
	d.step(s, bfd.Stop{})
	d.due.Remove(&s.slot)
	s.close()
	delete(d.byLocal, s.local)
	if d.byPeer[s.peer()] == s {
		delete(d.byPeer, s.peer())
	}
	d.sayf(slog.LevelInfo, kindConfig, s.Name, "(%s) is no longer configured", s.Name)
}

// openAll makes the sockets that are needed and missing, and closes those that
// no session needs. Who has none is tried again.
func (d *daemon) openAll() {
	d.retryAt = 0
	needed := map[place]bool{}
	for _, s := range d.sessions {
		needed[s.place()] = true
		d.equip(s)
	}
	for at, s := range d.sockets {
		if !needed[at] {
			d.loop.Unwatch(s.FD())
			s.Close()
			delete(d.sockets, at)
		}
	}
	for at := range needed {
		if d.sockets[at] == nil {
			d.receive(at)
		}
	}
}

func (s *session) place() place {
	if s.Neighbour.Is6() {
		return place{6, s.Multihop}
	}
	return place{4, s.Multihop}
}

// equip gives a session its sender.
func (d *daemon) equip(s *session) {
	if s.sender == nil {
		sender, err := socket.OpenBFDSender(s.Source, s.Neighbour, s.Multihop)
		if err == nil {
			err = sender.TTL(s.TTL)
		}
		if err != nil {
			d.troubled(s, err)
			d.again()
		} else {
			s.sender = sender
		}
	}
	d.schedule(s)
}

// receive opens a receiving socket.
func (d *daemon) receive(at place) {
	s, err := socket.OpenBFD(at.family, at.multihop)
	if err == nil {
		err = d.loop.Watch(s.FD(), unix.EPOLLIN|loop.First, func(uint32) { d.readable(at, s) })
	}
	if err != nil {
		if d.quiet[0].allow(d.loop.Now()) {
			d.say(slog.LevelError, kindProcess, "", "", fmt.Sprintf("%v; it is tried again every %v", err, retryEvery))
		}
		d.again()
		return
	}
	d.sockets[at] = s
}

func (d *daemon) again() { d.retryAt = d.loop.Now().Add(retryEvery) }

func (d *daemon) retry(clock.Instant, time.Duration) { d.openAll() }
