package parent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// loadPatience bounds the reading of a configuration.
const loadPatience = 60 * time.Second

// Reader is what the process of a throw-away reader does.
type Reader interface {
	// Prepare makes ready for a Read of the same. It has no effect that anybody
	// could see.
	Prepare(request LoadRequest, running []byte)
	// Read reads and checks a configuration: the report, and the snapshot
	// (source.Set's bytes, sealed) unless the report is fatal. At a reload running
	// is the snapshot that runs, nil otherwise; the report has the plan then.
	Read(request LoadRequest, running []byte) (Report, *os.File, error)
}

// RunReader is the life of a reader's process, which reads one configuration; it
// returns the exit code.
func RunReader(r Reader) int {
	ipc.NameProcess(filepath.Base(os.Args[0]))
	swallowSignals()
	conn := ipc.FromFD(ipc.ChildFD)
	q, err := receiveLoad(conn)
	if err != nil {
		fmt.Fprintln(os.Stderr, "this is for holdfast's own use:", err)
		return ExitFatal
	}
	if q.early {
		r.Prepare(q.request, q.running)
		if m, _, err := conn.First(); err != nil || m.Kind != ipc.Load {
			return ExitOK // nobody needs us
		}
	}
	report, snapshot, err := r.Read(q.request, q.running)
	if err == nil {
		answer := ipc.Message{Kind: ipc.Loaded, Body: ipc.Marshal(report)}
		if snapshot == nil {
			err = conn.Send(answer)
		} else {
			defer snapshot.Close()
			err = conn.Send(answer, int(snapshot.Fd()))
		}
	}
	if err != nil {
		_ = conn.Send(ipc.Message{Kind: ipc.Loaded, Error: err.Error()})
		return ExitFatal
	}
	return finish(conn)
}

// asked is what a reader is to read, and whether it is early yet.
type asked struct {
	early   bool
	request LoadRequest
	running []byte
}

func receiveLoad(conn *ipc.Conn) (q asked, err error) {
	m, files, err := conn.First()
	if err != nil {
		return q, err
	}
	q.early = m.Kind == ipc.Prepare
	if err := json.Unmarshal(m.Body, &q.request); err != nil {
		return q, err
	}
	if len(files) > 0 {
		q.running, err = ipc.Map(files[0])
	}
	return q, err
}

// finish waits for the parent to hang up: a large answer may still be on its
// way.
func finish(conn *ipc.Conn) int {
	for {
		if _, _, err := conn.Recv(); err != nil {
			return ExitOK
		}
	}
}

// loaded is the outcome of one reading.
type loaded struct {
	report   Report
	snapshot *os.File // nil if fatal
	err      error    // the reading itself went wrong
}

// errSilent is the end of a reader that has said nothing.
var errSilent = errors.New("the reader gave no answer")

// load has the configuration read by a process of its own, which may crash,
// hang or eat memory without harm to us: the spare one, if there is one, or one
// that is started for it. running is the snapshot that runs, nil at a start; it
// is closed.
func load(ctx context.Context, o *Options, request LoadRequest, netns string, running *os.File, spare *hired) loaded {
	if running != nil {
		defer running.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, loadPatience)
	defer cancel()
	if spare != nil {
		if out := spare.load(ctx, ipc.Message{Kind: ipc.Load}, nil); !errors.Is(out.err, errSilent) || ctx.Err() != nil {
			return out
		}
	}
	r, err := hire(o, netns)
	if err != nil {
		return loaded{err: err}
	}
	return r.load(ctx, ipc.Message{Kind: ipc.Load, Body: ipc.Marshal(request)}, running)
}

// hired is a reader's process.
type hired struct {
	*process
	ended chan struct{} // closed when it has
	how   string        // then
}

// hire starts a reader. Whoever has it dismisses it.
func hire(o *Options, netns string) (*hired, error) {
	p, err := start(o.Self, o.Program+"_load", netns, []string{ArgLoad}, nil, 0)
	if err != nil {
		return nil, err
	}
	r := &hired{process: p, ended: make(chan struct{})}
	go func() { // ends with the process, for which dismiss waits
		r.how, _ = p.wait()
		close(r.ended)
	}()
	return r, nil
}

// tell sends a reader a message, and the snapshot that runs if that is not nil.
func (r *hired) tell(m ipc.Message, running *os.File) error {
	if running == nil {
		return r.conn.Send(m)
	}
	return r.conn.Send(m, int(running.Fd()))
}

// dismiss has a reader end, which it does when nobody listens any more.
func (r *hired) dismiss() {
	_ = r.conn.Close()
	<-r.ended
}

// load asks a reader for its work, and dismisses it.
func (r *hired) load(ctx context.Context, ask ipc.Message, running *os.File) loaded {
	disarm := context.AfterFunc(ctx, func() { _ = r.cmd.Process.Kill() })
	defer disarm()
	out := r.converse(ask, running)
	r.dismiss()
	if out.err != nil {
		how := r.how
		if cause := ctx.Err(); cause != nil {
			how = "it was ended: " + cause.Error()
		}
		out.err = fmt.Errorf("read the configuration: %w (%s)", out.err, how)
	}
	return out
}

func (r *hired) converse(ask ipc.Message, running *os.File) (out loaded) {
	if err := r.tell(ask, running); err != nil {
		return loaded{err: fmt.Errorf("%w: %w", errSilent, err)}
	}
	m, files, err := r.conn.Recv()
	if err != nil {
		return loaded{err: fmt.Errorf("%w: %w", errSilent, err)}
	}
	if len(files) > 0 {
		out.snapshot = os.NewFile(uintptr(files[0]), "snapshot")
	}
	if m.Error != "" {
		out.err = errors.New(m.Error)
	} else if err := json.Unmarshal(m.Body, &out.report); err != nil {
		out.err = err
	} else if out.report.Fatal == "" && out.snapshot == nil {
		out.err = errors.New("the reader sent no snapshot")
	}
	return out
}
