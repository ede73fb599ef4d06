package checkd

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/proc"
)

const (
	// maxJobs bounds the notify scripts that run or wait.
	maxJobs = 4096
	// orderPatience is how long a script keeps the next one about the same
	// object waiting; it runs on beyond that.
	orderPatience = 30 * time.Second
)

// notifier runs notify scripts and writes the FIFOs. Scripts about one object
// run in the order of the events; those of several objects side by side. The
// loop owns it.
type notifier struct {
	daemon *daemon
	busy   map[string][]job // what waits, by object; present while one runs
	jobs   int
	full   bool // told that there are too many
	fifos  []fifo
}

type job struct {
	program *build.Program
	object  string
	title   string // "service [..] in VS [..]"
}

// run has a program run; nil does nothing.
func (n *notifier) run(p *build.Program, object, title string) {
	if p == nil {
		return
	}
	if n.jobs >= maxJobs {
		if !n.full {
			n.full = true
			n.daemon.tell(record{level: slog.LevelError, kind: "script",
				what: fmt.Sprintf("%d notify scripts run or wait already; further ones are left out", maxJobs)})
		}
		return
	}
	n.jobs++
	j := job{p, object, title}
	waiting, busy := n.busy[object]
	n.busy[object] = waiting
	if busy {
		n.busy[object] = append(waiting, j)
		return
	}
	n.start(j)
}

func (n *notifier) start(j job) {
	d := n.daemon
	line := strings.Join(j.program.Argv, " ")
	d.tell(record{kind: "script", object: j.object, what: fmt.Sprintf("Executing [%s] for %s", line, j.title)})
	s := spec(j.program)
	go func() { // lives until the script has ended, or we have
		defer d.loop.Post(func() { n.ended(j.object) })
		p, err := proc.Start(s)
		if err != nil {
			d.tell(record{level: slog.LevelWarn, kind: "script", object: j.object,
				what: fmt.Sprintf("notify script of %s: %v", j.title, err)})
			return
		}
		go func() {
			if r := p.Wait(); !r.OK() {
				d.tell(record{level: slog.LevelWarn, kind: "script", object: j.object,
					what: fmt.Sprintf("[%s] for %s ended with %s", line, j.title, r)})
			}
		}()
		select {
		case <-p.Done():
		case <-time.After(orderPatience):
		}
	}()
}

// ended begins the next script about an object.
func (n *notifier) ended(object string) {
	n.jobs--
	n.full = false
	waiting := n.busy[object]
	if len(waiting) == 0 {
		delete(n.busy, object)
		return
	}
	n.busy[object] = waiting[1:]
	n.start(waiting[0])
}

// fifo is a named pipe that takes one line for each change.
type fifo struct {
	name string
	fd   int
	full bool // told that nobody reads
}

// openFIFO opens a named pipe and makes it if need be. Opened for reading too,
// it can be written while nobody listens.
func openFIFO(name string) (fifo, error) {
	const mode = 0o600
	if err := unix.Mkfifo(name, mode); err != nil && err != unix.EEXIST {
		return fifo{}, fmt.Errorf("make the FIFO %s: %w", name, err)
	}
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return fifo{}, fmt.Errorf("open the FIFO %s: %w", name, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		_ = unix.Close(fd)
		return fifo{}, fmt.Errorf("open the FIFO %s: it is something else", name)
	}
	return fifo{name: name, fd: fd}, nil
}

// use opens the FIFOs that a configuration names, and closes the others.
func (n *notifier) use(names []string) {
	var kept []fifo
	for _, f := range n.fifos {
		keep := false
		for _, name := range names {
			keep = keep || name == f.name
		}
		if keep {
			kept = append(kept, f)
		} else {
			_ = unix.Close(f.fd)
		}
	}
	n.fifos = kept
	for _, name := range names {
		if n.has(name) {
			continue
		}
		f, err := openFIFO(name)
		if err != nil {
			n.daemon.tell(record{level: slog.LevelError, kind: "config", what: err.Error()})
			continue
		}
		n.fifos = append(n.fifos, f)
	}
}

func (n *notifier) has(name string) bool {
	for i := range n.fifos {
		if n.fifos[i].name == name {
			return true
		}
	}
	return false
}

// line writes a line to every FIFO: "RS [10.0.0.1]:tcp:80 [10.1.0.1]:tcp:80 UP".
func (n *notifier) line(words ...string) {
	if len(n.fifos) == 0 {
		return
	}
	text := []byte(strings.Join(words, " ") + "\n")
	for i := range n.fifos {
		f := &n.fifos[i]
		_, err := unix.Write(f.fd, text)
		if err != nil && !f.full {
			n.daemon.tell(record{level: slog.LevelWarn, kind: "fifo",
				what: fmt.Sprintf("write to the FIFO %s: %v; lines are lost until somebody reads", f.name, err)})
		}
		f.full = err != nil
	}
}

func (n *notifier) close() {
	for _, f := range n.fifos {
		_ = unix.Close(f.fd)
	}
	n.fifos = nil
}

// word is keepalived's word for a state.
func word(up bool) string {
	if up {
		return "UP"
	}
	return "DOWN"
}
