package parent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// keepalived's real-time signals, which count from SIGRTMIN as C programs see
// it (34) and from SIGRTMAX (64); `--signum` tells them.
const (
	SigJSON       = unix.Signal(36) // write keepalived.json
	SigStatsClear = unix.Signal(63) // as SIGUSR2, and the counters begin anew
	SigThreads    = unix.Signal(64) // log what the processes are doing
)

// What a signal asks to be written.
const (
	DumpData  = "data"  // SIGUSR1
	DumpStats = "stats" // SIGUSR2
	DumpClear = "clear"
	DumpJSON  = "json"
)

// dumpPatience bounds the writing of data files.
const dumpPatience = 30 * time.Second

// DumpRequest is what the writer of data files must know, beside the running
// snapshot.
type DumpRequest struct {
	What       string `json:"what"` // DumpData and its like
	ConfigFile string `json:"config_file"`
	ConfigID   string `json:"config_id"`
	// States are what the children know, by child's name.
	States map[string]json.RawMessage `json:"states"`
}

// DumpReport is what became of it: the names of the files that were written.
type DumpReport struct {
	Written []string `json:"written"`
	Error   string   `json:"error,omitempty"`
}

// Writer writes data files about the configuration in a snapshot.
type Writer func(q DumpRequest, snapshot []byte) DumpReport

// dumpTitles are keepalived's words in the log.
var dumpTitles = map[string]string{
	DumpData: "VRRP and checker data", DumpStats: "VRRP stats", DumpClear: "and clearing VRRP stats", DumpJSON: "VRRP as json",
}

// maxDumps bounds the dumps that wait for the one under way.
const maxDumps = 16

// dumpDone tells that a dump has been written, or why not.
type dumpDone struct {
	title   string
	written []string
	err     error
}

// dump has data files written, one dump after the other, so that an older one
// never replaces a newer one.
func (h *house) dump(what string) {
	switch {
	case !h.dumping:
		h.dumping = h.beginDump(what)
	case len(h.dumps) < maxDumps:
		h.dumps = append(h.dumps, what)
	default:
		h.tell(slog.LevelWarn, "process", "Printing %s: %d others wait already", dumpTitles[what], maxDumps)
	}
}

func (h *house) dumpDone(d dumpDone) {
	if d.err != nil {
		h.tell(slog.LevelError, "process", "%s: %v", d.title, d.err)
	}
	if len(d.written) > 0 {
		h.tell(slog.LevelInfo, "process", "%s: %s", d.title, join(d.written))
	}
	h.dumping = false
	for len(h.dumps) > 0 && !h.dumping {
		what := h.dumps[0]
		h.dumps = h.dumps[1:]
		h.dump(what)
	}
}

// beginDump asks the children, which answer from their loops what they know;
// a process of its own formats and writes it. It reports whether it began.
func (h *house) beginDump(what string) bool {
	if h.snapshot == nil || h.stopping {
		h.tell(slog.LevelWarn, "process", "Printing %s: nothing runs yet", dumpTitles[what])
		return false
	}
	fd, err := unix.FcntlInt(h.snapshot.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		h.tell(slog.LevelError, "process", "Printing %s: copy the snapshot's descriptor: %v", dumpTitles[what], err)
		return false
	}
	snapshot := os.NewFile(uintptr(fd), "snapshot")
	q := &query{topic: ipc.TopicDump, reply: make(chan *query, 1)}
	if what == DumpClear {
		q.topic = ipc.TopicClear
	}
	request := DumpRequest{What: what, ConfigFile: h.o.Load.ConfigFile, ConfigID: h.report.ConfigID, States: map[string]json.RawMessage{}}
	netns, pid := h.netns(), os.Getpid()
	if k := h.kids[VRRP]; k != nil && k.process != nil {
		pid = k.process.pid()
	}
	title := fmt.Sprintf("Printing %s for process(%d) on signal", dumpTitles[what], pid)
	h.ask(q)
	h.work.Go(func() {
		defer snapshot.Close()
		done := dumpDone{title: title}
		select {
		case <-q.reply:
		case <-h.ctx.Done():
			return
		}
		for i, name := range q.from {
			request.States[name] = q.bodies[i]
		}
		report, err := writeDump(h.ctx, &h.o, netns, request, snapshot)
		if report.Error != "" {
			err = errors.Join(err, errors.New(report.Error))
		}
		done.written, done.err = report.Written, errors.Join(q.err, err)
		h.post(done)
	})
	return true
}

// writeDump is the conversation with the writer.
func writeDump(ctx context.Context, o *Options, netns string, q DumpRequest, snapshot *os.File) (report DumpReport, err error) {
	p, err := start(o.Self, o.Program+"_dump", netns, []string{ArgDump}, nil, 0)
	if err != nil {
		return report, err
	}
	ctx, cancel := context.WithTimeout(ctx, dumpPatience)
	defer cancel()
	disarm := context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	defer disarm()
	err = p.conn.Send(ipc.Message{Kind: ipc.Dump, Body: ipc.Marshal(q)}, int(snapshot.Fd()))
	var m ipc.Message
	if err == nil {
		m, _, err = p.conn.Recv()
	}
	_ = p.conn.Close()
	how, _ := p.wait()
	if err == nil {
		err = json.Unmarshal(m.Body, &report)
	}
	if err != nil {
		return report, fmt.Errorf("write data files: %w (%s)", err, how)
	}
	return report, nil
}

// RunWriter is the life of the writer's process; it returns the exit code.
func RunWriter(write Writer) int {
	swallowSignals()
	conn := ipc.FromFD(ipc.ChildFD)
	m, files, err := conn.First()
	var q DumpRequest
	if err == nil {
		err = json.Unmarshal(m.Body, &q)
	}
	if err == nil && len(files) != 1 {
		err = fmt.Errorf("%d descriptors came, not a snapshot", len(files))
	}
	var snapshot []byte
	if err == nil {
		snapshot, err = ipc.Map(files[0])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "this is for holdfast's own use:", err)
		return ExitFatal
	}
	if conn.Send(ipc.Message{Kind: ipc.Dumped, Body: ipc.Marshal(write(q, snapshot))}) != nil {
		return ExitFatal
	}
	return finish(conn)
}

// threads logs what goes on here, for keepalived's signal TDATA.
func (h *house) threads() {
	h.tell(slog.LevelInfo, "process", "Threads: %d in the parent, %d queries under way", runtime.NumGoroutine(), len(h.queries))
	for _, name := range order {
		if k := h.kids[name]; k != nil {
			c := k.status(false, 0)
			h.tellOf(name, slog.LevelInfo, "process", "%s child: pid %d, %s, %d restarts", titles[name], c.PID, c.State, c.Restarts)
		}
	}
}
