package parent

import (
	"context"
	"log/slog"
	"time"

	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/proc"
	"github.com/holdfast-ha/holdfast/internal/watch"
)

// stop begins the orderly end. The children hear of it before anything else
// is done: the standby router waits for our last advert.
func (h *house) stop(code int, why string) {
	if h.stopping {
		return
	}
	for _, name := range order {
		switch {
		case name == Proxy && h.drains(): // connections go through it until the checker ends
		case name == Outlet: // tells of the others' end
		default:
			h.tellStop(name)
		}
	}
	h.stopping, h.code, h.why = true, code, why
	h.stopOutlet()
	h.endSpare()
	h.stopped = now()
	h.stopBy = h.stopped.Add(h.patience())
	for _, k := range h.kids {
		k.watch.Step(now(), watch.Rest{})
	}
	h.cancel() // ends a reading under way, and a startup script
	h.started = h.startedWith(code)
	h.notify("STOPPING=1")
	h.tell(slog.LevelInfo, "process", "Stopping: %s", why)
}

// tellStop has a child end.
func (h *house) tellStop(name string) {
	if k := h.kids[name]; k != nil && k.process != nil {
		_ = k.process.conn.Send(ipc.Message{Kind: ipc.Stop})
	}
}

// stopOutlet has the outlet child end when no other is left.
func (h *house) stopOutlet() {
	for _, k := range h.kids {
		if k.name != Outlet && k.process != nil {
			return
		}
	}
	h.tellStop(Outlet)
}

// drains reports whether the checker child may take its time to end.
func (h *house) drains() bool {
	k := h.kids[Checker]
	return h.report.Drain > 0 && !h.o.KeepIPVS && k != nil && k.process != nil
}

// hurryAfter is how long after a SIGTERM another one means something: the
// first may come on two ways.
const hurryAfter = time.Second

// hurry: whoever asks a second time does not want to wait for connections.
func (h *house) hurry() {
	if h.stopping && h.drains() && now().Sub(h.stopped) >= hurryAfter {
		h.tell(slog.LevelInfo, "process", "Stopping at once: asked to again")
		h.tellStop(Checker)
	}
}

// stopPatience is how long children may take to end while no configuration has
// said so.
const stopPatience = 5 * time.Second

// patience is how long children may take to end; who is still there then is
// killed.
func (h *house) patience() time.Duration {
	if h.snapshot == nil {
		return stopPatience
	}
	return h.report.ChildWait + h.report.Drain
}

// killRest ends who did not stop in time.
func (h *house) killRest() {
	for _, k := range h.kids {
		if k.process != nil {
			h.tellOf(k.name, slog.LevelError, "process", "%s child process(%d) did not stop within %v; it is killed",
				titles[k.name], k.process.pid(), h.patience())
			_ = k.process.cmd.Process.Kill()
		}
	}
}

// over reports whether nothing is left to wait for; the shutdown script runs
// when the last child is gone.
func (h *house) over() bool {
	if !h.stopping || h.scripts > 0 {
		return false
	}
	for _, k := range h.kids {
		if k.process != nil {
			return false
		}
	}
	if s := h.report.ShutdownScript; s != nil && h.snapshot != nil {
		h.report.ShutdownScript = nil // once
		h.script("shutdown_script", s)
		return false
	}
	return true
}

// scriptDone tells how a startup or shutdown script ended.
type scriptDone struct {
	name   string
	result proc.Result
}

// script runs a program beside the loop.
func (h *house) script(name string, s *Script) {
	h.scripts++
	ctx := h.ctx
	if h.stopping {
		ctx = context.Background() // nothing but its timeout ends it
	}
	h.work.Go(func() {
		h.post(scriptDone{name, proc.Run(ctx, proc.Spec{
			Argv: s.Argv, User: s.User, Group: s.Group, Timeout: s.Timeout, Secure: s.Secure})})
	})
}

func (h *house) scriptDone(ev scriptDone) {
	h.scripts--
	if ev.result.OK() {
		h.tell(slog.LevelInfo, "process", "%s: %s", ev.name, ev.result)
	} else {
		h.tell(slog.LevelWarn, "process", "%s: %s", ev.name, ev.result)
	}
	if ev.name == "startup_script" && !h.stopping {
		h.distribute()
	}
}
