package checkd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	nethttp "net/http"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/lvs"

	"encoding/json"
)

// patience is when a test counts as hanging; nothing is asserted of time.
const patience = 30 * time.Second

// recorder is a director that keeps what it was told.
type recorder struct {
	mu     sync.Mutex
	have   lvs.Table // what somebody else may change, too
	want   lvs.Table
	sets   int
	marks  lvs.Marks
	hears  []string
	fail   error
	parts  int // of the audit that is under way, those that are left
	closed bool
	keep   bool
}

func (r *recorder) Name() string { return "recorder" }

func (r *recorder) Set(_ context.Context, d lvs.Delta) (director.Changes, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sets++
	if r.want == nil {
		r.want = lvs.Table{}
	}
	r.want.Apply(d)
	if r.fail != nil {
		return director.Changes{}, r.fail
	}
	r.have = director.Clone(r.want)
	return director.Changes{Changed: 1}, nil
}

func (r *recorder) Read(context.Context) (lvs.Table, error) { return r.table(), nil }

func (r *recorder) Undone() []director.Op { return nil }

// Audit finds, with its last part, that services have gone.
func (r *recorder) Audit(context.Context) (undone []director.Op, over bool, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.parts > 0 {
		r.parts--
		return nil, false, nil
	}
	for k := range r.want {
		if _, there := r.have[k]; !there {
			undone = append(undone, director.Op{Verb: director.AddService, Service: k})
		}
	}
	r.have = director.Clone(r.want)
	return undone, true, nil
}

func (r *recorder) Close(_ context.Context, keep bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed, r.keep = true, keep
	return nil
}

func (r *recorder) table() lvs.Table {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.have
}

// world is a daemon that runs, and all that it is surrounded by.
type world struct {
	t      *testing.T
	d      *daemon
	parent *ipc.Conn
	dir    *recorder
	lines  chan string
	ended  chan error
	told   []string
}

func start(t *testing.T, cfg *conf.Config) *world {
	t.Helper()
	return boot(t, cfg, ipc.BootInfo{}, nil)
}

// boot starts a daemon with a director that has something already.
func boot(t *testing.T, cfg *conf.Config, info ipc.BootInfo, have lvs.Table) *world {
	t.Helper()
	return bootWith(t, cfg, info, &recorder{have: have})
}

func bootWith(t *testing.T, cfg *conf.Config, info ipc.BootInfo, dir *recorder) *world {
	t.Helper()
	parent, file, err := ipc.Pair()
	if err != nil {
		t.Fatal(err)
	}
	child, log := ipc.FromFD(taken(t, file)), bus.New()
	w := &world{t: t, parent: parent, dir: dir, lines: make(chan string, 10000), ended: make(chan error, 1)}
	listen(log, w.lines)
	if w.d, err = newDaemon(child, info, log); err != nil {
		t.Fatal(err)
	}
	w.d.open = func(*build.Services, *ipc.BootInfo) (director.Director, string, error) {
		return w.dir, "for the test", nil
	}
	go func() { w.ended <- w.d.run(newPlan(build.FromLVS(cfg), nil)) }()
	w.receive(ipc.Ready)
	t.Cleanup(func() {
		w.stop()
		log.Close()
		_ = child.Close()
		_ = parent.Close()
	})
	return w
}

// listen hands on what is told.
func listen(log *bus.Bus, lines chan<- string) {
	reader := log.Subscribe(100000)
	go func() {
		for {
			records, _, ok := reader.Next()
			for _, r := range records {
				lines <- r.What
			}
			if !ok {
				return
			}
		}
	}()
}

// taken is the file's descriptor, which is nobody else's any more.
func taken(t *testing.T, file *os.File) int {
	t.Helper()
	fd, err := unix.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	return fd
}

// dup is a child's end whose parent's end nobody uses.
func dup(t *testing.T) int {
	t.Helper()
	parent, file, err := ipc.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = parent.Close() })
	return taken(t, file)
}

func (w *world) stop() {
	if w.ended == nil {
		return
	}
	_ = w.parent.Send(ipc.Message{Kind: ipc.Stop})
	select {
	case err := <-w.ended:
		if err != nil {
			w.t.Errorf("ended with %v", err)
		}
	case <-time.After(patience):
		w.t.Error("does not stop")
	}
	w.ended = nil
}

