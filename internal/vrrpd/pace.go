package vrrpd

import (
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

const (
	// maxBurst is how many announcements leave between two looks at the clock
	// where the configuration asks for no pause between them; adverts go first.
	maxBurst = 128
	// breath is the pause after a full burst.
	breath = time.Millisecond

	never = clock.Instant(1<<63 - 1)
)

// pacer sends gratuitous ARPs and unsolicited neighbour advertisements: every
// address of a router once, and again later as often as asked. First rounds go
// before further ones. On an interface with vrrp_garp_interval or
// vrrp_gna_interval, or on those of a garp_group, there is that much time between
// two packets.
type pacer struct {
	send  func(e *edge, h *holding) // one announcement
	flush func()                    // out with what was sent
	fresh []*edge                   // routers whose first round is to go
	rest  []*edge                   // those with further rounds
	next  clock.Instant             // nothing leaves before
	quiet map[int]clock.Instant     // by lane: nobody speaks there until then
}

func newPacer(send func(*edge, *holding), flush func()) *pacer {
	return &pacer{send: send, flush: flush, quiet: map[int]clock.Instant{}}
}

// announcement is what is left of one router's.
type announcement struct {
	rounds int // still to go, the present one included; 0 = none
	at     int // the next address of the present round
	fresh  bool
	extra  bool // only addresses beyond
}

// announce wants every address of a router announced so many times.
func (p *pacer) announce(now clock.Instant, e *edge, rounds int) {
	if rounds <= 0 || len(e.holds) == 0 {
		return
	}
	a := &e.announcement
	if a.rounds > 0 && !a.fresh {
		p.rest = slices.DeleteFunc(p.rest, func(o *edge) bool { return o == e })
	}
	if !a.fresh {
		p.fresh = append(p.fresh, e)
	}
	*a = announcement{rounds: max(a.rounds, rounds), fresh: true}
	p.next = now
}

// extra announces once what a router holds beyond where it speaks, unless
// everything is to be announced anyway.
func (p *pacer) extra(now clock.Instant, e *edge) {
	if e.announcement.rounds > 0 || !slices.ContainsFunc(e.holds, func(h holding) bool { return h.beyond }) {
		return
	}
	p.fresh = append(p.fresh, e)
	e.announcement = announcement{rounds: 1, fresh: true, extra: true}
	p.next = now
}

// forget drops what is left of a router's announcements.
func (p *pacer) forget(e *edge) {
	if e.announcement.rounds == 0 {
		return
	}
	is := func(o *edge) bool { return o == e }
	p.fresh, p.rest = slices.DeleteFunc(p.fresh, is), slices.DeleteFunc(p.rest, is)
	e.announcement = announcement{}
}

// deadline is when the next packet may leave.
func (p *pacer) deadline() (clock.Instant, bool) {
	return p.next, len(p.fresh)+len(p.rest) > 0
}

func (p *pacer) tick(now clock.Instant, _ time.Duration) { p.burst(now) }

// burst sends what may leave now.
func (p *pacer) burst(now clock.Instant) {
	if now < p.next || len(p.fresh)+len(p.rest) == 0 {
		return
	}
	defer p.flush()
	budget := maxBurst
	soonest := never
	for _, queue := range []*[]*edge{&p.fresh, &p.rest} {
		for range len(*queue) {
			if budget <= 0 {
				p.next = now.Add(breath)
				return
			}
			e := (*queue)[0]
			*queue = slices.Delete(*queue, 0, 1)
			sent, until := p.round(e, budget, now)
			budget -= sent
			until = max(until, now)
			switch a := &e.announcement; {
			case a.rounds == 0:
				continue
			case a.fresh: // not through yet
				p.fresh = append(p.fresh, e)
			default:
				p.rest = append(p.rest, e)
			}
			soonest = min(soonest, until)
		}
	}
	p.next = soonest
}

// round sends from one router's round; until is when its interface may be used
// again, if that is not now.
func (p *pacer) round(e *edge, budget int, now clock.Instant) (sent int, until clock.Instant) {
	a := &e.announcement
	for ; sent < budget && a.at < len(e.holds); a.at++ {
		h := &e.holds[a.at]
		if a.extra && !h.beyond {
			continue
		}
		if until = p.quiet[h.lane]; until > now {
			return sent, until
		}
		p.send(e, h)
		sent++
		if h.pause > 0 {
			p.quiet[h.lane] = now.Add(h.pause)
		}
	}
	if a.at >= len(e.holds) {
		*a = announcement{rounds: a.rounds - 1}
	}
	return max(sent, 1), 0
}
