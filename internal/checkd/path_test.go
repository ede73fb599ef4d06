package checkd

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

func (r *recorder) SetHearing(interfaces []string) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hears = interfaces
	return nil, nil
}

// virtual is a service of direct routing at an address, checked through it.
func virtual(at netip.AddrPort) *conf.Config {
	c := &conf.Checker{Kind: build.KindTCP, ConnectTimeout: 5 * time.Second, DelayLoop: interval, Alpha: true, Path: true, Retry: -1, DelayBeforeRetry: -1}
	cfg := config(realServer(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.9"), at.Port()), c))
	vs := cfg.VirtualServers[0]
	vs.Addr, vs.Port, vs.Forward = at.Addr(), at.Port(), "DR"
	return cfg
}

// A check through a virtual address waits until the director can lead it: it
// would end on this machine.
func TestPathIsHeldUntilItIsThere(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("marking packets takes CAP_NET_ADMIN")
	}
	ln, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	var taken atomic.Int32
	go func() {
		for c, err := ln.Accept(); err == nil; c, err = ln.Accept() {
			taken.Add(1)
			_ = c.Close()
		}
	}()
	cfg := virtual(netip.MustParseAddrPort(ln.Addr().String()))
	dir := &recorder{fail: errors.New("not today")}
	w := bootWith(t, cfg, ipc.BootInfo{}, dir)
	w.hear(`not today`)
	if n := taken.Load(); n != 0 {
		t.Errorf("%d attempts before the director had the service", n)
	}
	dir.mu.Lock()
	dir.fail = nil
	dir.mu.Unlock()
	w.hear(`^TCP connection to \[127.0.0.9\]:tcp:\d+ success$`)
	dir.mu.Lock()
	defer dir.mu.Unlock()
	if len(dir.hears) != 1 || dir.hears[0] != "" {
		t.Errorf("heard on %q", dir.hears)
	}
}

// A director that cannot lead it has the server's own address checked.
func TestPathIsStraightenedOut(t *testing.T) {
	p := newPlan(build.FromLVS(virtual(netip.MustParseAddrPort("127.0.0.2:80"))), nil)
	probe := &p.pools[0].Servers[0].Checks[0].Probe
	if probe.To.String() != "127.0.0.2:80" || probe.Mark == 0 || endpoint(probe).Via.String() != "127.0.0.9" {
		t.Fatalf("%+v", probe)
	}
	p.straighten("proxy")
	to := endpoint(probe)
	if probe.To.String() != "127.0.0.9:80" || probe.Mark != 0 || to.Via.IsValid() || to.Mark != 0 || to.Addr != probe.To || len(p.services.Paths) != 0 || len(p.faults) != 1 {
		t.Errorf("%+v, %+v, %v", probe, to, p.faults)
	}
}
