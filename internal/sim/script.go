package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// The language, one command a line, # begins a comment:
//
//	router HOST[.ROUTER] OPTION…   a virtual router; new hosts start at the next run
//	group HOST GROUP MEMBER… [OPTION…]   a sync group of routers of a host
//	host HOST startup_delay TIME
//	bfd HOST HOST NAME [interval TIME] [multiplier N]   a session between them
//	set HOST[.ROUTER] OPTION…      change the configuration …
//	remove HOST.ROUTER
//	reload HOST                    … and have the process read it
//	run TIME                       let time pass
//	up|unknown HOST KIND NAME      something tracked; what is never named is up
//	down HOST KIND NAME [REASON…]  a BFD session between hosts until it is said to be up again
//	pause HOST TIME                the process does not run; packets wait for it
//	suspend HOST TIME              the machine does not run; packets are lost
//	kill HOST                      the process is gone, without a word
//	stop HOST, start HOST          in an orderly way; with an empty memory
//	crash HOST                     its process dies and is replaced at once
//	cut HOST [[->] HOST], heal     from everybody, from each other, one way
//	link OPTION…                   delay TIME, jitter TIME, loss PERCENT, duplicate PERCENT
//	drift HOST PPM                 its clock is too fast
//	show|hide WHAT                 in the transcript: adverts, announcements, says
//	expect HOST[.ROUTER] STATE     active, backup, fault, init or dead
//	expect unserved|twice at most TIME   of each address, since the beginning
//
// Where nodes come from configurations (conf.go), HOST may be master, the one
// that is active of the first virtual router, or killed, the last that was.
//
// Options of a router: priority N, interval TIME, version N, vrid N, ipv6,
// nopreempt, preempt_delay TIME, master, down_adverts N, address A (several
// times), check_addresses, no_lower_advert, higher_advert, garp_delay TIME,
// garp_refresh TIME, track KIND NAME [weight N] [reverse]. Of a group: track …,
// tracking_weight.

// Command does one line of a script.
func (w *World) Command(line string) error {
	line, _, _ = strings.Cut(line, "#")
	words := &words{rest: strings.Fields(line)}
	verb := words.next()
	if verb == "" {
		return nil
	}
	do, ok := commands[verb]
	if !ok {
		return fmt.Errorf("there is no command %q", verb)
	}
	do(w, words)
	w.observe()
	switch verb {
	case "cut", "heal", "link":
		w.disturb()
	}
	w.peace.look()
	if words.err == nil && len(words.rest) > 0 {
		words.failf("%q is not understood", words.rest[0])
	}
	if words.err != nil {
		return fmt.Errorf("%s: %w", verb, words.err)
	}
	return nil
}

// Transcript returns what was printed since it was last asked for.
func (w *World) Transcript() string {
	s := w.out.String()
	w.out.Reset()
	return s
}

var commands map[string]func(*World, *words)

func init() {
	commands = map[string]func(*World, *words){
		"router": (*World).router, "group": (*World).group, "host": (*World).host,
		"bfd": (*World).bfd, "set": (*World).change, "remove": (*World).remove, "link": (*World).link,
		"run":     (*World).run,
		"reload":  func(w *World, s *words) { s.with(w, w.reconfigure) },
		"kill":    func(w *World, s *words) { s.with(w, func(h *host) { w.end(h, false) }) },
		"stop":    func(w *World, s *words) { s.with(w, func(h *host) { w.end(h, true) }) },
		"start":   func(w *World, s *words) { s.with(w, w.start) },
		"crash":   func(w *World, s *words) { s.with(w, w.replace) },
		"pause":   func(w *World, s *words) { s.with(w, func(h *host) { w.sleep(h, s.duration(), false) }) },
		"suspend": func(w *World, s *words) { s.with(w, func(h *host) { w.sleep(h, s.duration(), true) }) },
		"drift":   func(w *World, s *words) { s.with(w, func(h *host) { w.drift(h, int64(s.number(-100_000, 100_000))) }) },
		"cut":     (*World).cut,
		"heal":    func(w *World, _ *words) { clear(w.cuts) },
		"show":    func(w *World, s *words) { w.show[s.kind()] = true },
		"hide":    func(w *World, s *words) { w.show[s.kind()] = false },
		"up":      func(w *World, s *words) { w.track(s, fact{up: true}) },
		"down":    func(w *World, s *words) { w.track(s, fact{}) },
		"unknown": func(w *World, s *words) { w.track(s, fact{unknown: true}) },
		"expect":  (*World).expect,
	}
}

