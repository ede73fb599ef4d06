// Package loop is the event loop of a child: one epoll, one timerfd, two
// clocks, and posts from other goroutines. It owns the child's whole state by
// being the only goroutine that touches it.
//
// The loop sleeps on its own timerfd, since the Go runtime rounds timers to a
// millisecond and wakes 0.5–0.9 ms late on two idle cores.
package loop
