package uml_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// world is the guest: a daemon, its configuration and log, and real servers on
// the loopback.
type world struct {
	t    *testing.T
	conf string
	log  *logFile
	cmd  *exec.Cmd
	end  chan error
	up   map[string]*server
}

// newWorld has nothing running yet.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, conf: filepath.Join("/run", filepath.Base(t.Name())+".conf"), up: map[string]*server{}}
	t.Cleanup(func() {
		w.kill()
		w.fail(slices.Collect(maps.Keys(w.up))...)
		if t.Failed() {
			t.Logf("the daemon said:\n%s", w.log.text())
		}
		w.run("ipvsadm", "-C")
	})
	return w
}

// run is a command that must succeed.
func (w *world) run(name string, args ...string) string {
	w.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// configure writes the daemon's configuration.
func (w *world) configure(text string) {
	w.t.Helper()
	if err := os.WriteFile(w.conf, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) start(flags ...string) {
	w.t.Helper()
	command := strings.Fields(os.Getenv(labtest.BinaryEnv))
	w.cmd = exec.Command(command[0], append(append(command[1:], "-n", "-l", "-D", "-f", w.conf), flags...)...)
	file, err := os.OpenFile(w.conf+".log", os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = file.Close() })
	w.log = &logFile{file: file}
	w.cmd.Stdout, w.cmd.Stderr = file, file
	if err := w.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.end = make(chan error, 1)
	go func() { w.end <- w.cmd.Wait() }()
}

func (w *world) signal(s syscall.Signal) {
	w.t.Helper()
	if err := w.cmd.Process.Signal(s); err != nil {
		w.t.Fatal(err)
	}
}

// stop is the orderly end.
func (w *world) stop() {
	w.t.Helper()
	w.signal(syscall.SIGTERM)
	select {
	case err := <-w.end:
		w.cmd = nil
		if err != nil {
			w.t.Errorf("the daemon ended with %v", err)
		}
	case <-time.After(labtest.Patience):
		w.t.Fatal("the daemon does not end")
	}
}

func (w *world) kill() {
	if w.cmd != nil {
		_ = w.cmd.Process.Kill()
		<-w.end //nolint:errcheck // how it ends does not matter
		w.cmd = nil
	}
}

// child returns the process id of the daemon's only child.
func (w *world) child() (pid int) {
	w.t.Helper()
	w.wait("the daemon has one child", func() bool {
		var all []string // each thread has its own
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", w.cmd.Process.Pid))
		for _, name := range threads {
			b, _ := os.ReadFile(name)
			all = append(all, strings.Fields(string(b))...)
		}
		pid = 0
		if len(all) == 1 {
			pid, _ = strconv.Atoi(all[0])
		}
		return pid != 0
	})
	return pid
}

// server is a real server that listens.
type server struct {
	socket *os.File
	ended  chan struct{}
}

// serve brings real servers up; each says its address to whoever connects.
func (w *world) serve(addresses ...string) {
	w.t.Helper()
	for _, a := range addresses {
		l, err := net.Listen("tcp", a)
		if err != nil {
			w.t.Fatal(err)
		}
		s := &server{ended: make(chan struct{})}
		s.socket, err = l.(*net.TCPListener).File()
		_ = l.Close()
		if err != nil {
			w.t.Fatal(err)
		}
		w.up[a] = s
		go func() {
			defer close(s.ended)
			answer(int(s.socket.Fd()), a)
		}()
	}
}

// answer says its line to whoever connects, until the socket is shut down. There
// are hundreds of checks a second, and package net takes ten system calls for
// what takes three, each at a high price here.
func answer(socket int, line string) {
	for {
		c, _, err := unix.Accept4(socket, unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			_, _ = unix.Write(c, []byte(line))
			_ = unix.Close(c)
		case !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ECONNABORTED):
			return
		}
	}
}

// fail takes real servers down.
func (w *world) fail(addresses ...string) {
	for _, a := range addresses {
		s := w.up[a]
		_ = unix.Shutdown(int(s.socket.Fd()), unix.SHUT_RDWR)
		<-s.ended
		_ = s.socket.Close()
		delete(w.up, a)
	}
}

// table is what ipvsadm -Sn prints, sorted.
func (w *world) table() []string {
	w.t.Helper()
	var lines []string
	for line := range strings.Lines(w.run("ipvsadm", "-Sn")) {
		lines = append(lines, strings.TrimSpace(line))
	}
	slices.Sort(lines)
	return lines
}

// sees waits until the kernel's table is want, in the words of ipvsadm -Sn.
func (w *world) sees(want ...string) {
	w.t.Helper()
	slices.Sort(want)
	var have []string
	glances, asked := "never", time.Time{}
	for deadline := time.Now().Add(labtest.Patience); ; time.Sleep(20 * time.Millisecond) {
		if now := glance(); now != glances || time.Since(asked) > unseen {
			glances, asked, have = now, time.Now(), w.table()
		}
		if slices.Equal(have, want) {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("the kernel's table is\n  %s\nwant\n  %s", strings.Join(have, "\n  "), strings.Join(want, "\n  "))
		}
	}
}

// unseen is how long a change may last that glance does not show.
const unseen = 500 * time.Millisecond

// glance shows most of what can change of the kernel's table, thresholds and
// some flags not among it, at a small part of the price of a program.
func glance() string {
	b, _ := os.ReadFile("/proc/net/ip_vs")
	return string(b)
}

func (w *world) says(phrase string) {
	w.t.Helper()
	w.wait(fmt.Sprintf("the log says %q", phrase), func() bool { return w.log.says(phrase) })
}

func (w *world) wait(what string, holds func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(labtest.Patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("never: %s", what)
		}
	}
}

// logFile is what the daemon prints to, which it does by itself: a pipe would
// wake the test for each line.
type logFile struct {
	file *os.File
	read []byte
}

// text is all that it has said until now.
func (l *logFile) text() []byte {
	if l == nil {
		return nil
	}
	for {
		l.read = slices.Grow(l.read, 16<<10)
		n, err := l.file.ReadAt(l.read[len(l.read):cap(l.read)], int64(len(l.read)))
		if l.read = l.read[:len(l.read)+n]; err != nil || n == 0 {
			return l.read
		}
	}
}

// says reports whether it has said that.
func (l *logFile) says(phrase string) bool { return bytes.Contains(l.text(), []byte(phrase)) }
