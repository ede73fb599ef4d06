// Package probetest is the suite that every probe over TCP passes: servers on
// loopback that behave badly in all the ways that servers do. A probe must
// come to an end within its timeout, with the right reason, and leave neither
// a descriptor nor a goroutine behind.
package probetest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

// Attempt makes one attempt and waits for its end.
type Attempt func(to probe.Endpoint) probe.Result

// timeout of the attempts that end by it, and ample what others have, however
// busy the machine is; nothing asserts how long one took.
const timeout, ample = 150 * time.Millisecond, 20 * time.Second

// patience is when an attempt counts as hanging.
const patience = 30 * time.Second

// bad is one server and what a probe that wants an answer says of it.
type bad struct {
	name  string
	serve func(c *net.TCPConn)
	want  []probe.Reason
}

var badServers = []bad{
	{"takes the connection and never answers", hold, []probe.Reason{probe.Timeout}},
	{"sends a byte now and then", dribble, []probe.Reason{probe.Timeout, probe.TLS}},
	{"sends garbage", garbage, []probe.Reason{probe.BadAnswer, probe.TLS, probe.Reset}},
	{"sends a header without end", endlessHeader, []probe.Reason{probe.BadAnswer, probe.TLS}},
	{"sends one line without end", endlessLine, []probe.Reason{probe.BadAnswer, probe.TLS}},
	{"closes at once", func(*net.TCPConn) {}, []probe.Reason{probe.BadAnswer, probe.TLS, probe.Reset}},
	{"resets at once", reset, []probe.Reason{probe.Reset}},
	{"resets within the answer", resetLater, []probe.Reason{probe.Reset, probe.TLS, probe.BadAnswer}}, // some have seen enough by then
	{"closes within the header", halfHeader, []probe.Reason{probe.BadAnswer, probe.TLS}},
}

// timeout is what an attempt at that server gets.
func (b *bad) timeout() time.Duration {
	if slices.Contains(b.want, probe.Timeout) {
		return timeout
	}
	return ample
}

// Suite runs an attempt against all of them. spoken says that the probe wants
// an answer; one that does not is content with any server that takes its
// connection.
func Suite(t *testing.T, spoken bool, attempt Attempt) {
	for _, b := range badServers {
		t.Run(b.name, func(t *testing.T) {
			defer NoLeaks(t)()
			to := Serve(t, b.serve)
			to.Timeout = b.timeout()
			r := within(t, attempt, to)
			switch {
			case !spoken && b.name == "resets at once" && !r.OK: // a race that either may win
			case !spoken:
				if !r.OK {
					t.Errorf("got %+v, want a server that is well", r)
				}
			default:
				expect(t, r, b.want...)
			}
		})
	}
	reachable(t, attempt)
}

// reachable is what goes wrong before a connection is there.
func reachable(t *testing.T, attempt Attempt) {
	t.Run("refuses connections", func(t *testing.T) {
		defer NoLeaks(t)()
		expect(t, within(t, attempt, probe.Endpoint{Addr: Refusing(t), Timeout: ample}), probe.Refused)
	})
	t.Run("does not answer the connection", func(t *testing.T) {
		defer NoLeaks(t)()
		expect(t, within(t, attempt, probe.Endpoint{Addr: full(t), Timeout: timeout}), probe.Timeout)
	})
	t.Run("source address is not here", func(t *testing.T) {
		defer NoLeaks(t)()
		to := Serve(t, hold)
		to.BindTo, to.Timeout = netip.MustParseAddr("192.0.2.77"), ample
		expect(t, within(t, attempt, to), probe.Local)
	})
}

func expect(t *testing.T, r probe.Result, want ...probe.Reason) {
	t.Helper()
	for _, w := range want {
		if !r.OK && r.Reason == w && r.Detail != "" {
			return
		}
	}
	t.Errorf("got %+v, want a failure because of %v, with a detail", r, want)
}

func within(t *testing.T, attempt Attempt, to probe.Endpoint) probe.Result {
	t.Helper()
	got := make(chan probe.Result, 1)
	go func() { got <- attempt(to) }()
	select {
	case r := <-got:
		return r
	case <-time.After(patience):
		t.Fatal("the attempt hangs")
		return probe.Result{}
	}
}

