package loop

import (
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A thread that a loop kept while it sleeps would be one that the runtime has
// to look for.
func TestSleepingLoopsHoldNoThreads(t *testing.T) {
	const loops = 64
	var all [loops]*Loop
	var running, over sync.WaitGroup
	for i := range all {
		all[i] = newLoop(t)
		running.Add(1)
		all[i].Post(running.Done)
		over.Go(func() {
			if err := all[i].Run(); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	// Once more from their sleep, one after the other.
	for _, l := range all {
		done := make(chan struct{})
		l.Post(func() { close(done) })
		<-done
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Skip(err)
	}
	if len(threads) >= loops {
		t.Errorf("%d threads for %d loops", len(threads), loops)
	}
	for _, l := range all {
		l.Stop()
	}
	over.Wait()
}

// The number may belong to somebody else by then.
func TestNothingIsUnwatchedAfterTheEnd(t *testing.T) {
	l := newLoop(t)
	r, w := pipe(t)
	if err := l.Watch(r, unix.EPOLLIN, func(uint32) {}); err != nil {
		t.Fatal(err)
	}
	l.Stop()
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	next := newLoop(t) // takes the numbers that are free
	got := false
	if err := next.Watch(r, unix.EPOLLIN, func(uint32) { drain(r); got = true; next.Stop() }); err != nil {
		t.Fatal(err)
	}
	l.Unwatch(r)
	write(t, w)
	if err := next.Run(); err != nil {
		t.Fatal(err)
	}
	if !got {
		t.Error("another loop's descriptor was unwatched")
	}
	if l.Watch(r, unix.EPOLLIN, func(uint32) {}) == nil {
		t.Error("a loop that has ended watches")
	}
}

// Who waits until something is ready is not back before, and an error ends the
// wait as well: nobody would ring for it.
func TestTheSleeperSleeps(t *testing.T) {
	open := func(fds ...int) (s *sleeper, ep int) {
		s = &sleeper{}
		ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds {
			if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.open(ep); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.f.Close() })
		return s, ep
	}
	type woken struct {
		n   int
		err error
	}
	wait := func(s *sleeper, ready []unix.EpollEvent, meanwhile func()) (w woken) {
		back := make(chan woken, 1)
		go func() {
			n, err := s.wait(ready, false)
			back <- woken{n, err}
		}()
		meanwhile()
		select {
		case w = <-back:
		case <-time.After(20 * time.Second):
			t.Fatal("it sleeps on")
		}
		return w
	}
	r, w := pipe(t)
	s, _ := open(r)
	for range 3 { // each into other memory
		ready := make([]unix.EpollEvent, 4)
		if got := wait(s, ready, func() { write(t, w) }); got != (woken{1, nil}) || ready[0].Fd != int32(r) {
			t.Errorf("woken by %+v, %+v", got, ready)
		}
		drain(r)
	}
	if n, err := s.wait(make([]unix.EpollEvent, 1), true); n != 0 || err != nil {
		t.Errorf("without waiting: %d, %v", n, err)
	}
	broken, ep := open()
	if err := unix.Dup3(r, ep, 0); err != nil { // it is no epoll any more
		t.Fatal(err)
	}
	if got := wait(broken, make([]unix.EpollEvent, 1), func() {}); got.n != 0 || got.err == nil {
		t.Errorf("an error: %+v", got)
	}
}
