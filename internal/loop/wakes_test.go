package loop

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// rounds is how many wake-ups each of these tests waits for: were one of them
// lost, nothing else would wake the loop, and the test would hang.
const rounds = 20000

// patience is how long a test may hang before it says so.
const patience = time.Minute

// running runs a loop until the test ends.
func running(t *testing.T, l *Loop) {
	over := make(chan error, 1)
	go func() { over <- l.Run() }()
	t.Cleanup(func() {
		l.Stop()
		select {
		case err := <-over:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("Stop does not wake the loop")
		}
	})
}

// idle spends up to a few microseconds, so that what follows falls into every
// part of the loop's way to sleep.
func idle() {
	for range rand.IntN(2000) {
		runtime.KeepAlive(nil)
	}
}

func await(t *testing.T, done <-chan struct{}, round int) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("round %d: the loop sleeps", round)
	}
}

func TestEveryPostWakes(t *testing.T) {
	l := newLoop(t)
	running(t, l)
	done := make(chan struct{}, 1)
	for i := range rounds {
		l.Post(func() { done <- struct{}{} })
		await(t, done, i)
		idle()
	}
}

func TestEveryByteWakes(t *testing.T) {
	l := newLoop(t)
	done := make(chan struct{}, 1)
	r, w := pipe(t)
	if err := l.Watch(r, unix.EPOLLIN, func(uint32) { drain(r); done <- struct{}{} }); err != nil {
		t.Fatal(err)
	}
	running(t, l)
	for i := range rounds {
		write(t, w)
		await(t, done, i)
		idle()
	}
}

// More are ready than one look tells of, while some are written to that the
// loop has just read.
func TestEveryDescriptorOfManyWakes(t *testing.T) {
	const many = maxReady + 50
	l := newLoop(t)
	done := make(chan struct{}, many)
	var ends [many]int
	for i := range ends {
		r, w := pipe(t)
		ends[i] = w
		if err := l.Watch(r, unix.EPOLLIN, func(uint32) { drain(r); done <- struct{}{} }); err != nil {
			t.Fatal(err)
		}
	}
	running(t, l)
	for i := range rounds / many {
		for _, w := range ends {
			write(t, w)
		}
		for range ends {
			await(t, done, i)
		}
	}
}

// Deadlines some microseconds ahead: the timer expires before, while and after
// the loop falls asleep.
func TestEveryDeadlineWakes(t *testing.T) {
	l := newLoop(t)
	d := &due{n: rounds, at: l.Now()}
	done := make(chan struct{})
	l.OnDeadline(d.next, func(clock.Instant, time.Duration) {
		d.at = l.Look().Add(time.Duration(rand.IntN(30)) * time.Microsecond)
		if d.n--; d.n == 0 {
			close(done)
		}
	})
	running(t, l)
	await(t, done, rounds)
}

// A post brings the deadline nearer while the loop sleeps for a far one.
func TestEveryEarlierDeadlineWakes(t *testing.T) {
	l := newLoop(t)
	d := &due{n: 1, at: l.Now().Add(time.Hour)}
	done := make(chan struct{}, 1)
	l.OnDeadline(d.next, func(clock.Instant, time.Duration) {
		d.at = l.Now().Add(time.Hour)
		done <- struct{}{}
	})
	running(t, l)
	for i := range rounds {
		l.Post(func() { d.at = l.Look().Add(time.Duration(rand.IntN(20)) * time.Microsecond) })
		await(t, done, i)
		idle()
	}
}

// The timer has told of its expiry, and the clock that is read says that it is
// not time yet: the loop must not wait for the timer to tell once more.
func TestTimerThatCameTooSoonIsSetAgain(t *testing.T) {
	l := newLoop(t)
	d := &due{n: 1, at: l.Now().Add(time.Millisecond)}
	done := make(chan struct{})
	l.origin.zero -= clock.Instant(20 * time.Millisecond) // we are behind the kernel
	l.OnDeadline(d.next, func(clock.Instant, time.Duration) {
		d.n = 0
		close(done)
	})
	running(t, l)
	await(t, done, 1)
}
