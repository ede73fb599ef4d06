package sim

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/track"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// slack is how far a promise may be missed: clocks that drift are converted to
// true time and back.
const slack = time.Millisecond

// witness holds one process's machine to the standards, after every step. It
// knows only what went in and came out, and says in its own words what the
// RFCs have timers and priorities be, so that a fault of the machine is not
// repeated here. What several hosts promise together is in peace.go.
type witness struct {
	cfg     vrrp.Config
	told    map[string]vrrp.Track
	routers []*account
	running bool
	begin   clock.Instant // when the startup delay is over
	now     clock.Instant
	woken   bool // and not looked at deadlines yet
	weighed bool // the event is one of what is tracked
}

// account is what is known of one virtual router.
type account struct {
	cfg   *vrrp.RouterConfig
	mates []*account // its sync group, itself among them
	group *vrrp.GroupConfig

	demoted   bool // by another owner of its addresses
	effective vrrp.Priority
	blocked   string // what forbids it to take part, and
	unknown   bool   // whether something that could is not known yet

	state vrrp.State
	since clock.Instant
	cause vrrp.Cause
	last  clock.Instant // advert

	waits          // of a backup
	duties         // of a master
	hushed         // that slept
	reloaded  bool // with another configuration: timers are in between
	fresh     bool // changed in this step
	sent      int  // adverts in this step
	resigned0 bool
	announced bool // in this step, and
	timely    bool // when a deadline was served
}

func newWitness(cfg vrrp.Config) *witness {
	s := &witness{told: map[string]vrrp.Track{}}
	s.configure(cfg, slices.Repeat([]int{-1}, len(cfg.Routers)))
	return s
}

// configure goes on with the routers of another configuration; from says which.
func (s *witness) configure(cfg vrrp.Config, from []int) {
	old := s.routers
	s.cfg, s.routers = config{cfg}.clone().Config, nil
	for i := range s.cfg.Routers {
		a := &account{}
		if from[i] >= 0 {
			a = old[from[i]]
			if c := &s.cfg.Routers[i]; !reflect.DeepEqual(a.cfg, c) {
				a.changes(c)
			}
		}
		a.cfg, a.mates, a.group = &s.cfg.Routers[i], []*account{a}, nil
		s.routers = append(s.routers, a)
	}
	for g := range s.cfg.Groups {
		var mates []*account
		for _, a := range s.routers {
			if slices.Contains(s.cfg.Groups[g].Members, a.cfg.Name) {
				mates = append(mates, a)
			}
		}
		for _, a := range mates {
			a.mates, a.group = mates, &s.cfg.Groups[g]
		}
	}
	s.weigh()
}

// weigh reckons what tracked objects mean; it is done when one of them changes.
func (s *witness) weigh() {
	for _, a := range s.routers {
		before := s.skew(a)
		a.effective = s.priority(a)
		a.held, a.until = later(a.held, s.skew(a)-before), later(a.until, s.skew(a)-before)
		a.blocked, a.unknown = s.obstacles(a)
	}
}

// saw takes one step of the machine; it returns the promise that it broke.
func (s *witness) saw(now clock.Instant, ev vrrp.Event, actions []vrrp.Action) error {
	s.now = now
	for _, a := range s.routers {
		a.fresh, a.sent, a.resigned0, a.announced, a.timely = false, 0, false, false, false
	}
	_, s.weighed = ev.(vrrp.Track)
	expect := s.before(ev)
	for _, action := range actions {
		if err := s.does(ev, action); err != nil {
			return err
		}
	}
	s.after(ev)
	if err := expect(); err != nil {
		return err
	}
	for _, a := range s.routers {
		if err := a.quiet(now); err != nil {
			return fmt.Errorf("%s %w", a.cfg.Name, err)
		}
		if err := s.stands(a); err != nil {
			return fmt.Errorf("%s %w", a.cfg.Name, err)
		}
	}
	return nil
}

// before notes an event, and returns what must hold after the step.
func (s *witness) before(ev vrrp.Event) func() error {
	switch ev := ev.(type) {
	case vrrp.Tick:
		s.woken = false
	case vrrp.Woke:
		s.woken = true
		s.hush(&ev)
	case vrrp.Drained:
		s.unhush(&ev)
	case vrrp.Start:
		s.running, s.begin = true, s.now.Add(s.cfg.StartupDelay)
	case vrrp.Stop:
		s.running = false
	case vrrp.Track:
		s.told[ev.Name] = ev
		s.weigh()
	case vrrp.Reconfigure:
		s.cfg.StartupDelay = ev.Config.StartupDelay
	case vrrp.Heard:
		if ev.Router < len(s.routers) {
			return s.hears(s.routers[ev.Router], &ev)
		}
	}
	return func() error { return nil }
}

// after notes what an event means for timers that go on.
func (s *witness) after(ev vrrp.Event) {
	if ev, ok := ev.(vrrp.Woke); ok {
		for _, a := range s.routers {
			if a.state == vrrp.Backup && ev.Slept >= a.learned {
				a.listensAnew(s, ev.Slept)
			}
			if a.speaks == 0 {
				a.excuse(s.now)
			}
		}
	}
}

