package build

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestVirtualServer(t *testing.T) {
	c := &conf.Config{
		Global: conf.Global{ScriptUser: "nobody", ScriptSecurity: true, NotifyFIFO: conf.FIFO{Path: "/run/a"}, LVSNotifyFIFO: conf.FIFO{Path: "/run/b"}},
		VirtualServers: []*conf.VirtualServer{{
			Addr: addr("10.1.0.1"), Port: 80, Protocol: "TCP", Scheduler: "sh", SchedFlags: []string{"sh-port"}, OnePacket: true,
			Forward: "DR", Persistence: time.Minute, PersistGran: 24, Quorum: 2, Hysteresis: 1,
			QuorumUp: &conf.Command{Argv: []string{"/bin/up"}},
			Sorry:    &conf.RealServer{Addr: addr("10.0.0.9")},
			Servers: []*conf.RealServer{{
				Addr: addr("10.0.0.1"), Weight: 3, Forward: "TUN", UpperThreshold: 9, InhibitOnFailure: true,
				NotifyDown: &conf.Command{Argv: []string{"/bin/down"}, User: "somebody"},
				Checkers: []*conf.Checker{{
					Kind: KindTCP, ConnectPort: 81, ConnectTimeout: time.Second, Retry: -1, DelayBeforeRetry: -1,
					DelayLoop: 10 * time.Second, Warmup: -1, Alpha: true,
				}},
			}},
		}},
	}
	s := FromLVS(c)
	if len(s.Pools) != 1 || len(s.Ignored) != 0 || s.Director != "auto" || !reflect.DeepEqual(s.FIFOs, []FIFO{{Path: "/run/a", User: "nobody"}, {Path: "/run/b", User: "nobody"}}) {
		t.Fatalf("got %+v", s)
	}
	p := s.Pools[0]
	key := lvs.ServiceKey{Addr: addr("10.1.0.1"), Port: 80, Protocol: lvs.TCP, Family: 4}
	want := lvs.PoolConfig{
		Name: "[10.1.0.1]:tcp:80", Keys: []lvs.ServiceKey{key}, Quorum: 2, Hysteresis: 1,
		Service: lvs.Service{Scheduler: "sh", Flags: flagSched2 | flagOnePacket, Persistence: time.Minute, Netmask: 0xffffff00},
		Sorry: &lvs.SorryConfig{
			Key: lvs.ServerKey{Addr: addr("10.0.0.9"), Port: 80}, Name: "[10.0.0.9]:tcp:80",
			Server: lvs.Server{Forward: lvs.DirectRoute, Weight: 1},
		},
		Servers: []lvs.ServerConfig{{
			Key: lvs.ServerKey{Addr: addr("10.0.0.1"), Port: 80}, Name: "[10.0.0.1]:tcp:80",
			Server: lvs.Server{Forward: lvs.Tunnel, Weight: 3, Upper: 9}, Inhibit: true,
			Checks: []lvs.CheckState{{Unknown: true}},
		}},
	}
	if !reflect.DeepEqual(p.PoolConfig, want) {
		t.Errorf("got  %+v\nwant %+v", p.PoolConfig, want)
	}
	if up, down := p.QuorumUp, p.Servers[0].NotifyDown; up.User != "nobody" || !up.Secure || down.User != "somebody" || p.QuorumDown != nil {
		t.Errorf("scripts: %+v, %+v", up, down)
	}
	h := p.Servers[0].Checks[0]
	if h.Probe.To != netip.MustParseAddrPort("10.0.0.1:81") || h.Probe.Timeout != time.Second {
		t.Errorf("probe: %+v", h.Probe)
	}
	schedule := check.Config{
		Interval: 10 * time.Second, Retry: 1, RetryDelay: time.Second, Warmup: 10 * time.Second, Alpha: true, Steps: 1,
	}
	if *h.Schedule != schedule {
		t.Errorf("schedule: %+v", h.Schedule)
	}
}

