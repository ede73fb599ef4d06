package lab

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// How often the directors are looked at, and the state shown.
const (
	lookEvery  = 100 * time.Millisecond
	plainEvery = 5 * time.Second // on a plain stream, if nothing else is said
)

// watch tells every change at the directors until the context ends, and keeps
// the state line fresh.
func (s *stage) watch(ctx context.Context) {
	last := map[string]view{}
	shown := time.Now()
	for {
		all := s.lookAll()
		for _, name := range directorNames {
			s.tellChanges(name, last[name], all[name])
		}
		last = all
		if s.screen.isTerminal() || time.Since(shown) >= plainEvery {
			shown = time.Now()
			s.screen.show(s.line(all))
		}
		if sleep(ctx, lookEvery) != nil {
			return
		}
	}
}

func (s *stage) tellChanges(name string, was, is view) {
	if was.String() != is.String() {
		because := ""
		if is.up && is.cause != "" && is.cause != was.cause {
			because = ": " + is.cause
		}
		s.screen.say("%s is %v%s", name, is, because)
	}
	if !is.told {
		return
	}
	for _, server := range serverNames {
		before, known := was.servers[server]
		now, configured := is.servers[server]
		if configured && (!known || before.up != now.up) {
			word := "out"
			if now.up {
				word = "in"
			}
			s.screen.say("%s has %s %s: %s", name, server, word, now.cause)
		}
	}
	if was.sorry != is.sorry && is.sorry {
		s.screen.say("%s sends clients to the sorry server", name)
	}
}

// line is the state in one line.
func (s *stage) line(all map[string]view) string {
	t := s.traffic.State()
	parts := []string{
		fmt.Sprintf("a %v  b %v", all["a"], all["b"]),
		"in: " + names(serving(all)),
		fmt.Sprintf("%d/s", t.Rate),
		fmt.Sprintf("%d failed", t.Failed),
		diag.Counted(t.Outages, "outage"),
	}
	if t.Open != nil {
		parts = append(parts, "OUTAGE for "+round(t.Open.Length).String())
	}
	return strings.Join(parts, " | ")
}

// report is the state at length.
func (s *stage) report() string {
	var b strings.Builder
	all := s.lookAll()
	for _, name := range directorNames {
		v := all[name]
		fmt.Fprintf(&b, "  director %s  %s  %v", name, directorAddress[name], v)
		if v.cause != "" {
			fmt.Fprintf(&b, ": %s", v.cause)
		}
		fmt.Fprintln(&b)
		for _, server := range serverNames {
			if sv, ok := v.servers[server]; ok {
				fmt.Fprintf(&b, "      %s  %s  %s: %s\n", server, backendAddress[server], upDown(sv.up), sv.cause)
			}
		}
	}
	t := s.traffic.State()
	fmt.Fprintf(&b, "  client asks %s: %d good answers (%d/s), %d failed, %s\n",
		demoService, t.Good, t.Rate, t.Failed, diag.Counted(t.Outages, "outage"))
	for _, name := range slices.Sorted(maps.Keys(t.Servers)) {
		fmt.Fprintf(&b, "      %s answered %d\n", name, t.Servers[name])
	}
	for _, o := range lastOf(s.traffic.OutagesSince(0), logTail) {
		fmt.Fprintf(&b, "      %v\n", o)
	}
	return b.String()
}

func upDown(up bool) string {
	if up {
		return "in"
	}
	return "out"
}

func lastOf(list []Outage, n int) []Outage { return list[max(0, len(list)-n):] }
