package parent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// loadPatience bounds the reading of a configuration.
const loadPatience = 60 * time.Second

// Reader reads and checks a configuration: the report, and the snapshot
// (source.Set's bytes, sealed) unless the report is fatal. At a reload running
// is the snapshot that runs, nil otherwise; the report has the plan then.
type Reader func(request LoadRequest, running []byte) (Report, *os.File, error)

// RunReader is the life of the throw-away reader's process; it returns the
// exit code.
func RunReader(read Reader) int {
	swallowSignals()
	conn := ipc.FromFD(ipc.ChildFD)
	m, files, err := conn.First()
	var request LoadRequest
	if err == nil {
		err = json.Unmarshal(m.Body, &request)
	}
	var running []byte
	if err == nil && len(files) > 0 {
		running, err = ipc.Map(files[0])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "this is for holdfast's own use:", err)
		return ExitFatal
	}
	report, snapshot, err := read(request, running)
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

// load has the configuration read by a process of its own, which may crash,
// hang or eat memory without harm to us. running is the snapshot that runs, nil
// at a start; it is closed.
func load(ctx context.Context, o *Options, request LoadRequest, netns string, running *os.File) loaded {
	if running != nil {
		defer running.Close()
	}
	p, err := start(o.Self, o.Program+"_load", netns, []string{ArgLoad}, nil, 0)
	if err != nil {
		return loaded{err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, loadPatience)
	defer cancel()
	disarm := context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	defer disarm()
	out := converse(p, request, running)
	_ = p.conn.Close()
	how, _ := p.wait()
	if out.err != nil {
		if cause := ctx.Err(); cause != nil {
			how = "it was ended: " + cause.Error()
		}
		out.err = fmt.Errorf("read the configuration: %w (%s)", out.err, how)
	}
	return out
}

func converse(p *process, request LoadRequest, running *os.File) (out loaded) {
	var handed []int
	if running != nil {
		handed = append(handed, int(running.Fd()))
	}
	if out.err = p.conn.Send(ipc.Message{Kind: ipc.Load, Body: ipc.Marshal(request)}, handed...); out.err != nil {
		return out
	}
	m, files, err := p.conn.Recv()
	if err != nil {
		return loaded{err: fmt.Errorf("the reader gave no answer: %w", err)}
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
