package bfdd

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/bfd"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/socket"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// daemonWith has one session with a neighbour that is not there.
func daemonWith(t *testing.T) (*daemon, *session) {
	t.Helper()
	ours, theirs, err := ipc.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ours.Close(); _ = theirs.Close() })
	d, err := newDaemon(ours, ipc.BootInfo{}, bus.New())
	if err != nil {
		t.Fatal(err)
	}
	s := d.add(&build.BFDSession{
		Name: "far", Neighbour: netip.MustParseAddr("192.0.2.2"), Source: netip.MustParseAddr("192.0.2.1"), MinTTL: 255, VRRP: true,
		Machine: bfd.Config{MinTx: time.Millisecond, MinRx: time.Millisecond, IdleTx: time.Second, Multiplier: 3},
	})
	d.sessions = append(d.sessions, s)
	return d, s
}

// What is wrong with a packet is counted by name, of its session where it has
// one, and changes no state.
func TestRefused(t *testing.T) {
	d, s := daemonWith(t)
	good := wire.BFD{State: wire.BFDDown, Multiplier: 3, My: 7, MinTx: time.Second, MinRx: time.Second}
	packet := func(p wire.BFD, from string, ttl int) *socket.Control {
		return &socket.Control{
			Src: netip.MustParseAddrPort(from + ":50000"), Dst: netip.MustParseAddr("192.0.2.1"), TTL: ttl, Data: wire.AppendBFD(nil, &p),
		}
	}
	noMultiplier, stranger, other := good, good, good
	noMultiplier.Multiplier = 0
	stranger.Your, stranger.State = s.local+1, wire.BFDUp
	other.Your = s.local
	elsewhere := packet(good, "192.0.2.2", 255)
	elsewhere.Dst = netip.MustParseAddr("192.0.2.99")
	for _, c := range []struct {
		p     *socket.Control
		own   bool // counted by the session
		fault wire.BFDFault
	}{
		{packet(good, "192.0.2.2", 254), true, wire.BFDHops},
		{packet(noMultiplier, "192.0.2.2", 255), true, wire.BFDBadMultiplier},
		{packet(noMultiplier, "192.0.2.9", 255), false, wire.BFDBadMultiplier},
		{packet(good, "192.0.2.9", 255), false, wire.BFDUnknownSession},
		{packet(stranger, "192.0.2.2", 255), false, wire.BFDUnknownSession},
		{packet(other, "192.0.2.9", 255), true, wire.BFDForeign},
		{elsewhere, true, wire.BFDForeign},
		{&socket.Control{Src: netip.MustParseAddrPort("192.0.2.2:1"), Data: []byte("garbage")}, true, wire.BFDLength},
	} {
		counters := &d.stray
		if c.own {
			counters = &s.counters.faults
		}
		before := counters[c.fault]
		d.heard(place{4, false}, c.p)
		if counters[c.fault] != before+1 || s.machine.State() != wire.BFDDown {
			t.Errorf("%v: counted %d, state %v", c.fault, counters[c.fault]-before, s.machine.State())
		}
	}
	d.heard(place{4, true}, packet(good, "192.0.2.2", 255)) // over the other port
	if s.machine.State() != wire.BFDDown {
		t.Error("a packet over several hops counts for a session over one")
	}
	d.heard(place{4, false}, packet(good, "192.0.2.2", 255))
	if s.machine.State() != wire.BFDInit || s.counters.faults[wire.BFDGood] != 1 {
		t.Errorf("%v, %d good", s.machine.State(), s.counters.faults[wire.BFDGood])
	}
}

// Until a session was up, or has had its time, nothing is said of it; an orderly
// end of the neighbour says nothing either.
func TestVerdict(t *testing.T) {
	d, s := daemonWith(t)
	if s.standing.Known {
		t.Error("something is known of a session that has just begun")
	}
	late, _ := s.standing.Deadline()
	d.settle(s, late)
	if !s.standing.Known || s.standing.Up || s.standing.Why != "nothing is heard from 192.0.2.2" {
		t.Errorf("%+v", s.verdict())
	}
	d.become(s, bfd.Become{From: wire.BFDInit, To: wire.BFDUp})
	if v := s.verdict(); !v.Up || v.Why != "192.0.2.2 answers, detection time 0s" || s.cause != "" {
		t.Errorf("%+v, cause %q", v, s.cause)
	}
	d.become(s, bfd.Become{From: wire.BFDUp, To: wire.BFDDown, Diag: wire.BFDNeighbourDown, Orderly: true})
	if !s.standing.Up || s.cause != "192.0.2.2 took it down (administratively down)" {
		t.Errorf("an orderly end: up %v, cause %q", s.standing.Up, s.cause)
	}
	d.become(s, bfd.Become{From: wire.BFDUp, To: wire.BFDDown, Diag: wire.BFDDetectExpired, Detect: 30 * time.Millisecond, Late: 412 * time.Microsecond})
	want := "control detection time expired after 30ms, exceeded by 412µs: nothing is heard from 192.0.2.2"
	if v := s.verdict(); v.Up || v.Why != want || s.cause != want {
		t.Errorf("%+v, cause %q", v, s.cause)
	}
}
