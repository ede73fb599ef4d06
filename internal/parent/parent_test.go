package parent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/control"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/notify/log"
)

// The test binary is its own children: what the "configuration" says decides
// how they behave.
func TestMain(m *testing.M) {
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0") // children end often
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case ArgLoad:
			os.Exit(RunReader(&fakeReader{}))
		case ArgChild:
			os.Exit(RunChild(map[string]ipc.ChildMain{VRRP: fakeChild, Checker: fakeChild}))
		}
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("os/signal.loop"))
}

// fakeReader understands lines: "needs vrrp", "problem TEXT", "fatal TEXT",
// "crash", "blank"; the rest is for fakeChild.
type fakeReader struct{ early bool }

func (f *fakeReader) Prepare(_ LoadRequest, running []byte) {
	f.early = bytes.Contains(running, []byte("needs"))
}

func (f *fakeReader) Read(r LoadRequest, _ []byte) (rep Report, snapshot *os.File, err error) {
	text, err := os.ReadFile(r.ConfigFile)
	if err != nil {
		return Report{Fatal: err.Error(), Exit: ExitNoConfig}, nil, nil
	}
	rep.Strict, rep.ChildWait, rep.Umask = r.Strict, 10*time.Second, -1
	if f.early {
		rep.Addresses = []string{"early"}
	}
	for i, line := range strings.Split(string(text), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "needs":
			rep.Children = append(rep.Children, rest)
		case "problem":
			rep.Errors++
			rep.Problems = append(rep.Problems, api.Problem{Severity: "error", File: r.ConfigFile, Line: i + 1, Message: rest})
		case "fatal":
			return Report{Fatal: rest, Exit: ExitConfig}, nil, nil
		case "startup":
			rep.StartupScript = &Script{Argv: strings.Fields(rest)}
		case "shutdown":
			rep.ShutdownScript = &Script{Argv: strings.Fields(rest)}
		case "blank":
			rep.Blank = true
		case "crash":
			panic("the reader crashes")
		}
	}
	snapshot, err = ipc.Seal("fake", text)
	return rep, snapshot, err
}

// fakeChild serves as long as its configuration does not say otherwise:
// "vrrp hangs", "vrrp silent" (to queries), "vrrp dies", "vrrp permanent",
// "vrrp stays", "vrrp blurts": says much and is killed at once.
func fakeChild(conn *ipc.Conn, boot ipc.BootInfo, snapshot []byte, b *bus.Bus) error {
	is := func(word string) bool { return bytes.Contains(snapshot, []byte(boot.Child+" "+word)) }
	if is("dies") && boot.Restarts == 0 {
		return errors.New("dies once")
	}
	if is("blurts") && boot.Restarts == 0 {
		for i := range blurted {
			tell(b, boot.Child, slog.LevelInfo, fmt.Sprintf("word %d.", i))
		}
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	}
	if is("permanent") {
		return fmt.Errorf("no such interface: %w", ipc.ErrPermanent)
	}
	send := func(m ipc.Message) {
		if err := conn.Send(m); err != nil {
			panic(err)
		}
	}
	send(ipc.Message{Kind: ipc.Ready})
	stop := false
	for !stop {
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(conn.Fd()), Events: unix.POLLIN}}, -1)
		err := conn.ReadReady(func(m ipc.Message, files []int) {
			switch m.Kind {
			case ipc.Hello:
				if !is("hangs") || boot.Restarts > 0 {
					send(ipc.Message{Kind: ipc.Hello, Seq: m.Seq})
				}
			case ipc.Reload:
				snapshot, _ = ipc.Map(files[0])
				send(ipc.Message{Kind: ipc.Reloaded})
			case ipc.Query:
				if !is("silent") {
					send(ipc.Message{Kind: ipc.Answer, Seq: m.Seq, Topic: m.Topic, Body: ipc.Marshal(
						api.Status{Instances: []api.Instance{{Name: boot.Child, Cause: string(snapshot)}}})})
				}
			case ipc.Stop:
				stop = !is("stays")
			}
		})
		if errors.Is(err, io.EOF) {
			return nil
		}
	}
	return nil
}