// maxTime bounds the time that a world sees.
const maxTime = 1000 * time.Hour

func (w *World) run(s *words) {
	d := s.duration()
	if d > maxTime-w.Now() {
		s.failf("%s are more than %s in all", d, maxTime)
		return
	}
	w.Run(d)
}

func (w *World) find(name string) *host {
	for _, h := range w.hosts {
		if h.name == name {
			return h
		}
	}
	return w.meant(name)
}

// router adds a virtual router, and its host if it is new.
func (w *World) router(s *words) {
	name, router, two := strings.Cut(s.next(), ".")
	if !two {
		router = name
	}
	h := w.find(name)
	if h == nil {
		if len(w.hosts) == MaxHosts {
			s.failf("more than %d hosts", MaxHosts)
			return
		}
		i := byte(len(w.hosts) + 1)
		h = &host{
			name: name, facts: map[string]fact{},
			addr:  netip.AddrFrom4([4]byte{192, 0, 2, i}),
			addr6: netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 15: i}),
		}
		w.hosts = append(w.hosts, h)
	}
	if h.wanted.find(router) != nil {
		s.failf("%s has a router %s already", name, router)
		return
	}
	r := vrrp.RouterConfig{
		Name: router, Interface: "eth0", Version: 2, VRID: 1, Priority: 100, Advert: time.Second,
		DownAdverts: 3, Preempt: true, Tracks: []vrrp.TrackRef{{Name: linkTrack}},
		GARP: vrrp.GARP{Delay: 5 * time.Second, Repeat: 5, RefreshRepeat: 1, LowerPrioDelay: 5 * time.Second, LowerPrioRepeat: 5},
	}
	s.options(&r)
	h.wanted.Routers = append(h.wanted.Routers, r)
}

func (c *config) find(router string) *vrrp.RouterConfig {
	for i := range c.Routers {
		if c.Routers[i].Name == router {
			return &c.Routers[i]
		}
	}
	return nil
}

// options reads what is said of a router.
func (s *words) options(r *vrrp.RouterConfig) {
	for s.err == nil && len(s.rest) > 0 {
		switch o := s.next(); o {
		case "priority":
			r.Priority = vrrp.Priority(s.number(1, 255))
		case "interval":
			r.Advert = s.duration()
		case "version":
			r.Version = s.number(2, 3)
		case "vrid":
			r.VRID = vrrp.VRID(s.number(1, 255))
		case "ipv6":
			r.Version, r.Addresses = 3, append(r.Addresses, netip.MustParseAddr("fe80::100"))
		case "address":
			r.Addresses = append(r.Addresses, s.address())
		case "check_addresses":
			r.CheckAddresses = true
		case "nopreempt":
			r.Preempt = false
		case "preempt_delay":
			r.PreemptDelay = s.duration()
		case "master":
			r.StartActive = true
		case "down_adverts":
			r.DownAdverts = s.number(1, 100)
		case "no_lower_advert":
			r.LowerPrioNoAdvert = true
		case "higher_advert":
			r.HigherPrioSendAdvert = true
		case "garp_delay":
			r.GARP.Delay = s.duration()
		case "garp_refresh":
			r.GARP.Refresh = s.duration()
		case "track":
			r.Tracks = append(r.Tracks, s.ref())
		default:
			s.failf("a router has no option %q", o)
		}
	}
}

func (w *World) group(s *words) {
	s.with(w, func(h *host) {
		g := vrrp.GroupConfig{Name: s.next()}
		for s.err == nil && len(s.rest) > 0 {
			switch o := s.next(); {
			case o == "track":
				g.Tracks = append(g.Tracks, s.ref())
			case o == "tracking_weight":
				g.TrackingWeight = true
			case h.wanted.find(o) != nil:
				g.Members = append(g.Members, o)
			default:
				s.failf("%s has no router %s", h.name, o)
			}
		}
		h.wanted.Groups = append(h.wanted.Groups, g)
	})
}

func (w *World) host(s *words) {
	s.with(w, func(h *host) {
		if o := s.next(); o != "startup_delay" {
			s.failf("a host has no option %q", o)
			return
		}
		h.wanted.StartupDelay = s.duration()
	})
}

// change alters a router's configuration, from the next reload on.
func (w *World) change(s *words) {
	w.configured(s, func(h *host, router string) { s.options(h.wanted.find(router)) })
}

