package parent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Where pid files are (keepalived.conf(5), keepalived(8)).
const (
	runDir = "/run"
	pidDir = "/run/keepalived"
)

// pidNames are the files' names by child's name.
var pidNames = map[string]string{"": "keepalived", VRRP: "vrrp", Checker: "checkers", BFD: "bfd"}

// DefaultPIDFile is the parent's pid file, unless options or configuration say
// otherwise.
const DefaultPIDFile = runDir + "/keepalived.pid"

// ControlOf is the control socket that lies beside a pid file.
func ControlOf(pidFile string) string { return beside(pidFile, ".sock") }

// beside is a file of ours that lies beside a pid file.
func beside(pidFile, suffix string) string { return strings.TrimSuffix(pidFile, ".pid") + suffix }

// pidPath is the pid file of a child, or of the parent (""); empty: it has none.
// use_pid_dir, instance and a network namespace put it into folders of its own.
func (h *house) pidPath(name string) string { return h.pidPathOf(&h.report, name) }

// pidPathOf is pidPath under another configuration.
func (h *house) pidPathOf(r *Report, name string) string {
	if given := h.o.PIDFiles[name]; given != "" {
		return given
	}
	base, ok := pidNames[name]
	if !ok {
		return ""
	}
	dir := runDir
	if r.UsePIDDir {
		dir = pidDir
	}
	if r.Instance != "" {
		dir = pidDir
		base += "_" + filepath.Base(r.Instance)
	}
	if ns := h.netns(); ns != "" {
		dir = filepath.Join(pidDir, filepath.Base(ns))
	}
	return filepath.Join(dir, base+".pid")
}

// errRunning is returned by lockPIDFile when another process holds the lock.
var errRunning = errors.New("daemon is already running")

// pidFile is a locked file with our number in it. The lock ends with the
// process, so a file left by a crash stops nobody.
type pidFile struct {
	path  string
	f     *os.File
	lacks error // why our number is not in it
}

// lockPIDFile makes, locks and fills a pid file (0644); that it could not be
// filled is no error, but in the file's lacks. The lock is flock(2),
// as the original's, so that the two programs keep each other out.
func lockPIDFile(path string) (*pidFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o644) // others may read who runs
	if err != nil {
		return nil, fmt.Errorf("open the pid file: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, runningError(f)
		}
		return nil, fmt.Errorf("lock the pid file %s: %w", path, err)
	}
	p := &pidFile{path: path, f: f}
	p.fill()
	return p, nil
}

// fill writes our number. A file that has none is locked all the same, so a
// full disk keeps no address from being served.
func (p *pidFile) fill() {
	err := errors.Join(p.f.Chmod(0o644), p.f.Truncate(0))
	if err == nil {
		_, err = p.f.WriteAt(append(strconv.AppendInt(nil, int64(os.Getpid()), 10), '\n'), 0)
	}
	p.lacks = nil
	if err != nil {
		p.lacks = fmt.Errorf("nobody will find the process by its pid file: %w", err)
	}
}

// remove removes the file while it is still locked, and only then lets go.
func (p *pidFile) remove() {
	if p == nil {
		return
	}
	_ = os.Remove(p.path)
	p.f.Close()
}

// removeStale removes a pid file whose owner is gone.
func removeStale(path string) {
	if _, err := os.Lstat(path); err != nil {
		return
	}
	if p, err := lockPIDFile(path); err == nil {
		p.remove()
	}
}
