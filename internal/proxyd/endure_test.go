package proxyd

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lvs"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// TestServerThatDoesNotRead stops its client, and nothing more: what the proxy
// holds for it is bounded. When it fails, all of it is given back.
func TestServerThatDoesNotRead(t *testing.T) {
	server, l := rawBackend(t)
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	apply1(t, bal, key, "rr", weights{server: {Weight: 1}})
	client := dialTo(t, key)
	accepted(t, l)
	const much = 512 << 20 // more than all buffers between them can hold
	ended := make(chan error, 1)
	go func() {
		_, err := io.CopyN(client, zeros{}, much)
		ended <- err
	}()
	was, still := uint64(0), 0
	eventually(t, "the client was stopped", func() bool {
		if now := bal.Counters()[key].InBytes; now == was && now > 0 {
			still++
		} else {
			was, still = now, 0
		}
		time.Sleep(time.Millisecond)
		return still > 100
	})
	apply1(t, bal, key, "rr", weights{server: {Weight: 0, Reset: true}})
	if err := <-ended; !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("the client ended with %v after %d bytes, want a reset", err, was)
	}
	if n := bal.conns.place.inside() + len(bal.conns.pipes); n != 0 {
		t.Errorf("%d places and pipes are still taken", n)
	}
}

// TestChangesEndNoConnection: all that a reload may change around connections
// that are open, their server's removal included.
func TestChangesEndNoConnection(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	apply1(t, bal, key, "rr", weights{a.key: {Weight: 1}, b.key: {Weight: 1}})
	clients := make([]*client, 100)
	for i := range clients {
		clients[i] = dialTo(t, key)
		if clients[i].ask() == "" {
			t.Fatal("no answer")
		}
	}
	both := weights{a.key: {Weight: 3, Upper: 10, Lower: 5}, b.key: {Weight: 0}}
	for name, s := range map[string]lvs.Service{
		"another scheduler":   {Scheduler: "sh", Servers: both},
		"persistence":         {Scheduler: "rr", Persistence: 60e9, Netmask: 0xffffffff, Servers: both},
		"fewer than are open": {Scheduler: "rr", Proxy: lvs.ProxyService{MaxConnections: 3}, Servers: both},
		"the PROXY protocol":  {Scheduler: "rr", Servers: weights{a.key: {Weight: 1, SendProxy: 2}}},
		"no server":           {Scheduler: "rr"},
	} {
		if _, err := bal.Apply(lvs.Table{key: s}); err != nil {
			t.Fatal(err)
		}
		for _, c := range clients {
			if c.ask() == "" {
				t.Fatalf("%s ended a connection", name)
			}
		}
	}
	if n := bal.Counters()[key].Active; int(n) != len(clients) {
		t.Errorf("%d connections are counted, want %d", n, len(clients))
	}
}

// TestMemoryOutlivesAReload: who is remembered goes where it went, unless that
// which is remembered itself is another.
func TestMemoryOutlivesAReload(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	set := func(scheduler string, servers weights) {
		t.Helper()
		if _, err := bal.Apply(lvs.Table{key: {Scheduler: scheduler, Persistence: 300e9, Netmask: 0xffffffff, Servers: servers}}); err != nil {
			t.Fatal(err)
		}
	}
	set("rr", weights{a.key: {Weight: 1}})
	if got := dialTo(t, key).ask(); got != "a" {
		t.Fatalf("answer of %q, want a", got)
	}
	set("wlc", weights{a.key: {Weight: 1}, b.key: {Weight: 1000}})
	if got := dialTo(t, key).ask(); got != "a" {
		t.Errorf("a remembered client went to %q after a reload, want a", got)
	}
}

// TestFamiliesMix: clients and servers of IPv4 and IPv6, in every combination,
// by TCP and UDP. A header of the PROXY protocol names them as they are.
func TestFamiliesMix(t *testing.T) {
	const four, six = "127.0.0.1", "::1"
	if l, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		t.Skip("no IPv6 here")
	} else {
		_ = l.Close()
	}
	for _, way := range [][2]string{{six, six}, {six, four}, {four, six}} {
		t.Run(way[0]+" to "+way[1], func(t *testing.T) {
			bal := balancer(t)
			tcp, udp := peer(t, way[1])
			at := netip.AddrPortFrom(netip.MustParseAddr(way[0]), free(t, "tcp").Port())
			keys := []lvs.ServiceKey{serviceAt(at, lvs.TCP), serviceAt(at, lvs.UDP)}
			table := lvs.Table{}
			for i, server := range []net.Addr{tcp.Addr(), udp.LocalAddr()} {
				if at.Addr().Is6() {
					keys[i].Family = 6
				}
				table[keys[i]] = lvs.Service{Scheduler: "rr",
					Servers: weights{serverAt(netip.MustParseAddrPort(server.String())): {Weight: 1, SendProxy: 2}}}
			}
			if _, err := bal.Apply(table); err != nil {
				t.Fatal(err)
			}
			for i, key := range keys {
				c := dialTo(t, key)
				_, _ = c.Write([]byte("hello"))
				var from io.Reader = udp
				if i == 0 {
					from = accepted(t, tcp)
				}
				client := netip.MustParseAddrPort(c.LocalAddr().String())
				want := append(wire.AppendProxyHeader(nil, 2, i == 1, client, at), "hello"...)
				got := make([]byte, len(want))
				if _, err := io.ReadFull(from, got); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: %q %v, want %q", key.Protocol, got, err, want)
				}
			}
		})
	}
}

// peer listens at an address by TCP and UDP.
func peer(t *testing.T, at string) (net.Listener, *net.UDPConn) {
	t.Helper()
	tcp, err := net.Listen("tcp", net.JoinHostPort(at, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tcp.Close() })
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(at)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = udp.Close() })
	_ = udp.SetDeadline(time.Now().Add(patience))
	return tcp, udp
}
