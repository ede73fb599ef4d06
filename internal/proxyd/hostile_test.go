package proxyd

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// rawBackend is a server whose connections the test has itself.
func rawBackend(t *testing.T) (lvs.ServerKey, net.Listener) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return serverAt(netip.MustParseAddrPort(l.Addr().String())), l
}

func accepted(t *testing.T, l net.Listener) *net.TCPConn {
	t.Helper()
	_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

// TestResetOfAServer: on_down reset ends what it has, also of a client that is
// remembered.
func TestResetOfAServer(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	set := func(servers weights) {
		t.Helper()
		if _, err := bal.Apply(lvs.Table{key: {Scheduler: "rr", Persistence: 300e9, Netmask: 0xffffffff, Servers: servers}}); err != nil {
			t.Fatal(err)
		}
	}
	set(weights{a.key: {Weight: 1}})
	c := dialTo(t, key)
	if c.ask() != "a" {
		t.Fatal("no answer")
	}
	set(weights{a.key: {Weight: 0, Reset: true}, b.key: {Weight: 1}})
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v, want a reset", err)
	}
	if got := dialTo(t, key).ask(); got != "b" {
		t.Errorf("answer of %q, want b", got)
	}
}

// TestEitherSideMayEndFirst: what was sent before the end arrives, and the
// other direction goes on.
func TestEitherSideMayEndFirst(t *testing.T) {
	server, l := rawBackend(t)
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	apply1(t, bal, key, "rr", weights{server: {Weight: 1}})
	for _, clientFirst := range []bool{true, false} {
		client := dialTo(t, key).Conn.(*net.TCPConn)
		first, second := client, accepted(t, l)
		if !clientFirst {
			first, second = second, first
		}
		_, _ = first.Write([]byte("question"))
		_ = first.CloseWrite()
		if got, err := io.ReadAll(second); string(got) != "question" || err != nil {
			t.Errorf("%q %v", got, err)
		}
		_, _ = second.Write([]byte("answer"))
		_ = second.Close()
		if got, err := io.ReadAll(first); string(got) != "answer" || err != nil {
			t.Errorf("%q %v", got, err)
		}
	}
	eventually(t, "all is given back", func() bool { return bal.Counters()[key].Active == 0 && bal.conns.place.inside() == 0 })
}

// TestOneByteAtATime: slow peers on both sides hold up nobody else.
func TestOneByteAtATime(t *testing.T) {
	slow, l := rawBackend(t)
	a := newBackend(t, "a")
	slowKey, key := serviceAt(free(t, "tcp"), lvs.TCP), serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	if _, err := bal.Apply(lvs.Table{
		slowKey: {Scheduler: "rr", Servers: weights{slow: {Weight: 1}}},
		key:     {Scheduler: "rr", Servers: weights{a.key: {Weight: 1}}},
	}); err != nil {
		t.Fatal(err)
	}
	client := dialTo(t, slowKey)
	server := accepted(t, l)
	for i := range 50 {
		for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
			b := []byte{byte(i)}
			_, _ = way[0].Write(b)
			if _, err := io.ReadFull(way[1], b); err != nil || b[0] != byte(i) {
				t.Fatalf("byte %d: %v %v", i, b, err)
			}
		}
		if got := dialTo(t, key).ask(); got != "a" {
			t.Fatalf("answer of %q beside a slow one", got)
		}
	}
}

// TestBackPressure: a client that does not read stops its server, and what
// the proxy holds meanwhile is bounded: the server cannot send without end.
// When it reads at last, everything is there.
func TestBackPressure(t *testing.T) {
	server, l := rawBackend(t)
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	apply1(t, bal, key, "rr", weights{server: {Weight: 1}})
	client := dialTo(t, key)
	s := accepted(t, l)
	const much = 512 << 20 // more than all buffers between them can hold
	sent := make(chan int64, 1)
	go func() {
		n, _ := io.CopyN(s, zeros{}, much)
		_ = s.CloseWrite()
		sent <- n
	}()
	was, still := uint64(0), 0
	eventually(t, "the server was stopped", func() bool {
		now := bal.Counters()[key].OutBytes
		if now == was && now > 0 {
			still++
		} else {
			was, still = now, 0
		}
		time.Sleep(time.Millisecond)
		return still > 100
	})
	if was >= much {
		t.Fatalf("%d bytes were taken for a client that reads nothing", was)
	}
	n, err := io.Copy(io.Discard, client)
	if want := <-sent; n != want || n != much || err != nil {
		t.Errorf("%d bytes came of %d sent, %v", n, want, err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// TestFlood: more clients than there are places, some of which say nothing or
// go away at once; those who wait are served in the end.
func TestFlood(t *testing.T) {
	a := newBackend(t, "a")
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	bal.conns = newEngine(8, 1)
	apply1(t, bal, key, "rr", weights{a.key: {Weight: 1}})
	var silent []net.Conn
	for i := range 64 {
		c := dialTo(t, key)
		switch i % 3 {
		case 0:
			silent = append(silent, c)
		case 1:
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		default:
			_ = c.Conn.(*net.TCPConn).CloseWrite()
		}
	}
	if n := bal.Counters()[key].Active; n > 8 {
		t.Errorf("%d at once, want at most 8", n)
	}
	for _, c := range silent {
		_ = c.Close()
	}
	if got := dialTo(t, key).ask(); got != "a" {
		t.Errorf("answer of %q after the flood, want a", got)
	}
	eventually(t, "all is given back", func() bool { return bal.Counters()[key].Active <= 1 && bal.conns.place.inside() <= 1 })
}

// TestServerThatDoesNotAnswer: a connect that gets no answer is given up, and
// another server has the client. The queue of a listener that nobody empties is full
// after a while, and then the kernel answers nobody.
func TestServerThatDoesNotAnswer(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(name.(*syscall.SockaddrInet4).Port))
	full := false
	for range 8 {
		c, err := net.DialTimeout("tcp4", at.String(), 200*time.Millisecond)
		if full = err != nil; full {
			break
		}
		defer func() { _ = c.Close() }()
	}
	if !full {
		t.Skip("this kernel's queue of a listener does not fill")
	}
	a := newBackend(t, "a")
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	apply1(t, bal, key, "fo", weights{serverAt(at): {Weight: 9}, a.key: {Weight: 1}})
	if got := dialTo(t, key).ask(); got != "a" {
		t.Errorf("answer of %q, want a", got)
	}
	if n := bal.Counters()[key].Servers[serverAt(at)].Refused; n != 1 {
		t.Errorf("refused %d times, want 1", n)
	}
}