func TestKindsOfKeys(t *testing.T) {
	c := &conf.Config{VirtualServers: []*conf.VirtualServer{
		{FWMark: 7, Servers: []*conf.RealServer{{Addr: addr("10.0.0.1"), Port: 80}}},
		{FWMark: 7, Family: 6},
		{Addr: addr("2001:db8::1"), Port: 53, Protocol: "UDP", PersistGran: 64},
		{Addr: addr("2001:db8::1"), Port: 53, Protocol: "UDP", Pos: conf.Pos{File: "f", Line: 9}},
		{Group: "missing", Pos: conf.Pos{File: "f", Line: 10}},
		{Group: "g", Protocol: "TCP"},
	}, ServerGroups: []*conf.ServerGroup{{Name: "g", Members: []conf.GroupMember{
		{From: addr("10.2.0.1"), To: addr("10.2.0.2"), Port: 80, PortTo: 81}, {FWMark: 9},
	}}}}
	s := FromLVS(c)
	want := []lvs.ServiceKey{
		{FWMark: 7, Family: 4}, {FWMark: 7, Family: 6},
		{Addr: addr("2001:db8::1"), Port: 53, Protocol: lvs.UDP, Family: 6},
	}
	g := s.Pools[3]
	tcp := func(a string, port uint16) lvs.ServiceKey {
		return lvs.ServiceKey{Addr: addr(a), Port: port, Protocol: lvs.TCP, Family: 4}
	}
	if wantKeys := []lvs.ServiceKey{
		tcp("10.2.0.1", 80), tcp("10.2.0.1", 81), tcp("10.2.0.2", 80), tcp("10.2.0.2", 81), {FWMark: 9, Family: 4},
	}; g.Name != "[g]:0" || !reflect.DeepEqual(g.Keys, wantKeys) {
		t.Errorf("group %s: %v", g.Name, g.Keys)
	}
	s.Pools = s.Pools[:3]
	if len(s.Pools) != len(want) || len(s.Ignored) != 2 {
		t.Fatalf("%d pools, ignored %q", len(s.Pools), s.Ignored)
	}
	for i, k := range want {
		if s.Pools[i].Keys[0] != k {
			t.Errorf("key %+v, want %+v", s.Pools[i].Keys[0], k)
		}
	}
	if n := s.Pools[0].PoolConfig.Servers[0].Name; n != "[10.0.0.1]:none:80" {
		t.Errorf("named %s", n)
	}
	if m := s.Pools[2].Service.Netmask; m != 64 {
		t.Errorf("netmask %d", m)
	}
	if s.Ignored[0] != "f:9: virtual_server [2001:db8::1]:udp:53 is there already (line 0), its real servers join that one, the rest of it is ignored" {
		t.Errorf("ignored: %q", s.Ignored[0])
	}
}

func TestCheckers(t *testing.T) {
	http := &conf.Checker{Kind: KindHTTP, Retry: -1, DelayBeforeRetry: -1, HTTP: &conf.HTTPCheck{
		VirtualHost: "a.example", FastRecovery: true,
		URLs: []conf.HTTPURL{{Path: "/1"}, {Path: "/2", VirtualHost: "b.example"}},
	}}
	misc := &conf.Checker{Kind: KindMisc, Retry: -1, DelayBeforeRetry: -1, DelayLoop: 5 * time.Second, Misc: &conf.MiscCheck{
		Command: conf.Command{Argv: []string{"/bin/true"}}, Dynamic: true,
	}}
	rs := &conf.RealServer{Addr: addr("10.0.0.1"), Checkers: []*conf.Checker{
		http, misc, {Kind: "BFD_CHECK"}, {Kind: KindSSL, HTTP: &conf.HTTPCheck{}},
	}}
	twin := &conf.RealServer{Addr: addr("10.0.0.1"), Port: 80}
	s := FromLVS(&conf.Config{VirtualServers: []*conf.VirtualServer{
		{Addr: addr("10.1.0.1"), Port: 80, DelayLoop: 7 * time.Second, Servers: []*conf.RealServer{rs, twin}},
	}})
	if len(s.Ignored) != 3 || len(s.Pools[0].Servers) != 1 {
		t.Fatalf("ignored %q, %d servers", s.Ignored, len(s.Pools[0].Servers))
	}
	checks := s.Pools[0].Servers[0].Checks
	if len(checks) != 2 {
		t.Fatalf("%d checks", len(checks))
	}
	h, m := checks[0], checks[1]
	if sc := h.Schedule; sc.Steps != 2 || !sc.Hurry || sc.Retry != 1 || sc.RetryDelay != 3*time.Second || sc.Interval != 7*time.Second {
		t.Errorf("HTTP schedule %+v", sc)
	}
	if u := h.Probe.HTTP.URLs; u[0].VirtualHost != "a.example" || u[1].VirtualHost != "b.example" {
		t.Errorf("URLs %+v", u)
	}
	if m.Schedule.Retry != 0 || m.Probe.Program.Timeout != 5*time.Second || !m.Probe.Dynamic {
		t.Errorf("MISC_CHECK %+v, %+v", m.Schedule, m.Probe)
	}
	again := FromLVS(&conf.Config{VirtualServers: []*conf.VirtualServer{
		{Addr: addr("10.1.0.1"), Port: 80, DelayLoop: time.Second, Servers: []*conf.RealServer{rs}},
	}})
	if other := again.Pools[0].Servers[0].Checks; !h.Probe.Same(&other[0].Probe) || h.Probe.Same(&m.Probe) {
		t.Error("the same probe is not the same after a reload")
	}
}

