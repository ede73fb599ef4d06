package parent

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/kernel/netns"
	"github.com/holdfast-ha/holdfast/internal/watch"
)

// kid is one child over all its incarnations.
type kid struct {
	name    string
	watch   watch.Machine
	process *process // nil between two
	lastEnd string
	// lastWords is what the process said about why it ends, if it did.
	lastWords string
	// reloads counts the Reloads sent to this process and not answered yet.
	reloads int
	// retire: the configuration no longer needs it; stop it once it has taken
	// the new one.
	retire bool
}

// said is a message of a child; gone is its end.
type (
	said struct {
		from  *process
		m     ipc.Message
		files []int // of a Hold
	}
	gone struct {
		from      *process
		how       string
		permanent bool
	}
)

// titles are the children's names in log lines, as the original says them.
var titles = map[string]string{VRRP: "VRRP", Checker: "Healthcheck", BFD: "BFD", Proxy: "Proxy", Outlet: "Outlet"}

func watchTick(t, due clock.Instant) watch.Event { return watch.Tick{Late: t.Sub(due)} }

// begin makes a child wanted.
func (h *house) begin(name string) {
	k := h.kids[name]
	if k == nil {
		k = &kid{name: name}
		k.watch.Hello = h.o.Hello
		h.kids[name] = k
	}
	k.retire = false
	h.step(k, watch.Begin{})
}

// step tells the child's watch and does what it says.
func (h *house) step(k *kid, ev watch.Event) {
	for _, action := range k.watch.Step(now(), ev) {
		switch a := action.(type) {
		case watch.Spawn:
			h.spawn(k, a.Restarts)
		case watch.Greet:
			// A child whose queue is full does not read: it will not answer either.
			_ = k.process.conn.Send(ipc.Message{Kind: ipc.Hello, Seq: a.Seq})
		case watch.Kill:
			h.tellOf(k.name, slog.LevelError, "process", "%s child process(%d) %s", titles[k.name], k.process.pid(), a.Cause)
			_ = k.process.cmd.Process.Kill()
		case watch.Lost:
			h.lost(k, a)
		}
	}
}

func (h *house) lost(k *kid, a watch.Lost) {
	k.lastEnd = a.Cause.String()
	next := "Respawning"
	if a.Delay > 0 {
		next = fmt.Sprintf("Respawning in %v", a.Delay)
	}
	h.tellOf(k.name, slog.LevelError, "process", "%s child process died: it %s: %s", titles[k.name], a.Cause, next)
}

func (h *house) spawn(k *kid, restarts int) {
	boot := h.bootInfo(k, restarts)
	p, err := start(h.o.Self, h.title(k.name), h.netns(), []string{ArgChild, k.name}, h.extra(k, &boot), slacks[k.name])
	h.held.back()
	if err == nil {
		p.name = k.name
		err = p.conn.Send(ipc.Message{Kind: ipc.Boot, Body: ipc.Marshal(boot)}, int(h.snapshot.Fd()))
	}
	if err != nil {
		if p != nil {
			_ = p.cmd.Process.Kill()
			_ = p.conn.Close()
			_, _ = p.wait()
		}
		// Through the queue: a child that cannot be started must not recurse.
		h.work.Go(func() { h.post(gone{from: &process{name: k.name}, how: err.Error()}) })
		return
	}
	k.process = p
	h.tellOf(k.name, slog.LevelInfo, "process", "Starting %s child process, pid=%d", titles[k.name], p.pid())
	k.lastWords = ""
	h.work.Go(func() {
		h.listen(p) // ends with the process, which holds the only other end
		how, permanent := p.wait()
		h.post(gone{p, how, permanent})
	})
}

// extra is what a child gets besides its end of the socket pair; it is told
// under which numbers.
func (h *house) extra(k *kid, boot *ipc.BootInfo) (files []*os.File) {
	add := func(f *os.File) int {
		files = append(files, f)
		return ipc.ChildFD + len(files)
	}
	if f := h.tail(k.name); f != nil {
		boot.TailFD = add(f)
	}
	switch k.name {
	case Proxy:
		if h.proxyFD != nil {
			boot.ProxyFD = add(h.proxyFD)
		}
		boot.NotesFD = h.leave(k, add, "a proxy child that dies will not say what was lost")
		var err error
		if boot.Held, err = h.held.lend(add); err != nil {
			h.tellOf(k.name, slog.LevelWarn, "process", "the proxy child listens anew: %v", err)
		}
	case VRRP:
		if h.bell != nil {
			boot.StopFD = add(h.bell.File())
		}
		boot.NotesFD = h.leave(k, add, "a VRRP child that dies will not go on as master")
	}
	return files
}

