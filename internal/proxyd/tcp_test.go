package proxyd

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

type weights = map[lvs.ServerKey]lvs.Server

func TestConnectionsAreSpread(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	apply1(t, bal, key, "wrr", weights{a.key: {Weight: 2}, b.key: {Weight: 1}})
	got := map[string]int{}
	for range 9 {
		c := dialTo(t, key)
		got[c.ask()]++
		_ = c.Close()
	}
	if got["a"] != 6 || got["b"] != 3 {
		t.Errorf("answers %v, want 6 of a and 3 of b", got)
	}
	eventually(t, "counted", func() bool {
		c := bal.Counters()[key]
		return c.Connections == 9 && c.Active == 0 && c.InBytes == 9*uint64(len("hello\n")) &&
			c.OutBytes == 9*uint64(len("a hello\n")) && c.Servers[a.key].Connections == 6
	})
}

func TestWeightZeroDrains(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	apply1(t, bal, key, "rr", weights{a.key: {Weight: 1}})
	old := dialTo(t, key)
	if got := old.ask(); got != "a" {
		t.Fatalf("answer of %q, want a", got)
	}
	apply1(t, bal, key, "rr", weights{a.key: {Weight: 0}, b.key: {Weight: 1}})
	for range 4 {
		if got := dialTo(t, key).ask(); got != "b" {
			t.Errorf("a new connection went to %q, want b", got)
		}
	}
	apply1(t, bal, key, "rr", weights{b.key: {Weight: 1}})
	if got := old.ask(); got != "a" {
		t.Errorf("the connection to a removed server got %q, want a", got)
	}
	if _, err := bal.Apply(lvs.Table{}); err != nil {
		t.Fatal(err)
	}
	if got := old.ask(); got != "a" {
		t.Errorf("the connection of a removed service got %q, want a", got)
	}
	if c, err := net.Dial("tcp", netip.AddrPortFrom(key.Addr, key.Port).String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a removed service: %v %v, want refused", c, err)
	}
}

func TestNoServerResets(t *testing.T) {
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	for _, servers := range []weights{nil, {serverAt(free(t, "tcp")): {Weight: 0}}, {serverAt(free(t, "tcp")): {Weight: 1}}} {
		apply1(t, bal, key, "rr", servers)
		c, err := net.Dial("tcp", netip.AddrPortFrom(key.Addr, key.Port).String())
		if err == nil { // or the reset came sooner than we looked
			_, err = c.Read(make([]byte, 1))
			_ = c.Close()
		}
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%v: %v, want a reset", servers, err)
		}
	}
	if c := bal.Counters()[key]; c.Connections != 0 || c.Overloaded == 0 {
		t.Errorf("counters %+v", c)
	}
}

func TestRefusedConnectionGoesElsewhere(t *testing.T) {
	a, dead := newBackend(t, "a"), serverAt(free(t, "tcp"))
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	apply1(t, bal, key, "rr", weights{a.key: {Weight: 1}, dead: {Weight: 1}})
	for range 4 {
		if got := dialTo(t, key).ask(); got != "a" {
			t.Errorf("answer of %q, want a", got)
		}
	}
	if c := bal.Counters()[key]; c.Servers[dead].Refused == 0 {
		t.Errorf("the dead server refused nothing: %+v", c.Servers[dead])
	}
}

func TestThresholds(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	apply1(t, bal, key, "fo", weights{a.key: {Weight: 1000, Upper: 2}, b.key: {Weight: 1}})
	got := map[string]int{}
	for range 5 {
		got[dialTo(t, key).ask()]++
	}
	if got["a"] != 2 || got["b"] != 3 {
		t.Errorf("%v, want 2 of a (its upper threshold) and the rest of b", got)
	}
}

func TestPersistence(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	want := lvs.Table{key: {Scheduler: "rr", Persistence: 300e9, Netmask: 0xffffff00, Servers: weights{a.key: {Weight: 1}, b.key: {Weight: 1}}}}
	if _, err := bal.Apply(want); err != nil {
		t.Fatal(err)
	}
	first := dialTo(t, key).ask()
	for range 4 {
		if got := dialTo(t, key).ask(); got != first {
			t.Errorf("went to %s, and before to %s", got, first)
		}
	}
	if c := bal.Counters()[key]; c.Persistent != 1 {
		t.Errorf("%d clients remembered, want 1", c.Persistent)
	}
}

// TestBulk sends more than one splice moves, both ways at once, and ends each
// direction by itself.
func TestBulk(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			defer c.Close()
			_, err = io.Copy(c, c)
		}
		done <- err
	}()
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	apply1(t, bal, key, "rr", weights{serverAt(netip.MustParseAddrPort(l.Addr().String())): {Weight: 1}})
	c := dialTo(t, key)
	data := bytes.Repeat([]byte("0123456789abcdef"), (2*bulk+12345)/16)
	go func() {
		_, _ = c.Write(data)
		_ = c.Conn.(*net.TCPConn).CloseWrite()
	}()
	sum := sha256.New()
	n, err := io.Copy(sum, c)
	if err != nil || n != int64(len(data)) {
		t.Fatalf("%d bytes came back, %v; want %d", n, err, len(data))
	}
	if want := sha256.Sum256(data); !bytes.Equal(sum.Sum(nil), want[:]) {
		t.Error("other bytes came back")
	}
	if err := <-done; err != nil {
		t.Errorf("the server: %v", err)
	}
	eventually(t, "all bytes counted", func() bool {
		c := bal.Counters()[key]
		return c.InBytes == uint64(len(data)) && c.OutBytes == uint64(len(data)) && c.Active == 0
	})
}