// Checks of the same manner share it, whomever they are about; others do not.
func TestMannersAreShared(t *testing.T) {
	get := func(path string) *conf.Checker {
		return &conf.Checker{Kind: KindHTTP, HTTP: &conf.HTTPCheck{URLs: []conf.HTTPURL{{Path: path}}}}
	}
	vs := &conf.VirtualServer{Addr: addr("10.1.0.1"), Port: 80}
	for i, c := range []*conf.Checker{get("/"), get("/"), get("/other"), {Kind: KindTCP}, {Kind: KindTCP, Alpha: true}} {
		vs.Servers = append(vs.Servers, &conf.RealServer{Addr: addr("10.0.0.1"), Port: uint16(80 + i), Checkers: []*conf.Checker{c}})
	}
	var checks []*HealthCheck
	for _, rs := range FromLVS(&conf.Config{VirtualServers: []*conf.VirtualServer{vs}}).Pools[0].Servers {
		checks = append(checks, &rs.Checks[0])
	}
	for _, c := range []struct {
		a, b             int
		manner, schedule bool
	}{{0, 1, true, true}, {1, 2, false, true}, {2, 3, false, false}, {3, 4, true, false}} {
		a, b := checks[c.a], checks[c.b]
		if manner, schedule := a.Probe.Manner == b.Probe.Manner, a.Schedule == b.Schedule; manner != c.manner || schedule != c.schedule {
			t.Errorf("checks %d and %d share manner %v, schedule %v", c.a, c.b, manner, schedule)
		}
		if a.Probe.Same(&b.Probe) {
			t.Errorf("checks %d and %d are of two servers", c.a, c.b)
		}
	}
}