// does takes one action.
func (s *witness) does(ev vrrp.Event, action vrrp.Action) error {
	switch action := action.(type) {
	case vrrp.Send:
		a := s.routers[action.Router]
		if action.Priority == 0 {
			a.resigned0 = true
			return nil
		}
		a.sent++
		a.last = s.now
		if want := a.effective; action.Priority != want {
			return fmt.Errorf("%s advertises priority %d, but has %d", a.cfg.Name, action.Priority, want)
		}
	case vrrp.Announce:
		a := s.routers[action.Router]
		_, a.timely = ev.(vrrp.Tick)
		a.announced = true
		if a.state != vrrp.Active {
			return fmt.Errorf("%s announces its addresses in %s", a.cfg.Name, word(a.state))
		}
	case vrrp.Tell:
		a := s.routers[action.Router]
		switch action.Kind {
		case vrrp.SplitBegan:
			a.split = true
		case vrrp.SplitEnded:
			a.split = false
		case vrrp.PriorityChanged:
			if a.cfg.Priority == 255 {
				if !a.matched {
					return fmt.Errorf("%s owns the addresses, and changes its priority to %d", a.cfg.Name, action.Priority)
				}
				a.demoted = true
				s.weigh()
			}
		}
	case vrrp.Become:
		if err := s.becomes(s.routers[action.Router], ev, &action); err != nil {
			return fmt.Errorf("%s %w", s.routers[action.Router].cfg.Name, err)
		}
	case vrrp.Renumbered:
		for i, a := range s.routers {
			if a.state != vrrp.Init && !slices.Contains(action.From, i) {
				return fmt.Errorf("%s vanished in %s", a.cfg.Name, word(a.state))
			}
		}
		s.configure(ev.(vrrp.Reconfigure).Config, action.From)
	}
	return nil
}

// becomes takes a transition.
func (s *witness) becomes(a *account, ev vrrp.Event, b *vrrp.Become) error {
	switch {
	case b.From != a.state:
		return fmt.Errorf("leaves %s, but was in %s", word(b.From), word(a.state))
	case b.To == vrrp.Active && a.sent == 0:
		return fmt.Errorf("takes over without having sent an advert")
	case b.From == vrrp.Active && b.To != vrrp.Backup && !a.resigned0:
		return fmt.Errorf("goes from active to %s without having resigned", word(b.To))
	case b.To == vrrp.Active:
		if err := s.mayTakeOver(a, ev); err != nil {
			return err
		}
	}
	a.state, a.since, a.cause, a.reloaded, a.fresh = b.To, s.now, b.Cause, false, true
	a.waits, a.duties, a.hushed = waits{}, duties{}, hushed{}
	switch b.To {
	case vrrp.Active:
		a.takesOver(s.now)
	case vrrp.Backup:
		a.learned = a.cfg.Advert
		a.arm(s)
	}
	return nil
}

// stands holds a router to what must be true between two steps.
func (s *witness) stands(a *account) error {
	for _, m := range a.mates {
		if m.state != a.state {
			return fmt.Errorf("is in %s, %s of its group in %s", word(a.state), m.cfg.Name, word(m.state))
		}
	}
	switch blocked, unknown := a.blocked, a.unknown; {
	case a.resigned0 && !a.fresh:
		return errors.New("resigns and stays")
	case !s.running && a.state != vrrp.Init:
		return fmt.Errorf("is in %s, though operation is over", word(a.state))
	case !s.running:
		return nil
	case blocked != "" && a.state != vrrp.Fault:
		return fmt.Errorf("is in %s, though %s forbids it", word(a.state), blocked)
	case blocked == "" && !unknown && (a.state == vrrp.Fault || a.state == vrrp.Init):
		return fmt.Errorf("is in %s for no reason", word(a.state))
	case a.state == vrrp.Active:
		return a.dutiful(s.now)
	case a.state == vrrp.Backup:
		return s.impatient(a)
	}
	return nil
}

// obstacles names what forbids a router or its group to take part, and says
// whether something that could is not known yet.
func (s *witness) obstacles(a *account) (blocked string, unknown bool) {
	for _, m := range a.mates {
		for _, ref := range s.refs(m) {
			t, known := s.told[ref.Name]
			if !known {
				unknown = unknown || ref.Weight == 0 || ref.Scaled
				continue
			}
			if _, fault := weigh(ref, t); fault {
				blocked = ref.Name
			}
		}
	}
	return blocked, unknown
}

// refs is what counts for a router of what it and its group track.
func (s *witness) refs(a *account) []vrrp.TrackRef {
	if a.group == nil {
		return a.cfg.Tracks
	}
	refs := slices.Clone(a.group.Tracks)
	for _, ref := range a.cfg.Tracks {
		if ref.Weight == 0 || a.group.TrackingWeight {
			refs = append(refs, ref)
		}
	}
	return refs
}

func weigh(ref vrrp.TrackRef, t vrrp.Track) (add int, fault bool) {
	if ref.Scaled {
		return track.Scale(t.Number, ref.Weight, ref.Reverse)
	}
	return track.Weigh(t.Up, ref.Weight, ref.Reverse)
}

// priority is the effective one: 255 is the owner's, and changes for a second
// owner only.
func (s *witness) priority(a *account) vrrp.Priority {
	if a.cfg.Priority == 255 && a.demoted {
		return 254
	}
	if a.cfg.Priority == 255 {
		return 255
	}
	sum := int(a.cfg.Priority)
	for _, ref := range s.refs(a) {
		if t, known := s.told[ref.Name]; known {
			if add, fault := weigh(ref, t); !fault {
				sum += add
			}
		}
	}
	return vrrp.Priority(min(max(sum, 1), 254)) // bounded
}
