package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// duties are what a master has to do, and when next.
type duties struct {
	advert, burst, again clock.Instant // 0: not to be done
	split                bool          // it has told that there are two
	matched              bool          // it owns the addresses, and so does a better one
}

// takesOver begins a master's duties.
func (a *account) takesOver(now clock.Instant) {
	a.advert = now.Add(a.cfg.Advert)
	if g := &a.cfg.GARP; g.Delay > 0 && g.Repeat > 0 {
		a.burst = now.Add(g.Delay)
	}
}

// excuse: who slept does what was due meanwhile as soon as it is awake.
func (a *account) excuse(now clock.Instant) {
	for _, due := range []*clock.Instant{&a.advert, &a.burst, &a.again} {
		if *due != 0 {
			*due = max(*due, now)
		}
	}
}

// dutiful holds a master to what it has to do by now, and to nothing else.
func (a *account) dutiful(now clock.Instant) error {
	g := &a.cfg.GARP
	if a.fresh && g.Repeat > 0 && !a.announced {
		return errors.New("has taken over and not announced its addresses")
	}
	if a.sent > 0 {
		a.advert = now.Add(a.cfg.Advert)
	}
	if a.reloaded {
		a.advert = min(a.advert, now.Add(a.cfg.Advert))
	}
	if a.timely {
		for _, due := range []*clock.Instant{&a.burst, &a.again} {
			if *due <= now {
				*due = 0
			}
		}
	}
	switch {
	case a.draining:
	case now > a.advert.Add(slack) && !a.reloaded:
		return fmt.Errorf("should have advertised %s ago", now.Sub(a.advert))
	case a.burst != 0 && now > a.burst.Add(slack):
		return fmt.Errorf("should have announced its addresses once more %s ago", now.Sub(a.burst))
	case a.again != 0 && now > a.again.Add(slack):
		return fmt.Errorf("should have announced its addresses again %s ago", now.Sub(a.again))
	}
	return nil
}

// hears takes an advert, and returns what must hold after the step.
func (s *witness) hears(a *account, ev *vrrp.Heard) func() error {
	wrap := func(err error) error { return fmt.Errorf("%s %w", a.cfg.Name, err) }
	ours, was := a.effective, a.state
	better := ev.Priority > ours || ev.Priority == ours && ev.Local.Less(ev.Source)
	if !a.believes(ev) || was == vrrp.Active && a.cfg.OwnerIgnores && a.cfg.Priority == 255 {
		return func() error { return nil }
	}
	if was == vrrp.Active && a.speaks != 0 {
		return func() error {
			if err := s.displaces(a, ev, better); err != nil {
				return wrap(err)
			}
			return nil
		}
	}
	a.matched = better && was == vrrp.Active && ours == 255
	if was == vrrp.Backup {
		s.listens(a, ev)
	}
	return func() error {
		switch {
		case was != vrrp.Active:
		case ev.Priority == 0 && a.sent == 0:
			return wrap(errors.New("is master and did not say so when another resigned"))
		case ev.Priority == 0:
		case better && a.state == vrrp.Active && a.decides():
			return wrap(fmt.Errorf("stays, though %s has priority %d and ours is %d", ev.Source, ev.Priority, ours))
		case better && a.state == vrrp.Backup:
			s.listens(a, ev)
			if a.cfg.HigherPrioSendAdvert && a.sent == 0 {
				return wrap(errors.New("yields without a last word"))
			}
		case better || ev.Source == ev.Local:
		case a.state != vrrp.Active:
			return wrap(fmt.Errorf("yields to %s of priority %d, ours is %d", ev.Source, ev.Priority, ours))
		default:
			if err := s.asserts(a); err != nil {
				return wrap(err)
			}
		}
		return nil
	}
}

// asserts: a master that hears a worse one answers, tells and announces.
func (s *witness) asserts(a *account) error {
	if a.sent == 0 && !a.cfg.LowerPrioNoAdvert {
		return errors.New("does not answer a worse master")
	}
	if a.deposed() && s.now.Sub(a.since) < a.cfg.Advert && !a.split {
		return nil // that one has not heard of us yet
	}
	g := &a.cfg.GARP
	switch {
	case !a.split:
		return errors.New("does not tell that there are two masters")
	case g.LowerPrioRepeat > 0 && !a.announced:
		return errors.New("does not announce its addresses again beside a worse master")
	}
	if g.LowerPrioRepeat > 0 && g.LowerPrioDelay > 0 && a.again == 0 {
		a.again = s.now.Add(g.LowerPrioDelay)
	}
	return nil
}

// deposed reports whether the router is master for having deposed another.
func (a *account) deposed() bool {
	c := a.cause
	if m, ok := c.(vrrp.Member); ok {
		c = m.Cause
	}
	_, ok := c.(vrrp.Lower)
	return ok
}

// decides reports whether it is this member of its group that decides: it has
// the lowest virtual_router_id.
func (a *account) decides() bool {
	for _, m := range a.mates {
		if m.cfg.VRID < a.cfg.VRID {
			return false
		}
	}
	return true
}

// believes reports whether an advert counts at all: RFC 3768 §7.1 has another
// interval discarded.
func (a *account) believes(ev *vrrp.Heard) bool {
	return a.cfg.Version != 2 || ev.Advert == 0 || ev.Advert == a.cfg.Advert.Truncate(time.Second)
}
