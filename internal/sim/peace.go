package sim

import (
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// peace holds a cluster to what its hosts promise together, at all times. A
// part of the network in which everybody hears everybody, and nobody else, has
//
//   - a master, once somebody could be for Master_Down_Interval,
//   - no two for longer than an advert takes to cross, or, when they have just
//     come together, until the next advert has,
//   - nobody worse than somebody who may preempt, and
//   - no change at all when nothing has happened for long.
//
// Everything that happens to a host, a packet of it that is lost included, is a
// disturbance, from which these times are counted anew. It belongs to worlds
// in which all hosts mean the same virtual routers.
type peace struct {
	w       *World
	parts   []uint64 // by host: the part that it is in, a bit for each; 0 = none
	routers []*virtualRouter
	slowest time.Duration // the longest that a packet may have travelled

	shortest time.Duration // interval of any router
}

// virtualRouter is one of all hosts, and since when it is badly off.
type virtualRouter struct {
	name  string
	none  []clock.Instant   // by host that could be master: nobody is
	worse []clock.Instant   // by host that may preempt: only worse ones are
	pairs [][]clock.Instant // by two hosts, the first below the second: both are
	part  []uint64          // by host: its part, when that was looked at
	longest
}

// longest are the longest times that any host has ever been configured with:
// others may have learned them.
type longest struct{ advert, down, wait time.Duration }

// keepPeace has a world held to what its hosts promise together. All virtual
// routers must be known.
func (w *World) keepPeace() {
	p, before := &peace{w: w, slowest: w.delay + w.jitter, shortest: time.Hour}, w.peace
	w.peace = p
	n := len(w.hosts)
	for i, r := range w.hosts[0].wanted.Routers {
		v := &virtualRouter{name: r.Name, part: make([]uint64, n)}
		if before != nil { // other hosts, the same routers
			v.longest, p.slowest = before.routers[i].longest, max(p.slowest, before.slowest)
		}
		v.none, v.worse = slices.Repeat([]clock.Instant{never}, n), slices.Repeat([]clock.Instant{never}, n)
		for range n {
			v.pairs = append(v.pairs, slices.Repeat([]clock.Instant{never}, n))
		}
		p.routers = append(p.routers, v)
	}
	for _, h := range w.hosts {
		for _, r := range h.wanted.Routers {
			p.shortest = min(p.shortest, r.Advert)
		}
	}
	p.look()
}

// disturb notes that something happens to hosts, to all if none is named.
func (w *World) disturb(hosts ...*host) {
	if w.peace == nil {
		return
	}
	if len(hosts) == 0 {
		hosts = w.hosts
	}
	for _, h := range hosts {
		h.disturbed = w.now
	}
}

// upset: packets are apart by more than adverts are, so that one that is late
// is as good as lost.
func (p *peace) upset() bool { return p != nil && p.w.jitter >= p.shortest }

// look checks how long things have been as they are, and notes how they are
// now.
func (p *peace) look() {
	if p == nil || p.w.err != nil {
		return
	}
	for _, v := range p.routers {
		p.judge(v)
	}
	p.parts = p.divide()
	p.slowest = max(p.slowest, p.w.delay+p.w.jitter)
	for _, v := range p.routers {
		p.note(v)
	}
}

// divide finds the parts of the network that keep promises: whose members all
// hear each other and nobody else.
func (p *peace) divide() []uint64 {
	hosts := p.w.hosts
	reach := make([]uint64, len(hosts))
	oneWay := make([]bool, len(hosts))
	for i, a := range hosts {
		for j, b := range hosts {
			to, fro := !p.w.cuts[[2]*host{a, b}], !p.w.cuts[[2]*host{b, a}]
			switch {
			case !a.awake() || !b.awake():
			case i == j, to && fro:
				reach[i] |= 1 << j
			case to != fro:
				oneWay[i] = true
			}
		}
	}
	parts := make([]uint64, len(hosts))
	for i := range hosts {
		same := reach[i] != 0
		for j := range hosts {
			if reach[i]>>j&1 == 1 {
				same = same && reach[j] == reach[i] && !oneWay[j]
			}
		}
		if same {
			parts[i] = reach[i]
		}
	}
	return parts
}

// awake: its process runs and its link is up.
func (h *host) awake() bool {
	f, told := h.facts[linkTrack]
	return h.node != nil && !h.asleep && (!told || f.up && !f.unknown)
}

// account finds the router of that name.
func (h *host) account(name string) *account {
	for _, a := range h.witness.routers {
		if a.cfg.Name == name {
			return a
		}
	}
	return nil
}

// note sets since when a virtual router is badly off.
func (p *peace) note(v *virtualRouter) {
	hosts := p.w.hosts
	copy(v.part, p.parts)
	accounts := make([]*account, len(hosts))
	var active uint64
	for i, h := range hosts {
		if h.node == nil {
			continue
		}
		accounts[i] = h.account(v.name)
		v.stretch(h, accounts[i])
		if accounts[i] != nil && accounts[i].state == vrrp.Active {
			active |= 1 << i
		}
	}
	for i, h := range hosts {
		part, a := v.part[i], accounts[i]
		able := part != 0 && a != nil && h.witness.able(a)
		since(&v.none[i], able && active&part == 0, p.w.now)
		since(&v.worse[i], able && a.preempts() && active&part != 0 && p.beats(i, active&part, accounts), p.w.now)
		for j := range i {
			since(&v.pairs[j][i], part&active>>j&1 == 1 && part&active>>i&1 == 1, p.w.now)
		}
	}
}

// since notes when something began, if it is so.
func since(at *clock.Instant, so bool, now clock.Instant) {
	switch {
	case !so:
		*at = never
	case *at == never:
		*at = now
	}
}

// stretch takes what a host is configured with.
func (v *virtualRouter) stretch(h *host, a *account) {
	if a == nil {
		return
	}
	for _, m := range a.mates {
		skew := m.cfg.Advert
		if m.cfg.Version == 2 {
			skew = time.Second
		}
		v.advert = max(v.advert, m.cfg.Advert)
		v.down = max(v.down, time.Duration(m.downAdverts())*m.cfg.Advert+skew)
		v.wait = max(v.wait, m.cfg.PreemptDelay+h.witness.cfg.StartupDelay)
	}
}

// able: it takes part, and may be master.
func (s *witness) able(a *account) bool {
	return s.running && a.blocked == "" && !a.unknown
}

// preempts reports whether all members of the group may depose a master.
func (a *account) preempts() bool {
	return !slices.ContainsFunc(a.mates, func(m *account) bool { return !m.cfg.Preempt })
}

// beats reports whether a host, with all members of its group, is better than
// all that are active.
func (p *peace) beats(i int, active uint64, accounts []*account) bool {
	a := accounts[i]
	for ; active != 0; active &= active - 1 {
		j := bits.TrailingZeros64(active)
		for _, m := range a.mates {
			o := p.w.hosts[j].account(m.cfg.Name)
			if o == nil || m.effective <= o.effective {
				return false
			}
		}
	}
	return true
}

// judge holds a virtual router to the promises.
func (p *peace) judge(v *virtualRouter) {
	cross := time.Duration(len(p.w.hosts)) * p.slowest
	for i, h := range p.w.hosts {
		if d := p.lasted(v, v.none[i], i); d > generous(v.down+v.wait+cross) {
			p.w.fail("nobody is master of %s for %s, though %s could be", v.name, d, h.name)
		}
		if d := p.lasted(v, v.worse[i], i); d > generous(2*v.down+v.wait+cross) {
			p.w.fail("%s is not master of %s after %s, though it is better and may preempt", h.name, v.name, d)
		}
		for j := range i {
			limit := 2 * p.slowest
			if v.pairs[j][i] <= p.calm(v.part[i])+clock.Instant(p.slowest) || p.silent(v.name, j, i) {
				limit += v.advert
			}
			if d := p.lasted(v, v.pairs[j][i], i); d > generous(limit) {
				p.w.fail("%s and %s are both master of %s for %s", p.w.hosts[j].name, h.name, v.name, d)
			}
		}
	}
}

// silent reports whether one of two, or another member of its group, does not
// answer adverts of lower priority: the other hears of it with its next one.
func (p *peace) silent(name string, i, j int) bool {
	for _, h := range []*host{p.w.hosts[i], p.w.hosts[j]} {
		if h.node == nil || h.account(name) == nil {
			return true
		}
		for _, m := range h.account(name).mates {
			if m.cfg.LowerPrioNoAdvert {
				return true
			}
		}
	}
	return false
}

// generous: clocks drift by a percent.
func generous(d time.Duration) time.Duration { return d + d/50 + 10*slack }

// lasted is for how long something is so, undisturbed.
func (p *peace) lasted(v *virtualRouter, at clock.Instant, i int) time.Duration {
	if at == never || v.part[i] == 0 {
		return 0
	}
	return p.w.now.Sub(max(at, p.calm(v.part[i])))
}

// calm is since when nothing has happened to a part.
func (p *peace) calm(part uint64) (at clock.Instant) {
	for ; part != 0; part &= part - 1 {
		at = max(at, p.w.hosts[bits.TrailingZeros64(part)].disturbed)
	}
	return at
}

// rests: in a part where nothing has happened for long, nobody changes.
func (p *peace) rests(h *host, router, what string) {
	if p == nil || p.parts == nil {
		return
	}
	i := slices.Index(p.w.hosts, h)
	if i < 0 || p.parts[i] == 0 {
		return
	}
	for _, v := range p.routers {
		if v.name != router {
			continue
		}
		limit := generous(5*v.down + 2*v.wait + 10*p.slowest)
		if calm := p.w.now.Sub(p.calm(p.parts[i])); calm > limit {
			p.w.fail("%s", fmt.Sprintf("%s becomes %s, though nothing has happened for %s", h.title(router), what, calm))
		}
	}
}
