package track

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

func at(d time.Duration) clock.Instant { return clock.Instant(d) }

// text prints actions shortly: "start", "kill", "up", "down: why".
func text(as []Action) string {
	var out []string
	for _, a := range as {
		switch a := a.(type) {
		case Start:
			out = append(out, "start")
		case Kill:
			out = append(out, "kill")
		case Report:
			word := "up"
			if !a.Up {
				word = "down: " + a.Why
			}
			if a.First {
				word = "first " + word
			}
			out = append(out, word)
		}
	}
	return strings.Join(out, ", ")
}

// drive runs a script with one letter per run (+ succeeds, - fails, 0 void)
// and returns what it reported.
func drive(t *testing.T, cfg Config, results string) string {
	t.Helper()
	s := New(0, cfg)
	var out []string
	for _, r := range results {
		now, ok := s.Deadline()
		if !ok {
			t.Fatal("no deadline though nothing runs")
		}
		got := text(s.Step(now, Tick{}))
		if first, found := strings.CutSuffix(got, ", start"); found {
			out = append(out, first)
		} else if got != "start" {
			t.Fatalf("tick at %v: %q", now, got)
		}
		done := text(s.Step(now.Add(time.Millisecond), Result{OK: r == '+', Void: r == '0', Why: "exit status 1"}))
		out = append(out, done)
	}
	return strings.Join(out, "|")
}

func TestRiseAndFall(t *testing.T) {
	cases := []struct {
		name       string
		rise, fall int
		initFail   bool
		results    string
		want       string
	}{
		{"the first result decides", 3, 3, false, "+", "first up"},
		{"so does a failure", 3, 3, false, "-", "first down: exit status 1"},
		{"fall counts failures in a row", 1, 3, false, "+--+---", "first up||||||down: exit status 1"},
		{"rise counts successes in a row", 2, 1, false, "-+-++", "first down: exit status 1||||up"},
		{"init_fail must rise", 2, 1, true, "++", "first down: has not succeeded yet (init_fail)||up"},
		{"void counts for nothing", 2, 1, false, "0-+0+", "|first down: exit status 1|||up"},
	}
	for _, c := range cases {
		cfg := Config{Interval: time.Second, Rise: c.rise, Fall: c.fall, InitFail: c.initFail}
		if got := drive(t, cfg, c.results); got != c.want {
			t.Errorf("%s: %s gave %q, want %q", c.name, c.results, got, c.want)
		}
	}
}

func TestTimeoutCountsAtOnceAndFreesLate(t *testing.T) {
	s := New(0, Config{Interval: time.Second, Timeout: 300 * time.Millisecond})
	s.Step(0, Tick{})
	if d, ok := s.Deadline(); !ok || d != at(300*time.Millisecond) {
		t.Fatalf("deadline %v %v, want the timeout", d, ok)
	}
	if got := text(s.Step(at(300*time.Millisecond), Tick{})); got != "first down: timed out after 300ms, kill" {
		t.Errorf("timeout: %q", got)
	}
	if _, ok := s.Deadline(); ok {
		t.Error("a killed run that has not ended leaves nothing to wait for")
	}
	if got := text(s.Step(at(1500*time.Millisecond), Tick{})); got != "" {
		t.Errorf("started beside a run that has not ended: %q", got)
	}
	if got := text(s.Step(at(2200*time.Millisecond), Result{Why: "killed by signal 15"})); got != "" {
		t.Errorf("the end of a killed run was counted again: %q", got)
	}
	if d, _ := s.Deadline(); d != at(3*time.Second) {
		t.Errorf("next start at %v, want 3s: on the schedule, after what was missed", time.Duration(d))
	}
}