func (w *world) receive(kind ipc.Kind) ipc.Message {
	w.t.Helper()
	for {
		m, _, err := w.parent.Recv()
		if err != nil {
			w.t.Fatalf("the daemon has hung up: %v", err)
		}
		if m.Kind == kind {
			return m
		}
	}
}

// hear waits for a line.
func (w *world) hear(pattern string) string {
	w.t.Helper()
	re := regexp.MustCompile(pattern)
	timeout := time.After(patience)
	for {
		select {
		case line := <-w.lines:
			w.told = append(w.told, line)
			if re.MatchString(line) {
				return line
			}
		case <-timeout:
			w.t.Fatalf("nothing like %q among\n%s", pattern, strings.Join(w.told, "\n"))
		}
	}
}

// table waits until the director has a service's servers as they ought to be.
func (w *world) table(want string) {
	w.t.Helper()
	var got string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		var servers []string
		for _, s := range w.dir.table() {
			for k, v := range s.Servers {
				servers = append(servers, fmt.Sprintf("%s=%d", k.Addr, v.Weight))
			}
		}
		if got = fmt.Sprint(sorted(servers)); got == want {
			return
		}
	}
	w.t.Fatalf("the director has %s, want %s; told:\n%s", got, want, strings.Join(w.told, "\n"))
}

// reload gives the daemon another configuration.
func (w *world) reload(cfg *conf.Config) {
	w.t.Helper()
	w.d.loop.Post(func() { w.d.reloaded(newPlan(build.FromLVS(cfg), w.d.plan), nil) })
	if m := w.receive(ipc.Reloaded); m.Error != "" {
		w.t.Fatalf("reload: %s", m.Error)
	}
}

