package sim

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

var (
	seeds   = flag.Int("seeds", 100, "how many random histories")
	first   = flag.Uint64("first", 1, "the first of them")
	lines   = flag.Int("lines", 60, "how many lines of the transcript of a history that failed")
	brief   = flag.Bool("brief", false, "do not look for the shortest history")
	oneSeed = flag.Uint64("seed", 0, "only this random history")
)

// Whatever happened before: once every fault is over and a few
// Master_Down_Intervals have passed, each virtual router is active on exactly
// one host, the best one, and stays there.
func TestRandomHistories(t *testing.T) {
	from, to := *first, *first+uint64(*seeds)-1
	if *oneSeed != 0 {
		from, to = *oneSeed, *oneSeed
	}
	var next, failed atomic.Uint64
	next.Store(from)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := next.Add(1) - 1; seed <= to; seed = next.Add(1) - 1 {
				if _, err := live(seed, history(seed)); err != nil {
					failed.Store(seed)
					next.Store(to + 1)
				}
			}
		})
	}
	workers.Wait()
	if seed := failed.Load(); seed != 0 {
		t.Fatal(report(seed))
	}
}

// report tells of a history that failed, as short as it could be made, and how
// to have it again.
func report(seed uint64) string {
	story := history(seed)
	_, err := live(seed, story)
	if *brief {
		return fmt.Sprintf("seed %d: %v", seed, err)
	}
	short := shorten(seed, story)
	transcript, last := live(seed, short)
	return fmt.Sprintf("go test ./internal/sim -run TestRandomHistories -seed %d\n%v\nthe shortest history found:\n%s\n%s\n%sends: %v",
		seed, err, strings.Join(short, "\n"), rule, tail(transcript, *lines), last)
}

// errStory: a line makes no sense, perhaps since one before it was left out.
var errStory = errors.New("not a history")

// live runs a history, and then the peace after it.
func live(seed uint64, story []string) (transcript string, err error) {
	w := New(seed)
	for _, line := range append(slices.Clone(story), truce...) {
		if verb, _, _ := strings.Cut(line, " "); w.peace == nil && !setup[verb] {
			w.keepPeace()
		}
		if err := w.Command(line); err != nil {
			return "", fmt.Errorf("%w: %s: %w", errStory, line, err)
		}
		if w.Err() != nil {
			return w.Transcript(), w.Err()
		}
	}
	for _, h := range w.hosts {
		for name := range h.facts {
			if s := h.session(name); s != nil {
				s.forced = false
				w.set(h, name, s.fact())
				continue
			}
			w.set(h, name, fact{up: true})
		}
		w.start(h)
		w.drift(h, 0)
	}
	// The longest Master_Down_Interval of a history is 9 s, the longest
	// preempt delay 5 s.
	w.Run(3*9e9 + 1e9 + 5e9)
	if err := agreed(w, true); err != nil {
		return w.Transcript(), err
	}
	transcript = w.Transcript()
	w.Run(60e9)
	if s := w.Transcript(); s != "" && w.Err() == nil {
		return transcript + s, errors.New("no rest in peace")
	}
	err = succeed(w)
	return transcript + w.Transcript(), err
}

// succeed takes the host away that is active for x, twice: in an orderly way
// another has taken over within a skew, at most a second; without a word after
// a Master_Down_Interval.
func succeed(w *World) error {
	for _, way := range []struct {
		orderly bool
		within  time.Duration
	}{{true, 1200 * time.Millisecond}, {false, 10 * time.Second}} {
		if len(w.hosts) == 1 {
			return nil
		}
		for i, h := range w.hosts {
			if r := slices.IndexFunc(h.current.Routers, func(r vrrp.RouterConfig) bool { return r.Name == "x" }); h.node.Router(r).State == vrrp.Active {
				w.end(h, way.orderly)
				w.hosts = slices.Delete(w.hosts, i, i+1)
				w.keepPeace()
				break
			}
		}
		w.Run(way.within)
		if err := agreed(w, false); err != nil {
			return fmt.Errorf("after the end of a host: %w", err)
		}
	}
	return nil
}

// setup is what comes before everything else.
var setup = map[string]bool{"router": true, "group": true, "host": true, "bfd": true}

