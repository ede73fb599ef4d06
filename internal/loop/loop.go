// Package loop is the event loop of a child: one epoll, one timerfd, two
// clocks, and posts from other goroutines. It owns the child's whole state by
// being the only goroutine that touches it.
//
// The loop sleeps on its own timerfd, since the Go runtime rounds timers to a
// millisecond and wakes 0.5–0.9 ms late on two idle cores. It allocates
// nothing while it turns, and what is called from it should not either: then
// garbage is collected so rarely, and so little of it, that no advert is late
// for it (Quiet says how the runtime is asked to keep out of the way).
//
// One turn: wake, notice whether it was in time, read what Watch called First,
// serve the deadlines that have come, then everything else; deadlines that come meanwhile are served in
// between. Nothing called from the loop may block. What is done at a deadline
// is decided by the machines; files besides this one: clock.go reads the
// clocks, post.go brings calls from other goroutines, precedence.go asks
// the kernel for precedence, prompt.go for short slices, quiet.go the runtime
// for quiet. It sleeps as package raw does.
package loop

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/raw"
)

// maxReady is how many descriptors one wake reports; the rest come with the
// next, at once.
const maxReady = 128

// DefaultWoke is how late a deadline must be served for OnWoke, unless
// SetWoke said otherwise.
const DefaultWoke = time.Second

// leastSuspend is how far apart the clocks must have moved for the machine to
// have been suspended: they are read one after the other.
const leastSuspend = 10 * time.Millisecond

// First is added to Watch's events: this descriptor is read before deadlines
// are served, so that a packet that came before a timeout prevents it, however
// late we are. What it calls must be bounded in time.
const First uint32 = 1 << 16

// Loop is an event loop. Post and Stop may be called from any goroutine, all
// else belongs to the goroutine that runs it (before Run: to its maker).
type Loop struct {
	ep, timer int
	sleeper   raw.Sleeper

	now     clock.Instant
	origin  origin
	watches []watch // by descriptor
	serial  int32   // tells a watch from an earlier one of the same number
	ready   [maxReady]unix.EpollEvent

	users    []user
	armed    clock.Instant // what the timer is set to, 0 = off
	spent    bool          // the timer has told of its expiry, and will not again
	realTime int           // the priority of the thread that turns, 0 = as it is (Keeper)

	woke     func(slept, suspended time.Duration)
	wokeOver time.Duration
	apart    time.Duration // boot time less monotonic time, when last looked at
	rested   clock.Instant // the clock when the last turn was over
	serving  bool

	held  Held
	heard bool // in this turn, who may not have gone on yet
	posts posts
	stop  bool
	err   error
}

// watch is one watched descriptor.
type watch struct {
	fn     func(events uint32)
	serial int32
	first  bool
}

// user is somebody with deadlines.
type user struct {
	next func() (clock.Instant, bool)
	tick func(now clock.Instant, late time.Duration)
}

// New makes a loop that watches nothing yet.
func New() (*Loop, error) {
	l := &Loop{ep: -1, timer: -1, wokeOver: DefaultWoke, held: free{}}
	l.posts.fd = -1
	var err error
	if l.ep, err = l.sleeper.Open(); err != nil {
		return nil, fmt.Errorf("make a loop: %w", err)
	}
	if l.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		l.close()
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	// Edge-triggered: an expiry wakes once and needs no read; setting the timer
	// again arms it anew.
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(l.timer), Pad: 0}
	if err = unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, l.timer, &ev); err == nil {
		err = l.posts.open()
	}
	if err == nil {
		err = l.Watch(l.posts.fd, unix.EPOLLIN, func(uint32) { l.posts.run(l) })
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("make a loop: %w", err)
	}
	l.origin = newOrigin()
	l.now = l.origin.mono()
	l.apart = l.between()
	return l, nil
}

// Now is when the loop woke, or when it last looked at the clock since.
func (l *Loop) Now() clock.Instant { return l.now }

// Look reads the clock anew, for who has worked long since the wake.
func (l *Loop) Look() clock.Instant {
	l.now = l.origin.mono()
	return l.now
}

