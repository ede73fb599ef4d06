package proxyd

import (
	"errors"
	"io"
	"net"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lvs"
	"golang.org/x/sys/unix"
)

// serverSide is the proxy's socket to the server of its only connection.
func serverSide(b *Balancer) (fd int, d dialing) {
	b.conns.all(func(c *conn) { fd, d = int(c.sides[fromServer].fd), dialing{c.place, c.gen, 0, b.now()} })
	return fd, d
}

// TestServerOfALastingConnectionIsProbed: a short connection does not pay for
// keepalives to its server, one that lasts has them.
func TestServerOfALastingConnectionIsProbed(t *testing.T) {
	a := newBackend(t, "a")
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	apply1(t, bal, key, "rr", weights{a.key: {Weight: 1}})
	if dialTo(t, key).ask() != "a" {
		t.Fatal("no answer")
	}
	fd, d := serverSide(bal)
	bal.conns.spot(d.place).Load().late(d) // as the worker does after connectTimeout
	for name, want := range map[int]int{unix.TCP_KEEPIDLE: keepIdle, unix.TCP_KEEPINTVL: keepInterval, unix.TCP_KEEPCNT: keepCount} {
		if got, err := unix.GetsockoptInt(fd, unix.SOL_TCP, name); got != want || err != nil {
			t.Errorf("option %d of TCP is %d %v, want %d", name, got, err, want)
		}
	}
	if on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE); on == 0 || err != nil {
		t.Errorf("keepalives: %d %v", on, err)
	}
}

// TestUrgentData: a read stops before it, and what is behind is passed on too.
// The urgent byte itself is out of band, and is lost (tcp(7), SO_OOBINLINE).
func TestUrgentData(t *testing.T) {
	server, l := rawBackend(t)
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	bal := balancer(t)
	bal.conns.width = 1
	apply1(t, bal, key, "rr", weights{server: {Weight: 1}})
	client, hears := dialTo(t, key).Conn.(*net.TCPConn), accepted(t, l)
	_, _ = client.Write([]byte("0"))
	_, _ = io.ReadFull(hears, make([]byte, 1)) // it is open

	f, w := bal.services[key].front.(*tcpFront), bal.conns.workers[0]
	f.using.Lock()
	bal.conns.callFor(f)
	eventually(t, "the worker is held up", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.calls == nil
	})
	raw, err := client.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = client.Write([]byte("before"))
	_ = raw.Control(func(fd uintptr) { _, err = unix.SendmsgN(int(fd), []byte("!"), nil, nil, unix.MSG_OOB) })
	_, _ = client.Write([]byte(" behind"))
	f.using.Unlock()
	piece := make([]byte, len("before behind"))
	if _, e := io.ReadFull(hears, piece); string(piece) != "before behind" || errors.Join(e, err) != nil {
		t.Errorf("the server heard %q %v %v", piece, e, err)
	}
}
