package watch

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// at steps the machine at a second and compares what it wants done.
func at(t *testing.T, m *Machine, second float64, ev Event, want ...Action) {
	t.Helper()
	got := m.Step(clock.Instant(second*1e9), ev)
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Fatalf("%gs %T: got %v, want %v", second, ev, got, want)
	}
}

func due(t *testing.T, m *Machine, second float64) {
	t.Helper()
	d, ok := m.Deadline()
	if !ok || d != clock.Instant(second*1e9) {
		t.Fatalf("deadline %v %v, want %gs", time.Duration(d), ok, second)
	}
}

func TestGreetsEveryFiveSeconds(t *testing.T) {
	var m Machine
	at(t, &m, 0, Begin{}, Spawn{})
	at(t, &m, 1, Ready{})
	for seq := range uint64(10) {
		second := 6 + 5*float64(seq)
		due(t, &m, second)
		at(t, &m, second, Tick{}, Greet{seq + 1})
		at(t, &m, second+0.1, Answered{seq + 1})
	}
}

func TestKillsWhoDoesNotAnswer(t *testing.T) {
	var m Machine
	at(t, &m, 0, Begin{}, Spawn{})
	at(t, &m, 0, Ready{})
	at(t, &m, 5, Tick{}, Greet{1})
	at(t, &m, 6, Answered{0}) // an answer to something else
	due(t, &m, 10)
	at(t, &m, 10, Tick{}, Kill{NoAnswer{5 * time.Second}})
	if _, ok := m.Deadline(); ok {
		t.Fatal("waits for something other than the end of the killed")
	}
	at(t, &m, 10.1, Ended{Exited{"signal: killed"}}, Lost{NoAnswer{5 * time.Second}, 0}, Spawn{1})
}

func TestWhoSleptHimselfDoesNotJudge(t *testing.T) {
	var m Machine
	at(t, &m, 0, Begin{}, Spawn{})
	at(t, &m, 0, Ready{})
	at(t, &m, 5, Tick{}, Greet{1})
	at(t, &m, 100, Tick{Late: 90 * time.Second})
	due(t, &m, 105)
	at(t, &m, 100.1, Answered{1})
	at(t, &m, 100.1, Tick{}, Greet{2})
}

func TestBackOff(t *testing.T) {
	var m Machine
	at(t, &m, 0, Begin{}, Spawn{})
	now := 0.0
	killed := Exited{"signal: killed"}
	for i, delay := range []float64{0, 1, 2, 4, 8, 16, 30, 30} {
		d := time.Duration(delay * 1e9)
		if delay == 0 {
			at(t, &m, now, Ended{killed}, Lost{killed, d}, Spawn{i + 1})
			continue
		}
		at(t, &m, now, Ended{killed}, Lost{killed, d})
		at(t, &m, now+delay/2, Tick{}) // too early
		now += delay
		due(t, &m, now)
		at(t, &m, now, Tick{}, Spawn{i + 1})
	}
	at(t, &m, now, Ready{})
	now += 61
	at(t, &m, now, Ended{killed}, Lost{killed, 0}, Spawn{9}) // forgiven
}

func TestNeverReady(t *testing.T) {
	var m Machine
	at(t, &m, 0, Begin{}, Spawn{})
	at(t, &m, 60, Tick{}, Kill{NeverReady{60 * time.Second}})
	at(t, &m, 60, Ready{}) // too late
	at(t, &m, 61, Ended{Exited{"signal: killed"}}, Lost{NeverReady{60 * time.Second}, 0}, Spawn{1})
	at(t, &m, 61, Ended{NotStarted{"no memory"}}, Lost{NotStarted{"no memory"}, time.Second})
}

func TestRestIsNoLoss(t *testing.T) {
	var m Machine
	at(t, &m, 0, Begin{}, Spawn{})
	at(t, &m, 0, Ready{})
	at(t, &m, 1, Rest{})
	at(t, &m, 2, Ended{Exited{"exit status 0"}})
	if _, ok := m.Deadline(); ok {
		t.Fatal("a resting machine has a deadline")
	}
	at(t, &m, 3, Begin{}, Spawn{0})
}

// At all times: at most one process, greetings only to a ready one, and while
// the child is wanted there is either a process or a deadline at which it comes.
func TestNeverTwoNeverForgotten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m Machine
		var now clock.Instant
		alive, ready, killed, wanted := false, false, false, false
		var seq uint64
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(40*time.Second)).Draw(t, "pause")))
			var ev Event
			switch rapid.IntRange(0, 6).Draw(t, "event") {
			case 0:
				ev, wanted = Begin{}, true
			case 1:
				if !alive || killed || ready {
					continue
				}
				ev, ready = Ready{}, true
			case 2:
				ev = Answered{seq}
			case 3:
				if !alive {
					continue
				}
				ev, alive, ready, killed = Ended{Exited{"x"}}, false, false, false
			case 4, 5:
				d, ok := m.Deadline()
				if !ok {
					continue
				}
				now = max(now, d)
				ev = Tick{Late: now.Sub(d)}
			case 6:
				if alive { // the parent begins again only after the end
					continue
				}
				ev, wanted = Rest{}, false
			}
			for _, a := range m.Step(now, ev) {
				switch a := a.(type) {
				case Spawn:
					if alive {
						t.Fatal("a second process")
					}
					alive, ready = true, false
				case Greet:
					if !ready {
						t.Fatal("greeted before it was ready")
					}
					seq = a.Seq
				case Kill:
					killed = true
				case Lost:
					if a.Delay > MaxDelay {
						t.Fatal(fmt.Sprint("waits ", a.Delay))
					}
				}
			}
			if _, ok := m.Deadline(); wanted && !alive && !ok {
				t.Fatal("wanted, and forgotten")
			}
			if m.Serving() != (alive && ready && !killed) {
				t.Fatal("serving is not what it is")
			}
		}
	})
}
