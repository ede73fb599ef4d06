package parent

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// refusal tells of a reload that left the running configuration untouched.
type refusal struct {
	at  time.Time
	why string
}

// load has the configuration read; the outcome comes as an event.
func (h *house) load() {
	h.loading = true
	netns, marker, spare := h.netns(), h.report.Reloads.File, h.takeSpare()
	request, running := h.request()
	h.work.Go(func() {
		remove := h.mark(marker)
		l := load(h.ctx, &h.o, request, netns, running, spare)
		remove()
		h.post(l)
	})
}

// request is what a reader is told, with a copy of the snapshot that runs, nil
// if there is none: ours may be closed meanwhile.
func (h *house) request() (request LoadRequest, running *os.File) {
	request = h.o.Load
	if h.snapshot == nil {
		return request, nil
	}
	if fd, err := unix.FcntlInt(h.snapshot.Fd(), unix.F_DUPFD_CLOEXEC, 0); err == nil {
		running = os.NewFile(uintptr(fd), h.snapshot.Name())
		request.Running = Known(h.report.Problems)
	}
	return request, running
}

// Known is what a reader is told of the configuration that runs: where something
// was wrong with it. There may be more than we were told.
func Known(problems []api.Problem) *Running {
	if len(problems) >= MaxProblems {
		return nil
	}
	lines := diag.LinesOf(problems, func(p *api.Problem) (string, int) { return p.File, p.Line })
	if lines == nil {
		return nil
	}
	return &Running{Wrong: lines}
}

