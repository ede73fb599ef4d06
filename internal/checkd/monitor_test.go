package checkd

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
)

// services are virtual servers that each have one real server.
func services(servers ...*conf.RealServer) *conf.Config {
	out := &conf.Config{}
	for i, rs := range servers {
		vs := *config(rs).VirtualServers[0]
		vs.Port = uint16(81 + i) // few
		out.VirtualServers = append(out.VirtualServers, &vs)
	}
	return out
}

// on has the loop call f.
func (w *world) on(f func(d *daemon)) {
	done := make(chan struct{})
	w.d.loop.Post(func() { f(w.d); close(done) })
	<-done
}

// monitorOf gives the monitor of the only check of a virtual server's server.
func (w *world) monitorOf(i int) (m *monitor) {
	w.on(func(d *daemon) { m = d.order[i].order[0].checks[0].monitor })
	return m
}

func (w *world) monitors(want int) {
	w.t.Helper()
	w.on(func(d *daemon) {
		if d.monitors.count != want {
			w.t.Errorf("%d monitors, want %d", d.monitors.count, want)
		}
	})
}

// A check that several virtual servers have is made once, and all of them hear
// of it.
func TestTheSameCheckIsMadeOnce(t *testing.T) {
	b := newBackend(t, "127.0.0.2")
	alpha := tcpCheck()
	alpha.Alpha, alpha.Warmup = true, time.Millisecond
	w := start(t, services(realServer(b.addr, tcpCheck()), realServer(b.addr, alpha), realServer(b.addr, tcpCheck())))
	w.hear(`^Adding service \[127.0.0.2\]\S+ to VS \[10.1.0.1\]:tcp:82: TCP_CHECK succeeded$`)
	w.table("[127.0.0.2=1 127.0.0.2=1 127.0.0.2=1]")
	w.monitors(1)
	b.down()
	for range 3 {
		w.hear(`^Removing service \[127.0.0.2\]\S+ from VS \[10.1.0.1\]:tcp:8\d: TCP_CHECK connection refused`)
	}
	w.table("[]")
	b.up()
	for range 3 {
		w.hear(`^Adding service \[127.0.0.2\]\S+ to VS \[10.1.0.1\]:tcp:8\d: TCP_CHECK succeeded$`)
	}
}

// What differs in what is done is another probe; programs always are.
func TestWhatDiffersIsProbedApart(t *testing.T) {
	at := netip.MustParseAddrPort("127.0.0.2:9")
	slower, elsewhere, patient := tcpCheck(), tcpCheck(), tcpCheck()
	slower.DelayLoop *= 2
	elsewhere.ConnectPort = 10
	patient.ConnectTimeout *= 2
	script := func() *conf.Checker {
		return &conf.Checker{Kind: build.KindMisc, DelayLoop: interval, Misc: &conf.MiscCheck{Command: conf.Command{Argv: []string{"/bin/true"}}}}
	}
	get := func(path string) *conf.Checker {
		return &conf.Checker{Kind: build.KindHTTP, DelayLoop: interval, HTTP: &conf.HTTPCheck{URLs: []conf.HTTPURL{{Path: path}}}}
	}
	checks := []*conf.Checker{tcpCheck(), slower, elsewhere, patient, tcpCheck(), script(), script(), get("/a"), get("/b"), get("/a")}
	servers := make([]*conf.RealServer, len(checks))
	for i, c := range checks {
		servers[i] = realServer(at, c)
	}
	w := start(t, services(servers...))
	w.monitors(len(checks) - 2)
	if w.monitorOf(0) != w.monitorOf(4) || w.monitorOf(7) != w.monitorOf(9) {
		t.Error("the same checks have not the same monitor")
	}
}

