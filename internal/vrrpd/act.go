package vrrpd

import (
	"fmt"
	"os"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// step tells the machine what happened and carries out what it answers.
func (d *daemon) step(ev vrrp.Event) { d.stepAt(d.now(), ev) }

// stepAt is step for what happened a moment ago. The machine's time never goes
// back, so no earlier than the step before.
func (d *daemon) stepAt(at clock.Instant, ev vrrp.Event) {
	if t, ok := ev.(vrrp.Track); ok {
		d.noteTrack(t)
	}
	d.last = max(d.last, at)
	d.act(d.node.Step(d.last, ev))
}

// act carries out one Step's actions. What others wait for goes first: adverts,
// all in one batch; then addresses; then announcements of them; and words
// last, which may take turns (backlog.go).
func (d *daemon) act(actions []vrrp.Action) {
	words := false
	for _, action := range actions {
		switch a := action.(type) {
		case vrrp.Send:
			d.send(d.edges[a.Router], a.Priority)
		case vrrp.Become:
			d.become(d.edges[a.Router], &a)
			words = true
		case vrrp.Tell:
			if a.Kind == vrrp.Awake {
				d.goesOn(d.edges[a.Router])
			}
			words = true
		case vrrp.Announce, vrrp.BecomeGroup:
			words = true
		default:
			panic(fmt.Sprintf("vrrpd: action %T", action))
		}
	}
	d.speaker.Flush()
	if !words {
		return
	}
	d.write()
	d.synchronize()
	for _, action := range actions {
		if a, ok := action.(vrrp.Announce); ok {
			d.announce(d.edges[a.Router], a.Repeat)
		}
	}
	d.pace.burst(d.now())
	d.speaker.Flush()
	d.tellActions(actions)
}

// send queues one advert, or one for each peer.
func (d *daemon) send(e *edge, p vrrp.Priority) {
	e.out = outcome{}
	if !e.source.IsValid() || !e.onLink {
		return // the machine is told by the source's track
	}
	e.counters.sent++
	if p == 0 {
		e.counters.zeroSent++
	} else {
		d.noteAdvert(e, d.now())
	}
	if e.hmac != nil {
		e.sign(p, d.read().Wall)
	}
	if !e.Unicast {
		e.out.queued = 1
		d.speaker.Advert(e, e.Group, e.datagram(p, e.Group))
		return
	}
	e.out.queued = len(e.Peers)
	for i := range e.Peers {
		d.speaker.Advert(e, e.Peers[i].Addr, e.datagram(p, e.Peers[i].Addr))
	}
}

// outcome is what became of a router's last advert, once it is flushed.
type outcome struct {
	queued, refused int // datagrams: one, or one for each peer
	err             error
}

// unsent says why nobody heard a router's last advert; empty: it was sent.
func (d *daemon) unsent(e *edge) string {
	link, ok := d.mirror.LinkAt(e.link.Index)
	switch {
	case !e.onLink || !ok:
		return "interface " + e.Interface + " does not exist"
	case !link.Up():
		return link.Why()
	case !e.source.IsValid():
		return "it has no address to send from"
	case e.out.queued == 0:
		return "it has no peers"
	case e.out.refused == e.out.queued:
		return e.out.err.Error()
	}
	return ""
}

// become notes what a transition means for addresses and announcements.
func (d *daemon) become(e *edge, a *vrrp.Become) {
	active := a.To == vrrp.Active
	switch {
	case active && !e.active:
		e.counters.becameMaster++
		d.masters++
		d.beginExtra(e)
	case !active && e.active:
		e.counters.released++
		d.masters--
		d.pace.forget(e)
	}
	if e.active = active; !active {
		d.noteAdvert(e, 0)
	}
	for i := range e.holds {
		e.holds[i].away = false
	}
	for i := range e.routes {
		e.routes[i].away = false
	}
	for i := range e.rules {
		e.rules[i].away = false
	}
	d.lease(e)
	d.dirty = append(d.dirty, e)
}

// announce has the addresses of a router announced so many times.
func (d *daemon) announce(e *edge, rounds int) {
	if slices.ContainsFunc(e.holds, func(h holding) bool { return h.key.Addr.Is6() }) {
		// Hosts drop a default router that no longer says that it is one (RFC
		// 4861 §7.2.5), and nobody tells us when forwarding is switched.
		e.forwards = forwards(e.Interface)
	}
	d.pace.announce(d.now(), e, rounds)
}

// forwards reports whether the system routes IPv6 from an interface.
func forwards(dev string) bool {
	b, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + dev + "/forwarding")
	return err == nil && len(b) > 0 && b[0] != '0'
}