func sorted(s []string) []string {
	for i := range s {
		for j := i; j > 0 && s[j] < s[j-1]; j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
	return s
}

// backend is a TCP server that can be away.
type backend struct {
	t    *testing.T
	addr netip.AddrPort
	l    net.Listener
}

func newBackend(t *testing.T, ip string) *backend {
	t.Helper()
	b := &backend{t: t, addr: netip.AddrPortFrom(netip.MustParseAddr(ip), 0)}
	b.up()
	t.Cleanup(b.down)
	return b
}

func (b *backend) up() {
	l, err := net.Listen("tcp", b.addr.String())
	if err != nil {
		b.t.Fatal(err)
	}
	b.l, b.addr = l, l.Addr().(*net.TCPAddr).AddrPort()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
}

func (b *backend) down() { _ = b.l.Close() }

const interval = 20 * time.Millisecond

func tcpCheck() *conf.Checker {
	return &conf.Checker{Kind: build.KindTCP, ConnectTimeout: time.Second, DelayLoop: interval}
}

func realServer(a netip.AddrPort, checks ...*conf.Checker) *conf.RealServer {
	return &conf.RealServer{Addr: a.Addr(), Port: a.Port(), Weight: 1, Checkers: checks}
}

func config(servers ...*conf.RealServer) *conf.Config {
	return &conf.Config{VirtualServers: []*conf.VirtualServer{{
		Addr: netip.MustParseAddr("10.1.0.1"), Port: 80, Protocol: "TCP", Scheduler: "rr", Quorum: 1,
		DelayLoop: interval, Servers: servers,
	}}}
}

func TestServerGoesAndComesBack(t *testing.T) {
	b := newBackend(t, "127.0.0.2")
	c := tcpCheck()
	c.Retry, c.DelayBeforeRetry, c.LogAllFailures, c.Alpha = 2, time.Millisecond, true, true
	w := start(t, config(realServer(b.addr, c)))
	w.hear("^Adding service") // or the first check might already need no retry
	b.down()
	name := regexp.QuoteMeta(fmt.Sprintf("[127.0.0.2]:tcp:%d", b.addr.Port()))
	w.hear("^TCP connection to " + name + " failed: connection refused$")
	w.hear("^TCP_CHECK on service " + name + " failed after 2 retries: connection refused$")
	w.hear("^Removing service " + name + ` from VS \[10.1.0.1\]:tcp:80: TCP_CHECK connection refused \(3 of 3 tries\)$`)
	w.hear(`^Lost quorum 1-0=1 > 0 for VS \[10.1.0.1\]:tcp:80$`)
	w.table("[]")
	b.up()
	w.hear("^TCP connection to " + name + " success$")
	w.hear("^Adding service " + name + ` to VS \[10.1.0.1\]:tcp:80: TCP_CHECK succeeded$`)
	w.hear(`^Gained quorum 1\+0=1 <= 1 for VS \[10.1.0.1\]:tcp:80$`)
	w.table("[127.0.0.2=1]")
}

func TestSorryServerStandsIn(t *testing.T) {
	b := newBackend(t, "127.0.0.2")
	cfg := config(realServer(b.addr, tcpCheck()))
	cfg.VirtualServers[0].Sorry = &conf.RealServer{Addr: netip.MustParseAddr("127.0.0.9"), Port: 80}
	w := start(t, cfg)
	w.table("[127.0.0.2=1]")
	b.down()
	w.hear(`^Adding sorry server \[127.0.0.9\]:tcp:80 to VS \[10.1.0.1\]:tcp:80$`)
	w.table("[127.0.0.9=1]")
	b.up()
	w.hear(`^Removing sorry server \[127.0.0.9\]:tcp:80 from VS \[10.1.0.1\]:tcp:80$`)
	w.table("[127.0.0.2=1]")
}

func TestHTTPStatusAndRegex(t *testing.T) {
	var status atomic.Int32
	status.Store(200)
	srv := &nethttp.Server{Handler: nethttp.HandlerFunc(func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		w.WriteHeader(int(status.Load()))
		fmt.Fprintln(w, "hello")
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	for _, regex := range []string{"", "h.llo"} { // on the loop, and in a goroutine
		t.Run("regex "+regex, func(t *testing.T) {
			status.Store(200)
			c := &conf.Checker{Kind: build.KindHTTP, ConnectTimeout: 5 * time.Second, DelayLoop: interval,
				HTTP: &conf.HTTPCheck{URLs: []conf.HTTPURL{{Path: "/x", Regex: regex}}}}
			rs := realServer(l.Addr().(*net.TCPAddr).AddrPort(), c)
			rs.InhibitOnFailure = true
			w := start(t, config(rs))
			w.table("[127.0.0.1=1]")
			status.Store(503)
			w.hear(`^HTTP_CHECK on service \S+ failed: HTTP status 503, expected \S+, url /x$`)
			w.hear(`^Disabling service \S+ of VS \[10.1.0.1\]:tcp:80: HTTP_GET HTTP status 503`)
			w.table("[127.0.0.1=0]")
			status.Store(200)
			w.hear(`^Remote Web server \S+ succeed on service$`)
			w.hear(`^Enabling service \S+ of VS \[10.1.0.1\]:tcp:80: HTTP_GET succeeded$`)
			w.table("[127.0.0.1=1]")
		})
	}
}

func TestProgramAsksForWeight(t *testing.T) {
	dir := t.TempDir()
	answer := filepath.Join(dir, "answer")
	write(t, answer, "12")
	c := &conf.Checker{Kind: build.KindMisc, DelayLoop: interval, Misc: &conf.MiscCheck{
		Command: conf.Command{Argv: []string{"/bin/sh", "-c", `exit "$(cat ` + answer + `)"`}},
		Timeout: 10 * time.Second, Dynamic: true,
	}}
	w := start(t, config(realServer(netip.MustParseAddrPort("127.0.0.2:80"), c)))
	w.hear(`^Changing weight from 1 to 10 for active service \[127.0.0.2\]:tcp:80 of VS \S+: MISC_CHECK /bin/sh$`)
	w.table("[127.0.0.2=10]")
	write(t, answer, "1")
	w.hear(`^Misc check for \[\[127.0.0.2\]:tcp:80 VS \[10.1.0.1\]:tcp:80\] by \[/bin/sh\] failed: exit status 1$`)
	w.table("[]")
	write(t, answer, "22")
	w.hear(`^Misc check for .* succeeded$`)
	w.table("[127.0.0.2=20]")
}

// write replaces a file in one step.
func write(t *testing.T, name, text string) {
	t.Helper()
	if err := errors.Join(os.WriteFile(name+".new", []byte(text), 0o600), os.Rename(name+".new", name)); err != nil {
		t.Fatal(err)
	}
}

func TestReloadTouchesOnlyWhatChanged(t *testing.T) {
	stays, goes, comes := newBackend(t, "127.0.0.2"), newBackend(t, "127.0.0.3"), newBackend(t, "127.0.0.4")
	dead := netip.MustParseAddrPort("127.0.0.5:9")
	w := start(t, config(realServer(stays.addr, tcpCheck()), realServer(goes.addr, tcpCheck()), realServer(dead, tcpCheck())))
	w.hear(`^Removing service \[127.0.0.5\]`)
	w.table("[127.0.0.2=1 127.0.0.3=1]")
	kept := w.d.order[0].order[0].checks[0]

	alpha := tcpCheck()
	alpha.Alpha = true
	heavier := realServer(stays.addr, tcpCheck())
	heavier.Weight = 7
	w.reload(config(heavier, realServer(dead, tcpCheck()), realServer(comes.addr, alpha)))
	w.hear(`^Removing service \[127.0.0.3\]\S+ from VS \S+: it is no longer in the configuration$`)
	w.hear(`^Changing weight from 1 to 7 for active service \[127.0.0.2\].*: new in the configuration$`)
	w.hear(`^Service \[127.0.0.4\]\S+ of VS \S+ waits for its first success`)
	w.hear(`^Adding service \[127.0.0.4\]\S+ to VS \S+: TCP_CHECK succeeded$`)
	w.table("[127.0.0.2=7 127.0.0.4=1]") // the dead one is still known to be dead
	w.stop()
	if now := w.d.order[0].order[0].checks[0]; now != kept || kept.monitor == nil || kept.monitor.gone {
		t.Error("the unchanged check was made anew")
	}
}

func TestReloadTakesAVirtualServerAway(t *testing.T) {
	b := newBackend(t, "127.0.0.2")
	w := start(t, config(realServer(b.addr, tcpCheck())))
	w.table("[127.0.0.2=1]")
	w.reload(&conf.Config{})
	w.hear(`^Removing VS \[10.1.0.1\]:tcp:80: it is no longer in the configuration$`)
	w.table("[]")
	w.reload(config(realServer(b.addr, tcpCheck())))
	w.table("[127.0.0.2=1]")
}

func TestParentIsAnswered(t *testing.T) {
	b := newBackend(t, "127.0.0.2")
	w := start(t, config(realServer(b.addr, tcpCheck())))
	_ = w.parent.Send(ipc.Message{Kind: ipc.Hello, Seq: 7})
	if m := w.receive(ipc.Hello); m.Seq != 7 {
		t.Errorf("got %+v", m)
	}
	b.down()
	w.hear("^Removing service")
	_ = w.parent.Send(ipc.Message{Kind: ipc.Query, Seq: 8, Topic: "status"})
	m := w.receive(ipc.Answer)
	var s api.Status
	if err := json.Unmarshal(m.Body, &s); err != nil || m.Seq != 8 || m.Topic != "status" {
		t.Fatalf("got %+v, %v", m, err)
	}
	if s.Director != "recorder" || len(s.Services) != 1 || len(s.Services[0].Servers) != 1 {
		t.Fatalf("got %+v", s)
	}
	rs := s.Services[0].Servers[0]
	if rs.Up || !strings.HasPrefix(rs.Cause, "TCP_CHECK connection re") || // refused, or reset while it closed
		!strings.HasPrefix(rs.Checks[0].Detail, "connection re") || rs.Checks[0].Last.IsZero() {
		t.Errorf("got %+v", rs)
	}
	w.stop()
	if !w.dir.closed || w.dir.keep {
		t.Errorf("closed %v, kept %v", w.dir.closed, w.dir.keep)
	}
}

func TestEndsWithTheParent(t *testing.T) {
	w := start(t, config())
	_ = w.parent.Close()
	if err := <-w.ended; err != nil {
		t.Error(err)
	}
	w.ended = nil
	w.hear("^Stopping: the parent is gone$")
}

// A checker that died leaves the director as it was; its successor must not
// bring back what was out.
func TestSuccessorKeepsOutWhatWasOut(t *testing.T) {
	in, out := newBackend(t, "127.0.0.2"), newBackend(t, "127.0.0.3")
	slow := tcpCheck()
	slow.DelayLoop, slow.Warmup = time.Hour, time.Hour
	cfg := config(realServer(in.addr, slow), realServer(out.addr, slow))
	key := lvs.ServiceKey{Addr: netip.MustParseAddr("10.1.0.1"), Port: 80, Protocol: lvs.TCP, Family: 4}
	w := boot(t, cfg, ipc.BootInfo{Restarts: 1}, lvs.Table{key: {Servers: map[lvs.ServerKey]lvs.Server{
		{Addr: in.addr.Addr(), Port: in.addr.Port()}: {Weight: 1},
	}}})
	w.table("[127.0.0.2=1]")
	w.stop()
	if n := w.dir.sets; n != 1 {
		t.Errorf("the table was set %d times", n)
	}
}

// keepalived.conf(5), ha_suspend: "If VS IP address is not set, suspend
// healthchecker's activity".
func TestSuspendedWithoutTheAddress(t *testing.T) {
	b := newBackend(t, "127.0.0.2")
	alpha := tcpCheck()
	alpha.Alpha = true
	cfg := config(realServer(b.addr, alpha)) // 10.1.0.1, which is not here
	local := *cfg.VirtualServers[0]
	local.Addr = netip.MustParseAddr("127.0.0.1")
	cfg.VirtualServers = append(cfg.VirtualServers, &local)
	for _, vs := range cfg.VirtualServers {
		vs.HASuspend = true
	}
	w := start(t, cfg)
	w.hear(`^Suspending healthcheckers of VS \[10.1.0.1\]:tcp:80: its address is not here`)
	w.hear(`^Adding service \S+ to VS \[127.0.0.1\]:tcp:80`)
	cfg.VirtualServers[0].HASuspend = false
	w.reload(cfg)
	w.hear(`^Activating healthcheckers of VS \[10.1.0.1\]`)
	w.hear(`^Adding service \S+ to VS \[10.1.0.1\]:tcp:80`) // not before, or it were not heard now
}

func TestNotifiersAreTold(t *testing.T) {
	dir := t.TempDir()
	out, pipe := filepath.Join(dir, "out"), filepath.Join(dir, "fifo")
	say := func(what string) *conf.Command {
		return &conf.Command{Argv: []string{"/bin/sh", "-c", "echo " + what + " >>" + out}}
	}
	b := newBackend(t, "127.0.0.2")
	rs := realServer(b.addr, tcpCheck())
	rs.NotifyUp, rs.NotifyDown = say("up"), say("down")
	cfg := config(rs)
	cfg.Global.LVSNotifyFIFO = conf.FIFO{Path: pipe}
	cfg.VirtualServers[0].QuorumUp, cfg.VirtualServers[0].QuorumDown = say("quorum-up"), say("quorum-down")
	w := start(t, cfg)
	fifo, err := os.Open(pipe)
	if err != nil {
		t.Fatal(err)
	}
	defer fifo.Close()
	b.down()
	w.hear("^Executing .*quorum-down")
	b.up()
	w.hear("^Executing .*quorum-up")
	name := fmt.Sprintf("RS [127.0.0.2]:tcp:%d [10.1.0.1]:tcp:80 ", b.addr.Port())
	want := "VS [10.1.0.1]:tcp:80 UP\n" + name + "DOWN\nVS [10.1.0.1]:tcp:80 DOWN\n" + name + "UP\nVS [10.1.0.1]:tcp:80 UP\n"
	got := make([]byte, len(want))
	if n, err := readFull(fifo, got); err != nil || string(got) != want {
		t.Errorf("read %d bytes, %v:\n%s\nwant:\n%s", n, err, got, want)
	}
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		text, _ := os.ReadFile(out)
		words := strings.Fields(string(text))
		if len(words) == 5 {
			// Those about one object are in order.
			if order := strings.Join(words, " "); strings.Index(order, "down") > strings.LastIndex(order, " up") ||
				strings.Index(order, "quorum-down") > strings.LastIndex(order, "quorum-up") {
				t.Errorf("out of order: %s", order)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatalf("scripts wrote %q", words)
		}
	}
}

func readFull(f *os.File, b []byte) (n int, err error) {
	_ = f.SetReadDeadline(time.Now().Add(patience))
	for n < len(b) && err == nil {
		var m int
		m, err = f.Read(b[n:])
		n += m
	}
	return n, err
}
