package flow

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/probetest"
)

// drive is a loop for one engine: it waits for its descriptor and deadlines
// until n attempts have ended.
func drive(t *testing.T, e *Engine[int], n int) map[int]probe.Result {
	t.Helper()
	out := map[int]probe.Result{}
	begun := time.Now()
	for {
		for _, o := range e.Done() {
			if _, twice := out[o.Tag]; twice {
				t.Errorf("attempt %d ended twice", o.Tag)
			}
			out[o.Tag] = o.Result
		}
		if len(out) >= n {
			return out
		}
		fds := []unix.PollFd{{Fd: int32(e.Fd()), Events: unix.POLLIN}}
		_, _ = unix.Poll(fds, 10)
		now := clock.Instant(time.Since(begun))
		e.Ready(now)
		e.Expire(now)
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("%d of %d attempts ended", len(out), n)
		}
	}
}

func engine(t *testing.T) *Engine[int] {
	t.Helper()
	e, err := New[int]()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestBadServers(t *testing.T) {
	probetest.Suite(t, false, func(to probe.Endpoint) probe.Result {
		e := engine(t)
		defer e.Close()
		e.Start(0, 1, &to, nil, false)
		return drive(t, e, 1)[1]
	})
}

func TestManyAtOnceWithFewDescriptors(t *testing.T) {
	defer probetest.NoLeaks(t)()
	well := probetest.Serve(t, func(c *net.TCPConn) {})
	gone := probe.Endpoint{Addr: probetest.Refusing(t), Timeout: time.Minute}
	e := engine(t)
	defer e.Close()
	e.limit = 3
	const n = 500
	for i := range n {
		to := &well
		if i%5 == 0 {
			to = &gone
		}
		e.Start(0, i, to, nil, false)
	}
	for i, r := range drive(t, e, n) {
		if want := i%5 != 0; r.OK != want {
			t.Errorf("attempt %d: %+v", i, r)
		}
	}
	if e.Running() != 0 {
		t.Errorf("%d still running", e.Running())
	}
	if at, ok := e.Deadline(); ok {
		t.Errorf("a deadline is left: %v", at)
	}
}

// Whoever is late to look does not blame the server.
func TestWhatCameInTimeCounts(t *testing.T) {
	answered := make(chan bool, 1)
	to := probetest.Serve(t, func(c *net.TCPConn) {
		_, _ = c.Write([]byte("x"))
		answered <- true
	})
	e := engine(t)
	defer e.Close()
	e.Start(0, 1, &to, &reader{}, false)
	<-answered
	e.Expire(clock.Instant(time.Hour))
	if out := e.Done(); len(out) != 1 || !out[0].Result.OK {
		t.Errorf("got %+v", out)
	}
}

// That we have no port left says nothing about the server.
func TestNoFreePortIsNoVerdict(t *testing.T) {
	hold := make(chan struct{})
	to := probetest.Serve(t, func(c *net.TCPConn) { <-hold })
	defer close(hold)
	to.BindTo = netip.MustParseAddr("127.0.0.9")
	to.BindPort = probetest.Refusing(t).Port()
	e := engine(t)
	defer e.Close()
	e.Start(0, 1, &to, &reader{}, false) // waits for a byte
	e.Start(0, 2, &to, &reader{}, false) // the same four numbers
	if r := drive(t, e, 1)[2]; r.Reason != probe.Exhausted {
		t.Errorf("got %+v", r)
	}
}

// reader is content with one byte.
type reader struct{}

func (*reader) Step(fd int, buf []byte) (Wait, probe.Result) {
	if n, _ := unix.Read(fd, buf); n > 0 {
		return Done, probe.Result{OK: true, Reason: probe.OK}
	}
	return Read, probe.Result{}
}

func (*reader) Clean() bool { return false }

func TestWaitingForADescriptorIsBounded(t *testing.T) {
	e := engine(t)
	defer e.Close()
	e.limit = 0
	to := probe.Endpoint{Addr: netip.MustParseAddrPort("127.0.0.1:9"), Timeout: time.Second}
	e.Start(0, 7, &to, nil, false)
	e.Expire(clock.Instant(time.Second))
	out := e.Done()
	if len(out) != 1 || out[0].Result.Reason != probe.Exhausted || e.Running() != 0 {
		t.Errorf("got %+v", out)
	}
}

// Whoever waits may go, from anywhere in the queue, and one turn ends some only.
func TestManyTimeoutsAtOnce(t *testing.T) {
	e := engine(t)
	defer e.Close()
	e.limit = 0
	const n = 3*expiresTurn + 1
	for i := range n {
		to := probe.Endpoint{Addr: netip.MustParseAddrPort("127.0.0.1:9"), Timeout: time.Second + time.Duration(i%7)}
		e.Start(0, i, &to, nil, i%2 == 0)
	}
	late, seen := clock.Instant(time.Minute), map[int]bool{}
	for turn := 1; e.Running() > 0; turn++ {
		if at, ok := e.Deadline(); !ok || at > late {
			t.Fatalf("turn %d: %d wait, and the deadline is %v, %v", turn, e.Running(), at, ok)
		}
		e.Expire(late)
		out := e.Done()
		for _, o := range out {
			seen[o.Tag] = true
		}
		if len(out) == 0 || len(out) > expiresTurn {
			t.Fatalf("turn %d ended %d", turn, len(out))
		}
	}
	if len(seen) != n || e.well.first != nil || e.doubted.first != nil || e.well.last != nil || e.doubted.last != nil {
		t.Errorf("%d of %d ended, queues %v %v", len(seen), n, e.well, e.doubted)
	}
}

// Servers of which nothing good is expected leave descriptors to the rest.
func TestThoseInDoubtLeaveRoom(t *testing.T) {
	hold := make(chan struct{})
	silent := probetest.Serve(t, func(c *net.TCPConn) { <-hold })
	defer close(hold)
	well := probetest.Serve(t, func(c *net.TCPConn) {})
	e := engine(t)
	defer e.Close()
	e.limit = 8
	for i := range 20 {
		e.Start(0, i, &silent, &reader{}, true)
	}
	if n := len(e.open); n != 6 {
		t.Errorf("%d descriptors are held, want 6 of 8", n)
	}
	e.Start(0, 99, &well, nil, false)
	if r := drive(t, e, 1)[99]; !r.OK {
		t.Errorf("got %+v", r)
	}
}

// A check leaves no TIME_WAIT on our side.
func TestClosesWithoutTimeWait(t *testing.T) {
	got := make(chan error, 1)
	to := probetest.Serve(t, func(c *net.TCPConn) {
		_, err := c.Read(make([]byte, 1))
		got <- err
	})
	e := engine(t)
	defer e.Close()
	e.Start(0, 1, &to, nil, false)
	if r := drive(t, e, 1)[1]; !r.OK {
		t.Fatalf("got %+v", r)
	}
	if r := probe.Failed(<-got); r.Reason != probe.Reset {
		t.Errorf("the server saw %+v, want a reset", r)
	}
}

func TestBindsToSourceAddressAndPort(t *testing.T) {
	from := make(chan net.Addr, 1)
	to := probetest.Serve(t, func(c *net.TCPConn) { from <- c.RemoteAddr() })
	to.BindTo = netip.MustParseAddr("127.0.0.9")
	to.BindPort = probetest.Refusing(t).Port() // one that is free
	e := engine(t)
	defer e.Close()
	e.Start(0, 1, &to, nil, false)
	if r := drive(t, e, 1)[1]; !r.OK {
		t.Fatalf("got %+v", r)
	}
	if got := (<-from).(*net.TCPAddr).AddrPort(); got != netip.AddrPortFrom(to.BindTo, to.BindPort) {
		t.Errorf("came from %v", got)
	}
}

// A socket is used again, and each connection still ends with a reset.
func TestSocketsAreUsedAgain(t *testing.T) {
	got := make(chan error, 1)
	from := make(chan net.Addr, 1)
	to := probetest.Serve(t, func(c *net.TCPConn) {
		from <- c.RemoteAddr()
		_, err := c.Read(make([]byte, 1))
		got <- err
	})
	e := engine(t)
	defer e.Close()
	last := -1
	for i := range 5 {
		e.Start(0, i, &to, nil, false)
		if r := drive(t, e, 1)[i]; !r.OK {
			t.Fatalf("attempt %d: %+v", i, r)
		}
		<-from
		if r := probe.Failed(<-got); r.Reason != probe.Reset {
			t.Errorf("the server saw %+v, want a reset", r)
		}
		if n := len(e.spares.v4); n != 1 || last >= 0 && e.spares.v4[0] != last {
			t.Fatalf("%d sockets kept: %v, before %d", n, e.spares.v4, last)
		}
		last = e.spares.v4[0]
	}
	to.BindTo = netip.MustParseAddr("127.0.0.9")
	e.Start(0, 9, &to, nil, false)
	if r := drive(t, e, 1)[9]; !r.OK {
		t.Fatalf("got %+v", r)
	}
	if a := (<-from).(*net.TCPAddr).AddrPort().Addr(); a != to.BindTo {
		t.Errorf("came from %v: a socket with settings was not made anew", a)
	}
	if err := <-got; err == nil {
		t.Error("the server saw no end")
	}
}

func TestIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 loopback: %v", err)
	}
	defer func() { _ = l.Close() }()
	to := probe.Endpoint{Addr: l.Addr().(*net.TCPAddr).AddrPort(), Timeout: time.Minute}
	e := engine(t)
	defer e.Close()
	for i := range 3 {
		e.Start(0, i, &to, nil, false)
		if r := drive(t, e, 1)[i]; !r.OK {
			t.Errorf("got %+v", r)
		}
	}
	if len(e.spares.v4) != 0 || len(e.spares.v6) != 1 {
		t.Errorf("kept %d and %d sockets", len(e.spares.v4), len(e.spares.v6))
	}
}

