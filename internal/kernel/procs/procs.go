// Package procs follows the processes of this machine: it reads /proc once and
// then hears of every fork, exec, change of name and exit from the kernel's
// process connector (NETLINK_CONNECTOR, CN_IDX_PROC). What matches is decided
// in package track.
//
// The kernel refuses the connector to who is in a process namespace of its own,
// lacks CAP_NET_ADMIN, or runs on a kernel without CONFIG_PROC_EVENTS; then
// /proc is read every PollEvery, and whoever follows is told why.
package procs

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/track"
)

const (
	// PollEvery is how often /proc is read where the kernel does not tell.
	PollEvery = time.Second
	// maxLine bounds what is read of a command line, in bytes.
	maxLine = 64 << 10
)

// Watcher follows processes until Close.
type Watcher struct {
	set    *track.Processes
	conn   *connector
	buffer kernel.Buffer
	wake   int // an eventfd; readable: it is over
	ended  chan struct{}
	counts []int // as told last
	tell   func(pattern, count int)
	notice func(error)
}

// Watch follows the processes that match patterns and calls tell, from a
// goroutine of its own, with how many each has: first for all, then for those
// that change. notice is told, from the same goroutine, what keeps it from
// hearing of changes at once. The kernel keeps buffer of events for us.
func Watch(patterns []track.Pattern, buffer kernel.Buffer, tell func(pattern, count int), notice func(error)) (*Watcher, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("follow processes: %w", err)
	}
	w := &Watcher{set: track.NewProcesses(patterns), buffer: buffer, wake: wake, ended: make(chan struct{}), tell: tell, notice: notice}
	go w.run()
	return w, nil
}

// Close ends it and waits; nothing is told afterwards.
func (w *Watcher) Close() {
	_, _ = unix.Write(w.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	<-w.ended
	_ = unix.Close(w.wake)
}

func (w *Watcher) run() {
	defer close(w.ended)
	var err error
	if w.conn, err = listen(w.buffer); err != nil {
		w.notice(fmt.Errorf("the kernel does not tell of processes, so /proc is read every %v: %w", PollEvery, err))
	} else {
		defer w.conn.close()
	}
	w.scan()
	for w.wait() {
		if w.conn == nil {
			w.scan()
			continue
		}
		switch err := w.conn.read(w.event); {
		case errors.Is(err, unix.ENOBUFS): // events were lost
			w.scan()
		case err != nil:
			w.notice(fmt.Errorf("hear of processes: %w; /proc is read every %v", err, PollEvery))
			w.conn.close()
			w.conn = nil
		}
		w.publish()
	}
}

// wait sleeps until there is something to do; false: it is over.
func (w *Watcher) wait() bool {
	fds := []unix.PollFd{{Fd: int32(w.wake), Events: unix.POLLIN}} // a descriptor
	timeout := int(PollEvery / time.Millisecond)
	if w.conn != nil {
		fds = append(fds, unix.PollFd{Fd: int32(w.conn.fd), Events: unix.POLLIN}) // a descriptor
		timeout = -1
	}
	for {
		_, err := unix.Poll(fds, timeout)
		if !errors.Is(err, unix.EINTR) {
			return fds[0].Revents == 0
		}
	}
}

// event takes one event of the kernel.
func (w *Watcher) event(e event) {
	switch e.what {
	case forked:
		w.set.Forked(e.parent, e.pid)
	case execed, renamed:
		w.look(e.pid)
	case exited:
		w.set.Gone(e.pid)
	}
}

// scan reads all of /proc.
func (w *Watcher) scan() {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		w.notice(fmt.Errorf("look for processes: %w", err))
		return
	}
	there := make(map[int]bool, len(entries))
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && w.look(pid) {
			there[pid] = true
		}
	}
	w.set.Keep(func(pid int) bool { return there[pid] })
	w.publish()
}

// look reads what one process is called; false: it has ended, or is only
// waited for by its parent.
func (w *Watcher) look(pid int) bool {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		w.set.Gone(pid)
		return false
	}
	// pid (name) state …, and a name may have parentheses of its own.
	open, end := strings.IndexByte(string(stat), '('), strings.LastIndexByte(string(stat), ')')
	if open < 0 || end < open || end+2 >= len(stat) || strings.IndexByte("ZXx", stat[end+2]) >= 0 {
		w.set.Gone(pid)
		return false
	}
	var words []string
	if w.set.NeedsLine() {
		words = commandLine(dir + "/cmdline")
	}
	w.set.Seen(pid, string(stat[open+1:end]), words)
	return true
}

// commandLine reads the words that a process was started with.
func commandLine(path string) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, maxLine)
	n := 0
	for n < len(b) {
		m, err := f.Read(b[n:])
		n += m
		if err != nil {
			break
		}
	}
	if n == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(b[:n]), "\x00"), "\x00")
}

// publish tells of what has changed since it was told last.
func (w *Watcher) publish() {
	now := w.set.Counts()
	for i, n := range now {
		if w.counts == nil || w.counts[i] != n {
			w.tell(i, n)
		}
	}
	w.counts = slices.Clone(now)
}
