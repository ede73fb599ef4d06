package build

import (
	"net/netip"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// Two services lead to one server in the same way, a third one in another; a
// reload that puts a server before them changes no mark, and no virtual
// server's own mark is taken.
func TestPaths(t *testing.T) {
	server := func(a, forward string) *conf.RealServer {
		return &conf.RealServer{Addr: addr(a), Port: 80, Weight: 5, Forward: forward,
			Checkers: []*conf.Checker{{Kind: KindTCP, ConnectPort: 80, Path: true, Retry: -1, DelayBeforeRetry: -1}}}
	}
	vs := func(a string, servers ...*conf.RealServer) *conf.VirtualServer {
		return &conf.VirtualServer{Addr: addr(a), Port: 80, Protocol: "TCP", Forward: "DR", Servers: servers}
	}
	c := &conf.Config{VirtualServers: []*conf.VirtualServer{
		vs("10.1.0.1", server("10.0.0.1", "")), vs("10.1.0.2", server("10.0.0.1", "")), vs("10.1.0.3", server("10.0.0.1", "TUN")),
	}}
	s := FromLVS(c)
	if len(s.Paths) != 2 {
		t.Fatalf("%+v", s.Paths)
	}
	marks := func(s *Services) (out []uint32) {
		for i := range s.Pools {
			p := &s.Pools[i].Servers[0].Checks[0].Probe
			if p.To != netip.AddrPortFrom(s.Pools[i].Keys[0].Addr, 80) || p.Direct != netip.MustParseAddrPort("10.0.0.1:80") {
				t.Errorf("%v, direct %v", p.To, p.Direct)
			}
			out = append(out, p.Mark)
		}
		return out
	}
	m := marks(s)
	if m[0] != m[1] || m[0] == m[2] || m[0] < firstPath || m[0] >= firstPath+maxPaths {
		t.Errorf("marks %#x", m)
	}
	want := lvs.Server{Forward: lvs.DirectRoute, Weight: 1}
	if p := s.Paths[0]; p.Service != (lvs.ServiceKey{FWMark: m[0], Family: 4}) || p.Offer().Servers[lvs.ServerKey{Addr: addr("10.0.0.1")}] != want {
		t.Errorf("%+v offers %+v", p, p.Offer())
	}
	c.VirtualServers[2].Servers = append(c.VirtualServers[2].Servers, server("10.0.0.2", ""))
	if again := marks(FromLVS(c)); again[0] != m[0] || again[2] != m[2] {
		t.Errorf("marks %#x, then %#x", m, again)
	}
	c.VirtualServers = append(c.VirtualServers, &conf.VirtualServer{FWMark: m[0], Forward: "DR", Servers: []*conf.RealServer{server("10.0.0.1", "")}})
	s = FromLVS(c)
	if s.Pools[0].Servers[0].Checks[0].Probe.Mark == m[0] || len(s.Ignored) != 1 {
		t.Errorf("%+v, ignored %v", s.Paths, s.Ignored)
	}
}
