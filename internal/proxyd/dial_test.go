package proxyd

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lvs"
	"github.com/holdfast-ha/holdfast/internal/wire"
	"golang.org/x/sys/unix"
)

// TestProxyProtocol: the server hears first of all who its client is.
func TestProxyProtocol(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	key, server := serviceAt(free(t, "tcp"), lvs.TCP), serverAt(netip.MustParseAddrPort(l.Addr().String()))
	bal := balancer(t)
	for _, version := range []uint8{1, 2} {
		apply1(t, bal, key, "rr", weights{server: {Weight: 1, SendProxy: version}})
		c := dialTo(t, key)
		_, _ = c.Write([]byte("hello\n"))
		want := append(wire.AppendProxyHeader(nil, version, false, netip.MustParseAddrPort(c.LocalAddr().String()),
			netip.AddrPortFrom(key.Addr, key.Port)), "hello\n"...)
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = s.SetDeadline(time.Now().Add(patience))
		got := make([]byte, len(want))
		if _, err := io.ReadFull(s, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("version %d: %q %v, want %q", version, got, err, want)
		}
		_ = s.Close()
	}
}

// TestProxyProtocolOfDatagrams: every datagram says it, in version 2.
func TestProxyProtocolOfDatagrams(t *testing.T) {
	s, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	_ = s.SetDeadline(time.Now().Add(patience))
	key := serviceAt(free(t, "udp"), lvs.UDP)
	apply1(t, balancer(t), key, "rr", weights{serverAt(netip.MustParseAddrPort(s.LocalAddr().String())): {Weight: 1, SendProxy: 1}})
	c := dialTo(t, key)
	header := wire.AppendProxyHeader(nil, 2, true, netip.MustParseAddrPort(c.LocalAddr().String()), netip.AddrPortFrom(key.Addr, key.Port))
	for _, text := range []string{"one", "another"} {
		_, _ = c.Write([]byte(text))
		b := make([]byte, 1000)
		n, _, err := s.ReadFrom(b)
		if want := append(bytes.Clone(header), text...); err != nil || !bytes.Equal(b[:n], want) {
			t.Errorf("%q %v, want %q", b[:n], err, want)
		}
	}
}

// TestTransparentSource: the server sees the client's own address.
func TestTransparentSource(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	err = transparent(fd, true)
	_ = unix.Close(fd)
	if errors.Is(err, unix.EPERM) {
		t.Skip("IP_TRANSPARENT takes CAP_NET_ADMIN")
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	if _, err := bal.Apply(lvs.Table{key: {Scheduler: "rr", Proxy: lvs.ProxyService{Transparent: true},
		Servers: weights{serverAt(netip.MustParseAddrPort(l.Addr().String())): {Weight: 1}}}}); err != nil {
		t.Fatal(err)
	}
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 77)}}
	c, err := d.Dial("tcp4", netip.AddrPortFrom(key.Addr, key.Port).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if from := s.RemoteAddr().(*net.TCPAddr).AddrPort().Addr(); from != netip.MustParseAddr("127.0.0.77") {
		t.Errorf("the server sees %v", from)
	}
}

// TestServiceIsBounded: a service's own bound, which a change moves while
// clients wait.
func TestServiceIsBounded(t *testing.T) {
	a := newBackend(t, "a")
	key, other := serviceAt(free(t, "tcp"), lvs.TCP), serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	want := func(most uint32) lvs.Table {
		return lvs.Table{
			key:   {Scheduler: "rr", Proxy: lvs.ProxyService{MaxConnections: most}, Servers: weights{a.key: {Weight: 1}}},
			other: {Scheduler: "rr", Servers: weights{a.key: {Weight: 1}}},
		}
	}
	if _, err := bal.Apply(want(1)); err != nil {
		t.Fatal(err)
	}
	one, two := dialTo(t, key), dialTo(t, key)
	if one.ask() != "a" || dialTo(t, other).ask() != "a" {
		t.Fatal("no answer within the bound, or from another service")
	}
	if _, err := fmt.Fprintln(two, "hello"); err != nil {
		t.Fatal(err)
	}
	if c := bal.Counters()[key]; c.Active != 1 {
		t.Errorf("%d active, want 1", c.Active)
	}
	if _, err := bal.Apply(want(2)); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(two).ReadString('\n'); !strings.HasPrefix(line, "a ") {
		t.Errorf("%q %v after the bound was moved", line, err)
	}
}

// TestClientsOfADrainingServer: as in IPVS, who is remembered goes there still;
// unless it does not answer.
func TestClientsOfADrainingServer(t *testing.T) {
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
	if got := dialTo(t, key).ask(); got != "a" {
		t.Fatalf("answer of %q, want a", got)
	}
	set(weights{a.key: {Weight: 0}, b.key: {Weight: 1}})
	if got := dialTo(t, key).ask(); got != "a" {
		t.Errorf("a remembered client went to %q, want a, which drains", got)
	}
	_ = a.l.Close()
	for range 2 {
		if got := dialTo(t, key).ask(); got != "b" {
			t.Errorf("answer of %q, want b", got)
		}
	}
}