func TestScheduleDoesNotDrift(t *testing.T) {
	s := New(at(5*time.Second), Config{Interval: time.Second})
	for i := range 100 {
		d, _ := s.Deadline()
		if want := at(time.Duration(5+i) * time.Second); d != want {
			t.Fatalf("start %d at %v, want %v", i, d, want)
		}
		s.Step(d.Add(7*time.Millisecond), Tick{})
		s.Step(d.Add(20*time.Millisecond), Result{OK: true})
	}
}

func TestReconfigureKeepsStateAndRun(t *testing.T) {
	s := New(0, Config{Interval: 10 * time.Second})
	s.Step(0, Tick{})
	s.Step(at(time.Second), Result{OK: true})
	s.Step(at(2*time.Second), Reconfigure{Config{Interval: time.Second, Fall: 2}})
	if d, _ := s.Deadline(); d != at(3*time.Second) || !s.Up() {
		t.Errorf("deadline %v, up %v; want 3s and still up", time.Duration(d), s.Up())
	}
	s.Step(at(3*time.Second), Tick{})
	s.Step(at(3*time.Second), Reconfigure{Config{Interval: time.Second, Timeout: 5 * time.Second}})
	if d, _ := s.Deadline(); d != at(8*time.Second) || !s.Running() {
		t.Errorf("deadline %v, running %v; want the new timeout of the run under way", time.Duration(d), s.Running())
	}
}

// Whatever happens: one run at a time, a report only when something changed,
// and never a start before its interval has passed.
func TestOneRunAtATime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{
			Interval: time.Duration(rapid.IntRange(1, 50).Draw(t, "interval")) * time.Millisecond,
			Timeout:  time.Duration(rapid.IntRange(0, 80).Draw(t, "timeout")) * time.Millisecond,
			Rise:     rapid.IntRange(0, 4).Draw(t, "rise"),
			Fall:     rapid.IntRange(0, 4).Draw(t, "fall"),
			InitFail: rapid.Bool().Draw(t, "init_fail"),
		}
		s := New(0, cfg)
		var now clock.Instant
		var running, known, up bool
		starts := 0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			var ev Event = Tick{}
			if rapid.Bool().Draw(t, "result") {
				ev = Result{OK: rapid.Bool().Draw(t, "ok"), Why: "no"}
				running = false
			}
			for _, a := range s.Step(now, ev) {
				switch a := a.(type) {
				case Start:
					if running {
						t.Fatal("started while running")
					}
					running = true
					starts++
				case Kill:
					if !running {
						t.Fatal("killed what does not run")
					}
				case Report:
					if a.First == known || known && a.Up == up {
						t.Fatalf("reported %+v, known %v up %v", a, known, up)
					}
					known, up = true, a.Up
				}
			}
			if s.Running() != running || s.Up() != (known && up) {
				t.Fatalf("says running %v up %v, is %v %v", s.Running(), s.Up(), running, up)
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "pass")) * time.Millisecond)
		}
		if most := int(now.Sub(0)/cfg.Interval) + 1; starts > most {
			t.Fatalf("%d starts in %v with an interval of %v", starts, time.Duration(now), cfg.Interval)
		}
	})
}

func TestWeigh(t *testing.T) {
	for _, c := range []struct {
		up      bool
		weight  int
		reverse bool
		want    string
	}{
		{true, 0, false, "0 false"}, {false, 0, false, "0 true"},
		{true, 0, true, "0 true"}, {false, 0, true, "0 false"},
		{true, 20, false, "20 false"}, {false, 20, false, "0 false"},
		{true, -20, false, "0 false"}, {false, -20, false, "-20 false"},
		{true, 20, true, "-20 false"}, {false, 20, true, "0 false"},
		{true, -20, true, "0 false"}, {false, -20, true, "20 false"},
	} {
		add, fault := Weigh(c.up, c.weight, c.reverse)
		if got := fmt.Sprint(add, fault); got != c.want {
			t.Errorf("Weigh(%v, %d, %v) = %s, want %s", c.up, c.weight, c.reverse, got, c.want)
		}
	}
}
