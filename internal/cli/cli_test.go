package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/parent"
)

// The test binary is holdfast, and keepalived, and its own children.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == parent.ArgChild || os.Args[1] == parent.ArgLoad || os.Args[1] == parent.ArgDump) {
		os.Exit(Main(os.Args, os.Stdin, os.Stdout, os.Stderr))
	}
	run := func() { os.Exit(Main(os.Args, os.Stdin, os.Stdout, os.Stderr)) }
	testscript.Main(m, map[string]func(){"holdfast": run, "keepalived": run})
}

// TestCommands runs the scripts in testdata: commands in, output and exit code
// out. Each works in a directory of its own, which is also where pid files are.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true,
		UpdateScripts: os.Getenv("UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("GORACE", "atexit_sleep_ms=0") // processes end often
			e.Defer(func() { endDaemons(e.WorkDir) })
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "until": until, "signal": signalDaemon,
		},
	})
}

// endDaemons ends what a script that failed has left running.
func endDaemons(dir string) {
	names, _ := filepath.Glob(filepath.Join(dir, "*.pid"))
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		text := make([]byte, 16)
		n, _ := f.Read(text)
		pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
		// Whoever runs holds the lock.
		if err == nil && pid > 0 && unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		_ = f.Close()
	}
}

// patience bounds a failing test; nothing is concluded from how long a thing took.
const patience = 20 * time.Second

// exits runs a command and compares its exit code: exits CODE PROGRAM ARG…
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if e, ok := err.(interface{ ExitCode() int }); ok {
		code = strconv.Itoa(e.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if code != args[0] {
		ts.Fatalf("exit status %s, want %s", code, args[0])
	}
}

// until waits for a file to contain a text, or to be gone: until FILE TEXT,
// ! until FILE.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: until FILE TEXT, ! until FILE")
	}
	file := ts.MkAbs(args[0])
	holds := func() bool {
		text, err := os.ReadFile(file)
		if neg {
			return os.IsNotExist(err)
		}
		return err == nil && strings.Contains(string(text), strings.Join(args[1:], " "))
	}
	for end := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			text, _ := os.ReadFile(file)
			ts.Fatalf("waited in vain for %v; %s:\n%s", args, args[0], text)
		}
	}
}

// signalDaemon sends a signal to the process in a pid file: signal HUP FILE.
func signalDaemon(ts *testscript.TestScript, _ bool, args []string) {
	text, err := os.ReadFile(filepath.Clean(ts.MkAbs(args[1])))
	ts.Check(err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	ts.Check(err)
	ts.Check(unix.Kill(pid, unix.SignalNum("SIG"+args[0])))
}
