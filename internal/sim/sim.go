// Package sim runs many vrrp.Nodes on virtual time and a simulated link: the
// machines that the daemon runs, with adverts that are encoded and decoded as
// on a wire, and faults at will.
//
// A World is told what to do by a script in a small language (script.go) and
// prints what the routers did; the same script and seed give the same
// transcript, anywhere. Scenarios are such scripts with the transcript they
// must print, and a random history that failed is one too.
package sim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/bfd"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// Bounds of a world.
const (
	MaxHosts = 64
	// maxBacklog is how many adverts wait for a process that is paused, as a
	// socket buffer's would.
	maxBacklog = 256
	// maxStall is how many events may happen at one instant before the world
	// says that time stands still.
	maxStall = 100_000
)

// World is hosts on one link. Whoever made it owns it.
type World struct {
	now   clock.Instant // the true time, from 0
	rng   *rand.Rand
	hosts []*host
	queue queue
	seq   int
	stall int

	// The link between any two hosts.
	delay, jitter   time.Duration
	loss, duplicate int               // percent
	cuts            map[[2]*host]bool // from, to: nothing arrives

	discriminator uint32 // of the session that was made last

	peace *peace // nil: hosts are only held to their own promises

	show map[string]bool // "adverts", "announcements", "says"
	out  strings.Builder
	err  error // the first promise that was broken

	moved bool // a router has changed its state

	// Of worlds that were made of configurations (conf.go, watch.go).
	cluster  bool
	width    int // of a title in the transcript
	names    map[netip.Addr]string
	said     map[remark]bool
	services []*service
	killed   *host
	broken   int // expectations that did not hold
}

// New makes an empty world; chance follows from seed.
func New(seed uint64) *World {
	return &World{
		rng: rand.New(rand.NewPCG(seed, 0)), delay: 100 * time.Microsecond,
		cuts: map[[2]*host]bool{}, show: map[string]bool{"says": true}, width: 4,
	}
}

// Now is the time since the world began.
func (w *World) Now() time.Duration { return time.Duration(w.now) }

// Err returns the first promise that a node broke, if any.
func (w *World) Err() error { return w.err }

// Run lets time pass, beginning with the start of hosts that are new.
func (w *World) Run(d time.Duration) {
	for _, h := range w.hosts {
		if h.node == nil && !h.off {
			w.start(h)
		}
	}
	end := w.now.Add(d)
	for w.err == nil {
		at, h, s := w.next()
		if at > end {
			break
		}
		if w.stall++; at > w.now {
			w.stall, w.now = 0, at
		}
		switch {
		case w.stall > maxStall:
			w.fail("time stands still at %v", w.Now())
		case s != nil:
			w.stepSession(s, bfd.Tick{})
		case h == nil:
			w.queue.pop().do()
		default:
			w.step(h, vrrp.Tick{})
		}
		w.observe()
	}
	w.now = end
	w.peace.look()
}

// next is when something happens: what is queued first, then the host whose
// deadline it is; loops read their sockets before they look at the clock.
func (w *World) next() (at clock.Instant, who *host, session *session) {
	at = never
	if len(w.queue) > 0 {
		at = w.queue[0].at
	}
	for _, h := range w.hosts {
		if h.node == nil || h.asleep {
			continue
		}
		for _, s := range h.sessions {
			if d, ok := s.deadline(); ok {
				if t := max(h.true(d), w.now); t < at {
					at, who, session = t, nil, s
				}
			}
		}
		if d, ok := h.node.Deadline(); ok {
			if t := max(h.true(d), w.now); t < at {
				at, who, session = t, h, nil
			}
		}
	}
	return at, who, session
}

// step tells a host's node something and carries out what it asks for.
func (w *World) step(h *host, ev vrrp.Event) {
	actions := h.node.Step(h.local(w.now), ev)
	for _, a := range actions {
		w.perform(h, a)
	}
	if err := h.witness.saw(h.local(w.now), ev, actions); err != nil {
		w.fail("%s: %w", h.name, err)
	}
	if len(actions) > 0 {
		w.check(h)
	}
	if w.moved {
		w.moved = false
		w.peace.look()
	}
}

func (w *World) perform(h *host, a vrrp.Action) {
	switch a := a.(type) {
	case vrrp.Send:
		r := &h.current.Routers[a.Router]
		if w.show["adverts"] {
			w.print(h, r.Name, "sends", fmt.Sprintf("priority %d", a.Priority))
		}
		w.send(h, r, a.Priority)
	case vrrp.Become:
		w.become(h, a)
	case vrrp.BecomeGroup:
		w.print(h, h.current.Groups[a.Group].Name, word(a.To), "group: "+a.Cause.String())
	case vrrp.Announce:
		if w.show["announcements"] {
			w.print(h, h.current.Routers[a.Router].Name, "announces", fmt.Sprintf("%d times", a.Repeat))
		}
	case vrrp.Tell:
		if w.show["says"] && w.first(h, a) {
			w.print(h, h.current.Routers[a.Router].Name, "says", a.Text)
		}
	case vrrp.Renumbered:
		h.current = h.wanted.clone()
	default:
		w.fail("%s: an action of unknown kind %T", h.name, a)
	}
}

func (w *World) become(h *host, a vrrp.Become) {
	r := &h.current.Routers[a.Router]
	if a.Cause == nil || a.Cause.String() == "" {
		w.fail("%s became %s without a cause", h.title(r.Name), a.To)
		return
	}
	w.forget(h, r.Name)
	w.print(h, r.Name, word(a.To), a.Cause.String())
	w.peace.rests(h, r.Name, word(a.To))
	w.moved = true
}

// check holds a node to what must be true after every step.
func (w *World) check(h *host) {
	for i := range h.node.Routers() {
		if a := h.witness.routers[i]; h.node.StateOf(i) != a.state {
			w.fail("%s: %s is in %s, but has told that it is in %s", h.name, a.cfg.Name, word(h.node.StateOf(i)), word(a.state))
		}
	}
	for i := range h.node.Groups() {
		g := h.node.Group(i)
		for _, m := range g.Members {
			if r := h.node.Router(m); r.State != g.State {
				w.fail("%s: group %s is in %s, its member %s in %s", h.name, g.Name, g.State, r.Name, r.State)
			}
		}
	}
	if d, ok := h.node.Deadline(); ok && d < h.local(w.now)-clock.Instant(time.Minute) {
		w.fail("%s: a deadline of a minute ago", h.name)
	}
}

func (w *World) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("at %.3fs: %w", w.Now().Seconds(), fmt.Errorf(format, args...))
	}
}

// print adds a line to the transcript.
func (w *World) print(h *host, router, what, why string) {
	fmt.Fprintf(&w.out, "%8.3f %-*s %-7s %s\n", w.Now().Seconds(), w.width, h.title(router), what, w.named(why))
}

// word is a state as transcripts have it.
func word(s vrrp.State) string {
	switch s {
	case vrrp.Active:
		return "active"
	case vrrp.Backup:
		return "backup"
	case vrrp.Fault:
		return "fault"
	default:
		return "init"
	}
}