// Read reads all clocks; it may be called from any goroutine.
func (l *Loop) Read() clock.Reading { return l.origin.read() }

// Watch calls fn on the loop whenever fd has one of the epoll events
// (unix.EPOLLIN …; level-triggered; First may be added). Errors and hang-ups
// are always reported. Watching a watched descriptor replaces events and fn.
func (l *Loop) Watch(fd int, events uint32, fn func(events uint32)) error {
	if fd < 0 {
		return fmt.Errorf("watch descriptor %d: %w", fd, unix.EBADF)
	}
	for fd >= len(l.watches) {
		l.watches = append(l.watches, make([]watch, 16)...)
	}
	l.serial++
	w := watch{fn: fn, serial: l.serial, first: events&First != 0}
	op := unix.EPOLL_CTL_ADD
	if l.watches[fd].fn != nil {
		op = unix.EPOLL_CTL_MOD
	}
	ev := unix.EpollEvent{Events: events &^ First, Fd: int32(fd), Pad: w.serial}
	if err := unix.EpollCtl(l.ep, op, fd, &ev); err != nil {
		return fmt.Errorf("watch descriptor %d: %w", fd, err)
	}
	l.watches[fd] = w
	return nil
}

// Unwatch forgets a descriptor; call it before closing. What epoll has
// already reported of it is dropped.
func (l *Loop) Unwatch(fd int) {
	if fd < 0 || fd >= len(l.watches) || l.watches[fd].fn == nil {
		return
	}
	l.watches[fd] = watch{}
	_ = unix.EpollCtl(l.ep, unix.EPOLL_CTL_DEL, fd, &unix.EpollEvent{})
}

// OnDeadline adds somebody with deadlines: next is asked before each sleep,
// and tick is called when its time has come, with how late that is. Users are
// served in the order of their coming, so adverts come before what can wait.
func (l *Loop) OnDeadline(next func() (clock.Instant, bool), tick func(now clock.Instant, late time.Duration)) {
	l.users = append(l.users, user{next: next, tick: tick})
}

// OnWoke calls fn before anything is read and deadlines are served when these
// are so late, or the machine was suspended for so long, that this process must
// have been asleep. The monotonic clock does not show how long it was suspended;
// that a machine was stopped from outside no clock shows.
func (l *Loop) OnWoke(fn func(slept, suspended time.Duration)) { l.woke = fn }

// SetWoke sets how late is asleep.
func (l *Loop) SetWoke(over time.Duration) { l.wokeOver = over }

// Run turns until Stop. It is not locked to a thread: whichever sleeps in the
// runtime's epoll goes on with it.
func (l *Loop) Run() error {
	defer l.close()
	l.Look()
	for !l.stop {
		timeout, err := l.arm()
		if err != nil {
			return err
		}
		n, err := l.sleeper.Wait(l.ready[:], timeout == 0)
		if err != nil {
			return fmt.Errorf("wait for events: %w", err)
		}
		if l.realTime != 0 && !own(l.realTime) {
			l.realTime = 0 // refused once, refused each time
		}
		l.held.Hold()
		l.turn(n)
		if l.held.Release() || l.heard {
			l.heard = false
			runtime.Gosched()
		}
	}
	return l.err
}

// Held is held while something is done in a turn: what is said is heard after
// that. Release reports whether somebody was told; they go before the next turn,
// on this very thread unless another was free, and if that takes them long we go
// on with another.
type Held interface {
	Hold()
	Release() (told bool)
}

// Holds sets what is held.
func (l *Loop) Holds(h Held) { l.held = h }

// free is where nothing is held.
type free struct{}

func (free) Hold()         {}
func (free) Release() bool { return false }

// Fail ends the loop; Run returns err.
func (l *Loop) Fail(err error) {
	if l.err == nil {
		l.err = err
	}
	l.stop = true
}

// Stop ends the loop after the present turn. What was posted before is run.
func (l *Loop) Stop() { l.posts.stop() }

