// Package bfd is one session of Bidirectional Forwarding Detection in
// asynchronous mode (RFC 5880), between two systems that may be one hop (RFC
// 5881) or several (RFC 5883) apart, without echo and authentication.
//
// It is pure: a Session is told the time and the packets that were received for
// it, and answers with packets to send and with changes of its state. Bytes
// are package wire's; sockets, and finding the session of a packet, are the
// daemon bfdd's; what a session that is up or down means for a virtual router or
// a real server is decided where it is tracked.
package bfd

import (
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// SlowTx is the least interval between packets while a session is not up (RFC
// 5880 §6.8.3).
const SlowTx = time.Second

// maxExtras is how many packets besides the periodic ones, for a change of state
// or as the answer to a Poll, are sent within the Desired Min TX Interval: the
// three of a session that goes down and comes back. Without a bound a network
// that duplicates and reorders breeds ever more of them, and whoever forges
// Polls would have an answer to each. RFC 5880 §6.8.7 allows it: "A system MAY
// limit the rate at which such packets are transmitted."
const maxExtras = 3

// Config says how a session behaves. Names in brackets are the keywords of
// keepalived.conf(5).
type Config struct {
	// Discriminator tells our sessions apart; never 0, and it never changes.
	Discriminator uint32
	// MinTx is how often we want to send [min_tx], MinRx how often we can
	// receive [min_rx], IdleTx how often we send while the session is not up
	// [idle_tx], at least SlowTx; whole microseconds, all > 0.
	MinTx, MinRx, IdleTx time.Duration
	// Multiplier is how many of our packets may be missed [multiplier], 1–255.
	Multiplier uint8
	// Passive: do not send before something was received [passive].
	Passive bool
}

// Event is what a Session can be told: Tick, Heard, Reconfigure or Stop.
type Event interface{ event() }

// Tick: the time of Deadline has come.
type Tick struct{}

// Heard: a packet for this session came, good as far as wire can tell.
type Heard struct{ Packet wire.BFD }

// Reconfigure: a reload changed how the session behaves. Its state is kept, and
// the other side is told of new intervals by a Poll Sequence.
type Reconfigure struct{ Config Config }

// Stop: we take the session down; the other side is told.
type Stop struct{}

func (Tick) event()        {}
func (Heard) event()       {}
func (Reconfigure) event() {}
func (Stop) event()        {}

// Action is what a Session asks for: Send or Become.
type Action interface{ action() }

// Send asks for one packet to be sent now.
type Send struct{ Packet wire.BFD }

// Become says that the state has changed.
type Become struct {
	From, To wire.BFDState
	// Diag is why the session is down; none while it is Init or Up.
	Diag wire.BFDDiag
	// Detect is, when Diag is wire.BFDDetectExpired, the Detection Time that has
	// passed without a packet.
	Detect time.Duration
	// Late is by how much the silence was longer than Detect when it was noticed.
	Late time.Duration
	// Their is the diagnostic of the neighbour, when it is the one who says so.
	Their wire.BFDDiag
	// Orderly: the neighbour takes the session down on purpose (AdminDown),
	// which says nothing about the path: who tracks the session is not to act
	// on it (RFC 5882 §3.2).
	Orderly bool
}

func (Send) action()   {}
func (Become) action() {}

// Session is one BFD session. Whoever made it owns it.
type Session struct {
	cfg    Config
	random uint64 // state of the generator of jitter

	state  wire.BFDState
	diag   wire.BFDDiag
	remote remote

	// minTx and minRx are the intervals in force: while the session is up, a
	// slower minTx and a faster minRx than before wait for the end of the Poll
	// Sequence that tells of them (RFC 5880 §6.8.3).
	minTx, minRx time.Duration
	polling      bool

	sendAt   clock.Instant // the next periodic packet
	lastSent clock.Instant
	expireAt clock.Instant // when too little was heard; 0 = not running

	extras      int           // packets sent besides the periodic ones
	extrasSince clock.Instant // since when they are counted

	actions []Action
}

// remote is what was last heard of the other side (bfd.Remote… in RFC 5880
// §6.8.1).
type remote struct {
	state         wire.BFDState
	diag          wire.BFDDiag
	discriminator uint32 // 0: nothing was heard lately
	minTx, minRx  time.Duration
	multiplier    uint8
	demand        bool
}

// New returns a session that is down. seed makes its jitter; two sessions of
// the same seed send in step.
func New(now clock.Instant, cfg Config, seed uint64) *Session {
	s := &Session{cfg: cfg, random: seed, state: wire.BFDDown, sendAt: now}
	s.remote = remote{state: wire.BFDDown, minRx: 1}
	s.minTx, s.minRx = s.wantTx(), cfg.MinRx
	return s
}

// Step takes an event. The slice is good until the next Step.
func (s *Session) Step(now clock.Instant, ev Event) []Action {
	s.actions = s.actions[:0]
	switch ev := ev.(type) {
	case Tick:
		s.tick(now)
	case Heard:
		s.heard(now, &ev.Packet)
	case Reconfigure:
		s.reconfigure(now, ev.Config)
	case Stop:
		s.become(now, wire.BFDAdminDown, Become{Diag: wire.BFDDiagAdminDown})
	}
	return s.actions
}

// Deadline says when the session wants a Tick.
func (s *Session) Deadline() (clock.Instant, bool) {
	at, ok := s.sendAt, s.sends()
	if s.expireAt != 0 && (!ok || s.expireAt.Before(at)) {
		return s.expireAt, true
	}
	return at, ok
}

// View is how a session stands.
type View struct {
	State, RemoteState wire.BFDState
	Diag, RemoteDiag   wire.BFDDiag
	// Local and Remote are the discriminators; Remote is 0 while nothing is
	// heard.
	Local, Remote uint32
	// Tx is the present interval between packets, Rx the one that the other
	// side is to keep, Detect the time of silence after which the session is
	// down (0 while nothing was heard).
	Tx, Rx, Detect time.Duration
	Multiplier     uint8
	RemoteMultiply uint8
	Polling        bool
}

// View tells how the session stands.
func (s *Session) View() View {
	return View{
		State: s.state, RemoteState: s.remote.state, Diag: s.diag, RemoteDiag: s.remote.diag,
		Local: s.cfg.Discriminator, Remote: s.remote.discriminator,
		Tx: s.interval(), Rx: max(s.minRx, s.remote.minTx), Detect: s.detect(),
		Multiplier: s.cfg.Multiplier, RemoteMultiply: s.remote.multiplier, Polling: s.polling,
	}
}

// State is the session's state.
func (s *Session) State() wire.BFDState { return s.state }

// detect is the Detection Time (RFC 5880 §6.8.4).
func (s *Session) detect() time.Duration {
	return time.Duration(s.remote.multiplier) * max(s.minRx, s.remote.minTx)
}

// wantTx is bfd.DesiredMinTxInterval: slow unless the session is up.
func (s *Session) wantTx() time.Duration {
	if s.state == wire.BFDUp {
		return s.cfg.MinTx
	}
	return max(s.cfg.IdleTx, s.cfg.MinTx, SlowTx)
}
