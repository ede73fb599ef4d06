package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// hushed is a master that slept for so long that others may have taken over. It
// says nothing until it has heard what came meanwhile; then it may go on at once
// where it can still keep somebody from taking over, and nothing is lost. Else it
// listens for an interval. Whoever it hears until then is master in its place.
type hushed struct {
	speaks   clock.Instant // 0: it may say what it likes
	silent   time.Duration // for how long it had not advertised
	draining bool          // it has not heard everything yet, or
	lost     bool          // never will
}

// patience is after how much of a master's silence a router takes over.
func (a *account) patience(p vrrp.Priority) time.Duration {
	unit := a.cfg.Advert
	if a.cfg.Version == 2 {
		unit = time.Second
	}
	return time.Duration(a.downAdverts())*a.cfg.Advert + unit*time.Duration(256-int(p))/256
}

// hush notes who may not speak after a sleep: all of a group together.
func (s *witness) hush(ev *vrrp.Woke) {
	silent := func(a *account) time.Duration { return s.now.Sub(a.last) }
	for _, a := range s.routers {
		a.last = a.last.Add(-ev.Suspended)
	}
	for _, a := range s.routers {
		if a.state != vrrp.Active || !slices.ContainsFunc(a.mates, func(m *account) bool { return silent(m) > m.patience(m.effective) }) {
			continue
		}
		if a.speaks == 0 {
			a.speaks = s.now.Add(a.cfg.Advert)
		}
		a.silent, a.draining = silent(a), true
	}
}

// unhush notes who may speak again. Members of a group that may not listen for as
// long as the one with the longest interval.
func (s *witness) unhush(ev *vrrp.Drained) {
	for _, a := range s.routers {
		if a.speaks == 0 {
			continue
		}
		a.draining, a.lost = false, a.lost || ev.Lost != ""
		switch {
		case a.silent <= a.patience(a.effective), !a.lost && a.silent < a.patience(1):
			a.hushed = hushed{}
			a.excuse(s.now)
		case ev.Lost != "":
			a.speaks = s.now.Add(a.cfg.Advert)
		}
	}
	for _, a := range s.routers {
		if a.speaks != 0 {
			for _, m := range a.mates {
				a.speaks = max(a.speaks, m.speaks)
			}
			a.excuse(max(s.now, a.speaks))
		}
	}
}

// quiet holds a hushed master to its silence, and to announcing its addresses
// when that is over.
func (a *account) quiet(now clock.Instant) error {
	switch {
	case a.speaks == 0 || a.state != vrrp.Active || a.sent == 0 && !a.announced:
		return nil
	case a.draining:
		return errors.New("slept, and speaks before it has heard what came meanwhile")
	case now < a.speaks:
		return fmt.Errorf("slept, and should have listened for another %s", a.speaks.Sub(now))
	case a.cfg.GARP.Repeat > 0 && !a.announced:
		return errors.New("goes on after a sleep and does not announce its addresses again")
	}
	a.hushed = hushed{}
	a.takesOver(now)
	return nil
}

// displaces: whoever a hushed master hears, but for one who resigns, is master.
func (s *witness) displaces(a *account, ev *vrrp.Heard, better bool) error {
	switch {
	case ev.Priority == 0 || ev.Source == ev.Local:
		if a.state != vrrp.Active {
			return fmt.Errorf("slept, and yields to %s, which is no master", ev.Source)
		}
		return nil
	case a.state != vrrp.Backup:
		return fmt.Errorf("slept and stays, though %s has taken over", ev.Source)
	case better && a.cfg.HigherPrioSendAdvert && a.sent == 0:
		return errors.New("slept, and yields without a last word")
	case !better && a.sent > 0:
		return fmt.Errorf("slept, and deposes %s", ev.Source)
	}
	s.listens(a, ev)
	return nil
}