// truce ends what a history may have begun; the longest sleep is 20 s.
var truce = []string{"heal", "link delay 100us jitter 0s loss 0 duplicate 0", "run 21s"}

// agreed reports whether each virtual router is active on one host, and, if it
// should be the best, that nobody who may preempt is better than that one.
func agreed(w *World, best bool) error {
	if w.Err() != nil {
		return w.Err()
	}
	for _, r := range w.hosts[0].current.Routers {
		var active []*host
		for _, h := range w.hosts {
			if h.account(r.Name).state == vrrp.Active {
				active = append(active, h)
			}
		}
		if !best && !slices.ContainsFunc(w.hosts, func(h *host) bool { return h.account(r.Name).blocked == "" }) {
			continue // those who are left tracked their session with the one who ended
		}
		if len(active) != 1 {
			return fmt.Errorf("%s is active on %d hosts", r.Name, len(active))
		}
		for _, h := range w.hosts {
			if a := h.account(r.Name); best && a.preempts() && dominates(a, active[0]) {
				return fmt.Errorf("%s is active on %s, though %s is better", r.Name, active[0].name, h.name)
			}
		}
	}
	return nil
}

// dominates reports whether a router, with all of its group, has a higher
// priority than a host's.
func dominates(a *account, h *host) bool {
	for _, m := range a.mates {
		if m.effective <= h.account(m.cfg.Name).effective {
			return false
		}
	}
	return true
}

// shorten leaves out lines as long as the history still fails.
func shorten(seed uint64, story []string) []string {
	for changed := true; changed; {
		changed = false
		for i := len(story) - 1; i >= 0; i-- {
			if verb, _, _ := strings.Cut(story[i], " "); verb == "router" || verb == "group" || verb == "bfd" {
				continue // a different network may well fail for another reason
			}
			less := slices.Delete(slices.Clone(story), i, i+1)
			if _, err := live(seed, less); err != nil && !errors.Is(err, errStory) {
				story, changed = less, true
			}
		}
	}
	return story
}

// tail is the last lines of a transcript.
func tail(s string, n int) string {
	lines := strings.SplitAfter(s, "\n")
	return strings.Join(lines[max(len(lines)-n, 0):], "")
}

// author writes a history.
type author struct {
	*rand.Rand
	hosts, routers []string
	lines          []string
}

func (a *author) say(format string, args ...any) {
	a.lines = append(a.lines, fmt.Sprintf(format, args...))
}

func (a *author) host() string { return a.hosts[a.IntN(len(a.hosts))] }

func (a *author) maybe(text string, args ...any) string {
	if a.IntN(3) != 0 {
		return ""
	}
	return " " + fmt.Sprintf(text, args...)
}

// history is what a seed tells: a configuration, and what befalls it.
func history(seed uint64) []string {
	a := &author{Rand: rand.New(rand.NewPCG(seed, 1))}
	a.hosts = []string{"a", "b", "c", "d", "e", "f", "g"}[:2+min(a.IntN(6), a.IntN(6))] // few are quicker
	a.routers = []string{"x", "y", "z"}[:1+a.IntN(3)]
	a.configure()
	var kinds []func(*author)
	for _, k := range faults {
		if a.IntN(2) == 0 {
			kinds = append(kinds, k)
		}
	}
	for range 3 + a.IntN(40) {
		if len(kinds) > 0 && a.IntN(3) > 0 {
			kinds[a.IntN(len(kinds))](a)
		} else {
			a.say("run %dms", a.IntN(8000))
		}
	}
	return a.lines
}