// A server that is to close first is given the time to, and sees no reset; one
// that does not is not waited for long.
func TestThePeerMayCloseFirst(t *testing.T) {
	for _, closes := range []bool{true, false} {
		goOn, got := make(chan struct{}), make(chan error, 1)
		to := probetest.Serve(t, func(c *net.TCPConn) {
			_, _ = c.Write([]byte("x"))
			<-goOn
			if closes {
				_, _ = c.Write([]byte("and more"))
				_ = c.CloseWrite()
			}
			_, err := c.Read(make([]byte, 1))
			got <- err
		})
		e := engine(t)
		e.Start(0, 1, &to, &reader{}, false)
		if r := drive(t, e, 1)[1]; !r.OK {
			t.Fatalf("got %+v", r)
		}
		if e.Running() != 0 || len(e.open) != 1 {
			t.Fatalf("%d run, %d sockets are open", e.Running(), len(e.open))
		}
		close(goOn)
		now := clock.Instant(time.Second)
		for end := time.Now().Add(10 * time.Second); closes && len(e.open) > 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
			e.Ready(now)
		}
		e.Expire(now)
		if len(e.open) != 0 || e.leaving != 0 || len(e.Done()) != 0 {
			t.Errorf("%d sockets are open, %d leave", len(e.open), e.leaving)
		}
		if err := <-got; errors.Is(err, io.EOF) != closes {
			t.Errorf("the peer closes: %v; it saw %v", closes, err)
		}
		e.Close()
	}
}
