package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// waits is what a backup waits for.
type waits struct {
	armed   clock.Instant // since when it has heard nobody who counts
	learned time.Duration // the interval of the master
	bye     clock.Instant // when the master resigned since
	bears   clock.Instant // the end of preempt_delay
	held    clock.Instant // not before: the better of two masters is waited for
	master  netip.Addr    // heard last

	best  netip.Addr // of the masters that are heard, its priority, and
	prio  vrrp.Priority
	until clock.Instant // how long it is waited for
}

// arm has a backup wait for a whole Master_Down_Interval, from the end of the
// startup delay at the earliest.
func (a *account) arm(s *witness) {
	a.armed, a.bye, a.held = max(s.now, s.begin), 0, 0
}

// listensAnew: after a sleep a backup waits as if it had just begun, or, where
// its master had resigned not long ago, as if that were now.
func (a *account) listensAnew(s *witness, slept time.Duration) {
	if a.bye != 0 && slept < time.Duration(a.downAdverts())*a.learned+s.skew(a) {
		a.bye = max(s.now, s.begin)
		return
	}
	a.arm(s)
}

// skew is Skew_Time, in RFC 3768 of a second, in RFC 9568 of the interval.
func (s *witness) skew(a *account) time.Duration {
	unit := a.learned
	if a.cfg.Version == 2 {
		unit = time.Second
	}
	return unit * time.Duration(256-int(a.effective)) / 256
}

// due is when a backup that hears nobody takes over.
func (s *witness) due(a *account) clock.Instant {
	due := max(a.held, a.armed.Add(time.Duration(a.downAdverts())*a.learned+s.skew(a)))
	if a.bye != 0 {
		due = min(due, a.bye.Add(s.skew(a)))
	}
	return due
}

func (a *account) downAdverts() int {
	if a.cfg.DownAdverts <= 0 {
		return 3
	}
	return a.cfg.DownAdverts
}

// later moves a time that is set.
func later(at clock.Instant, d time.Duration) clock.Instant {
	if at == 0 {
		return 0
	}
	return at.Add(d)
}

// changes notes that a reload gives the router another configuration.
func (a *account) changes(c *vrrp.RouterConfig) {
	a.reloaded = true
	a.demoted = a.demoted && c.Priority == 255
	before := time.Duration(a.downAdverts()) * a.learned
	if !a.master.IsValid() || c.Version == 2 {
		a.learned = c.Advert
	}
	a.cfg = c
	if by := time.Duration(a.downAdverts())*a.learned - before; a.bye == 0 {
		a.held, a.until = later(a.held, by), later(a.until, by)
	}
}

// owns: such a router is active from the start.
func (a *account) owns() bool { return a.cfg.StartActive && a.cfg.Priority == 255 }

// mayTakeOver: nobody does who has not listened for as long as the standards
// have it, but for the owner of the addresses at its start.
func (s *witness) mayTakeOver(a *account, ev vrrp.Event) error {
	owners := true
	for _, m := range a.mates {
		owners = owners && m.owns()
	}
	if start, ok := ev.(vrrp.Start); ok && a.state == vrrp.Init && s.goesOn(a, start.Held) {
		return nil
	}
	switch {
	case s.now < s.begin:
		return errors.New("takes over during the startup delay")
	case a.state == vrrp.Init && owners, owners && a.armed == s.begin && s.now == s.begin:
		return nil
	case a.state != vrrp.Backup:
		return fmt.Errorf("takes over from %s", word(a.state))
	}
	if _, ok := ev.(vrrp.Tick); !ok {
		return fmt.Errorf("takes over for %T", ev)
	}
	if a.reloaded && a.bye != 0 {
		return nil
	}
	if due := s.due(a); s.now < due-clock.Instant(time.Microsecond) {
		return fmt.Errorf("takes over %s too early (%+v)", due.Sub(s.now), a.waits)
	}
	return nil
}

// goesOn: a process that takes the place of one that died does, if nobody can
// have missed three adverts of any member.
func (s *witness) goesOn(a *account, held []vrrp.Held) bool {
	for _, m := range a.mates {
		ok := false
		for _, h := range held {
			ok = ok || s.routers[h.Router] == m && s.now.Sub(h.Sent) < time.Duration(m.downAdverts())*m.cfg.Advert
		}
		if !ok {
			return false
		}
	}
	return true
}

// impatient: a backup does take over in time, a group when all members may.
func (s *witness) impatient(a *account) error {
	var last clock.Instant
	for _, m := range a.mates {
		if m.reloaded {
			return nil
		}
		last = max(last, s.due(m))
	}
	// A higher priority has a shorter skew, which may be over: then it is the
	// next step that takes over.
	if s.now > last.Add(slack) && !s.woken && !s.weighed {
		return fmt.Errorf("should have taken over %s ago", s.now.Sub(last))
	}
	return nil
}

// listens takes an advert that a backup hears.
func (s *witness) listens(a *account, ev *vrrp.Heard) {
	if ev.Priority == 0 {
		if a.bye == 0 || a.bye > s.now {
			a.bye = max(s.now, s.begin)
		}
		return
	}
	a.master = ev.Source
	if ev.Priority >= a.effective || !a.cfg.Preempt {
		a.bears = 0
	} else {
		if a.cfg.PreemptDelay > 0 && a.bears == 0 {
			a.bears = s.now.Add(a.cfg.PreemptDelay)
		}
		if a.cfg.PreemptDelay == 0 || s.now >= a.bears {
			return // it will be deposed
		}
	}
	if a.cfg.Version == 3 && ev.Advert > 0 {
		a.learned = ev.Advert
	}
	a.arm(s)
	worse := ev.Source != a.best && (ev.Priority < a.prio || ev.Priority == a.prio && ev.Source.Less(a.best))
	if worse && s.now < a.until {
		a.held = a.until
		return
	}
	a.best, a.prio, a.until, a.reloaded = ev.Source, ev.Priority, s.due(a), false
}
