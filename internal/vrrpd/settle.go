package vrrpd

import (
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
)

// bouncing is a change of an interface that has not lasted long enough to be
// believed (interface_up_down_delays).
type bouncing struct {
	verdict
	at clock.Instant // when it will be
}

// interfaceIs tells the machine about an interface once it has been so for as
// long as the configuration wants.
func (d *daemon) interfaceIs(name string, up bool, why string) {
	track := build.InterfaceTrack(name)
	delay, delayed := d.delays[name]
	last, known := d.told[track]
	if !delayed || !known || last.up == up {
		delete(d.bouncing, name)
		d.track(track, up, why)
		return
	}
	wait := delay.Down
	if up {
		wait = delay.Up
	}
	if wait == 0 {
		delete(d.bouncing, name)
		d.track(track, up, why)
		return
	}
	if b, ok := d.bouncing[name]; ok && b.up == up {
		return
	}
	d.bouncing[name] = bouncing{verdict{up, why}, d.now().Add(wait)}
}

func (d *daemon) nextBelieved() (clock.Instant, bool) {
	next := never
	for _, b := range d.bouncing {
		next = min(next, b.at)
	}
	return next, next != never
}

func (d *daemon) tickBelieved(now clock.Instant, _ time.Duration) {
	for name, b := range d.bouncing {
		if b.at <= now {
			delete(d.bouncing, name)
			d.track(build.InterfaceTrack(name), b.up, b.why)
		}
	}
}

// pacing is on which lane an address is announced, and how far apart two
// announcements are there: interfaces of a garp_group share one.
func (d *daemon) pacing(e *edge, h *holding) (lane int, pause time.Duration) {
	base, virtual := d.bases[h.dev]
	if !virtual {
		base = h.dev
	}
	lane, arp, na := h.key.Link, e.ARPInterval, e.NAInterval
	if i, ok := d.paces[base]; ok {
		g := &d.cfg.Paces[i]
		lane = -1 - i
		if g.ARP > 0 {
			arp = g.ARP
		}
		if g.NA > 0 {
			na = g.NA
		}
	}
	if h.key.Addr.Is6() {
		return lane, na
	}
	return lane, arp
}

// beyond reports whether an address is on another interface than its router
// speaks on, so that no advert teaches switches where it is (garp_extra_if).
func (d *daemon) beyond(e *edge, h *holding) bool {
	_, virtual := d.bases[h.dev]
	return h.dev != e.Interface && (virtual || e.ExtraAll)
}

func (d *daemon) nextExtra() (clock.Instant, bool) { return d.extraAt, d.extraAt != 0 }

// tickExtra announces addresses that switches might forget.
func (d *daemon) tickExtra(now clock.Instant, _ time.Duration) {
	d.extraAt = 0
	for _, e := range d.edges {
		if !e.active || e.Extra <= 0 {
			continue
		}
		if e.extraAt == 0 || e.extraAt > now.Add(e.Extra) {
			e.extraAt = now.Add(e.Extra)
		}
		if e.extraAt <= now {
			e.extraAt = clock.Following(e.extraAt, now, e.Extra)
			d.pace.extra(now, e)
		}
		if d.extraAt == 0 || e.extraAt < d.extraAt {
			d.extraAt = e.extraAt
		}
	}
	d.pace.burst(now)
}

// beginExtra has a router that has become active announce from time to time
// what it holds elsewhere.
func (d *daemon) beginExtra(e *edge) {
	if e.Extra <= 0 {
		return
	}
	e.extraAt = d.now().Add(e.Extra)
	if d.extraAt == 0 || e.extraAt < d.extraAt {
		d.extraAt = e.extraAt
	}
}