// configure writes the routers: of one virtual router all have the same version
// and, in version 2, interval. In most groups all members of a host have the
// same priority, so that there is one best host; others are divided.
func (a *author) configure() {
	group, divided := a.IntN(3) == 0, a.IntN(3) == 0
	priority := map[string]int{}
	owner, second := a.IntN(4) == 0, a.IntN(4) == 0
	preempt, mixed := a.maybe("nopreempt"), a.IntN(3) == 0
	session := ""
	if a.IntN(4) == 0 {
		session = fmt.Sprintf(" track bfd path weight %d", a.IntN(40)-20)
	}
	for i, r := range a.routers {
		version := 2 + a.IntN(2)
		interval := []string{"1s", "2s"}[a.IntN(2)]
		common := fmt.Sprintf("vrid %d version %d", i+1, version)
		if version == 3 {
			common += a.maybe("ipv6")
		}
		for _, h := range a.hosts {
			if version == 3 {
				interval = []string{"50ms", "100ms", "330ms", "1s"}[a.IntN(4)]
			}
			p := 1 + a.IntN(254)
			if was := priority[h]; group && !divided && was > 0 {
				p = was
			} else if owner && (h == "a" || second && h == "b") {
				p = 255
			}
			if mixed {
				preempt = a.maybe("nopreempt")
			}
			priority[h] = p
			common := common + preempt
			line := fmt.Sprintf("router %s.%s %s interval %s priority %d", h, r, common, interval, p)
			line += a.maybe("master") + a.maybe("preempt_delay %dms", a.IntN(5000))
			if a.IntN(3) > 0 {
				line += " higher_advert"
			}
			line += a.maybe("no_lower_advert") + a.maybe("track script chk") + a.maybe("track interface eth1 reverse weight -5")
			if !group {
				line += a.maybe("track script chk2 weight %d", a.IntN(100)-50) + session
			}
			a.say("%s", line)
		}
	}
	if session != "" {
		a.say("bfd a b path interval %dms multiplier %d", 200+a.IntN(800), 2+a.IntN(3))
	}
	for _, h := range a.hosts {
		if group {
			a.say("group %s G %s%s", h, strings.Join(a.routers, " "), a.maybe("track script chk2 weight 30"))
		}
		if a.IntN(5) == 0 {
			a.say("host %s startup_delay %dms", h, a.IntN(3000))
		}
	}
}

// faults are what may befall; each history has some of them.
var faults = []func(*author){
	func(a *author) { a.say("cut %s %s", a.host(), a.host()) },
	func(a *author) { a.say("cut %s -> %s", a.host(), a.host()) },
	func(a *author) { a.say("cut %s", a.host()) },
	func(a *author) { a.say("heal") },
	func(a *author) { a.say("link loss %d", a.IntN(101)) },
	func(a *author) { a.say("link duplicate %d", a.IntN(101)) },
	func(a *author) { a.say("link delay %dus jitter %dms", a.IntN(20_000), a.IntN(400)) },
	func(a *author) { a.say("kill %s", a.host()) },
	func(a *author) { a.say("stop %s", a.host()) },
	func(a *author) { a.say("crash %s", a.host()) },
	func(a *author) { a.say("start %s", a.host()) },
	func(a *author) { a.say("pause %s %dms", a.host(), a.IntN(20_000)) },
	func(a *author) { a.say("pause %s %dms", a.host(), a.IntN(5000)) }, // about Master_Down_Interval
	func(a *author) { a.say("suspend %s %dms", a.host(), a.IntN(20_000)) },
	func(a *author) { a.say("drift %s %d", a.host(), a.IntN(20_001)-10_000) },
	func(a *author) { a.say("down %s script chk exit status 1", a.host()) },
	func(a *author) { a.say("up %s script chk", a.host()) },
	func(a *author) { a.say("down %s script chk2 timed out", a.host()) },
	func(a *author) { a.say("down %s interface eth0 no carrier", a.host()) },
	func(a *author) { a.say("up %s interface eth0", a.host()) },
	func(a *author) { a.say("unknown %s script chk", a.host()) },
	func(a *author) { a.say("unknown %s script chk2", a.host()) },
	func(a *author) { a.say("down %s bfd path", a.host()) },
	func(a *author) { a.say("up %s bfd path", a.host()) },
	func(a *author) { a.say("reload %s", a.host()) },
	func(a *author) { a.say("link loss %d", a.IntN(10)) },
	func(a *author) {
		h := a.host()
		a.say("set %s.x preempt_delay %dms down_adverts %d", h, a.IntN(3000), 2+a.IntN(3))
		a.say("reload %s", h)
	},
	func(a *author) {
		h, p := a.host(), 1+a.IntN(254)
		for _, r := range a.routers { // all, for the sake of groups
			a.say("set %s.%s priority %d", h, r, p)
		}
		a.say("reload %s", h)
	},
}