// leave gives a child its predecessors' notes, or new ones; without says what
// is missing where there can be none.
func (h *house) leave(k *kid, add func(*os.File) int, without string) int {
	if h.notes[k.name] == nil {
		f, err := ipc.NewNotes("holdfast-" + k.name + "-notes")
		if err != nil {
			h.tellOf(k.name, slog.LevelWarn, "process", "%s: %v", without, err)
			return 0
		}
		h.notes[k.name] = f
	}
	return add(h.notes[k.name])
}

// listen passes on what a child says, until it hangs up.
func (h *house) listen(p *process) {
	for {
		m, files, err := p.conn.Recv()
		if err != nil {
			return
		}
		if p.name == Proxy && m.Kind == ipc.Hold {
			h.post(said{p, m, files})
			continue
		}
		if m, err = ipc.Unpack(m, files); err != nil {
			m.Error = err.Error()
		}
		h.post(said{from: p, m: m})
	}
}

// title is argv[0] of a child's process.
func (h *house) title(name string) string {
	if t := h.report.ProcessNames[name]; t != "" {
		return t
	}
	return h.o.Program + "_" + name
}

// netns is where the children live.
func (h *house) netns() string {
	if h.o.NetNS != "" {
		return h.o.NetNS
	}
	return h.report.NetNS
}

func (h *house) said(ev said) {
	k := h.kids[ev.from.name]
	if k == nil || k.process != ev.from {
		closeAll(ev.files)
		return // from an incarnation that is gone
	}
	switch ev.m.Kind {
	case ipc.Ready:
		h.step(k, watch.Ready{})
		if k.retire { // it was there to clear up
			_ = k.process.conn.Send(ipc.Message{Kind: ipc.Stop})
			return
		}
		h.link(k)
		h.arrived(k)
	case ipc.Hello:
		h.step(k, watch.Answered{Seq: ev.m.Seq})
	case ipc.Reloaded:
		h.reloaded(k, ev.m.Error)
	case ipc.Answer:
		h.answered(k.name, ev.m)
	case ipc.Failed:
		k.lastWords = ev.m.Error
	case ipc.Hold:
		h.held.put(ev.m.Topic, ev.files)
	case ipc.Drop:
		h.held.drop(ev.m.Topic)
	case ipc.Wish:
		h.wish(ev.m.Topic)
	}
}

func (h *house) gone(ev gone) {
	k := h.kids[ev.from.name]
	if k == nil {
		return
	}
	if ev.from.conn != nil {
		_ = ev.from.conn.Close()
	}
	k.process, k.reloads = nil, 0
	h.bequeathed(k)
	defer h.hungUp(k.name)
	if k.lastWords != "" {
		ev.how += ": " + k.lastWords
	}
	switch {
	case h.stopping:
		if k.name == Checker {
			h.tellStop(Proxy)
		}
		h.stopOutlet()
		k.watch.Step(now(), watch.Rest{})
		if ev.how != "exit status 0" {
			h.tellOf(k.name, slog.LevelWarn, "process", "%s child process ended with %s", titles[k.name], ev.how)
		}
	case k.retire:
		k.watch.Step(now(), watch.Rest{})
		h.tellOf(k.name, slog.LevelInfo, "process", "%s child process ended: the configuration no longer needs it", titles[k.name])
		delete(h.kids, k.name)
		if k.name == Proxy {
			h.held.clear()
		}
		h.notWaiting(k.name)
	case ev.permanent:
		k.lastEnd = "ended for good"
		h.stop(ExitConfig, fmt.Sprintf("the %s child cannot run: %s", titles[k.name], or(k.lastWords, "its last line says why")))
	case h.o.NoRespawn:
		h.stop(ExitOK, fmt.Sprintf("%s child process died (%s), and it must not be started again (-R)", titles[k.name], ev.how))
	case ev.from.cmd == nil:
		h.step(k, watch.Ended{Cause: watch.NotStarted{Why: ev.how}})
	default:
		h.step(k, watch.Ended{Cause: watch.Exited{How: ev.how}})
	}
}

// arrived notes it when a child serves with the present configuration; one
// that was started again has it from birth.
func (h *house) arrived(k *kid) {
	if k.watch.Serving() && k.reloads == 0 {
		h.notWaiting(k.name)
	}
}

func (h *house) notWaiting(name string) {
	if !h.waiting[name] {
		return
	}
	delete(h.waiting, name)
	if len(h.waiting) == 0 && !h.stopping {
		h.settled()
	}
}

// needProxy makes the socket between checker and proxy, once, and before there
// is a proxy: a reload may need one, and the checker that runs then must know
// the name.
func (h *house) needProxy() error {
	if h.proxyFD != nil || h.o.ListenProxy == nil {
		return nil
	}
	return netns.Do(h.netns(), func() (err error) {
		h.proxyFD, h.proxyAdr, err = h.o.ListenProxy()
		return err
	})
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// since rounds a duration for a log line.
func since(t time.Time) time.Duration { return time.Since(t).Round(time.Millisecond) }

func join(parts []string) string { return strings.Join(parts, ", ") }