// NoLeaks is to be called at the beginning, and what it returns at the end.
func NoLeaks(t *testing.T) func() {
	t.Helper()
	before, ignore := descriptors(t), goleak.IgnoreCurrent()
	return func() {
		t.Helper()
		for _, f := range takeCleanups(t) {
			f()
		}
		// regexp2's clock ends by itself, a second after its last use.
		clock := goleak.IgnoreAnyFunction("github.com/dlclark/regexp2.runClock")
		if err := goleak.Find(ignore, clock); err != nil {
			t.Error(err)
		}
		for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			after := descriptors(t)
			if after <= before {
				return
			}
			if time.Now().After(end) {
				t.Errorf("%d descriptors before, %d after", before, after)
				return
			}
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range names {
		to, _ := os.Readlink("/proc/self/fd/" + e.Name())
		if strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// cleanups end servers before leaks are counted, which t.Cleanup would not.
var cleanups = struct {
	sync.Mutex
	of map[string][]func()
}{of: map[string][]func(){}}

func atEnd(t *testing.T, f func()) {
	cleanups.Lock()
	defer cleanups.Unlock()
	if cleanups.of[t.Name()] == nil {
		t.Cleanup(func() {
			for _, f := range takeCleanups(t) {
				f()
			}
		})
	}
	cleanups.of[t.Name()] = append(cleanups.of[t.Name()], f)
}

func takeCleanups(t *testing.T) []func() {
	cleanups.Lock()
	defer cleanups.Unlock()
	fs := cleanups.of[t.Name()]
	delete(cleanups.of, t.Name())
	return fs
}

// Serve runs a server on loopback until the test ends; serve has a connection
// for as long as it does not return.
func Serve(t *testing.T, serve func(c *net.TCPConn)) probe.Endpoint {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	open := map[*net.TCPConn]bool{}
	wg.Add(1)
	go func() {
		defer wg.Done()
		for {
			c, err := l.AcceptTCP()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			wg.Add(1)
			go func() {
				defer wg.Done()
				defer func() {
					_ = c.Close()
					mu.Lock()
					delete(open, c)
					mu.Unlock()
				}()
				serve(c)
			}()
		}
	}()
	atEnd(t, func() {
		_ = l.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return probe.Endpoint{Addr: l.Addr().(*net.TCPAddr).AddrPort(), Timeout: patience}
}

// Refusing is an address on loopback at which nobody listens.
func Refusing(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// full is an address whose listener has no room for another connection and
// drops what asks for one.
func full(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	fds := []int{fd}
	atEnd(t, func() {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
	})
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		c, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, c)
		if err := unix.Connect(c, sa); err != nil && err != unix.EINPROGRESS {
			t.Fatal(err)
		}
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(sa.(*unix.SockaddrInet4).Port))
}

func hold(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) }

func request(c *net.TCPConn) { _, _ = c.Read(make([]byte, 4096)) }

func dribble(c *net.TCPConn) {
	answer := []byte("HTTP/1.0 200 OK\r\n\r\n" + strings.Repeat("x", 1000))
	for i := range answer {
		if _, err := c.Write(answer[i : i+1]); err != nil {
			return
		}
		time.Sleep(timeout / 5)
	}
}

func garbage(c *net.TCPConn) {
	request(c)
	_, _ = c.Write([]byte("\x00\xff\xfe nothing\n\n\x80 that anybody\r\n\r\n would send"))
}

func flood(c *net.TCPConn, first, then string) {
	request(c)
	b := bytes.Repeat([]byte(then), 4096/len(then))
	_, err := c.Write([]byte(first))
	for err == nil {
		_, err = c.Write(b)
	}
}

func endlessHeader(c *net.TCPConn) { flood(c, "HTTP/1.0 200 OK\r\n", "X-Header: value\r\n") }

func endlessLine(c *net.TCPConn) { flood(c, "HTTP/1.0 200 ", "OK") }

func reset(c *net.TCPConn) { _ = c.SetLinger(0) }

func resetLater(c *net.TCPConn) {
	request(c)
	_, _ = c.Write([]byte("HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\nsome"))
	_ = c.SetLinger(0)
}

func halfHeader(c *net.TCPConn) {
	request(c)
	_, _ = c.Write([]byte("HTTP/1.0 200 OK\r\nContent-Le"))
}