// A reload that changes nothing of a pool is told from one that does.
func TestSamePool(t *testing.T) {
	build := func(change func(vs *conf.VirtualServer, rs *conf.RealServer, c *conf.Checker)) *Pool {
		c := &conf.Checker{Kind: KindHTTP, HTTP: &conf.HTTPCheck{URLs: []conf.HTTPURL{{Path: "/"}}}}
		m := &conf.Checker{Kind: KindMisc, Misc: &conf.MiscCheck{Command: conf.Command{Argv: []string{"/bin/true"}}}}
		rs := &conf.RealServer{Addr: addr("10.0.0.1"), Port: 80, Weight: 1, Checkers: []*conf.Checker{c, m},
			NotifyUp: &conf.Command{Argv: []string{"/bin/up"}}}
		vs := &conf.VirtualServer{Addr: addr("10.1.0.1"), Port: 80, Servers: []*conf.RealServer{rs},
			Sorry: &conf.RealServer{Addr: addr("10.0.0.9")}}
		change(vs, rs, c)
		return FromLVS(&conf.Config{VirtualServers: []*conf.VirtualServer{vs}}).Pools[0]
	}
	was := build(func(*conf.VirtualServer, *conf.RealServer, *conf.Checker) {})
	again := build(func(_ *conf.VirtualServer, rs *conf.RealServer, _ *conf.Checker) { rs.Pos.Line = 9 })
	again.PoolConfig.Servers[0].Checks[0].Up = false // is not looked at
	if !was.Same(again) {
		t.Error("the same pool is not the same")
	}
	for name, change := range map[string]func(vs *conf.VirtualServer, rs *conf.RealServer, c *conf.Checker){
		"scheduler": func(vs *conf.VirtualServer, _ *conf.RealServer, _ *conf.Checker) { vs.Scheduler = "rr" },
		"quorum":    func(vs *conf.VirtualServer, _ *conf.RealServer, _ *conf.Checker) { vs.Quorum = 2 },
		"sorry":     func(vs *conf.VirtualServer, _ *conf.RealServer, _ *conf.Checker) { vs.Sorry.Addr = addr("10.0.0.8") },
		"quorum_up": func(vs *conf.VirtualServer, _ *conf.RealServer, _ *conf.Checker) {
			vs.QuorumUp = &conf.Command{Argv: []string{"/x"}}
		},
		"ha_suspend": func(vs *conf.VirtualServer, _ *conf.RealServer, _ *conf.Checker) { vs.HASuspend = true },
		"weight":     func(_ *conf.VirtualServer, rs *conf.RealServer, _ *conf.Checker) { rs.Weight = 2 },
		"inhibit":    func(_ *conf.VirtualServer, rs *conf.RealServer, _ *conf.Checker) { rs.InhibitOnFailure = true },
		"notify_up": func(_ *conf.VirtualServer, rs *conf.RealServer, _ *conf.Checker) {
			rs.NotifyUp.Argv = []string{"/bin/other"}
		},
		"no server": func(vs *conf.VirtualServer, _ *conf.RealServer, _ *conf.Checker) { vs.Servers = nil },
		"no check":  func(_ *conf.VirtualServer, rs *conf.RealServer, _ *conf.Checker) { rs.Checkers = rs.Checkers[:1] },
		"url":       func(_ *conf.VirtualServer, _ *conf.RealServer, c *conf.Checker) { c.HTTP.URLs[0].Path = "/x" },
		"interval":  func(_ *conf.VirtualServer, _ *conf.RealServer, c *conf.Checker) { c.DelayLoop = time.Second },
		"timeout":   func(_ *conf.VirtualServer, _ *conf.RealServer, c *conf.Checker) { c.ConnectTimeout = time.Second },
		"program": func(_ *conf.VirtualServer, rs *conf.RealServer, _ *conf.Checker) {
			rs.Checkers[1].Misc.Command.Argv = []string{"/bin/false"}
		},
		"log_all_failures": func(_ *conf.VirtualServer, _ *conf.RealServer, c *conf.Checker) { c.LogAllFailures = true },
	} {
		if was.Same(build(change)) {
			t.Errorf("another %s went unnoticed", name)
		}
	}
}

// At a reload what did not change is what it was; what did is made anew.
func TestRenew(t *testing.T) {
	c := &conf.Config{}
	for i := range 4 {
		vs := &conf.VirtualServer{Addr: addr("10.1.0.1"), Port: uint16(80 + i), Family: 4, Protocol: "TCP"}
		for k := range 3 {
			vs.Servers = append(vs.Servers, &conf.RealServer{Addr: addr("10.0.0.1"), Port: uint16(80 + k), Weight: 1, Checkers: []*conf.Checker{{Kind: KindTCP}}})
		}
		c.VirtualServers = append(c.VirtualServers, vs)
	}
	had := map[string]*Pool{}
	for _, p := range FromLVS(c).Pools {
		had[p.ID] = p
	}
	c.VirtualServers[1].Servers[2].Weight = 7
	c.VirtualServers[2].Servers = append(c.VirtualServers[2].Servers, c.VirtualServers[2].Servers[0]) // twice: told once
	second := *c.VirtualServers[3]
	second.Servers = []*conf.RealServer{{Addr: addr("10.0.0.9"), Port: 80}}
	c.VirtualServers = append(c.VirtualServers, &second)
	s, fresh := Renew(c, func(id string) *Pool { return had[id] }), FromLVS(c)
	if !slices.Equal(s.Ignored, fresh.Ignored) || len(s.Ignored) != 2 {
		t.Errorf("told %q, afresh %q", s.Ignored, fresh.Ignored)
	}
	for i, kept := range []bool{true, false, true, false} {
		p := s.Pools[i]
		if (had[p.ID] == p) != kept {
			t.Errorf("%s is kept: %v, want %v", p.Name, !kept, kept)
		}
		if !reflect.DeepEqual(p, fresh.Pools[i]) {
			t.Errorf("%s: got %+v, afresh %+v", p.Name, p, fresh.Pools[i])
		}
	}
	if n := len(had[s.Pools[3].ID].Servers); n != 3 {
		t.Errorf("what joined a pool went into the one before, which has %d servers", n)
	}
}

