package track

import (
	"slices"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// at is an instant of these tests.
func atSecond(s float64) clock.Instant { return clock.Instant(s * float64(time.Second)) }

func TestQuorum(t *testing.T) {
	p := NewProcess(Quorum{Min: 2, Max: 3}, "nginx")
	for i, step := range []struct {
		n           int
		changed, up bool
		why         string
	}{
		{0, true, false, "no process nginx runs, 2 wanted"},
		{1, false, false, ""},
		{2, true, true, "2 processes nginx run, 2 wanted"},
		{3, false, true, ""},
		{4, true, false, "4 processes nginx run, at most 3 wanted"},
		{3, true, true, "3 processes nginx run, 2 wanted"},
		{1, true, false, "one process nginx runs, 2 wanted"},
	} {
		r, changed := p.Count(atSecond(1), step.n)
		if changed != step.changed || changed && (r.Up != step.up || r.Why != step.why || r.First != (i == 0)) {
			t.Errorf("step %d, %d processes: %v %+v", i, step.n, changed, r)
		}
	}
}

// keepalived.conf(5): fork_delay is "to avoid up/down bounce for fork/exec",
// terminate_delay "to avoid down/up bounce after terminate/parent refork".
func TestQuorumDelays(t *testing.T) {
	p := NewProcess(Quorum{Min: 1, Max: 1, ForkDelay: time.Second, TerminateDelay: 2 * time.Second}, "nginx")
	if r, ok := p.Count(0, 1); !ok || !r.Up {
		t.Fatal("the first count decides at once")
	}
	due := func(want float64) {
		t.Helper()
		at, ok := p.Deadline()
		if ok != (want > 0) || ok && at != atSecond(want) {
			t.Errorf("due at %v, %v; want %v", at, ok, want)
		}
	}
	p.Count(atSecond(1), 2) // more count after a second
	due(2)
	p.Count(atSecond(1.5), 1)
	due(0)
	p.Count(atSecond(3), 0) // fewer after two
	due(5)
	if _, ok := p.Tick(atSecond(4.9)); ok {
		t.Error("too early")
	}
	if r, ok := p.Tick(atSecond(5)); !ok || r.Up || r.Why != "no process nginx runs, 1 wanted" {
		t.Errorf("%+v %v", r, ok)
	}
	p.Count(atSecond(6), 1)
	due(7)
}

func TestPatterns(t *testing.T) {
	line := func(m Match, params ...string) Pattern { return Pattern{Program: "/bin/x", Params: params, Match: m} }
	for _, c := range []struct {
		p     Pattern
		words []string
		want  bool
	}{
		{Pattern{Program: "x"}, nil, true},
		{Pattern{Program: "/bin/x"}, []string{"/bin/x"}, false}, // a name has no path
		{Pattern{Program: "/bin/x", Line: true}, []string{"/bin/x", "-a"}, true},
		{Pattern{Program: "x", Line: true}, []string{"/bin/x"}, false},
		{line(MatchExact), []string{"/bin/x"}, true},
		{line(MatchExact), []string{"/bin/x", "-a"}, false},
		{line(MatchExact, "-a", "b"), []string{"/bin/x", "-a", "b"}, true},
		{line(MatchExact, "-a", "b"), []string{"/bin/x", "-a", "b", "c"}, false},
		{line(MatchPartial, "-a"), []string{"/bin/x", "-a", "b"}, true},
		{line(MatchPartial, "-a"), []string{"/bin/x", "-ab"}, false},
		{line(MatchPartial, "-a"), []string{"/bin/x"}, false},
		{line(MatchInitial, "-a", "b"), []string{"/bin/x", "-a", "bc"}, true},
		{line(MatchInitial, "-a", "b"), []string{"/bin/x", "-ax", "bc"}, false},
		{line(MatchInitial, "-a"), []string{"/bin/x", "-ab", "c"}, false},
		{line(MatchInitial), []string{"/bin/x"}, true},
		{line(MatchExact), nil, false}, // a kernel thread
	} {
		if got := c.p.Matches("x", c.words); got != c.want {
			t.Errorf("%+v matches %q: %v", c.p, c.words, got)
		}
	}
}

func TestProcesses(t *testing.T) {
	s := NewProcesses([]Pattern{{Program: "a"}, {Program: "b"}, {Program: "a", Line: true}})
	want := func(counts ...int) {
		t.Helper()
		if !slices.Equal(s.Counts(), counts) {
			t.Errorf("%v, want %v", s.Counts(), counts)
		}
	}
	s.Seen(1, "a", []string{"a"})
	s.Seen(2, "b", nil)
	want(1, 1, 1)
	s.Forked(1, 3)
	s.Forked(9, 4) // of somebody whom nobody looks for
	want(2, 1, 2)
	s.Seen(3, "b", []string{"b"}) // the child is another program now
	want(1, 2, 1)
	s.Gone(1)
	s.Gone(1)
	want(0, 2, 0)
	s.Keep(func(pid int) bool { return pid == 2 })
	want(0, 1, 0)
	if len(s.found) != 1 {
		t.Errorf("keeps %v", s.found)
	}
}

// Command lines are read only if one of the patterns asks for them.
func TestCommandLinesAreReadIfNeeded(t *testing.T) {
	name, line, params := Pattern{Program: "a"}, Pattern{Program: "a", Line: true}, Pattern{Program: "a", Match: MatchPartial}
	for _, c := range []struct {
		patterns []Pattern
		want     bool
	}{{nil, false}, {[]Pattern{name, name}, false}, {[]Pattern{name, line}, true}, {[]Pattern{line, name}, true}, {[]Pattern{name, params}, true}} {
		if got := NewProcesses(c.patterns).NeedsLine(); got != c.want {
			t.Errorf("%+v: %v", c.patterns, got)
		}
	}
}
