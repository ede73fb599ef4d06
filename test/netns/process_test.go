package netns_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// children are the names of the processes that the daemon says it has.
func children(d *lab.Daemon) (names []string) {
	s, err := d.Status()
	if err != nil {
		return nil
	}
	for _, c := range s.Children {
		names = append(names, c.Name)
	}
	return names
}

// childOf is the process of that name.
func childOf(t *testing.T, d *lab.Daemon, name string) int {
	t.Helper()
	s, err := d.Status()
	Must(t, err)
	for _, c := range s.Children {
		if c.Name == name {
			return c.PID
		}
	}
	t.Fatalf("there is no child %s", name)
	return 0
}

// The first line of the log says what runs, with which configuration and
// addresses, the last one why it stops; and nothing stays behind.
func TestStopLeavesNothingBehind(t *testing.T) {
	l := New(t)
	w, _ := services(t, l, 1)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(proxy, Instance{Priority: 100},
		virtualServer(Virtual+" 80", "", httpGet, 1)))
	w.Answers(t, "s1")
	Must(t, a.Stop())
	if a.Node.Has(Virtual) {
		t.Error("the virtual address is left")
	}
	if c, err := a.Node.Listen("tcp", ":80"); err != nil {
		t.Errorf("somebody listens there still: %v", err)
	} else {
		_ = c.Close()
	}
	files, _ := filepath.Glob(strings.TrimSuffix(a.ConfigFile(), ".conf") + "*")
	slices.Sort(files)
	if len(files) != 2 {
		t.Errorf("there is %v, want the configuration and the log only", files)
	}
	lines := strings.Split(strings.TrimSpace(a.Log()), "\n")
	first, last := lines[0], lines[len(lines)-1]
	for _, want := range []string{"Starting holdfast", "a.conf", "1 VRRP instance", "1 virtual server", "director proxy", Virtual + "/24"} {
		if !strings.Contains(first, want) {
			t.Errorf("the first line %q does not say %q", first, want)
		}
	}
	if !strings.Contains(last, "Stopped holdfast") || !strings.HasSuffix(last, "asked to by SIGTERM") {
		t.Errorf("the last line is %q", last)
	}
}

// Each child is there while the configuration needs it.
func TestChildrenComeAndGoWithReloads(t *testing.T) {
	l := New(t)
	w, _ := services(t, l, 1)
	plain := config(proxy, Instance{Priority: 100})
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), plain)
	are := func(names ...string) {
		t.Helper()
		Wait(t, "the children are "+strings.Join(names, " "), func() bool { return slices.Equal(children(a), names) })
	}
	WaitMaster(t, Virtual, a)
	are("vrrp")
	Must(t, a.Configure(plain+virtualServer(Virtual+" 80", "", httpGet, 1)))
	Must(t, a.Reload())
	w.Answers(t, "s1")
	are("vrrp", "checker", "proxy")
	Must(t, a.Configure(plain))
	Must(t, a.Reload())
	are("vrrp")
	Wait(t, "nobody listens any more", func() bool {
		_, err := w.Client.Get(t.Context(), w.To)
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	if n := Logged(a, enteringMaster); n != 1 {
		t.Errorf("a became master %d times, want once", n)
	}
}

// knock connects again and again until the test ends, and counts the attempts
// and those that were not taken. It leaves the backlog, some thousand places,
// room for all who come while there is no proxy.
func knock(t *testing.T, from *lab.Node, to string) (tried, failed *atomic.Int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	tried, failed = new(atomic.Int64), new(atomic.Int64)
	var work sync.WaitGroup
	work.Go(func() {
		for ctx.Err() == nil {
			c, err := from.DialContext(ctx, "tcp", to)
			if err == nil {
				_ = c.Close()
			} else if ctx.Err() == nil {
				failed.Add(1)
			}
			tried.Add(1)
			time.Sleep(2 * time.Millisecond)
		}
	})
	t.Cleanup(func() { cancel(); work.Wait() })
	return tried, failed
}

// Who comes while there is no proxy waits for the next one; who was there is
// lost, and counted.
func TestKilledProxyRefusesNobody(t *testing.T) {
	l := New(t)
	w, _ := services(t, l, 1)
	with := func(servers string) string { return config(proxy, Instance{Priority: 100}, servers) }
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), with(virtualServer(Virtual+" 80", "", httpGet, 1)))
	w.Answers(t, "s1")
	tried, failed := knock(t, w.Client, w.To)
	for i := range 3 {
		w.Stay(t, "s1")
		old := childOf(t, a, "proxy")
		kill(t, old)
		WaitLog(t, a, "Lost with the proxy child that died: ", i+1)
		w.AnswersNow(t, 1, "s1")
		before := tried.Load()
		Wait(t, "more clients came", func() bool { return tried.Load() >= before+10 })
	}
	if n := failed.Load(); n > 0 {
		t.Errorf("%d of %d connections were refused", n, tried.Load())
	}
	Must(t, a.Configure(with("")))
	Must(t, a.Reload())
	Wait(t, "a service that is gone refuses its clients", func() bool { return failed.Load() > 0 })
}

