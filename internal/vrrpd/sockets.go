package vrrpd

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/loop"
	"github.com/holdfast-ha/holdfast/internal/socket"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// sockets is the speaker on the network: one raw socket for each family, and
// one for frames, whatever the number of routers.
type sockets struct {
	d      *daemon
	vrrp   map[int]*socket.VRRP // by family; opened when first needed
	ah     *socket.VRRP         // receives AH; nil while nobody uses it
	frames *socket.Frames
	joined map[membership]bool
	frame  []byte // reused
	packet packet
	take   func(*socket.Packet) // heard, made once
	quiet  quiet
}

var families = [...]int{4, 6}

type membership struct {
	family, link int
	group        netip.Addr
}

// newSpeaker opens what every configuration needs.
func newSpeaker(d *daemon) (*sockets, error) {
	frames, err := socket.OpenFrames()
	if err != nil {
		return nil, permanent(err)
	}
	s := &sockets{
		d: d, vrrp: map[int]*socket.VRRP{}, frames: frames, joined: map[membership]bool{},
		frame: make([]byte, 0, socket.MaxFrame),
	}
	s.take = s.heard
	frames.OnFailed(func(link int, err error) {
		if l, ok := d.mirror.LinkAt(link); ok && l.Up() {
			s.trouble(&s.quiet, "announce on interface "+l.Name, err)
		}
	})
	return s, nil
}

// open makes the socket of a family.
func (s *sockets) open(family int) (*socket.VRRP, error) {
	if v := s.vrrp[family]; v != nil {
		return v, nil
	}
	v, err := socket.OpenVRRP(family, socket.Options{})
	if err != nil {
		return nil, err
	}
	if err := s.d.loop.Watch(v.FD(), unix.EPOLLIN|loop.First, func(uint32) { s.hear(v) }); err != nil {
		v.Close()
		return nil, err
	}
	v.OnFailed(func(tag int, err error) {
		e := s.d.edges[tag]
		e.counters.sendErrors++
		e.out.refused, e.out.err = e.out.refused+1, err
		if l, ok := s.d.mirror.LinkAt(e.link.Index); !ok || !l.Up() {
			return // what else
		}
		s.trouble(&e.mute, fmt.Sprintf("(%s) send an advert from %s on %s", e.Name, e.source, e.Interface), err)
	})
	s.vrrp[family] = v
	return v, nil
}

// hear hands over what has come.
func (s *sockets) hear(v *socket.VRRP) {
	s.packet.family, s.packet.wrapped = v.Family(), v == s.ah
	if err := v.Read(s.d.read(), s.take); err != nil {
		s.trouble(&s.quiet, "receive", err)
	}
}

func (s *sockets) heard(in *socket.Packet) {
	p := &s.packet
	p.link, p.src, p.dst, p.ttl, p.payload, p.at, p.fault = in.Link, in.Src, in.Dst, in.TTL, in.Data, in.At, in.Fault
	p.datagram = nil
	if p.wrapped && !s.unwrap(in) {
		return
	}
	s.d.heard(p)
}

// Hear implements speaker.
func (s *sockets) Hear() {
	for v := range s.receivers() {
		s.hear(v)
	}
}

// Drain implements speaker.
func (s *sockets) Drain() (lost string) {
	for v := range s.receivers() {
		s.packet.family, s.packet.wrapped = v.Family(), v == s.ah
		why, err := v.Drain(s.d.read(), s.take)
		if err != nil {
			s.trouble(&s.quiet, "receive", err)
		}
		if why != "" {
			lost = why
		}
	}
	return lost
}

// receivers are the sockets that adverts come by.
func (s *sockets) receivers() iter.Seq[*socket.VRRP] {
	return func(yield func(*socket.VRRP) bool) {
		for _, family := range families {
			if v := s.vrrp[family]; v != nil && !yield(v) {
				return
			}
		}
		if s.ah != nil {
			yield(s.ah)
		}
	}
}

