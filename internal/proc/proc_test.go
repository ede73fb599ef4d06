package proc

import (
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sh(script string) Spec {
	return Spec{Argv: []string{"/bin/sh", "-c", script}, MaxOutput: 4096}
}

// patience bounds every wait of these tests; nothing asserts how long one took.
const patience = 20 * time.Second

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("%s: not within %v", what, patience)
}

// gone reports whether a process has ended (a zombie counts as ended).
func gone(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(rest, "Z")
}

func pidIn(t *testing.T, file string) int {
	t.Helper()
	var pid int
	eventually(t, "process id in "+file, func() bool {
		b, _ := os.ReadFile(file)
		n, err := strconv.Atoi(strings.TrimSpace(string(b)))
		pid = n
		return err == nil && strings.HasSuffix(string(b), "\n")
	})
	return pid
}

func TestExitStatusAndOutput(t *testing.T) {
	r := Run(context.Background(), sh("echo out; echo err >&2; exit 3"))
	if r.ExitCode != 3 || r.OK() || r.TimedOut || r.Err != nil {
		t.Errorf("got %+v", r)
	}
	if string(r.Output) != "out\nerr\n" {
		t.Errorf("output %q", r.Output)
	}
	if r.String() != "exit status 3" {
		t.Errorf("string %q", r)
	}
	if r := Run(context.Background(), sh("true")); !r.OK() {
		t.Errorf("true: %+v", r)
	}
	r = Run(context.Background(), sh("kill -SEGV $$"))
	if r.Signal != syscall.SIGSEGV || r.ExitCode != -1 || r.String() != "ended by signal SIGSEGV" {
		t.Errorf("signal: %+v %s", r, r)
	}
}

func TestOutputIsBounded(t *testing.T) {
	s := sh("head -c 1000000 /dev/zero; echo end >&2")
	s.MaxOutput = 10
	r := Run(context.Background(), s)
	if !r.OK() || len(r.Output) != 10 {
		t.Errorf("%v, %d bytes kept", r, len(r.Output))
	}
	s = sh("echo lost")
	s.MaxOutput = 0
	if r := Run(context.Background(), s); !r.OK() || len(r.Output) != 0 {
		t.Errorf("%v %q", r, r.Output)
	}
}

func TestTimeoutEndsTheWholeGroup(t *testing.T) {
	for name, grandchild := range map[string]string{
		"polite":   "sleep 1000",
		"stubborn": `trap "" TERM; while :; do sleep 0.05; done`,
	} {
		t.Run(name, func(t *testing.T) {
			pids := filepath.Join(t.TempDir(), "pid")
			s := sh(`(` + grandchild + `) & echo $! >` + pids + `; wait`)
			s.Grace = 50 * time.Millisecond
			p, err := Start(s)
			if err != nil {
				t.Fatal(err)
			}
			pid := pidIn(t, pids)
			p.Stop()
			if r := p.Wait(); !r.TimedOut {
				t.Errorf("got %+v", r)
			}
			eventually(t, "end of the grandchild", func() bool { return gone(pid) })
		})
	}
}

func TestTimeoutIsKept(t *testing.T) {
	s := sh("sleep 1000")
	s.Timeout, s.Grace = time.Millisecond, 50*time.Millisecond
	r := Run(context.Background(), s)
	if !r.TimedOut || r.Signal != syscall.SIGTERM || r.OK() {
		t.Errorf("got %+v", r)
	}
	s = sh(`trap "" TERM; while :; do sleep 0.05; done`)
	p, err := Start(s)
	if err != nil {
		t.Fatal(err)
	}
	p.grace = 50 * time.Millisecond
	p.Stop()
	if r := p.Wait(); !r.TimedOut {
		t.Errorf("got %+v", r)
	}
}

func TestContextEndsTheProgram(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r := Run(ctx, sh("sleep 1000")); !r.TimedOut {
		t.Errorf("got %+v", r)
	}
}

func TestBackgroundProcessLivesOn(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pid")
	// It holds our pipe, and writes more than a pipe takes, and lives.
	r := Run(context.Background(), sh(`echo said; (head -c 300000 /dev/zero; exec sleep 1000) & echo $! >`+pids))
	if !r.OK() || !strings.HasPrefix(string(r.Output), "said\n") && !strings.Contains(string(r.Output), "\x00") {
		t.Errorf("got %+v", r)
	}
	pid := pidIn(t, pids)
	defer func() { _ = syscall.Kill(pid, syscall.SIGKILL) }()
	eventually(t, "the background process to have written all and sleep", func() bool {
		b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
		return string(b) == "sleep\n"
	})
	_ = syscall.Kill(pid, syscall.SIGKILL)
	eventually(t, "the drained pipe to close", func() bool { return drains.Load() == 0 })
}

