package sim

import (
	"net/netip"
	"slices"
	"sort"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// linkTrack is the interface that all routers are on: a host on which it is
// down sends and hears nothing.
const linkTrack = "interface eth0"

// host is a machine with one process and its node.
type host struct {
	name        string
	addr, addr6 netip.Addr
	wanted      config // as the script has it; read at start and reload
	current     config // as the node has it
	node        *vrrp.Node
	witness     *witness
	held        []vrrp.Held // for the process that takes the place of one that died
	off         bool        // killed or stopped: not to be started by Run
	facts       map[string]fact
	aliases     []string // what it may be called besides
	sessions    []*session
	ports       map[string]port // of its routers, where a configuration says more than a script

	asleep    bool // the process does not run
	suspended bool // nor does the machine: packets are lost, its clock stands
	since     clock.Instant
	disturbed clock.Instant // when something happened to it last
	backlog   []arrival
	reload    bool // asked for while asleep

	// The clock of the host: it showed base at from and is ppm too fast.
	base, from clock.Instant
	ppm        int64
}

// fact is the state of something tracked.
type fact struct {
	unknown bool
	up      bool
	why     string
}

// config is a vrrp.Config in the making.
type config struct{ vrrp.Config }

func (c config) clone() config {
	c.Routers, c.Groups = slices.Clone(c.Routers), slices.Clone(c.Groups)
	for i := range c.Routers {
		c.Routers[i].Tracks = slices.Clone(c.Routers[i].Tracks)
	}
	return c
}

// title is how transcripts call a router: a host's only router, named like the
// host, by that name; others by both.
func (h *host) title(router string) string {
	if router == h.name {
		return h.name
	}
	return h.name + "." + router
}

// local is what the host's clock shows at a true time.
func (h *host) local(t clock.Instant) clock.Instant {
	passed := int64(t - h.from)
	return h.base + clock.Instant(passed+passed/1e6*h.ppm)
}

// true is when the host's clock will have come to show that.
func (h *host) true(local clock.Instant) clock.Instant {
	passed := int64(local - h.base)
	t := h.from + clock.Instant(passed-passed/1e6*h.ppm)
	for h.local(t) < local {
		t += clock.Instant(max(int64(local-h.local(t))/2, 1))
	}
	return t
}

// drift changes how fast the clock of a host goes.
func (w *World) drift(h *host, ppm int64) {
	w.disturb()
	h.base, h.from, h.ppm = h.local(w.now), w.now, ppm
}

// linkDown reports whether nothing goes through the interface of a router.
func (h *host) linkDown(r *vrrp.RouterConfig) bool {
	f, ok := h.facts["interface "+r.Interface]
	return ok && !f.unknown && !f.up
}

// start runs a host's process for the first time, or again.
func (w *World) start(h *host) {
	if h.node != nil {
		return
	}
	w.disturb()
	h.off, h.asleep, h.suspended, h.backlog, h.reload = false, false, false, nil, false
	h.current = h.wanted.clone()
	h.node = vrrp.NewNode(h.current.clone().Config)
	h.witness = newWitness(h.current.Config)
	h.begin(w)
	for _, name := range h.tracks() {
		w.report(h, name)
	}
	w.step(h, vrrp.Start{Held: h.held})
}

// tracks are the names of what the host's routers and groups watch.
func (h *host) tracks() []string { return h.current.tracks() }

// watched are they too, as configured, and the interfaces that routers are on.
func (h *host) watched() []string {
	names := h.wanted.tracks()
	for _, r := range h.wanted.Routers {
		names = append(names, "interface "+r.Interface)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		return slices.ContainsFunc(h.wanted.Routers, func(r vrrp.RouterConfig) bool { return name == build.SourceTrack(r.Name, r.Interface) })
	})
}

func (c config) tracks() []string {
	seen := map[string]bool{}
	for _, r := range c.Routers {
		for _, t := range r.Tracks {
			seen[t.Name] = true
		}
	}
	for _, g := range c.Groups {
		for _, t := range g.Tracks {
			seen[t.Name] = true
		}
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// report tells a node of something tracked; what no command has spoken of is up.
func (w *World) report(h *host, name string) {
	f, ok := h.facts[name]
	if !ok {
		f.up = true
	}
	if !f.unknown {
		w.step(h, vrrp.Track{Name: name, Up: f.up, Why: f.why})
	}
}

// set changes a fact, and tells the node if its process can be told.
func (w *World) set(h *host, name string, f fact) {
	h.facts[name] = f
	w.disturb()
	if h.node != nil && !h.asleep {
		w.report(h, name)
	}
	w.peace.look()
}

// end stops a process, with its last words or without.
func (w *World) end(h *host, orderly bool) {
	w.disturb()
	if h.node != nil && orderly && !h.asleep {
		w.step(h, vrrp.Stop{})
	}
	h.cease(w, orderly)
	h.resume(w.now)
	h.node, h.off = nil, true
	w.killed = h
}

// replace has the process die, and another one be there at once, which finds
// the addresses as they are and is told when the last adverts were sent.
func (w *World) replace(h *host) {
	if h.node == nil || h.asleep {
		return
	}
	w.disturb()
	for i, a := range h.witness.routers {
		if a.state == vrrp.Active {
			h.held = append(h.held, vrrp.Held{Router: i, Sent: a.last})
		}
	}
	h.node = nil
	w.start(h)
	h.held = nil
}

// sleep stops a host's process for a time, or the whole machine with its clock.
func (w *World) sleep(h *host, d time.Duration, machine bool) {
	if h.node == nil || h.asleep {
		return
	}
	node := h.node
	h.asleep, h.suspended, h.since = true, machine, w.now
	h.base, h.from = h.local(w.now), w.now
	w.disturb()
	w.after(d, func() {
		w.disturb()
		if h.node == node {
			h.resume(w.now)
			w.wake(h, machine)
		}
		w.peace.look()
	})
}

// resume lets a clock go on that stood still.
func (h *host) resume(now clock.Instant) {
	if h.suspended {
		h.from = now
	}
	h.asleep, h.suspended = false, false
}

// wake lets a process go on as the daemon does: it notices that it slept, then
// reads what waits in its sockets, then looks at the clock.
func (w *World) wake(h *host, suspended bool) {
	woke := vrrp.Woke{Slept: w.now.Sub(h.since)}
	if suspended {
		woke.Suspended = woke.Slept
	}
	w.step(h, woke)
	backlog := h.backlog
	h.backlog = nil
	for _, p := range backlog {
		w.receive(h, p)
	}
	var drained vrrp.Drained
	switch {
	case suspended:
		drained.Lost = "the machine was suspended"
	case len(backlog) == maxBacklog:
		drained.Lost = "the receive buffer overflowed"
	}
	w.step(h, drained)
	w.wakeSessions(h)
	for _, name := range h.tracks() {
		w.report(h, name)
	}
	if h.reload {
		w.reconfigure(h)
	}
}

// reconfigure is a reload: the node gets what the script has by now.
func (w *World) reconfigure(h *host) {
	switch {
	case h.node == nil:
	case h.asleep:
		h.reload = true
	default:
		h.reload = false
		w.disturb()
		w.step(h, vrrp.Reconfigure{Config: h.wanted.clone().Config})
		for _, name := range h.tracks() {
			w.report(h, name)
		}
	}
	w.peace.look()
}