// A killed proxy loses its connections, and nothing more.
func TestKilledProxyComesBack(t *testing.T) {
	l := New(t)
	w, _ := services(t, l, 2)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(proxy, Instance{Priority: 100},
		virtualServer(Virtual+" 80", "", httpGet, 2)))
	w.Answers(t, "s1", "s2")
	kill(t, childOf(t, a, "proxy"))
	WaitLog(t, a, "Proxy child process died", 1)
	w.Answers(t, "s1", "s2")
	if n := Logged(a, "Removing service"); n > 0 {
		t.Errorf("%d servers were taken out meanwhile", n)
	}
}

func TestStoppedCheckerIsStartedAgain(t *testing.T) {
	l := New(t)
	w, servers := services(t, l, 2)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(proxy, Instance{Priority: 100},
		virtualServer(Virtual+" 80", "", httpGet, 2)))
	w.Answers(t, "s1", "s2")
	old := childOf(t, a, "checker")
	Must(t, syscall.Kill(old, syscall.SIGSTOP))
	w.Answers(t, "s1", "s2") // the data path goes on
	Must(t, servers[0].Fail(lab.Broken))
	Wait(t, "another checker", func() bool { pid := a.ChildPID("check"); return pid > 0 && pid != old })
	WaitLog(t, a, "Removing service [192.0.2.21]:tcp:80 from VS", 1)
	w.Answers(t, "s2")
}

// The children notice that their parent is gone, and end in an orderly way.
func TestKilledParentTakesItsChildrenAlong(t *testing.T) {
	_, a, b := pair(t)
	kill(t, a.PID())
	WaitMaster(t, Virtual, b, a)
	WaitLog(t, b, "resigned (priority 0)", 1)
	Must(t, a.Start())
	WaitMaster(t, Virtual, a, b)
}

// keepalived(8): -R, don't respawn child processes.
func TestDontRespawn(t *testing.T) {
	l := New(t)
	command := append(slices.Clone(Holdfast()), "-R")
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), command, config(Instance{Priority: 100}))
	WaitMaster(t, Virtual, a)
	kill(t, childOf(t, a, "vrrp"))
	_, err := a.Wait(Patience)
	Must(t, err)
	WaitLog(t, a, "must not be started again (-R)", 1)
}

// Most files in the field have a mistake, and keepalived runs them.
func TestMistakesAreToldAndStrictRefuses(t *testing.T) {
	l := New(t)
	text := strings.Replace(config(Instance{Priority: 100}), "priority 100", "priority 100\n    garp_master_dely 1", 1)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), text)
	WaitMaster(t, Virtual, a)
	WaitLog(t, a, "did you mean garp_master_delay", 1)
	s, err := a.Status()
	Must(t, err)
	if len(s.Problems) != 1 || s.Problems[0].Line == 0 || !strings.Contains(s.Problems[0].Message, "garp_master_dely") {
		t.Errorf("the status tells %+v", s.Problems)
	} else if p := s.Problems[0]; !strings.Contains(a.Log(), fmt.Sprintf(" %s: %s:%d:", p.Severity, p.File, p.Line)) {
		t.Errorf("the log does not call it %q, as the status does", p.Severity)
	}
	Must(t, a.Stop())

	b := Start(t, Node(t, l, "b", "192.0.2.12/24"), append(slices.Clone(Holdfast()), "--strict"), text)
	code, err := b.Wait(Patience)
	if code != 2 || err != nil {
		t.Errorf("strict: exit status %d, %v; want 2", code, err)
	}
	if b.Node.Has(Virtual) {
		t.Error("strict: it took the address all the same")
	}
}

