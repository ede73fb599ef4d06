package loop

import (
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

func newLoop(t *testing.T) *Loop {
	t.Helper()
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func pipe(t *testing.T) (r, w int) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

func write(t *testing.T, fd int) {
	t.Helper()
	if _, err := unix.Write(fd, []byte{1}); err != nil {
		t.Fatal(err)
	}
}

func drain(fd int) {
	var b [16]byte
	_, _ = unix.Read(fd, b[:])
}

// due is a deadline that is on until it is served n times.
type due struct {
	at clock.Instant
	n  int
}

func (d *due) next() (clock.Instant, bool) { return d.at, d.n > 0 }

func TestDescriptorIsReadWhenReadable(t *testing.T) {
	l := newLoop(t)
	r, w := pipe(t)
	got := 0
	if err := l.Watch(r, unix.EPOLLIN, func(ev uint32) {
		if ev&unix.EPOLLIN == 0 {
			t.Errorf("events %#x, want EPOLLIN", ev)
		}
		drain(r)
		if got++; got == 2 {
			l.Stop()
			return
		}
		write(t, w)
	}); err != nil {
		t.Fatal(err)
	}
	write(t, w)
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if got != 2 {
		t.Errorf("called %d times, want 2", got)
	}
}

// What came before a timeout prevents it, so it is read first; what does not
// matter for timeouts waits.
func TestOrderWithinATurn(t *testing.T) {
	l := newLoop(t)
	var order []string
	first, w1 := pipe(t)
	later, w2 := pipe(t)
	note := func(s string, fd int) func(uint32) {
		return func(uint32) {
			drain(fd)
			order = append(order, s)
			if s == "later" {
				l.Stop()
			}
		}
	}
	if err := errors.Join(l.Watch(later, unix.EPOLLIN, note("later", later)),
		l.Watch(first, unix.EPOLLIN|First, note("first", first))); err != nil {
		t.Fatal(err)
	}
	d := &due{at: l.Now() - 1, n: 1}
	l.OnDeadline(d.next, func(now clock.Instant, late time.Duration) {
		if late != now.Sub(d.at) {
			t.Errorf("late %v, want %v", late, now.Sub(d.at))
		}
		d.n--
		order = append(order, "deadline")
	})
	write(t, w2)
	write(t, w1)
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"first", "deadline", "later"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}

func TestDeadlineComesWhileOthersWork(t *testing.T) {
	l := newLoop(t)
	var order []string
	d := &due{}
	l.OnDeadline(d.next, func(clock.Instant, time.Duration) {
		d.n--
		order = append(order, "deadline")
	})
	// The first post makes a deadline and outlasts it; the second must wait.
	r, w := pipe(t)
	d.at, d.n = l.Now().Add(time.Hour), 1
	if err := l.Watch(r, unix.EPOLLIN, func(uint32) {
		drain(r)
		l.Post(func() {
			order = append(order, "a")
			l.armed = l.Now() // as if the deadline had been near
			d.at = l.armed
		})
		l.Post(func() { order = append(order, "b"); l.Stop() })
	}); err != nil {
		t.Fatal(err)
	}
	write(t, w)
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "deadline", "b"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}

func TestTimerWakesAgainAndAgain(t *testing.T) {
	l := newLoop(t)
	d := &due{at: l.Now().Add(time.Millisecond), n: 5}
	l.OnDeadline(d.next, func(now clock.Instant, _ time.Duration) {
		if now < d.at {
			t.Errorf("served %v early", d.at.Sub(now))
		}
		d.at = d.at.Add(time.Millisecond)
		if d.n--; d.n == 0 {
			l.Stop()
		}
	})
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
}

func TestEarlierDeadlineReplacesTheTimer(t *testing.T) {
	l := newLoop(t)
	d := &due{at: l.Now().Add(time.Hour), n: 1}
	l.OnDeadline(d.next, func(clock.Instant, time.Duration) { d.n--; l.Stop() })
	go l.Post(func() { d.at = l.Now().Add(time.Millisecond) })
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if d.n != 0 {
		t.Error("the deadline was not served")
	}
}

func TestUnwatchedWithinTheTurnIsNotCalled(t *testing.T) {
	l := newLoop(t)
	a, wa := pipe(t)
	b, wb := pipe(t)
	calls := 0
	fn := func(uint32) { calls++; l.Unwatch(a); l.Unwatch(b); l.Stop() }
	if err := errors.Join(l.Watch(a, unix.EPOLLIN, fn), l.Watch(b, unix.EPOLLIN, fn)); err != nil {
		t.Fatal(err)
	}
	write(t, wa)
	write(t, wb)
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if calls != 1 {
		t.Errorf("%d calls, want 1: the other was no longer watched", calls)
	}
}

func TestPostsKeepOrderAndEndWithTheLoop(t *testing.T) {
	l := newLoop(t)
	const n = 3 * postTurn
	var got []int
	go func() {
		for i := range n {
			if !l.Post(func() { got = append(got, i) }) {
				t.Errorf("post %d refused", i)
			}
		}
		l.Stop()
	}()
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if len(got) != n || !slices.IsSorted(got) {
		t.Errorf("%d calls in order %v, want %d sorted", len(got), slices.IsSorted(got), n)
	}
	if l.Post(func() {}) {
		t.Error("a post was taken after the end")
	}
}

func TestPostsAreBounded(t *testing.T) {
	l := newLoop(t)
	n := 0
	for l.Post(func() {}) {
		if n++; n > MaxPosts {
			t.Fatalf("more than %d posts wait", MaxPosts)
		}
	}
	if n != MaxPosts {
		t.Errorf("%d posts wait, want %d", n, MaxPosts)
	}
	l.close()
}

func TestSleepIsToldBeforeTheDeadline(t *testing.T) {
	l := newLoop(t)
	l.SetWoke(time.Minute)
	var order []string
	l.OnWoke(func(slept, _ time.Duration) {
		if slept < time.Hour {
			t.Errorf("slept %v, want an hour at least", slept)
		}
		order = append(order, "woke")
	})
	l.now = l.now.Add(-time.Hour) // as if this had been the last turn
	d := &due{at: l.Now(), n: 1}
	l.OnDeadline(d.next, func(clock.Instant, time.Duration) {
		d.n--
		order = append(order, "deadline")
	})
	l.turn(0)
	l.close()
	if want := []string{"woke", "deadline"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}

// A sleep is told before the sockets are read: whoever has slept must not
// answer what waited there as if it had been awake.
func TestSleepIsToldBeforePacketsAreRead(t *testing.T) {
	l := newLoop(t)
	l.SetWoke(time.Minute)
	var order []string
	l.OnWoke(func(time.Duration, time.Duration) { order = append(order, "woke") })
	r, w := pipe(t)
	if err := l.Watch(r, unix.EPOLLIN|First, func(uint32) { order = append(order, "packet"); l.Unwatch(r) }); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(w, []byte("x")); err != nil {
		t.Fatal(err)
	}
	d := &due{at: l.Now().Add(-time.Hour), n: 1}
	l.OnDeadline(d.next, func(clock.Instant, time.Duration) {
		d.n--
		order = append(order, "deadline")
		l.Stop()
	})
	l.armed, l.now = d.at, d.at // as if the timer had been set to it, and the last turn then over
	n, err := unix.EpollWait(l.ep, l.ready[:], 0)
	if err != nil {
		t.Fatal(err)
	}
	l.turn(n)
	l.close()
	if want := []string{"woke", "packet", "deadline"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}

// A deadline that somebody sets in the past, to be served at once, is no sign
// of sleep.
func TestDeadlineSetInThePastIsNoSleep(t *testing.T) {
	l := newLoop(t)
	l.OnWoke(func(slept, _ time.Duration) { t.Errorf("slept %v", slept) })
	d := &due{at: l.Now().Add(-time.Hour), n: 1}
	l.OnDeadline(d.next, func(clock.Instant, time.Duration) {
		d.n--
		l.Stop()
	})
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
}

// CLOCK_MONOTONIC stands still while the machine is suspended, so only the
// other clock shows it.
func TestSuspendShowsOnTheOtherClock(t *testing.T) {
	l := newLoop(t)
	defer l.close()
	var slept, suspended time.Duration
	l.OnWoke(func(s, d time.Duration) { slept, suspended = s, d })
	l.apart -= time.Hour
	l.checkSleep(0)
	if slept.Round(time.Second) != time.Hour || suspended != slept { // two clocks read one after the other
		t.Errorf("slept %v, suspended %v, want an hour", slept, suspended)
	}
	slept = 0
	l.checkSleep(0)
	if slept.Round(time.Second) != 0 {
		t.Errorf("the same sleep told twice: %v", slept)
	}
	l.checkSleep(time.Minute)
	if slept != time.Minute || suspended != 0 {
		t.Errorf("slept %v, suspended %v, want a minute in which the machine ran", slept, suspended)
	}
}

func TestFailEndsRun(t *testing.T) {
	l := newLoop(t)
	want := errors.New("no more")
	l.Post(func() { l.Fail(want) })
	if err := l.Run(); !errors.Is(err, want) {
		t.Errorf("Run returned %v, want %v", err, want)
	}
}

func TestClocksAgree(t *testing.T) {
	o := newOrigin()
	before := clock.Instant(gettime(unix.CLOCK_MONOTONIC))
	at := o.mono()
	after := clock.Instant(gettime(unix.CLOCK_MONOTONIC))
	const off = 100 * time.Microsecond // far more than calibration can be wrong
	if at < before.Add(-off) || at > after.Add(off) {
		t.Errorf("mono %d is not between %d and %d", at, before, after)
	}
	if r := o.read(); r.Boot < int64(r.Mono)-int64(off) || r.Wall < int64(24*time.Hour) {
		t.Errorf("reading %+v", r)
	}
}

func TestTurningAllocatesNothing(t *testing.T) {
	l := newLoop(t)
	defer l.close()
	r, w := pipe(t)
	var b [8]byte
	if err := l.Watch(r, unix.EPOLLIN|First, func(uint32) { _, _ = unix.Read(r, b[:]) }); err != nil {
		t.Fatal(err)
	}
	d := &due{at: 1, n: 1}
	l.OnDeadline(d.next, func(now clock.Instant, _ time.Duration) { d.at = now.Add(time.Microsecond) })
	n := testing.AllocsPerRun(100, func() {
		_, _ = unix.Write(w, b[:])
		timeout, err := l.arm()
		if err != nil {
			t.Fatal(err)
		}
		k, err := l.sleeper.Wait(l.ready[:], timeout == 0)
		if err != nil {
			t.Fatal(err)
		}
		l.turn(k)
	})
	if n != 0 {
		t.Errorf("%v allocations a turn, want 0", n)
	}
}
