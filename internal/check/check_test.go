package check

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"pgregory.net/rapid"
)

const second = clock.Instant(time.Second)

// drive lets a checker run to an end on virtual time. ok says what the
// attempt begun at a time finds; it takes took. The transcript has a line for
// each action, with seconds.
func drive(c *Checker, end clock.Instant, took time.Duration, ok func(at clock.Instant, step int) Result) []string {
	var lines []string
	now := clock.Instant(0)
	for {
		due, want := c.Deadline()
		if !want || due > end {
			return lines
		}
		now = max(now, due)
		for _, a := range c.Step(now, Tick{}) {
			start := a.(Start)
			lines = append(lines, fmt.Sprintf("%.3f start %d", now.Sub(0).Seconds(), start.Step))
			r := ok(now, start.Step)
			now = now.Add(took)
			for _, a := range c.Step(now, Finished{r}) {
				lines = append(lines, fmt.Sprintf("%.3f %T %+v", now.Sub(0).Seconds(), a, a))
			}
			break
		}
	}
}

func expect(t *testing.T, got []string, want string) {
	t.Helper()
	text := strings.ReplaceAll(strings.Join(got, "\n"), "check.", "")
	if w := strings.TrimSpace(strings.ReplaceAll(want, "\t", "")); text != w {
		t.Errorf("got:\n%s\nwant:\n%s", text, w)
	}
}

var (
	good = Result{OK: true}
	bad  = Result{Detail: "refused"}
)

func always(r Result) func(clock.Instant, int) Result {
	return func(clock.Instant, int) Result { return r }
}

func TestScheduleDoesNotDrift(t *testing.T) {
	c := New(0, Config{Interval: time.Second, Warmup: time.Second, Spread: 0.25})
	expect(t, drive(c, 3*second, 100*time.Millisecond, always(good)), `
		0.250 start 0
		0.350 Verdict {Up:true Detail: Retries:0 First:true}
		1.250 start 0
		2.250 start 0`)
}

func TestSlowAttemptLeavesOutWhatItMissed(t *testing.T) {
	c := New(0, Config{Interval: time.Second})
	expect(t, drive(c, 5*second, 2500*time.Millisecond, always(good)), `
		0.000 start 0
		2.500 Verdict {Up:true Detail: Retries:0 First:true}
		3.000 start 0`)
}

// keepalived.conf(5), retry: "Retry count to make additional checks if check
// of an alive server fails."
func TestRetriesBeforeDown(t *testing.T) {
	c := New(0, Config{Interval: 10 * time.Second, Retry: 2, RetryDelay: time.Second})
	got := drive(c, 30*second, 0, func(at clock.Instant, _ int) Result {
		if at < 5*second || at > 25*second {
			return good
		}
		return bad
	})
	expect(t, got, `
		0.000 start 0
		0.000 Verdict {Up:true Detail: Retries:0 First:true}
		10.000 start 0
		10.000 Failure {Up:true Detail:refused}
		11.000 start 0
		11.000 Failure {Up:true Detail:refused}
		12.000 start 0
		12.000 Verdict {Up:false Detail:refused Retries:2 First:false}
		20.000 start 0
		20.000 Failure {Up:false Detail:refused}
		30.000 start 0
		30.000 Verdict {Up:true Detail: Retries:0 First:false}`)
}

func TestSuccessForgivesFailures(t *testing.T) {
	c := New(0, Config{Interval: 10 * time.Second, Retry: 1, RetryDelay: time.Second})
	got := drive(c, 31*second, 0, func(at clock.Instant, _ int) Result {
		if at == 10*second || at == 20*second {
			return bad
		}
		return good
	})
	for _, line := range got {
		if strings.Contains(line, "Verdict {Up:false") {
			t.Errorf("went down after single failures:\n%s", strings.Join(got, "\n"))
		}
	}
	if n := len(got); n != 9 { // 0 (verdict), 10 (failure), 11, 20 (failure), 21, 30
		t.Errorf("%d lines:\n%s", n, strings.Join(got, "\n"))
	}
}

func TestFirstFailureNeedsNoRetry(t *testing.T) {
	c := New(0, Config{Interval: 10 * time.Second, Retry: 3, RetryDelay: time.Second})
	expect(t, drive(c, 5*second, 0, always(bad)), `
		0.000 start 0
		0.000 Verdict {Up:false Detail:refused Retries:0 First:true}`)
}

