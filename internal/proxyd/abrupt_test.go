package proxyd

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lvs"
	"golang.org/x/sys/unix"
)

// descriptors counts those of this process whose kind begins so ("" for all).
func descriptors(t *testing.T, kind string) (n int) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc: ", err)
	}
	for _, e := range list {
		if what, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(what, kind) {
			n++
		}
	}
	return n
}

// transfer is a connection through a balancer that carries bytes both ways.
type transfer struct {
	t              *testing.T
	bal            *Balancer
	key            lvs.ServiceKey
	real           lvs.ServerKey
	client, server *net.TCPConn
}

// vanish ends a socket without a word to its peer.
func vanish(t *testing.T, c *net.TCPConn) {
	raw, err := c.SyscallConn()
	if err == nil {
		ctlErr := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_TCP, unix.TCP_REPAIR, 1) })
		if ctlErr != nil {
			err = ctlErr
		}
	}
	if err != nil {
		t.Skip("vanishing takes CAP_NET_ADMIN: ", err)
	}
	_ = c.Close()
}

func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// ends are the ways in which a transfer comes to one.
var ends = map[string]func(*transfer){
	"the client resets":   func(x *transfer) { reset(x.client) },
	"the server resets":   func(x *transfer) { reset(x.server) },
	"the client vanishes": func(x *transfer) { vanish(x.t, x.client) }, // its kernel answers what comes with a reset
	"the server vanishes": func(x *transfer) { vanish(x.t, x.server) },
	"the client ends first": func(x *transfer) {
		_ = x.client.CloseWrite()
		_ = x.server.CloseWrite()
	},
	"the server ends first": func(x *transfer) {
		_ = x.server.CloseWrite()
		_ = x.client.CloseWrite()
	},
	"both close at once": func(x *transfer) {
		_ = x.client.Close()
		_ = x.server.Close()
	},
	"the time to drain is over": func(x *transfer) {
		apply1(x.t, x.bal, x.key, "rr", weights{x.real: {Weight: 0, Reset: true}})
	},
	"a reload removes server and service, then the client goes": func(x *transfer) {
		if _, err := x.bal.Apply(nil); err != nil {
			x.t.Error(err)
		}
		if _, err := io.CopyN(io.Discard, x.client, 1<<20); err != nil {
			x.t.Errorf("after the reload: %v", err)
		}
		reset(x.client)
	},
	"the proxy stops": func(x *transfer) { x.bal.Close() },
}

// TestNothingIsLeftOfATransfer: whichever way it ends, in the midst of bytes
// both ways, all that it held is given back.
func TestNothingIsLeftOfATransfer(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			server, l := rawBackend(t)
			key := serviceAt(free(t, "tcp"), lvs.TCP)
			before, sockets := descriptors(t, ""), descriptors(t, "socket:")
			bal := NewBalancer(func(lvs.ServiceKey, slog.Level, string) {})
			defer bal.Close()
			apply1(t, bal, key, "rr", weights{server: {Weight: 1}})
			c, err := net.Dial("tcp", netip.AddrPortFrom(key.Addr, key.Port).String())
			if err != nil {
				t.Fatal(err)
			}
			x := &transfer{t, bal, key, server, c.(*net.TCPConn), accepted(t, l)}
			var work sync.WaitGroup
			work.Go(func() { _, _ = io.Copy(x.server, zeros{}) })
			work.Go(func() { _, _ = io.Copy(x.client, zeros{}) })
			if _, err := io.CopyN(io.Discard, x.client, 4<<20); err != nil {
				t.Fatal(err)
			}
			defer work.Wait()
			defer func() { _ = x.client.Close(); _ = x.server.Close() }()
			end(x)
			work.Go(func() { _, _ = io.Copy(io.Discard, x.server) })
			work.Go(func() { _, _ = io.Copy(io.Discard, x.client) })
			eventually(t, "all places are given back", func() bool { return bal.conns.place.inside() == 0 && len(bal.conns.pipes) == 0 })
			_, _ = x.client.Close(), x.server.Close()
			work.Wait()
			bal.Close()
			eventually(t, "no socket is left", func() bool { return descriptors(t, "socket:") == sockets })
			if after := descriptors(t, ""); after > before {
				t.Errorf("%d descriptors, %d before", after, before)
			}
		})
	}
}