// run is a parent in this process, with children of their own.
type run struct {
	t      *testing.T
	dir    string
	config string
	house  chan int // the exit code
	code   int
	o      Options
}

func startHouse(t *testing.T, config string, change func(*Options)) *run {
	t.Helper()
	dir := t.TempDir()
	r := &run{t: t, dir: dir, config: filepath.Join(dir, "k.conf"), house: make(chan int, 1)}
	r.write(config)
	up := make(chan int, 1)
	r.o = Options{
		Program: "holdfast", Version: "test", Self: "/proc/self/exe", Umask: -1,
		Load:     LoadRequest{ConfigFile: r.config, VRRP: true, Checkers: true},
		PIDFiles: map[string]string{"": filepath.Join(dir, "h.pid"), VRRP: filepath.Join(dir, "vrrp.pid"), Checker: filepath.Join(dir, "checkers.pid")},
		Log:      log.Options{NoSyslog: true, File: filepath.Join(dir, "log"), Detail: true},
		Control:  filepath.Join(dir, "h.sock"),
		Started:  func(code int) { up <- code },
	}
	if change != nil {
		change(&r.o)
	}
	go func() { r.house <- Run(r.o) }()
	if r.o.Started != nil {
		r.code = <-up
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("log:\n" + r.log())
		}
	})
	return r
}

