package tcp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/probetest"
)

func attempt(to probe.Endpoint) probe.Result {
	return (&Probe{To: to}).Probe(context.Background())
}

func TestBadServers(t *testing.T) { probetest.Suite(t, false, attempt) }

func TestGoodServer(t *testing.T) {
	from := make(chan net.Addr, 1)
	to := probetest.Serve(t, func(c *net.TCPConn) { from <- c.RemoteAddr() })
	to.BindTo = netip.MustParseAddr("127.0.0.7")
	if r := attempt(to); !r.OK || r.Reason != probe.OK {
		t.Errorf("got %+v", r)
	}
	if got := (<-from).(*net.TCPAddr).AddrPort().Addr(); got != to.BindTo {
		t.Errorf("came from %v", got)
	}
}

func TestInterfaceAndMark(t *testing.T) {
	to := probetest.Serve(t, func(*net.TCPConn) {})
	to.BindIf, to.Mark = "lo", 7
	r := attempt(to)
	if !r.OK && os.Geteuid() != 0 {
		t.Skip("binding to an interface needs privilege")
	}
	if !r.OK {
		t.Errorf("got %+v", r)
	}
	to.BindIf = "nonexistent0"
	if r := attempt(to); r.OK || r.Reason != probe.Local {
		t.Errorf("got %+v", r)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r := (&Probe{To: probetest.Serve(t, func(*net.TCPConn) {})}).Probe(ctx); r.OK {
		t.Errorf("got %+v", r)
	}
}

func TestRunningOutOfDescriptorsIsNoVerdict(t *testing.T) {
	for _, err := range []error{unix.EMFILE, unix.ENOBUFS, os.NewSyscallError("socket", unix.ENFILE)} {
		if r := probe.Failed(err); r.Reason != probe.Exhausted {
			t.Errorf("%v: got %+v", err, r)
		}
	}
	if r := probe.Failed(errors.New("odd")); r.Reason != probe.Local {
		t.Errorf("got %+v", r)
	}
}