// reload is SIGHUP. Several while one is under way count as one more.
func (h *house) reload() {
	if h.stopping {
		return
	}
	if h.loading {
		h.again = true
		return
	}
	h.notify(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", nanos(unix.CLOCK_MONOTONIC)/1000))
	h.tell(slog.LevelInfo, "config", "Reloading %s", h.o.Load.ConfigFile)
	h.load()
}

// loaded takes the outcome of a reading: a start is a reload from nothing.
func (h *house) loaded(l loaded) {
	h.loading = false
	if h.elsewhere(l) || h.others(l) {
		return
	}
	if h.stopping {
		if l.snapshot != nil {
			l.snapshot.Close()
		}
		return
	}
	h.checkLog(&l.report)
	code, why := h.judge(l)
	switch {
	case why == "":
		h.adopt(l)
	case h.snapshot == nil:
		h.announce(&l.report)
		h.complain(l.report.Problems)
		h.stop(code, why)
	default:
		h.refuse(l, why)
	}
	if l.snapshot != nil && l.snapshot != h.snapshot {
		l.snapshot.Close()
	}
}

// elsewhere has a configuration read again that names a network namespace
// (net_namespace) other than the one it was read in: what it says about
// interfaces is to be judged there. The first one named stays, as with the
// original.
func (h *house) elsewhere(l loaded) bool {
	named := l.report.NetNS
	if h.stopping || h.o.NetNS != "" || h.snapshot != nil || named == "" || named == h.report.NetNS {
		return false
	}
	if l.snapshot != nil {
		l.snapshot.Close()
	}
	h.report.NetNS = named
	h.load()
	return true
}

// judge says why a configuration must not run, and the exit code that a start
// ends with then.
func (h *house) judge(l loaded) (code int, why string) {
	r := &l.report
	switch {
	case l.err != nil:
		return ExitFatal, l.err.Error()
	case r.Fatal != "":
		return r.Exit, r.Fatal
	case r.Strict && r.Errors > 0:
		return ExitConfig, fmt.Sprintf("the configuration has %s, and strict was asked for", diag.Counted(r.Errors, "error"))
	case h.snapshot == nil:
		return ExitOK, ""
	case r.Blank && len(h.report.Children) > 0:
		// Who truncates a file before writing it, or writes to a full disk, does
		// not mean that everything be taken away.
		return ExitConfig, "there is nothing in " + h.o.Load.ConfigFile + "; to give everything up, stop the daemon"
	}
	if added := newProblems(h.report.Problems, r.Problems); len(added) > 0 {
		first := ": "
		if len(added) > 1 {
			first = ", `holdfast check` shows all of them; the first is "
		}
		return ExitConfig, fmt.Sprintf("it brings %s%s%s", diag.Counted(len(added), "new problem"), first, place(added[0]))
	}
	if len(r.Problems) >= MaxProblems && r.Errors > h.report.Errors { // beyond what we were told
		return ExitConfig, fmt.Sprintf("it has %d errors, the running one has %d", r.Errors, h.report.Errors)
	}
	return ExitOK, ""
}

// newProblems returns the errors in next that running does not have. Lines
// move when a file is edited, so they do not tell problems apart.
func newProblems(running, next []api.Problem) []api.Problem {
	type key struct{ id, file, message string }
	known := map[key]int{}
	for _, p := range running {
		known[key{p.ID, p.File, p.Message}]++
	}
	var added []api.Problem
	for _, p := range next {
		k := key{p.ID, p.File, p.Message}
		if p.Severity != "error" && p.Severity != "fatal" {
			continue
		}
		if known[k]--; known[k] < 0 {
			added = append(added, p)
		}
	}
	return added
}

func (h *house) refuse(l loaded, why string) {
	h.refused = refusal{time.Now(), why}
	h.complain(newProblems(h.report.Problems, l.report.Problems))
	h.tell(slog.LevelError, "config", "Reload refused, the running configuration stays untouched: %s", why)
	h.wantSpare()
	h.notify("READY=1\nSTATUS=" + oneLine("Running the configuration of "+stamp(h.loadedAt)+"; the reload at "+stamp(h.refused.at)+" was refused: "+why))
	h.once()
}

// adopt makes a configuration the running one and hands it to the children.
func (h *house) adopt(l loaded) {
	first := h.snapshot == nil
	if first {
		if code, why := h.open(&l.report); why != "" {
			h.tell(slog.LevelError, "process", "not started: %s", why)
			h.stop(code, why)
			return
		}
	} else {
		if h.pid.lacks != nil { // there may be room by now
			h.pid.fill()
		}
		h.snapshot.Close()
		// These count when the daemon is started anew.
		l.report.NetNS, l.report.Instance, l.report.UsePIDDir = h.report.NetNS, h.report.Instance, h.report.UsePIDDir
	}
	h.snapshot, h.report, h.loadedAt, h.refused = l.snapshot, l.report, time.Now(), refusal{}
	if h.report.Reload != nil {
		h.report.Reload.At = h.loadedAt
	}
	h.mask()
	h.schedule()
	ipc.NameProcess(h.processName())
	if first {
		h.announce(&h.report)
	}
	h.complain(h.report.Problems)
	h.tellPlan()
	if first && h.report.StartupScript != nil {
		h.script("startup_script", h.report.StartupScript)
		return // the children follow when it has ended
	}
	h.distribute()
}

// distribute starts, reloads and retires children until they are those that
// the configuration needs.
func (h *house) distribute() {
	if slices.Contains(h.report.Children, Checker) {
		if err := h.needProxy(); err != nil {
			h.stop(ExitFatal, err.Error())
			return
		}
	}
	h.waiting = map[string]bool{}
	for _, name := range order {
		needed := slices.Contains(h.report.Children, name)
		k := h.kids[name]
		switch {
		case k != nil && k.process != nil:
			h.waiting[name] = true
			k.retire = !needed
			k.reloads++
			if err := k.process.conn.Send(ipc.Message{Kind: ipc.Reload, Topic: h.title(name)}, int(h.snapshot.Fd())); err != nil {
				h.reloaded(k, err.Error())
			}
		case !needed && h.leftTo(name):
			h.waiting[name] = true
			h.clearUp(name)
		case k != nil && !needed: // waits for its restart
			delete(h.kids, name)
		case needed && k == nil:
			h.waiting[name] = true
			h.begin(name)
		case needed: // comes back with the new configuration
			h.waiting[name] = true
		}
	}
	if len(h.waiting) == 0 {
		h.settled()
	}
}

// reloaded takes a child's answer to Reload.
func (h *house) reloaded(k *kid, fault string) {
	if fault != "" {
		h.refused = refusal{time.Now(), fmt.Sprintf("the %s child: %s", titles[k.name], fault)}
		h.tellOf(k.name, slog.LevelError, "config", "The %s child did not take the new configuration: %s", titles[k.name], fault)
	}
	k.reloads = max(k.reloads-1, 0)
	if k.retire && k.process != nil {
		_ = k.process.conn.Send(ipc.Message{Kind: ipc.Stop})
		return // it arrives when it is gone
	}
	h.arrived(k)
}

// settled: all children run with the present configuration.
func (h *house) settled() {
	switch {
	case !h.started:
		h.tell(slog.LevelInfo, "process", "Startup complete after %v", since(h.begun))
		h.started = h.startedWith(ExitOK)
	case h.refused.why == "":
		h.tell(slog.LevelInfo, "config", "Reload finished after %v: %s", since(h.loadedAt), h.report.summary())
	}
	h.wantSpare()
	if h.refused.why == "" {
		h.notify("READY=1\nSTATUS=Running the configuration of " + stamp(h.loadedAt))
	} else {
		h.notify("READY=1")
	}
	h.once()
}

// stamp is when, for people.
func stamp(t time.Time) string { return t.Format(time.DateTime) }

// oneLine keeps a message in one variable of sd_notify(3).
func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }

// once begins the reload that was asked for while another was under way.
func (h *house) once() {
	if h.again {
		h.again = false
		h.reload()
	}
}

func place(p api.Problem) string {
	if p.File == "" || p.Line == 0 {
		return p.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}
