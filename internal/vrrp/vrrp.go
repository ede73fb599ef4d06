// Package vrrp decides: who is master of each virtual router, and why.
//
// It is pure. Node.Step takes one event and returns actions; Node.Deadline
// says when the node wants to be woken. No clock, socket, goroutine, lock,
// log or random number lives here, so the daemon and the simulator run the
// very same code. Wire formats are in package wire, effects in vrrpd.
package vrrp

import (
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// VRID identifies a virtual router on its link, 1–255 (RFC 9568 §5.2.3).
type VRID uint8

// Priority is 0 (stop) to 255 (address owner); RFC 9568 §5.2.4.
type Priority uint8

// State is the state of one virtual router (RFC 9568 §6.3). Active is
// keepalived's MASTER; Fault is keepalived's state for "may not take part".
type State uint8

// The states. A router starts in Init.
const (
	Init State = iota
	Backup
	Active
	Fault
)

// String gives keepalived's word, as its users read it.
func (s State) String() string {
	switch s {
	case Backup:
		return "BACKUP"
	case Active:
		return "MASTER"
	case Fault:
		return "FAULT"
	default:
		return "INIT"
	}
}

// RouterConfig is what one virtual router needs to decide.
type RouterConfig struct {
	Name      string // unique; keepalived's vrrp_instance name
	Interface string
	Version   int // 2 or 3
	VRID      VRID
	Priority  Priority      // base priority, 1–255
	Advert    time.Duration // advertisement interval, 10 ms–255 s
	// DownAdverts is how many adverts may be missed, 3 by default (RFC 9568 §6.1).
	DownAdverts  int
	Preempt      bool
	PreemptDelay time.Duration
	// StartActive: state MASTER in the file. With priority 255 the router
	// takes over at start without waiting for Master_Down_Interval; otherwise
	// it waits as any other, as keepalived does (keepalived.conf(5), state).
	StartActive bool
	// Addresses are in the router's adverts. With CheckAddresses those of others
	// are compared; what differs is told, and heard all the same. With CheckOnce
	// only if the one before was of another sender [skip_check_adv_addr].
	Addresses                 []netip.Addr
	CheckAddresses, CheckOnce bool
	// OwnerIgnores: with priority 255 nobody else is heard, instead of yielding
	// to another one of 255 with a higher address.
	OwnerIgnores bool
	// YieldLate: an active router whose advert is so much late goes back and
	// listens, for others have taken over meanwhile; 0 = never.
	YieldLate time.Duration
	// LowerPrioNoAdvert: do not answer a lower priority advert with ours.
	LowerPrioNoAdvert bool
	// HigherPrioSendAdvert: send one last advert when yielding, which tells the
	// other that there were two.
	HigherPrioSendAdvert bool
	GARP                 GARP
	// Tracks names what the router watches; the interface itself is among
	// them (weight 0) unless dont_track_primary was given.
	Tracks []TrackRef
}

// GARP is when to announce; how often and how paced is the announcer's.
type GARP struct {
	Delay           time.Duration // the second burst, after becoming master; 0 = none
	Refresh         time.Duration // 0 = never
	LowerPrioDelay  time.Duration // 0 = none
	Repeat          int
	RefreshRepeat   int
	LowerPrioRepeat int
}

// TrackRef ties a router or a group to a tracked object.
type TrackRef struct {
	Name    string // "interface eth0", "script chk_haproxy": kind and name, as Track says it
	Weight  int    // 0: down means FAULT
	Reverse bool
	// Scaled: the object carries a number, and Weight is a factor of it; see
	// track.Scale.
	Scaled bool
}

// GroupConfig is a sync group: its members are in the same state.
type GroupConfig struct {
	Name           string
	Members        []string
	Tracks         []TrackRef
	TrackingWeight bool // members may have weights of their own
}

// Config is what a Node decides about. All names must resolve; build sees to it.
type Config struct {
	Routers      []RouterConfig
	Groups       []GroupConfig
	StartupDelay time.Duration
}

// Event is something that happened. The set is closed.
type Event interface{ event() }

// Start begins operation. Before it a Node only takes Track: a router does not
// leave Init while something it tracks without a weight is unknown.
type Start struct {
	// Held are routers that a predecessor was active for until a moment ago.
	// Where that is so short that no other router can have noticed, they go on.
	Held []Held
}

// Held is a router that was active, and when its last advert was sent.
type Held struct {
	Router int
	Sent   clock.Instant
}

// Heard is a valid, authenticated advert for a configured virtual router.
type Heard struct {
	Router    int // index in Config.Routers
	Source    netip.Addr
	Local     netip.Addr // our own primary address on that link, for ties
	Priority  Priority
	Advert    time.Duration // the sender's interval, 0 if the version has none
	Addresses []netip.Addr  // in wire order
}

// Tick tells that the deadline has come. Late is how late it is served.
type Tick struct{ Late time.Duration }

// Track gives the present result of a tracked object.
type Track struct {
	Name string
	Up   bool // of an object that carries a number: it is 0
	// Number is what an object carries that has one (a file); what tracks it is
	// Scaled.
	Number int
	// Why is for people ("exit status 1", "no carrier").
	Why string
}

// Reconfigure replaces the configuration; routers are matched by name,
// interface, VRID and family and keep their state.
type Reconfigure struct {
	Config Config
	// Prepared is what Node.Prepare made of Config, so that adopting it takes
	// next to no time; without it, it is made now.
	Prepared *Prepared
	// Cause is why; nil: Reloaded.
	Cause Cause
}

// Woke tells that the process could not have served its timers for Slept. What
// came meanwhile is to be Heard next, and then, at the same instant, Drained.
type Woke struct {
	Slept time.Duration
	// Suspended is how much of that the instants do not show: the whole machine
	// was suspended, and its monotonic clock with it.
	Suspended time.Duration
}

// Drained tells, after Woke, that what the kernel kept meanwhile has been Heard.
type Drained struct {
	// Lost says for people why some of it may be lost; empty: all was heard.
	Lost string
}

// Stop ends operation: every active router resigns with priority 0, and all
// go to Init.
type Stop struct{}

func (Start) event()       {}
func (Heard) event()       {}
func (Tick) event()        {}
func (Track) event()       {}
func (Reconfigure) event() {}
func (Woke) event()        {}
func (Drained) event()     {}
func (Stop) event()        {}

// Action is something to do. The set is closed. The edge carries actions out
// in the order given.
type Action interface{ action() }

// Send sends one advert of the router with that priority (0 resigns).
type Send struct {
	Router   int
	Priority Priority
}

// Become tells a transition. The edge puts or removes addresses, notifies,
// and logs, all from this value.
type Become struct {
	Router   int
	From, To State
	Priority Priority // effective, after the transition
	Cause    Cause
}

// BecomeGroup tells that a whole sync group changed state.
type BecomeGroup struct {
	Group    int
	From, To State
	Priority Priority
	Cause    Cause
}

// Announce sends Repeat gratuitous ARPs / unsolicited NAs for every address.
type Announce struct {
	Router int
	Repeat int
}

// Tell is for the log, the statistics and notify_priority_changes: something
// other than a transition happened.
type Tell struct {
	Router   int
	Kind     TellKind
	Priority Priority
	Text     string // a whole sentence, for a person
}

// Renumbered comes once after Reconfigure: indexes of routers and groups in
// the actions before it are those of the old configuration (of routers that
// vanished), in the actions after it those of the new one. From gives, for each
// router of the new configuration, its index in the old one, -1 if it is new.
type Renumbered struct{ From []int }

// TellKind sorts what Tell says.
type TellKind uint8

// What can be told.
const (
	PriorityChanged TellKind = iota // effective priority is now Priority
	LowerHeard                      // active, and somebody of lower priority advertises
	HigherHeard
	AddressMismatch // the advert's addresses are not ours
	IntervalMismatch
	Slept         // timers could not be served, and it listens
	Awake         // and goes on
	MasterHeard   // a backup hears somebody for the first time
	MasterChanged // and now somebody else, or the same with another priority
	MasterLost    // the master resigns
	SplitBegan    // active, and somebody else is too
	SplitEnded    // no longer
	OtherTold
)

func (Send) action()        {}
func (Become) action()      {}
func (BecomeGroup) action() {}
func (Announce) action()    {}
func (Tell) action()        {}
func (Renumbered) action()  {}

// Cause is why a state changed. Its text is a clause that follows "because".
type Cause interface{ String() string }