// A full disk is told and keeps no address from being served; once there is
// room, a reload fills the pid file.
func TestPIDFileOnAFullDisk(t *testing.T) {
	l := New(t)
	dir := t.TempDir()
	Must(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4k"))
	t.Cleanup(func() { Must(t, syscall.Unmount(dir, 0)) })
	for i := 0; ; i++ { // the one page, and what the file system lets us have beside it
		if os.WriteFile(filepath.Join(dir, "fill"+strings.Repeat("x", i)), make([]byte, 4096), 0o600) != nil {
			break
		}
	}
	n := Node(t, l, "a", "192.0.2.11/24")
	conf := l.Path("full.conf")
	Must(t, os.WriteFile(conf, []byte(config(Instance{Priority: 100})), 0o644))
	p, err := n.StartTo(l.Path("full.log"), Holdfast()[0], append(slices.Clone(Holdfast()[1:]),
		"-n", "-l", "-f", conf, "-p", filepath.Join(dir, "a.pid"))...)
	Must(t, err)
	log := func() string { text, _ := os.ReadFile(l.Path("full.log")); return string(text) }
	Wait(t, "it serves the address", func() bool { return n.Has(Virtual) })
	if !strings.Contains(log(), "no space left on device") {
		t.Errorf("the full disk is not told:\n%s", log())
	}
	fillers, err := filepath.Glob(filepath.Join(dir, "fill*"))
	Must(t, err)
	for _, f := range fillers {
		Must(t, os.Remove(f))
	}
	Must(t, p.Signal(syscall.SIGHUP))
	Wait(t, "a reload fills the pid file", func() bool {
		text, _ := os.ReadFile(filepath.Join(dir, "a.pid"))
		return string(text) == strconv.Itoa(p.PID())+"\n"
	})
	Must(t, p.Signal(syscall.SIGTERM))
	if code, err := p.Wait(Patience); code != 0 || err != nil {
		t.Errorf("exit status %d, %v, want 0\n%s", code, err, log())
	}
}

// A second daemon by mistake says who is there, and touches nothing, even if
// only the children's pid files are the same.
func TestSecondDaemonTouchesNothing(t *testing.T) {
	l := New(t)
	n := Node(t, l, "a", "192.0.2.11/24")
	a := Start(t, n, Holdfast(), config(Instance{Priority: 100}))
	WaitMaster(t, Virtual, a)
	watched := l.Path("seen")
	_, err := n.StartTo(watched, "ip", "monitor", "address", "route", "rule", "link")
	Must(t, err)
	seen := func() string { text, _ := os.ReadFile(watched); return string(text) }
	Wait(t, "the monitor sees addresses", func() bool {
		Must(t, n.AddAddress("lo", "198.51.100.1/32"))
		Must(t, n.DelAddress("lo", "198.51.100.1/32"))
		return strings.Contains(seen(), "198.51.100.1")
	})
	for file, pid := range map[string]int{"a.pid": a.PID(), "other.pid": child(t, a)} {
		log := l.Path(file + ".log")
		p, err := n.StartTo(log, Holdfast()[0], append(slices.Clone(Holdfast()[1:]),
			"-n", "-l", "-f", a.ConfigFile(), "-p", l.Path(file), "-r", l.Path("a-vrrp.pid"))...)
		Must(t, err)
		code, err := p.Wait(Patience)
		text, _ := os.ReadFile(log)
		if code != 0 || err != nil || !strings.Contains(string(text), fmt.Sprintf("daemon is already running: process %d (", pid)) {
			t.Errorf("%s: exit status %d, %v, want 0\n%s", file, code, err, text)
		}
	}
	if strings.Contains(seen(), Virtual) {
		t.Errorf("the address was touched:\n%s", seen())
	}
	if _, err := a.Status(); err != nil {
		t.Errorf("the first does not answer any more: %v", err)
	}
}

// Whoever starts anew at once after a parent was killed waits for its children
// to end.
func TestStartWhileOrphansEnd(t *testing.T) {
	l := New(t)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(Instance{Priority: 100}))
	WaitMaster(t, Virtual, a)
	orphan := child(t, a)
	Must(t, syscall.Kill(orphan, syscall.SIGSTOP)) // it takes its time
	kill(t, a.PID())
	<-a.Done()
	Must(t, a.Start())
	WaitLog(t, a, "its parent is gone", 1)
	Must(t, syscall.Kill(orphan, syscall.SIGCONT))
	Wait(t, "the new one serves", func() bool { i := a.Instance("VI_1"); return i != nil && i.State == "MASTER" })
	if child(t, a) == orphan {
		t.Error("it is the old child")
	}
}
