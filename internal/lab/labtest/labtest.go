// Package labtest is what the integration tests in test/ share: a test program
// isolated from the machine, a holdfast built once, and waiting for a condition
// instead of for a time. The networks themselves are made by package lab.
package labtest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab"
)

// BinaryEnv names a daemon command to test instead of a fresh build, e.g. a
// holdfast built with the race detector, or keepalived as the referee.
const BinaryEnv = "HOLDFAST_BIN"

// Patience is how long Wait waits. It only bounds a failing test: nothing is
// concluded from how long something took.
const Patience = 40 * time.Second

const look = 20 * time.Millisecond

var (
	skip     string // why no test of the package can run
	holdfast []string
)

// atOnce is how many tests run at a time: they wait for other processes, not
// for the processor.
const atOnce = "6"

// Main runs a package's tests in namespaces of their own, after building
// holdfast once. TestMain calls it and exits with its result. A package that
// calls it imports internal/cli for nothing but its name, so that a changed
// daemon is no reason to believe a cached result.
func Main(m *testing.M) int {
	flag.Parse()
	_ = os.Getenv(BinaryEnv) // here, where `go test` sees on what its cached result depends
	if !slices.ContainsFunc(os.Args, func(a string) bool { return strings.HasPrefix(a, "-test.parallel") }) {
		_ = flag.Set("test.parallel", atOnce)
	}
	code, done, err := lab.Isolate(os.Stdin, os.Stdout, os.Stderr)
	if done {
		return code
	}
	if err != nil {
		skip = err.Error()
		return m.Run()
	}
	remove, err := build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	return m.Run()
}

func build() (remove func(), err error) {
	if command := strings.Fields(os.Getenv(BinaryEnv)); len(command) > 0 {
		holdfast = command
		return func() {}, nil
	}
	dir, err := os.MkdirTemp("", "holdfast-test")
	if err != nil {
		return nil, err
	}
	holdfast = []string{filepath.Join(dir, "holdfast")}
	cmd := exec.Command("go", "build", "-o", holdfast[0], "github.com/holdfast-ha/holdfast/cmd/holdfast")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("build holdfast: %w\n%s", err, out)
	}
	return func() { _ = os.RemoveAll(dir) }, nil
}

// Holdfast is the command of the daemon under test.
func Holdfast() []string { return holdfast }

// Keepalived is the command of Debian's keepalived; without one the test is skipped.
func Keepalived(t testing.TB) []string {
	return []string{Program(t, "keepalived")}
}

// Program finds a program that the test talks to, or skips the test.
func Program(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin") {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path
		}
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// New makes a lab that is closed when the test ends, or skips the test where
// namespaces cannot be had. The test runs in parallel with others.
func New(t testing.TB) *lab.Lab {
	t.Helper()
	if skip != "" {
		t.Skip(skip)
	}
	if p, ok := t.(*testing.T); ok {
		p.Parallel()
	}
	l, err := lab.New(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Node makes a node with one port eth0 on the segment lan.
func Node(t testing.TB, l *lab.Lab, name string, addresses ...string) *lab.Node {
	t.Helper()
	return NodeWith(t, l, name, lab.Port{LAN: "lan", Name: "eth0", Addresses: addresses})
}

// NodeWith makes a node with the given ports.
func NodeWith(t testing.TB, l *lab.Lab, name string, ports ...lab.Port) *lab.Node {
	t.Helper()
	n, err := l.Node(name, ports...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Start starts a daemon on a node with a configuration. What it logged is
// printed if the test fails.
func Start(t testing.TB, n *lab.Node, command []string, config string) *lab.Daemon {
	t.Helper()
	d := Prepare(t, n, command, config)
	Must(t, d.Start())
	return d
}

// Prepare is Start without starting.
func Prepare(t testing.TB, n *lab.Node, command []string, config string) *lab.Daemon {
	t.Helper()
	d, err := n.Daemon(command, n.Name(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("---- log of %s\n%s", d.Name, d.LogTail(80))
		}
	})
	return d
}

// Must ends the test on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Wait waits until the condition holds, and fails the test if it never does.
func Wait(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !holds(); time.Sleep(look) {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain: %s", Patience, what)
		}
	}
}

// WaitLog waits until the daemon has logged the text at least n times.
func WaitLog(t testing.TB, d *lab.Daemon, text string, n int) {
	t.Helper()
	Wait(t, fmt.Sprintf("%s logs %q %d times", d.Name, text, n), func() bool {
		return Logged(d, text) >= n
	})
}

// Logged counts the lines of a daemon's log that have the text.
func Logged(d *lab.Daemon, text string) int { return strings.Count(d.Log(), text) }