func (w *World) remove(s *words) {
	w.configured(s, func(h *host, router string) {
		c := h.wanted.clone()
		h.wanted.Routers = nil
		for _, r := range c.Routers {
			if r.Name != router {
				h.wanted.Routers = append(h.wanted.Routers, r)
			}
		}
	})
}

// configured finds a router that has been configured.
func (w *World) configured(s *words, do func(h *host, router string)) {
	full := s.next()
	name, router, two := strings.Cut(full, ".")
	if !two {
		router = name
	}
	if h := w.find(name); h != nil && h.wanted.find(router) != nil {
		do(h, router)
		return
	}
	s.failf("there is no router %s", full)
}

// link sets how packets travel.
func (w *World) link(s *words) {
	for s.err == nil && len(s.rest) > 0 {
		switch o := s.next(); o {
		case "delay":
			w.delay = s.duration()
		case "jitter":
			w.jitter = s.duration()
		case "loss":
			w.loss = s.number(0, 100)
		case "duplicate":
			w.duplicate = s.number(0, 100)
		default:
			s.failf("a link has no option %q", o)
		}
	}
}

// cut keeps packets from arriving.
func (w *World) cut(s *words) {
	s.with(w, func(a *host) {
		if len(s.rest) == 0 {
			for _, b := range w.hosts {
				w.cuts[[2]*host{a, b}], w.cuts[[2]*host{b, a}] = true, true
			}
			return
		}
		oneWay := s.rest[0] == "->"
		if oneWay {
			s.next()
		}
		s.with(w, func(b *host) {
			w.cuts[[2]*host{a, b}] = true
			if !oneWay {
				w.cuts[[2]*host{b, a}] = true
			}
		})
	})
}

func (w *World) track(s *words, f fact) {
	s.with(w, func(h *host) {
		name := s.next() + " " + s.next()
		f.why = strings.Join(s.rest, " ")
		s.rest = nil
		if w.cluster && !slices.Contains(h.watched(), name) {
			s.failf("%s has nothing to do with %s, only with %s", h.name, name, strings.Join(h.watched(), ", "))
			return
		}
		if one := h.session(name); one != nil {
			if one.forced = !f.up; f.up { // from now on as it is
				f = one.fact()
			}
		}
		w.set(h, name, f)
	})
}

// words are what remains of a line, and what was wrong with it first.
type words struct {
	rest []string
	err  error
}

func (s *words) failf(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

func (s *words) next() string {
	if len(s.rest) == 0 {
		return ""
	}
	word := s.rest[0]
	s.rest = s.rest[1:]
	return word
}

// with reads the name of a host.
func (s *words) with(w *World, do func(*host)) {
	name := s.next()
	switch h := w.find(name); {
	case h != nil:
		do(h)
	case w.cluster && name == wordMaster:
		w.brokenf("nobody is master of %s", w.services[0].title)
		s.rest = nil
	case w.cluster && name == wordKilled:
		s.rest = nil // nothing could be
	default:
		s.failf("there is no host %q", name)
	}
}

// kind reads what transcripts may have or not.
func (s *words) kind() string {
	switch kind := s.next(); kind {
	case "adverts", "announcements", "says":
		return kind
	default:
		s.failf("%q is neither adverts nor announcements nor says", kind)
		return ""
	}
}

func (s *words) duration() time.Duration {
	word := s.next()
	d, err := time.ParseDuration(word)
	if err != nil || d < 0 {
		s.failf("%q is not a time, as 5s or 100ms", word)
	}
	return d
}

func (s *words) number(least, most int) int {
	word := s.next()
	n, err := strconv.Atoi(word)
	if err != nil || n < least || n > most {
		s.failf("%q is not a number from %d to %d", word, least, most)
	}
	return n
}

func (s *words) address() netip.Addr {
	word := s.next()
	a, err := netip.ParseAddr(word)
	if err != nil {
		s.failf("%q is not an address", word)
	}
	return a
}

// ref reads what is tracked, and how.
func (s *words) ref() vrrp.TrackRef {
	ref := vrrp.TrackRef{Name: s.next() + " " + s.next()}
	for len(s.rest) > 0 {
		switch s.rest[0] {
		case "weight":
			s.next()
			ref.Weight = s.number(-253, 253)
		case "reverse":
			s.next()
			ref.Reverse = true
		default:
			return ref
		}
	}
	return ref
}