// Users come and go by reloads, and the others notice nothing.
func TestUsersComeAndGo(t *testing.T) {
	dead := netip.MustParseAddrPort("127.0.0.2:9")
	one := func() *conf.RealServer { return realServer(dead, tcpCheck()) }
	w := start(t, services(one(), one()))
	w.hear(`^Removing service \[127.0.0.2\]\S+ from VS \[10.1.0.1\]:tcp:81`)
	w.hear(`^Removing service \[127.0.0.2\]\S+ from VS \[10.1.0.1\]:tcp:82`)
	m := w.monitorOf(0)

	w.reload(services(one(), one(), one()))
	w.hear(`^Service \[127.0.0.2\]:tcp:9 of VS \[10.1.0.1\]:tcp:83 is new in the configuration, and down: TCP_CHECK connection refused$`)
	w.table("[]")
	w.monitors(1)
	if w.monitorOf(0) != m || w.monitorOf(2) != m {
		t.Error("the probe did not go on")
	}

	slow := one()
	slow.Checkers[0].DelayLoop = time.Minute
	w.reload(services(one(), slow))
	w.monitors(2)
	if w.monitorOf(0) != m || w.monitorOf(1).machine.Up() {
		t.Error("who asks for something else is not known any more, or the other was disturbed")
	}
	w.table("[]")

	slow.Checkers[0].DelayLoop = 2 * interval
	w.reload(services(slow, slow))
	w.monitors(1)
	w.reload(services(slow))
	w.reload(&conf.Config{})
	w.monitors(0)
	w.on(func(d *daemon) {
		if n := len(d.monitors.all); n != 0 || d.due.Len() != 0 {
			t.Errorf("%d kinds of monitors and %d deadlines are left", n, d.due.Len())
		}
	})
}

// Who stands aside hears nothing and is told when it is back; the probe stops
// with its last user.
func TestWhoStandsAsideIsToldLater(t *testing.T) {
	b := newBackend(t, "127.0.0.2")
	w := start(t, services(realServer(b.addr, tcpCheck()), realServer(b.addr, tcpCheck())))
	w.table("[127.0.0.2=1 127.0.0.2=1]")
	aside := func(i int, off bool) {
		w.on(func(d *daemon) {
			d.pause(d.order[i].order[0].checks[0], off)
			d.remonitor()
			d.settle()
		})
	}
	aside(0, true)
	b.down()
	w.hear(`^Removing service \[127.0.0.2\]\S+ from VS \[10.1.0.1\]:tcp:82`)
	w.table("[127.0.0.2=1]")
	aside(0, false)
	w.hear(`^Removing service \[127.0.0.2\]\S+ from VS \[10.1.0.1\]:tcp:81: TCP_CHECK connection refused`)
	w.table("[]")
	aside(0, true)
	aside(1, true)
	w.on(func(d *daemon) {
		if _, due := d.order[0].order[0].checks[0].monitor.machine.Deadline(); due {
			t.Error("goes on for nobody")
		}
	})
}

func TestStatusShowsASharedProbeOnce(t *testing.T) {
	at := netip.MustParseAddrPort("127.0.0.2:9")
	w := start(t, services(realServer(at, tcpCheck()), realServer(at, tcpCheck()), realServer(netip.MustParseAddrPort("127.0.0.3:9"), tcpCheck())))
	var s api.Status
	w.on(func(d *daemon) { s = d.status() })
	if len(s.Shared) != 1 {
		t.Fatalf("shared: %+v", s.Shared)
	}
	p := s.Shared[0]
	if p.Kind != build.KindTCP || p.Target != "127.0.0.2:9" || len(p.Users) != 2 || p.Users[1] != (api.ProbeUser{Service: "[10.1.0.1]:tcp:82", Server: "[127.0.0.2]:tcp:9"}) {
		t.Errorf("got %+v", p)
	}
	for i, want := range []int{p.ID, p.ID, 0} {
		if got := s.Services[i].Servers[0].Checks[0].Shared; got != want {
			t.Errorf("the check of service %d is shared as %d, want %d", i, got, want)
		}
	}
}