func TestResetIsPassedOn(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Read(make([]byte, 1))
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
	}()
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	apply1(t, balancer(t), key, "rr", weights{serverAt(netip.MustParseAddrPort(l.Addr().String())): {Weight: 1}})
	c := dialTo(t, key)
	_, _ = c.Write([]byte("x"))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v, want the server's reset", err)
	}
}

// TestListenBeforeTheAddressIsHere: a backup holds the listener of an address
// that only the master has.
func TestListenBeforeTheAddressIsHere(t *testing.T) {
	bal := balancer(t)
	port := free(t, "tcp").Port()
	for _, addr := range []string{"192.0.2.1", "2001:db8::1"} {
		key := lvs.ServiceKey{Addr: netip.MustParseAddr(addr), Port: port, Protocol: lvs.TCP, Family: 4}
		if key.Addr.Is6() {
			key.Family = 6
		}
		udp := key
		udp.Protocol = lvs.UDP
		want := lvs.Table{key: {Scheduler: "rr"}, udp: {Scheduler: "rr"}}
		if _, err := bal.Apply(want); err != nil {
			if key.Family == 6 && errors.Is(err, syscall.EAFNOSUPPORT) {
				t.Skip("no IPv6 here")
			}
			t.Error(err)
		}
		if got := bal.Read(); len(got) != 2 {
			t.Errorf("offered: %v", got)
		}
	}
}

func TestTakenPortIsTriedAgain(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := newBackend(t, "a")
	key := serviceAt(netip.MustParseAddrPort(l.Addr().String()), lvs.TCP)
	bal := balancer(t)
	want := lvs.Table{key: {Scheduler: "rr", Servers: weights{a.key: {Weight: 1}}}}
	if _, err := bal.Apply(want); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("%v, want address in use", err)
	}
	if got := bal.Read(); len(got) != 0 {
		t.Errorf("offered: %v, want nothing", got)
	}
	_ = l.Close()
	if err := bal.Retry(); err != nil {
		t.Fatal(err)
	}
	if got := dialTo(t, key).ask(); got != "a" {
		t.Errorf("answer of %q, want a", got)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	a := newBackend(t, "a")
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	bal.conns = newEngine(2, 1)
	apply1(t, bal, key, "rr", weights{a.key: {Weight: 1}})
	one, two, three := dialTo(t, key), dialTo(t, key), dialTo(t, key)
	if one.ask() != "a" || two.ask() != "a" {
		t.Fatal("no answer within the bound")
	}
	if c := bal.Counters()[key]; c.Active != 2 {
		t.Errorf("%d active, want 2", c.Active)
	}
	_ = one.Close() // the third waits in the backlog, and is served now
	if got := three.ask(); got != "a" {
		t.Errorf("answer of %q after a place was free, want a", got)
	}
}

func TestWhatAProxyCannotDo(t *testing.T) {
	bal := balancer(t)
	at := netip.MustParseAddr("127.0.0.1")
	for _, key := range []lvs.ServiceKey{{FWMark: 1, Family: 4}, {Addr: at, Protocol: lvs.TCP, Family: 4}, {Addr: at, Port: 9, Protocol: lvs.SCTP, Family: 4}} {
		if _, err := bal.Apply(lvs.Table{key: {Scheduler: "rr"}}); err == nil {
			t.Errorf("%+v is offered", key)
		}
	}
}

// TestChangesBreakNothing: whatever changes, as long as there is a server, a
// client is answered.
func TestChangesBreakNothing(t *testing.T) {
	servers := []*backend{newBackend(t, "a"), newBackend(t, "b"), newBackend(t, "c")}
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	apply1(t, bal, key, "rr", weights{servers[0].key: {Weight: 1}})
	var clients sync.WaitGroup
	var answered atomic.Int64
	stop := make(chan struct{})
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				c, err := net.Dial("tcp", netip.AddrPortFrom(key.Addr, key.Port).String())
				if err != nil {
					t.Error(err)
					return
				}
				_ = c.SetDeadline(time.Now().Add(patience))
				_, _ = c.Write([]byte("hello\n"))
				if n, err := c.Read(make([]byte, 16)); n == 0 {
					t.Errorf("no answer: %v", err)
				}
				_ = c.Close()
				answered.Add(1)
			}
		})
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := 0; i < 200 || answered.Load() < 200; i++ {
		want := weights{servers[rng.IntN(3)].key: {Weight: 1 + rng.IntN(3)}}
		for _, s := range servers {
			if _, there := want[s.key]; !there && rng.IntN(2) == 0 {
				want[s.key] = lvs.Server{Weight: rng.IntN(3)}
			}
		}
		apply1(t, bal, key, []string{"rr", "wrr", "lc", "wlc", "sed", "nq", "sh"}[rng.IntN(7)], want)
		runtime.Gosched()
	}
	close(stop)
	clients.Wait()
}