// keepalived.conf(5), alpha: "On daemon startup assume that all RSs are down
// and healthchecks failed."
func TestAlphaIsDownUntilTheFirstSuccess(t *testing.T) {
	c := New(0, Config{Interval: 10 * time.Second, Retry: 3, Alpha: true})
	if c.Up() {
		t.Error("up at start")
	}
	expect(t, drive(c, 10*second, 0, func(at clock.Instant, _ int) Result {
		if at == 0 {
			return bad
		}
		return good
	}), `
		0.000 start 0
		0.000 Verdict {Up:false Detail:refused Retries:0 First:true}
		10.000 start 0
		10.000 Verdict {Up:true Detail: Retries:0 First:false}`)
}

// keepalived.conf(5), fast_recovery: "When alpha mode is set, or when
// recovering from a failure, each URL is checked, with a delay of <delay_loop>
// between each check."
func TestEachURLInTurn(t *testing.T) {
	for _, hurry := range []bool{false, true} {
		c := New(0, Config{Interval: 10 * time.Second, Steps: 3, Alpha: true, Hurry: hurry})
		got := drive(c, 40*second, time.Millisecond, always(good))
		want := `
			0.000 start 0
			10.000 start 1
			20.000 start 2
			20.001 Verdict {Up:true Detail: Retries:0 First:true}
			30.000 start 0
			40.000 start 1`
		if hurry {
			want = `
			0.000 start 0
			0.001 start 1
			0.002 start 2
			0.003 Verdict {Up:true Detail: Retries:0 First:true}
			10.000 start 0
			20.000 start 1
			30.000 start 2
			40.000 start 0`
		}
		expect(t, got, want)
	}
}

func TestRetryStaysAtItsURL(t *testing.T) {
	c := New(0, Config{Interval: 10 * time.Second, Steps: 2, Retry: 1, RetryDelay: time.Second})
	got := drive(c, 30*second, 0, func(at clock.Instant, step int) Result {
		if at >= 10*second && step == 1 {
			return bad
		}
		return good
	})
	expect(t, got, `
		0.000 start 0
		0.000 Verdict {Up:true Detail: Retries:0 First:true}
		10.000 start 1
		10.000 Failure {Up:true Detail:refused}
		11.000 start 1
		11.000 Verdict {Up:false Detail:refused Retries:1 First:false}
		20.000 start 0
		30.000 start 1
		30.000 Failure {Up:false Detail:refused}`)
}

func TestWeightIsToldWhenItChanges(t *testing.T) {
	c := New(0, Config{Interval: time.Second})
	weights := []Result{
		{OK: true},
		{OK: true, Weight: 10, WeightSet: true},
		{OK: true, Weight: 10, WeightSet: true},
		{OK: true},
		{OK: true, Weight: 0, WeightSet: true},
	}
	got := drive(c, 4*second, 0, func(at clock.Instant, _ int) Result { return weights[at/second] })
	expect(t, got, `
		0.000 start 0
		0.000 Verdict {Up:true Detail: Retries:0 First:true}
		1.000 start 0
		1.000 Weigh {Weight:10}
		2.000 start 0
		3.000 start 0
		4.000 start 0
		4.000 Weigh {Weight:0}`)
}

func TestVoidAttemptIsNoVerdict(t *testing.T) {
	c := New(0, Config{Interval: time.Second})
	expect(t, drive(c, second, 0, always(Result{Void: true})), `
		0.000 start 0
		1.000 start 0`)
	if !c.Up() || c.Known() {
		t.Errorf("up %v, known %v", c.Up(), c.Known())
	}
}

func TestNothingIsDueWhileAnAttemptRuns(t *testing.T) {
	c := New(0, Config{Interval: time.Second})
	if got := c.Step(0, Tick{}); len(got) != 1 {
		t.Fatalf("got %v", got)
	}
	if at, ok := c.Deadline(); ok {
		t.Errorf("deadline %v while running", at)
	}
	if got := c.Step(5*second, Tick{}); len(got) != 0 {
		t.Errorf("started a second attempt: %v", got)
	}
	c.Step(5*second, Finished{good})
	if got := c.Step(5*second, Finished{bad}); len(got) != 0 || !c.Up() {
		t.Errorf("a result nobody asked for counted: %v", got)
	}
}

