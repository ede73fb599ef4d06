package parent

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Two daemons with one configuration would undo each other's work without end.
// The parent's pid file keeps them apart; where that has another name, the
// children's do, as with the original. A child whose parent was killed holds
// its file until it has ended.
const (
	// orphanPatience is how long it may take to end.
	orphanPatience = 5 * time.Second
	orphanLook     = 50 * time.Millisecond
)

// maxPID bounds what is read of a pid file, in bytes.
const maxPID = 32

// holder is the process in a pid file, 0 if that says nothing.
func holder(f *os.File) int {
	b := make([]byte, maxPID)
	n, _ := f.ReadAt(b, 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	return max(pid, 0)
}

// runningError is errRunning with who it is.
func runningError(f *os.File) error {
	pid := holder(f)
	who := fmt.Sprintf("process %d", pid)
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	switch {
	case pid == 0:
		who = "a process that has not said its number yet"
	case err == nil:
		who += fmt.Sprintf(" (%s)", strings.TrimSpace(string(comm)))
	}
	return fmt.Errorf("%w: %s holds %s", errRunning, who, f.Name())
}

// held returns errRunning if a process holds a pid file, and whether that is
// one that its parent has left behind.
func held(path string) (err error, orphan bool) { // the second belongs to the first
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, false // whoever needs it will say so
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		return nil, false
	}
	return runningError(f), orphaned(holder(f))
}

// orphaned reports whether a process's parent does not run the same program.
func orphaned(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true // it has just ended
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name may hold anything
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return true
	}
	theirs, err1 := os.Stat("/proc/" + fields[1] + "/exe")
	its, err2 := os.Stat(fmt.Sprintf("/proc/%d/exe", pid))
	return err1 != nil || err2 != nil || !os.SameFile(theirs, its)
}

// others looks for another daemon and its children before a start, and has the
// start wait for children that are about to end. It reports whether there are any.
func (h *house) others(l loaded) bool {
	if h.snapshot != nil || h.stopping || l.err != nil || l.report.Fatal != "" {
		return false
	}
	for _, name := range append([]string{""}, l.report.Children...) {
		path := h.pidPathOf(&l.report, name)
		if path == "" {
			continue
		}
		err, orphan := held(path)
		switch {
		case err == nil:
		case orphan && name != "" && h.wait(err):
			h.work.Go(func() { h.later(l) })
			return true
		default:
			h.tell(slog.LevelError, "process", "not started: %v", err)
			h.stop(ExitOK, err.Error())
			return h.drop(l)
		}
	}
	return false
}

// wait reports whether there is still time for orphans.
func (h *house) wait(which error) bool {
	if h.orphansBy == 0 {
		h.tell(slog.LevelWarn, "process", "%v: its parent is gone, so it should end within %v", which, orphanPatience)
		h.orphansBy = now().Add(orphanPatience)
	}
	return now().Before(h.orphansBy)
}

// later brings a configuration once more.
func (h *house) later(l loaded) {
	select {
	case <-time.After(orphanLook):
	case <-h.ctx.Done():
	}
	h.post(l)
}

func (h *house) drop(l loaded) bool {
	if l.snapshot != nil {
		l.snapshot.Close()
	}
	return true
}
