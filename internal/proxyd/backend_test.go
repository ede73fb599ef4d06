package proxyd

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for what must happen at last; nothing waits that long when all
// is well.
const patience = 20 * time.Second

// free returns an address on the loopback that nobody has.
func free(t testing.TB, network string) netip.AddrPort {
	t.Helper()
	if network == "udp" {
		c, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		return netip.MustParseAddrPort(c.LocalAddr().String())
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return netip.MustParseAddrPort(l.Addr().String())
}

func serviceAt(at netip.AddrPort, protocol lvs.Protocol) lvs.ServiceKey {
	return lvs.ServiceKey{Addr: at.Addr(), Port: at.Port(), Protocol: protocol, Family: 4}
}

func serverAt(at netip.AddrPort) lvs.ServerKey {
	return lvs.ServerKey{Addr: at.Addr(), Port: at.Port()}
}

// backend is a real server that answers every line with its name and the line.
type backend struct {
	key  lvs.ServerKey
	l    net.Listener
	work sync.WaitGroup
}

func newBackend(t testing.TB, name string) *backend {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{key: serverAt(netip.MustParseAddrPort(l.Addr().String())), l: l}
	b.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.work.Go(func() {
				defer c.Close()
				for lines := bufio.NewScanner(c); lines.Scan(); {
					fmt.Fprintf(c, "%s %s\n", name, lines.Text())
				}
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); b.work.Wait() })
	return b
}

// udpBackend answers every datagram with its name and the datagram.
func udpBackend(t *testing.T, name string) lvs.ServerKey {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		b := make([]byte, datagram)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(append([]byte(name+" "), b[:n]...), from)
		}
	})
	t.Cleanup(func() { _ = c.Close(); work.Wait() })
	return serverAt(netip.MustParseAddrPort(c.LocalAddr().String()))
}

// client is a connection that talks in lines, or in datagrams.
type client struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func dialTo(t *testing.T, key lvs.ServiceKey) *client {
	t.Helper()
	network := strings.ToLower(key.Protocol.String())
	c, err := net.Dial(network, netip.AddrPortFrom(key.Addr, key.Port).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &client{t, c, bufio.NewReader(c)}
}

// ask returns the name of the server that answered, "" if the connection broke.
func (c *client) ask() string {
	c.t.Helper()
	if _, err := fmt.Fprintln(c, "hello"); err != nil {
		return ""
	}
	line, err := c.r.ReadString('\n')
	if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
		c.t.Fatal("no answer, and no end")
	}
	name, _, _ := strings.Cut(line, " ")
	return name
}

// balancer is closed with the test; its errors are the caller's.
func balancer(t testing.TB) *Balancer {
	t.Helper()
	b := NewBalancer(func(_ lvs.ServiceKey, level slog.Level, what string) { t.Log(level, what) })
	t.Cleanup(b.Close)
	return b
}

func apply1(t testing.TB, b *Balancer, key lvs.ServiceKey, scheduler string, servers map[lvs.ServerKey]lvs.Server) {
	t.Helper()
	if _, err := b.Apply(lvs.Table{key: {Scheduler: scheduler, Servers: servers}}); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what other goroutines bring about.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// Apply makes the balancer offer exactly want.
func (b *Balancer) Apply(want lvs.Table) (director.Changes, error) {
	return b.Change(director.CanonicalDelta(lvs.Whole(want)))
}