func TestReconfigureKeepsVerdictAndAttempt(t *testing.T) {
	c := New(0, Config{Interval: 60 * time.Second})
	drive(c, 0, 0, always(bad))
	if c.Up() {
		t.Fatal("should be down")
	}
	c.Step(second, Reconfigure{Config{Interval: 10 * time.Second, Spread: 0.5}})
	if at, _ := c.Deadline(); at != 6*second || c.Up() {
		t.Errorf("next at %v, up %v", at, c.Up())
	}
	c.Step(6*second, Tick{})
	c.Step(7*second, Reconfigure{Config{Interval: 20 * time.Second}})
	if _, ok := c.Deadline(); ok {
		t.Error("forgot the running attempt")
	}
	c.Step(8*second, Finished{good})
	if at, _ := c.Deadline(); at != 27*second || !c.Up() {
		t.Errorf("next at %v, up %v", at, c.Up())
	}
}

func TestSuspended(t *testing.T) {
	c := New(0, Config{Interval: time.Second})
	c.Step(0, Suspend{})
	if _, ok := c.Deadline(); ok {
		t.Error("due while suspended")
	}
	c.Step(7*second, Resume{})
	if at, ok := c.Deadline(); !ok || at != 7*second {
		t.Errorf("due %v %v after resuming", at, ok)
	}
}

// Whatever the results and however long attempts take: the verdict is down
// only after Retry+1 failures in a row (or the first attempt), up only after
// Rise successes of every step in a row, and the schedule moves on.
func TestVerdictsFollowFromResults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{
			Interval:   time.Duration(rapid.IntRange(1, 5000).Draw(t, "interval")) * time.Millisecond,
			Retry:      rapid.IntRange(0, 3).Draw(t, "retry"),
			RetryDelay: time.Duration(rapid.IntRange(0, 3000).Draw(t, "delay")) * time.Millisecond,
			Steps:      rapid.IntRange(1, 3).Draw(t, "steps"),
			Alpha:      rapid.Bool().Draw(t, "alpha"),
			Hurry:      rapid.Bool().Draw(t, "hurry"),
			Rise:       rapid.IntRange(0, 3).Draw(t, "rise"),
		}
		c := New(0, cfg)
		now, fails, wins, first := clock.Instant(0), 0, 0, true
		up := !cfg.Alpha
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			due, ok := c.Deadline()
			if !ok {
				t.Fatal("no deadline while idle")
			}
			now = max(now, due)
			if a := c.Step(now, Tick{}); len(a) != 1 {
				t.Fatalf("tick at the deadline: %v", a)
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 9000).Draw(t, "took")) * time.Millisecond)
			r := Result{OK: rapid.Bool().Draw(t, "ok")}
			c.Step(now, Finished{r})
			if r.OK {
				fails, wins = 0, wins+1
			} else {
				fails, wins = fails+1, 0
			}
			switch {
			case up && !r.OK && (first || fails > cfg.Retry):
				up, wins = false, 0
			case !up && wins == cfg.Steps*max(cfg.Rise, 1):
				up = true
			}
			first = false
			if c.Up() != up {
				t.Fatalf("up is %v, want %v after %d failures, %d successes", c.Up(), up, fails, wins)
			}
			if due, _ := c.Deadline(); due < now {
				t.Fatalf("next attempt at %v, before now %v", due, now)
			}
		}
	})
}

func TestScheduleOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Schedule[int]
		slots := make([]Slot[int], 20)
		model := map[int]clock.Instant{}
		for range rapid.IntRange(1, 200).Draw(t, "n") {
			i := rapid.IntRange(0, len(slots)-1).Draw(t, "i")
			if rapid.Bool().Draw(t, "remove") {
				s.Remove(&slots[i])
				delete(model, i)
			} else {
				at := clock.Instant(rapid.IntRange(0, 50).Draw(t, "at"))
				slots[i].Item = i
				s.Set(&slots[i], at)
				model[i] = at
			}
		}
		last := clock.Instant(0)
		for len(model) > 0 {
			at, ok := s.Deadline()
			if !ok || at < last {
				t.Fatalf("deadline %v %v after %v", at, ok, last)
			}
			if _, early := s.Due(at - 1); early {
				t.Fatal("due before its time")
			}
			x, ok := s.Due(at)
			if !ok || model[x.Item] != at {
				t.Fatalf("item %d at %v, want %v", x.Item, at, model[x.Item])
			}
			delete(model, x.Item)
			last = at
		}
		if s.Len() != 0 {
			t.Fatalf("%d items left", s.Len())
		}
	})
}