func (r *run) write(config string) {
	if config != "-" {
		if err := os.WriteFile(r.config, []byte(config), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *run) log() string {
	b, _ := os.ReadFile(filepath.Join(r.dir, "log"))
	return string(b)
}

func (r *run) status() api.Status {
	r.t.Helper()
	s, err := control.Status(context.Background(), r.o.Control)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// until waits for a status in which cond holds.
func (r *run) until(what string, cond func(api.Status) bool) api.Status {
	r.t.Helper()
	for range 1000 {
		if s := r.status(); cond(s) {
			return s
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatal("never came: " + what)
	return api.Status{}
}

func (r *run) signal(s unix.Signal) { _ = unix.Kill(os.Getpid(), s) }

// stop ends the house and wants its exit code and its children gone.
func (r *run) stop(want int) {
	r.t.Helper()
	var pids []int
	for _, c := range r.status().Children {
		pids = append(pids, c.PID)
	}
	r.signal(unix.SIGTERM)
	r.ends(want)
	for _, pid := range pids {
		if err := unix.Kill(pid, 0); err == nil {
			r.t.Errorf("child %d is still there", pid)
		}
	}
}

func (r *run) ends(want int) {
	r.t.Helper()
	if code := <-r.house; code != want {
		r.t.Errorf("exit code %d, want %d", code, want)
	}
	left, _ := filepath.Glob(filepath.Join(r.dir, "*.pid"))
	socks, _ := filepath.Glob(filepath.Join(r.dir, "*.sock*"))
	if left = append(left, socks...); len(left) > 0 {
		r.t.Errorf("left behind: %v", left)
	}
}

func (r *run) logged(what string) {
	r.t.Helper()
	if !strings.Contains(r.log(), what) {
		r.t.Errorf("the log lacks %q", what)
	}
}

const both = "needs vrrp\nneeds checker\n"

func TestStartStatusStop(t *testing.T) {
	r := startHouse(t, both, nil)
	if r.code != ExitOK {
		t.Fatal("start: ", r.code)
	}
	s := r.status()
	if len(s.Children) != 2 || len(s.Instances) != 2 || s.PID != os.Getpid() {
		t.Errorf("status %+v", s)
	}
	for i, name := range []string{"vrrp.pid", "checkers.pid"} {
		b, err := os.ReadFile(filepath.Join(r.dir, name))
		if pid, _ := strconv.Atoi(strings.TrimSpace(string(b))); err != nil || pid != s.Children[i].PID {
			t.Errorf("%s: %q %v, want %d", name, b, err, s.Children[i].PID)
		}
	}
	comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", s.Children[0].PID))
	if string(comm) != "holdfast_vrrp\n" {
		t.Errorf("the vrrp child is called %q", comm)
	}
	var second int
	func() {
		o := r.o
		o.Started = func(code int) { second = code }
		second = Run(o)
	}()
	if second != ExitOK {
		t.Errorf("a second instance: %d", second)
	}
	r.logged(fmt.Sprintf("daemon is already running: process %d (", os.Getpid()))
	r.logged(") holds " + filepath.Join(r.dir, "h.pid"))
	r.stop(ExitOK)
	lines := strings.Split(strings.TrimSpace(r.log()), "\n")
	if !strings.Contains(lines[0], "Starting holdfast test") || !strings.Contains(lines[len(lines)-1], "Stopped holdfast test") ||
		!strings.Contains(lines[len(lines)-1], "SIGTERM") {
		t.Errorf("first line %q, last line %q", lines[0], lines[len(lines)-1])
	}
}

func TestKilledChildComesBack(t *testing.T) {
	r := startHouse(t, both, nil)
	victim, other := r.status().Children[0], r.status().Children[1]
	_ = unix.Kill(victim.PID, unix.SIGKILL)
	s := r.until("the child's return", func(s api.Status) bool {
		return s.Children[0].Restarts == 1 && s.Children[0].State == "serving"
	})
	if s.Children[0].PID == victim.PID || s.Children[1].PID != other.PID || !strings.Contains(s.Children[0].LastEnd, "signal: killed") {
		t.Errorf("children %+v", s.Children)
	}
	r.logged("VRRP child process died: it ended: signal: killed: Respawning")
	r.stop(ExitOK)
}

// blurted is how many records a child tells before it is killed.
const blurted = 50

// What a child said in the instant of its death is recorded and logged, all of
// it once.
func TestKilledChildsLastWords(t *testing.T) {
	r := startHouse(t, both+"vrrp blurts", nil)
	s := r.status()
	if s.Children[0].Restarts != 1 {
		t.Errorf("children %+v", s.Children)
	}
	e, err := control.Explain(context.Background(), r.o.Control)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, rec := range e.Records {
		if rec.Part == VRRP && strings.HasPrefix(rec.What, "word ") {
			said = append(said, rec.What)
		}
	}
	own, _ := os.ReadFile(filepath.Join(r.dir, "log_vrrp"))
	logged := string(own) + r.log()
	for i := range blurted {
		word := fmt.Sprintf("word %d.", i)
		if i >= len(said) || said[i] != word || len(said) != blurted {
			t.Fatalf("recorded: %q", said)
		}
		if strings.Count(logged, word) != 1 {
			t.Errorf("%q is logged %d times", word, strings.Count(logged, word))
		}
	}
	if last := fmt.Sprintf("word %d.", blurted-1); strings.Index(r.log(), last) > strings.Index(r.log(), "child process died") {
		t.Error("its last word is logged after its death")
	}
	r.stop(ExitOK)
}

func TestHangingChildIsKilledAndComesBack(t *testing.T) {
	// Long enough for the child that does answer, however busy the machine is.
	r := startHouse(t, both+"vrrp hangs", func(o *Options) { o.Hello = time.Second })
	s := r.until("the hanging child's return", func(s api.Status) bool {
		return s.Children[0].Restarts == 1 && s.Children[0].State == "serving"
	})
	if !strings.Contains(s.Children[0].LastEnd, "did not answer") || s.Children[1].Restarts != 0 {
		t.Errorf("children %+v", s.Children)
	}
	r.stop(ExitOK)
}

func TestChildThatDiesAtStart(t *testing.T) {
	r := startHouse(t, both+"checker dies", nil)
	if s := r.status(); r.code != ExitOK || s.Children[1].Restarts != 1 {
		t.Errorf("code %d, children %+v", r.code, s.Children)
	}
	if b := readLog(filepath.Join(r.dir, "log_healthcheckers")); !strings.Contains(b, "dies once") {
		t.Errorf("the child's own log: %q", b)
	}
	r.stop(ExitOK)
}

func TestPermanentEndStopsTheHouse(t *testing.T) {
	r := startHouse(t, both+"vrrp permanent", nil)
	if r.code != ExitConfig {
		t.Errorf("start tells %d", r.code)
	}
	r.ends(ExitConfig)
	vrrp, _ := os.ReadFile(filepath.Join(r.dir, "log_vrrp"))
	if !strings.Contains(string(vrrp), "no such interface") {
		t.Errorf("the child's own log: %q", vrrp)
	}
	r.logged("the VRRP child cannot run: no such interface")
}

func TestDontRespawn(t *testing.T) {
	r := startHouse(t, both, func(o *Options) { o.NoRespawn = true })
	_ = unix.Kill(r.status().Children[0].PID, unix.SIGKILL)
	r.ends(ExitOK)
	r.logged("must not be started again")
}

func TestReload(t *testing.T) {
	r := startHouse(t, "needs vrrp\nproblem old\n", nil)
	before := r.status()
	r.write("# a line more\nneeds checker\nneeds vrrp\nproblem old\n")
	r.signal(unix.SIGHUP)
	s := r.until("the checker", func(s api.Status) bool { return len(s.Children) == 2 && len(s.Instances) == 2 })
	if s.Children[0].PID != before.Children[0].PID {
		t.Error("the vrrp child was not reloaded but replaced")
	}
	if s.Instances[0].Cause != s.Instances[1].Cause || s.Reload != nil {
		t.Errorf("not the same bytes for both: %+v", s.Instances)
	}
	r.write("needs vrrp\n")
	r.signal(unix.SIGHUP)
	r.until("the checker's retirement", func(s api.Status) bool { return len(s.Children) == 1 })
	r.stop(ExitOK)
}

func TestRefusedReloadTouchesNothing(t *testing.T) {
	r := startHouse(t, both+"problem old\n", nil)
	before := r.status()
	for config, why := range map[string]string{
		both + "problem old\nproblem new\n": "new",
		both + "problem a\nproblem b\n":     "2 new problems, `holdfast check` shows all of them; the first is ",
		both + "problem old\nproblem old\n": "old", // once more
		"fatal brace missing\n":             "brace missing",
		"crash\n":                           "read the configuration",
		"blank\n":                           "there is nothing in",
	} {
		r.write(config)
		r.signal(unix.SIGHUP)
		s := r.until("refusal: "+why, func(s api.Status) bool { return s.Reload != nil && strings.Contains(s.Reload.Why, why) })
		if s.Instances[0].Cause != before.Instances[0].Cause || s.Children[0].PID != before.Children[0].PID || len(s.Problems) != 1 {
			t.Errorf("%s: the running configuration was touched", why)
		}
		r.write(both)
		r.signal(unix.SIGHUP)
		r.until("the repaired configuration", func(s api.Status) bool { return s.Reload == nil })
		r.write(both + "problem old\n")
		r.signal(unix.SIGHUP) // a problem that was gone is new again
		r.until("refusal", func(s api.Status) bool { return s.Reload != nil })
		r.stop(ExitOK)
		r = startHouse(t, both+"problem old\n", nil)
		before = r.status()
	}
	r.logged("Startup complete")
	r.stop(ExitOK)
}

// What systemd shows of the service says which configuration runs.
func TestSystemdHearsWhichConfigurationRuns(t *testing.T) {
	at := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: at, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	t.Setenv("NOTIFY_SOCKET", at)
	heard := func(want ...string) {
		t.Helper()
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		b := make([]byte, 4096)
		for {
			n, err := conn.Read(b)
			if err != nil {
				t.Fatalf("nothing that says %q: %v", want, err)
			}
			if !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(string(b[:n]), w) }) {
				return
			}
		}
	}
	r := startHouse(t, both, nil)
	heard("READY=1", "STATUS=Running the configuration of ")
	r.write(both + "problem new\n")
	r.signal(unix.SIGHUP)
	heard("READY=1", "was refused: ", "new")
	r.write(both)
	r.signal(unix.SIGHUP)
	heard("READY=1", "STATUS=Running the configuration of ")
	r.stop(ExitOK)
	heard("STOPPING=1")
}

func TestStartRefused(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		strict bool
		want   int
	}{
		"none":   {"-", false, ExitNoConfig},
		"fatal":  {"fatal no", false, ExitConfig},
		"crash":  {"crash", false, ExitFatal},
		"strict": {both + "problem x", true, ExitConfig},
	} {
		t.Run(name, func(t *testing.T) {
			r := startHouse(t, c.config, func(o *Options) { o.Load.Strict = c.strict })
			if r.code != c.want {
				t.Errorf("start tells %d, want %d", r.code, c.want)
			}
			r.ends(c.want)
		})
	}
}

func TestSilentChildIsShownAsSuch(t *testing.T) {
	r := startHouse(t, both+"vrrp silent", nil)
	s := r.status()
	if len(s.Instances) != 1 || !strings.Contains(s.Children[0].State, "does not answer") || s.Children[1].State != "serving" {
		b, _ := json.Marshal(s)
		t.Errorf("status %s", b)
	}
	r.stop(ExitOK)
}

// Who asks is not kept waiting for the answer of a child that has died.
func TestQuestionOutlivesAChild(t *testing.T) {
	h := &house{kids: map[string]*kid{Checker: {name: Checker}}, queries: map[uint64]*query{}}
	asked := &query{missing: map[string]bool{Checker: true}, reply: make(chan *query, 1), patience: time.Hour}
	order := &query{seq: 1, missing: map[string]bool{Checker: true}, reply: make(chan *query, 1), order: json.RawMessage("{}")}
	other := &query{seq: 2, missing: map[string]bool{Checker: true, VRRP: true}, reply: make(chan *query, 1)}
	for _, q := range []*query{asked, order, other} {
		h.queries[q.seq] = q
	}
	h.hungUp(Checker)
	if len(asked.reply) != 1 || len(order.reply) != 1 || len(other.reply) != 0 || !other.missing[VRRP] {
		t.Fatalf("answered: %d %d %d", len(asked.reply), len(order.reply), len(other.reply))
	}
	if state := asked.status.Children[0].State; strings.Contains(state, "answer") {
		t.Errorf("the dead child %s", state)
	}
	// The order tells of itself, for it may have been carried out.
	if asked.err != nil || order.err == nil {
		t.Errorf("errors %v, %v", asked.err, order.err)
	}
}

func TestScriptsRunAroundTheChildren(t *testing.T) {
	dir := t.TempDir()
	up, down := filepath.Join(dir, "up"), filepath.Join(dir, "down")
	r := startHouse(t, both+"startup /bin/mkdir "+up+"\nshutdown /bin/rmdir "+down+"\n", nil)
	if _, err := os.Stat(up); err != nil {
		t.Error("the startup script did not run before the children: ", err)
	}
	if err := os.Mkdir(down, 0o700); err != nil {
		t.Fatal(err)
	}
	r.stop(ExitOK)
	if _, err := os.Stat(down); err == nil {
		t.Error("the shutdown script did not run")
	}
	r.logged("shutdown_script: exit status 0")
}

func TestStopDuringStart(t *testing.T) {
	r := startHouse(t, both+"startup /bin/sleep 1000\n", func(o *Options) {
		o.Started = nil
		go func() {
			for !strings.Contains(readLog(o.Log.File), "Starting holdfast") {
				time.Sleep(5 * time.Millisecond)
			}
			_ = unix.Kill(os.Getpid(), unix.SIGTERM)
		}()
	})
	r.ends(ExitOK)
}

func readLog(name string) string {
	b, _ := os.ReadFile(name)
	return string(b)
}

func TestSummary(t *testing.T) {
	r := Report{Instances: 1, Services: 2, Servers: 20, Director: "ipvs", Addresses: []string{"192.0.2.1/24"}, AddressesIn: 3, Errors: 1}
	if got, want := r.summary(), "1 VRRP instance, 2 virtual servers, 20 real servers, director ipvs, addresses 192.0.2.1/24 and 2 more, 1 problem"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
