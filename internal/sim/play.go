package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// The names that scripts have for nodes by what they are: the active one of
// the first virtual router, and the one that was killed or stopped last.
const (
	wordMaster = "master"
	wordKilled = "killed"
)

// Play runs a whole script on a cluster. What is done to it appears in the
// transcript; an error names the line that makes no sense.
func (w *World) Play(script string) error {
	number := 0
	for line := range strings.Lines(script) {
		number++
		text, _, _ := strings.Cut(line, "#")
		text = strings.Join(strings.Fields(text), " ")
		if verb, _, _ := strings.Cut(text, " "); text != "" && verb != "run" && verb != "expect" {
			w.Run(0) // whoever is to be started has been
			fmt.Fprintf(&w.out, "%8.3f -- %s\n", w.Now().Seconds(), w.resolved(text))
		}
		if err := w.Command(text); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if w.err != nil {
			return fmt.Errorf("line %d: the machine has broken a promise: %w", number, w.err)
		}
	}
	return nil
}

// Broken returns how many expectations did not hold.
func (w *World) Broken() int { return w.broken }

// resolved says whom a command means that speaks of the master.
func (w *World) resolved(text string) string {
	words := strings.Fields(text)
	for _, word := range words[1:] {
		if word != wordMaster && word != wordKilled {
			continue
		}
		if h := w.find(word); h != nil && h.name != word {
			return text + " (" + h.name + ")"
		}
	}
	return text
}

// meant finds a node by an alias or by what it is.
func (w *World) meant(name string) *host {
	for _, h := range w.hosts {
		for _, alias := range h.aliases {
			if alias == name {
				return h
			}
		}
	}
	switch {
	case name == wordKilled:
		return w.killed
	case name == wordMaster && len(w.services) > 0:
		for i, h := range w.hosts {
			if w.services[0].serving>>i&1 == 1 {
				return h
			}
		}
	}
	return nil
}

// expect holds the cluster to a promise:
//
//	expect HOST[.INSTANCE] active|backup|fault|init|dead
//	expect unserved|twice at most TIME   for each address, since the beginning
func (w *World) expect(s *words) {
	w.observe()
	what := s.next()
	if what != "unserved" && what != "twice" {
		w.expectState(s, what)
		return
	}
	if s.next() != "at" || s.next() != "most" {
		s.failf("expected: %s at most TIME", what)
		return
	}
	limit := s.duration()
	for _, v := range w.services {
		total := v.total(w.now)
		got := map[string]time.Duration{"unserved": total.none, "twice": total.twice}[what]
		if s.err == nil && got > limit {
			w.brokenf("%s was %s for %s, not at most %s", v.title, map[string]string{"unserved": "unserved", "twice": "served twice"}[what], span(got), span(limit))
		}
	}
}

func (w *World) expectState(s *words, who string) {
	want := s.next()
	if !strings.Contains(" active backup fault init dead ", " "+want+" ") {
		s.failf("%q is neither active, backup, fault, init nor dead", want)
		return
	}
	name, instance := who, ""
	h := w.find(who)
	if h == nil {
		name, instance, _ = strings.Cut(who, ".")
		h = w.find(name)
	}
	if h == nil {
		s.failf("there is no host %q", name)
		return
	}
	found := false
	for i := range h.wanted.Routers {
		r := h.wanted.Routers[i].Name
		if instance != "" && instance != r {
			continue
		}
		found = true
		if got := h.state(r); got != want {
			w.brokenf("%s is %s, not %s", h.title(r), got, want)
		}
	}
	if !found {
		s.failf("%s has no instance %s", h.name, instance)
	}
}

// state is that of a router of a host, as scripts have it.
func (h *host) state(router string) string {
	if h.node == nil {
		return "dead"
	}
	for i := range h.node.Routers() {
		if v := h.node.Router(i); v.Name == router {
			return word(v.State)
		}
	}
	return word(vrrp.Init)
}

func (w *World) brokenf(format string, args ...any) {
	w.broken++
	fmt.Fprintf(&w.out, "%8.3f !! expected otherwise: %s\n", w.Now().Seconds(), fmt.Sprintf(format, args...))
}