// Want implements speaker.
func (s *sockets) Want(edges []*edge) map[*edge]error {
	failed := map[*edge]error{}
	want := map[membership]bool{}
	noAH := s.wantAH(edges)
	for _, e := range edges {
		if e.Blocked != "" {
			continue
		}
		v, err := s.open(e.Family)
		if err == nil && e.ah != nil {
			err = noAH
		}
		if err != nil {
			failed[e] = err
			continue
		}
		if e.Unicast || !e.onLink {
			continue
		}
		m := membership{e.Family, e.link.Index, e.Group}
		if !s.joined[m] && !want[m] {
			err = v.Join(m.link, m.group)
		}
		if err != nil {
			failed[e] = err
			continue
		}
		want[m] = true
	}
	for m := range s.joined {
		if !want[m] {
			s.vrrp[m.family].Leave(m.link, m.group)
		}
	}
	s.joined = want
	s.enlarge(edges)
	return failed
}

// enlarge gives each socket room for what those that share it may hear.
func (s *sockets) enlarge(edges []*edge) {
	sharing := map[*socket.VRRP][]*edge{}
	for _, e := range edges {
		if v := s.vrrp[e.Family]; v != nil && e.Blocked == "" {
			sharing[v] = append(sharing[v], e)
		}
		if s.ah != nil && e.ah != nil && e.Blocked == "" {
			sharing[s.ah] = append(sharing[s.ah], e)
		}
	}
	for v, all := range sharing {
		v.SetReceiveBuffer(room(all, &s.d.cfg.Buffers, socket.ReceiveBuffer))
	}
}

// Advert implements speaker.
func (s *sockets) Advert(e *edge, dst netip.Addr, payload []byte) {
	v := s.vrrp[e.Family]
	if v == nil {
		return
	}
	dg := socket.Datagram{Link: e.link.Index, Src: e.source, Dst: dst, TTL: e.TTL, Data: payload, Tag: e.index}
	s.wrap(e, &dg, dst)
	v.Send(&dg)
}

// Flush implements speaker.
func (s *sockets) Flush() {
	for _, family := range families {
		if v := s.vrrp[family]; v != nil {
			v.Flush()
		}
	}
	s.frames.Flush()
}

// Warm implements speaker.
func (s *sockets) Warm() {
	for _, v := range s.vrrp {
		v.Warm()
	}
	s.frames.Warm()
	clear(s.frame[:cap(s.frame)])
}

// Announce implements speaker. Links without neighbours need none.
func (s *sockets) Announce(e *edge, h *holding) {
	link, ok := s.d.mirror.LinkAt(h.key.Link)
	if !ok || !link.Ethernet {
		return
	}
	if h.key.Addr.Is4() {
		s.frame = wire.AppendGratuitousARP(s.frame[:0], link.MAC, h.key.Addr)
	} else {
		s.frame = wire.AppendUnsolicitedNA(s.frame[:0], link.MAC, h.key.Addr, e.forwards)
	}
	s.frames.Send(link.Index, s.frame)
}

// trouble tells of what failed, the first time and then seldom.
func (s *sockets) trouble(q *quiet, what string, err error) {
	if times, ok := q.allow(s.d.now()); ok {
		s.d.sayf(slog.LevelWarn, kindPacket, "", "%s: %v%s", what, err, times)
	}
}

// Close implements speaker.
func (s *sockets) Close() {
	for _, v := range s.vrrp {
		s.d.loop.Unwatch(v.FD())
		v.Close()
	}
	if s.ah != nil {
		s.d.loop.Unwatch(s.ah.FD())
		s.ah.Close()
	}
	s.frames.Close()
}

// permanent marks an error that a restart would only repeat.
func permanent(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%w (VRRP needs CAP_NET_RAW and CAP_NET_ADMIN): %w", err, ipc.ErrPermanent)
	}
	return err
}
