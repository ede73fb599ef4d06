package lint

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// The rules say what happens when two nodes have such files. Here it happens:
// the machines of both run on virtual time, with a link between them that
// discards what daemons discard.

// station is one node that runs.
type station struct {
	build.VRRP
	addr netip.Addr
	node *vrrp.Node // nil: not started, or dead
}

type link struct {
	now      clock.Instant
	stations []*station
}

func plug(t *testing.T, a archive, dir string) *link {
	t.Helper()
	l := &link{}
	for i, name := range a.below(dir) {
		c, _ := conf.Load(a, name, conf.Options{})
		s := &station{VRRP: build.FromVRRP(c), addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(11 + i)})}
		for _, r := range s.Routers {
			if r.Source.IsValid() {
				s.addr = r.Source
			}
		}
		l.stations = append(l.stations, s)
	}
	if len(l.stations) != 2 {
		t.Fatalf("%s has %d files below %s", a.path, len(l.stations), dir)
	}
	return l
}

func (l *link) start(s *station) {
	s.node = vrrp.NewNode(s.Node)
	l.step(s, vrrp.Start{})
	for _, r := range s.Node.Routers {
		for _, track := range r.Tracks {
			l.step(s, vrrp.Track{Name: track.Name, Up: true})
		}
	}
}

// run lets a while pass.
func (l *link) run() {
	end := l.now.Add(while)
	for {
		var who *station
		next := end
		for _, s := range l.stations {
			if s.node == nil {
				continue
			}
			if at, ok := s.node.Deadline(); ok && at < next {
				who, next = s, at
			}
		}
		l.now = max(next, l.now)
		if who == nil {
			return
		}
		l.step(who, vrrp.Tick{})
	}
}

func (l *link) step(s *station, ev vrrp.Event) {
	for _, a := range slices.Clone(s.node.Step(l.now, ev)) {
		if send, ok := a.(vrrp.Send); ok {
			for _, to := range l.stations {
				if to != s && to.node != nil {
					l.deliver(s, to, send)
				}
			}
		}
	}
}

// deliver hands an advert over, if a daemon would not discard it.
func (l *link) deliver(from, to *station, send vrrp.Send) {
	f := &from.Routers[send.Router]
	for i := range to.Routers {
		r := &to.Routers[i]
		arrives := f.Unicast == r.Unicast && (f.Unicast || f.Group == r.Group)
		if f.Unicast {
			arrives = arrives && slices.ContainsFunc(f.Peers, func(p conf.Peer) bool { return p.Addr == to.addr })
		}
		if !arrives || r.VRID != f.VRID || r.Family != f.Family || r.Version != f.Version || from.addr == to.addr ||
			r.Version == 2 && r.Interval != f.Interval || r.AuthType != f.AuthType || r.AuthData != f.AuthData {
			continue
		}
		l.step(to, vrrp.Heard{Router: i, Source: from.addr, Local: to.addr, Priority: send.Priority, Advert: f.Interval, Addresses: f.Advertised})
	}
}

// holders is how many nodes hold each address that anybody has.
func (l *link) holders() map[netip.Addr]int {
	n := map[netip.Addr]int{}
	for _, s := range l.stations {
		for i, r := range s.Routers {
			for _, a := range r.Advertised {
				n[a] += 0
				if s.node != nil && s.node.Router(i).State == vrrp.Active {
					n[a]++
				}
			}
		}
	}
	return n
}

// settled is the number of holders of the worst address: the one that is
// furthest from having one.
func (l *link) settled() int {
	worst := 1
	for _, n := range l.holders() {
		if n != 1 {
			worst = n
		}
	}
	return worst
}

const while = 30 * time.Second

func TestTwoMastersAreTwoMasters(t *testing.T) {
	for _, id := range []string{"HF152", "HF154", "HF155", "HF156", "HF159", "HF160", "HF161"} {
		for dir, want := range map[string]int{"bad/": 2, "good/": 1} {
			l := plug(t, example(t, id), dir)
			for _, s := range l.stations {
				l.start(s)
			}
			l.run()
			if got := l.settled(); got != want {
				t.Errorf("%s %s: %d nodes hold an address, want %d: %v", id, dir, got, want, l.holders())
			}
		}
	}
}

// Other addresses do not make two masters, but leave one without its own.
func TestOtherAddressesAreOnNobody(t *testing.T) {
	l := plug(t, example(t, "HF157"), "bad/")
	for _, s := range l.stations {
		l.start(s)
	}
	if l.run(); l.settled() != 0 {
		t.Errorf("%v", l.holders())
	}
}

func TestNobodyIsLeft(t *testing.T) {
	for dir, want := range map[string]int{"bad/": 0, "good/": 1} {
		l := plug(t, example(t, "HF151"), dir)
		l.start(l.stations[1])
		l.run()
		if got := l.settled(); got != want {
			t.Errorf("%s: %d nodes hold an address, want %d", dir, got, want)
		}
	}
}

func TestWeakWeightsAreWeak(t *testing.T) {
	for dir, moves := range map[string]bool{"bad/": false, "good/": true} {
		l := plug(t, example(t, "HF164"), dir)
		a, b := l.stations[0], l.stations[1]
		l.start(a)
		l.start(b)
		l.run()
		l.step(a, vrrp.Track{Name: build.ScriptTrack("chk")})
		l.run()
		if got := b.node.Router(0).State == vrrp.Active; got != moves {
			t.Errorf("%s: moved is %t", dir, got)
		}
	}
}

func TestADividedGroupDoesNotMove(t *testing.T) {
	for dir, moves := range map[string]bool{"bad/": false, "good/": true} {
		l := plug(t, example(t, "HF162"), dir)
		a, b := l.stations[0], l.stations[1]
		l.start(b)
		l.run()
		l.start(a)
		l.run()
		if got := a.node.Router(0).State == vrrp.Active; got != moves {
			t.Errorf("%s: moved is %t", dir, got)
		}
	}
}

func TestNoPreemptKeepsAWorseMaster(t *testing.T) {
	a := example(t, "HF103")
	for dir, moves := range map[string]bool{"bad/": false, "good/": true} {
		name := a.below(dir)[0]
		c, _ := conf.Load(a, name, conf.Options{})
		l := &link{}
		for i := range 2 {
			s := &station{VRRP: build.FromVRRP(c), addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(11 + i)})}
			l.stations = append(l.stations, s)
			l.start(s)
		}
		l.run()
		master, other := l.stations[0], l.stations[1]
		if other.node.Router(0).State == vrrp.Active {
			master, other = other, master
		}
		l.step(master, vrrp.Track{Name: build.ScriptTrack("chk")})
		l.run()
		if got := other.node.Router(0).State == vrrp.Active; got != moves {
			t.Errorf("%s: moved is %t", dir, got)
		}
	}
}