func TestEnvironmentAndDescriptors(t *testing.T) {
	t.Setenv("HF_SECRET", "x")
	s := Spec{Argv: []string{"env"}, Env: []string{"HOLDFAST_CAUSE=because"}, MaxOutput: 4096}
	r := Run(context.Background(), s)
	out := string(r.Output)
	if strings.Contains(out, "HF_SECRET") || !strings.Contains(out, "HOLDFAST_CAUSE=because\n") ||
		!strings.Contains(out, "PATH="+DefaultPath+"\n") {
		t.Errorf("environment:\n%s", out)
	}
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r = Run(context.Background(), sh("ls /proc/self/fd; readlink /proc/self/fd/0; pwd"))
	if !strings.HasPrefix(string(r.Output), "0\n1\n2\n3\n/dev/null\n/\n") { // 3 is ls reading the folder
		t.Errorf("descriptors:\n%s", r.Output)
	}
}

func TestOwnGroup(t *testing.T) {
	p, err := Start(Spec{Argv: []string{"sleep", "1000"}})
	if err != nil {
		t.Fatal(err)
	}
	if g, err := syscall.Getpgid(p.PID()); err != nil || g != p.PID() {
		t.Errorf("group %d of process %d (%v)", g, p.PID(), err)
	}
	p.Stop()
	p.Wait()
}

func TestWhatCannotStart(t *testing.T) {
	for want, s := range map[string]Spec{
		"no program given": {},
		"no such program":  {Argv: []string{"holdfast-no-such-program"}},
		"start /nonexistent/x: no such file or directory": {Argv: []string{"/nonexistent/x"}, MaxOutput: 10},
		"start /etc/passwd: permission denied":            {Argv: []string{"/etc/passwd"}},
		"user nobody-of-that-name":                        {Argv: []string{"true"}, User: "nobody-of-that-name"},
	} {
		r := Run(context.Background(), s)
		if r.Err == nil || !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%v: want %q, got %v", s.Argv, want, r.Err)
		}
	}
}

func TestRunsAsAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("changing the user needs root")
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("no user nobody here")
	}
	s := sh("id -u; id -g; id -G; echo $HOME $USER")
	s.User = "nobody"
	r := Run(context.Background(), s)
	groups, _ := u.GroupIds()
	want := u.Uid + "\n" + u.Gid + "\n" + strings.Join(groups, " ") + "\n" + u.HomeDir + " nobody\n"
	if string(r.Output) != want {
		t.Errorf("got %q (%v), want %q", r.Output, r, want)
	}
	s.Group = "0"
	if r := Run(context.Background(), s); !strings.HasPrefix(string(r.Output), u.Uid+"\n0\n") {
		t.Errorf("with a group: %q", r.Output)
	}
}

func TestSecure(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("files of root need root")
	}
	if err := Secure("/bin/sh"); err != nil {
		t.Errorf("/bin/sh: %v", err)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "s")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Secure(script); !errors.Is(err, ErrInsecure) {
		t.Errorf("%s: %v", script, err)
	}
	r := Run(context.Background(), Spec{Argv: []string{script}, Secure: true})
	if !errors.Is(r.Err, ErrInsecure) {
		t.Errorf("run as root: %v", r.Err)
	}
	if _, err := os.Stat("/nonexistent"); err != nil {
		if err := Secure("/nonexistent/x"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("missing: %v", err)
		}
	}
}

func TestSecureLooksAtEveryPart(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("files of root need root")
	}
	// A folder below / that only root may write, if there is one.
	root, err := os.MkdirTemp("/root", "holdfast-secure-")
	if err != nil || Secure(root) != nil {
		t.Skip("no folder here that only root may write")
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	dir, file := filepath.Join(root, "d"), filepath.Join(root, "d", "s")
	link, loop := filepath.Join(root, "link"), filepath.Join(root, "loop")
	for _, err := range []error{
		os.Mkdir(dir, 0o755), os.WriteFile(file, nil, 0o755),
		os.Symlink("d/../d/s", link), os.Symlink("loop", loop),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	check := func(what, path string, want error) {
		t.Helper()
		if err := Secure(path); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%s: got %v, want %v", what, err, want)
		}
	}
	check("all root's", link, nil)
	check("loop", loop, syscall.ELOOP)
	_ = os.Chmod(dir, 0o775) // root's group: fine
	check("group root", link, nil)
	_ = os.Chown(dir, 0, 65534)
	check("other group writes the folder", link, ErrInsecure)
	_ = os.Chown(dir, 65534, 0)
	_ = os.Chmod(dir, 0o755)
	check("folder of somebody else", link, ErrInsecure)
	_ = os.Chown(dir, 0, 0)
	_ = os.Chmod(dir, 0o777|os.ModeSticky)
	check("sticky folder", link, nil)
	_ = os.Chown(file, 65534, 0)
	check("file of somebody else in it", link, ErrInsecure)
	_ = os.Chown(file, 0, 0)
	_ = os.Chmod(dir, 0o755)
	_ = os.Lchown(link, 65534, 0)
	check("link of somebody else", link, ErrInsecure)
	_ = os.Lchown(link, 0, 0)
	_ = os.Chmod(file, 0o757)
	check("everybody writes the file", link, ErrInsecure)
}
