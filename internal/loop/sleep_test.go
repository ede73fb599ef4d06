package loop

import (
	"os"
	"sync"
	"testing"

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