// Checkers without settings of their own take their kind's.
func TestDefaultsOfKinds(t *testing.T) {
	rs := &conf.RealServer{Addr: addr("10.0.0.1"), Checkers: []*conf.Checker{
		{Kind: KindDNS, Retry: -1, DelayBeforeRetry: -1, DNS: &conf.DNSCheck{Type: "A"}},
	}}
	s := FromLVS(&conf.Config{VirtualServers: []*conf.VirtualServer{
		{Addr: addr("10.1.0.1"), Port: 53, Protocol: "UDP", DelayLoop: 7 * time.Second, Servers: []*conf.RealServer{rs}},
	}})
	c := s.Pools[0].Servers[0].Checks
	if sc := c[0].Schedule; sc.Retry != 3 || sc.RetryDelay != 7*time.Second || c[0].Probe.DNS == nil {
		t.Errorf("DNS_CHECK %+v, %+v", sc, c[0].Probe)
	}
}

// In the kernel two virtual servers of one name are one service.
func TestSecondOfAName(t *testing.T) {
	vs := func(scheduler string, servers ...string) *conf.VirtualServer {
		v := &conf.VirtualServer{Addr: addr("10.1.0.1"), Port: 80, Family: 4, Protocol: "TCP", Scheduler: scheduler, Forward: "NAT"}
		for _, s := range servers {
			v.Servers = append(v.Servers, &conf.RealServer{Addr: addr(s), Port: 80, Weight: 1})
		}
		return v
	}
	s := FromLVS(&conf.Config{VirtualServers: []*conf.VirtualServer{
		vs("rr", "10.0.0.1", "10.0.0.2"), vs("wlc", "10.0.0.2", "10.0.0.3"),
	}})
	if len(s.Pools) != 1 || s.Pools[0].Service.Scheduler != "rr" {
		t.Fatalf("pools: %+v", s.Pools)
	}
	var names []string
	for _, rs := range s.Pools[0].PoolConfig.Servers {
		names = append(names, rs.Key.Addr.String())
	}
	if got := strings.Join(names, " "); got != "10.0.0.1 10.0.0.2 10.0.0.3" || len(s.Pools[0].Servers) != 3 {
		t.Errorf("servers %s", got)
	}
	if len(s.Ignored) != 2 {
		t.Errorf("told %q", s.Ignored)
	}
}

// What is common to all checks over TLS is in the SSL block, rise and fall are
// the schedule's.
func TestTLSAndTimes(t *testing.T) {
	c := &conf.Config{
		SSL: &conf.SSL{CA: "/ca", Certificate: "/cert", Key: "/key", Password: "open"},
		VirtualServers: []*conf.VirtualServer{{Addr: addr("10.1.0.1"), Port: 443, Family: 4, Protocol: "TCP", Servers: []*conf.RealServer{{
			Addr: addr("10.0.0.1"), Port: 443, Weight: 1, Checkers: []*conf.Checker{
				{Kind: "SSL_GET", Retry: 7, Rise: 2, Fall: 4, HTTP: &conf.HTTPCheck{TLS: true, URLs: []conf.HTTPURL{{Path: "/"}}}},
				{Kind: "SSL_GET", Retry: 7, HTTP: &conf.HTTPCheck{TLS: true, Secure: conf.TLS{CA: "/other", Certificate: "/own"}, URLs: []conf.HTTPURL{{Path: "/"}}}},
			},
		}}}},
	}
	checks := FromLVS(c).Pools[0].Servers[0].Checks
	if got, want := *checks[0].Probe.HTTP.TLS, (conf.TLS{CA: "/ca", Certificate: "/cert", Key: "/key", Password: "open"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := *checks[1].Probe.HTTP.TLS, (conf.TLS{CA: "/other", Certificate: "/own"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if s := checks[0].Schedule; s.Rise != 2 || s.Retry != 3 {
		t.Errorf("schedule: %+v", s)
	}
	if s := checks[1].Schedule; s.Rise != 0 || s.Retry != 7 {
		t.Errorf("schedule: %+v", s)
	}
}
