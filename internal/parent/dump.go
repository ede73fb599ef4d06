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

// dump has data files written: the children answer from their loops what they
// know, and a process of its own formats and writes it.
func (h *house) dump(what string) {
	if h.snapshot == nil || h.stopping {
		h.tell(slog.LevelWarn, "process", "Printing %s: nothing runs yet", what)
		return
	}
	fd, err := unix.FcntlInt(h.snapshot.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		h.tell(slog.LevelError, "process", "Printing %s: copy the snapshot's descriptor: %v", what, err)
		return
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
		select {
		case <-q.reply:
		case <-h.ctx.Done():
			return
		}
		for i, name := range q.from {
			request.States[name] = q.bodies[i]
		}
		report, err := writeDump(h.ctx, &h.o, netns, request, snapshot)
		err = errors.Join(q.err, err)
		if report.Error != "" {
			err = errors.Join(err, errors.New(report.Error))
		}
		if err != nil {
			h.tell(slog.LevelError, "process", "%s: %v", title, err)
		}
		if len(report.Written) > 0 {
			h.tell(slog.LevelInfo, "process", "%s: %s", title, join(report.Written))
		}
	})
}

// writeDump is the conversation with the writer.
func writeDump(ctx context.Context, o *Options, netns string, q DumpRequest, snapshot *os.File) (report DumpReport, err error) {
	p, err := start(o.Self, o.Program+"_dump", netns, []string{ArgDump}, nil)
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
			c := k.status(false)
			h.tellOf(name, slog.LevelInfo, "process", "%s child: pid %d, %s, %d restarts", titles[name], c.PID, c.State, c.Restarts)
		}
	}
}