// turn is everything between two sleeps.
func (l *Loop) turn(n int) {
	l.rested = l.now
	l.Look()
	// Before anything is read: what waits in a socket must not be answered by
	// who has not noticed yet that it slept.
	if l.armed != 0 {
		l.checkSleep(l.now.Sub(max(l.armed, l.rested)))
	}
	for i := range l.ready[:n] {
		if l.dispatch(&l.ready[i], true) {
			l.Look()
		}
	}
	l.serve()
	for i := range l.ready[:n] {
		l.breathe()
		if l.dispatch(&l.ready[i], false) && l.armed != 0 && l.Look() >= l.armed {
			l.breathe()
			l.serve()
		}
	}
}

// breathe lets what was said be heard by another thread, if one is free, before
// the turn goes on with something else.
func (l *Loop) breathe() {
	if l.held.Release() {
		l.heard = true
	}
	l.held.Hold()
}

// yieldEvery is how long one may work between two looks at the clock.
const yieldEvery = 100 * time.Microsecond

// Yield serves the deadlines that have come, for who works longer than a moment
// and is in a state in which they may. Nothing else is done: packets and posts
// wait for the end of the turn.
func (l *Loop) Yield() {
	if l.serving || l.origin.mono() < l.now.Add(yieldEvery) {
		return
	}
	l.Look()
	l.serve()
}

// dispatch calls who watches, if this is its part of the turn.
func (l *Loop) dispatch(ev *unix.EpollEvent, first bool) bool {
	fd := int(ev.Fd)
	if fd == l.timer {
		l.spent = true
	}
	if fd >= len(l.watches) {
		return false
	}
	w := &l.watches[fd]
	if w.fn == nil || w.serial != ev.Pad || w.first != first {
		return false
	}
	w.fn(ev.Events)
	return true
}

// serve calls everybody whose deadline has come, once.
func (l *Loop) serve() {
	l.serving = true
	var looked bool
	for i := range l.users {
		u := &l.users[i]
		at, ok := u.next()
		if !ok || l.now < at {
			continue
		}
		if !looked {
			looked = true
			// What was due before the last turn was over has not waited for us.
			l.checkSleep(l.now.Sub(max(at, l.rested)))
			// Somebody was told of the sleep and may have changed its mind.
			if at, ok = u.next(); !ok || l.now < at {
				continue
			}
		}
		u.tick(l.now, l.now.Sub(at))
	}
	l.serving = false
}

// checkSleep compares the clocks, and tells when we cannot have been awake.
func (l *Loop) checkSleep(late time.Duration) {
	apart := l.between()
	suspended := apart - l.apart
	l.apart = apart
	if suspended < leastSuspend {
		suspended = 0
	}
	slept := max(late, suspended)
	if slept >= l.wokeOver && l.woke != nil {
		l.rested = l.now // told: what was due meanwhile is no second sleep
		l.woke(slept, suspended)
	}
}

// arm sets the timer to the earliest deadline and returns epoll's timeout in
// milliseconds: -1 to wait, 0 when the deadline has come already.
func (l *Loop) arm() (int, error) {
	var first clock.Instant
	for i := range l.users {
		at, ok := l.users[i].next()
		if !ok {
			continue
		}
		if first == 0 || at < first {
			first = max(at, 1)
		}
	}
	if first != 0 && first <= l.now {
		l.armed = first
		return 0, nil
	}
	if first == l.armed && !l.spent {
		return -1, nil
	}
	l.armed, l.spent = first, false
	var spec unix.ItimerSpec // all zero disarms
	if first != 0 {
		spec.Value = unix.NsecToTimespec(int64(first))
	}
	if err := raw.SetTimer(l.timer, unix.TFD_TIMER_ABSTIME, &spec); err != nil {
		return 0, fmt.Errorf("set the timer: %w", err)
	}
	return -1, nil
}

// close gives the descriptors back.
func (l *Loop) close() {
	if l.timer >= 0 {
		_ = unix.Close(l.timer)
	}
	l.sleeper.Close()      // and so the epoll
	l.ep, l.timer = -1, -1 // Unwatch may come yet, when the number is somebody else's
	l.posts.close()
}
