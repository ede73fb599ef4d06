// Package parent is the long-lived process of the house: it starts the
// children, greets them, starts again who died or hangs, and passes on reload
// and stop.
//
// It parses no configuration, sends no packet and speaks no netlink: a
// throw-away process reads the files (load.go), package watch judges, and the
// daemons do the work in children (child.go). Everything that happens comes to
// one goroutine, house.run, which owns all state.
package parent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/bell"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/control"
	"github.com/holdfast-ha/holdfast/internal/event"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/loop"
	"github.com/holdfast-ha/holdfast/internal/proc"
)

// killAgain is the least time between two killings of who does not end.
const killAgain = time.Second

// maxEvents is how many events wait for the loop; their senders wait then.
const maxEvents = 64

// house is the parent's state; it belongs to the goroutine in run.
type house struct {
	o      Options
	bus    *bus.Bus
	events chan any      // messages, ends, outcomes: see run
	ended  chan struct{} // closed when run is over: nobody waits for it any more
	work   sync.WaitGroup
	ctx    context.Context // of everything that the loop has others do
	cancel context.CancelFunc

	pid      *pidFile
	bell     *bell.Bell // rung by SIGTERM; nil if there is none
	server   *control.Server
	begun    time.Time
	kids     map[string]*kid
	queries  map[uint64]*query
	journals map[string]*event.Journal // by child, and "" for the parent's own
	seq      uint64
	proxyFD  *os.File

	proxyAdr string
	notes    map[string]*os.File // what a child leaves for its successor
	tails    map[string]*os.File // and for us: what it said
	held     shelf               // the sockets that the proxy child listens on

	report   Report   // of the running configuration
	snapshot *os.File // nil until something was loaded
	loadedAt time.Time
	refused  refusal       // the last reload, if it was refused
	timed    timed         // reload_time_file
	petEvery time.Duration // how often systemd's watchdog wants to hear of us; 0: never
	pet      clock.Instant // when next
	spare    spare
	loading  bool
	again    bool // a reload was asked for meanwhile
	started  bool // the start is over, one way or the other
	waiting  map[string]bool

	dumping bool     // data files are being written
	dumps   []string // that wait for it

	stopping bool
	stopped  clock.Instant // when that began
	stopBy   clock.Instant
	why      string // why it stops
	code     int
	scripts  int // startup and shutdown scripts that run

	orphansBy clock.Instant // until when a start waits for another daemon's children; 0: there were none
}

// Run is the parent's life; it returns the exit code.
func Run(o Options) int {
	if o.Self == "" {
		o.Self = "/proc/self/exe"
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGHUP, unix.SIGTERM, unix.SIGINT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGPIPE,
		SigJSON, SigStatsClear, SigThreads)
	defer signal.Stop(signals)

	h := &house{
		o: o, bus: bus.New(), begun: time.Now(),
		events: make(chan any, maxEvents), ended: make(chan struct{}),
		kids: map[string]*kid{}, notes: map[string]*os.File{}, tails: map[string]*os.File{}, queries: map[uint64]*query{}, journals: map[string]*event.Journal{},
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	closeLog := startLog(h.bus, o.Log, "", "parent", nil)
	defer closeLog()
	h.hang()
	h.mask()
	if every, err := daemon.SdWatchdogEnabled(false); err == nil {
		h.petEvery = every / 2
	}
	h.load()
	code := h.run(signals)
	h.close()
	return code
}

// hang has SIGTERM reach the VRRP child before it reaches us: the standby router
// waits for its last advert.
func (h *house) hang() {
	loop.PromptMain()
	var err error
	if h.bell, err = bell.Hang(unix.SIGTERM); err != nil {
		h.tell(slog.LevelWarn, "process", "the VRRP child hears of a stop a little later: %v", err)
	}
}

// open takes what only one process can have, once the configuration has said
// which that is. It says why the process must not run, and its exit code then.
func (h *house) open(r *Report) (code int, why string) {
	h.report = *r
	path := h.pidPath("")
	if h.o.PIDFiles[""] == "" {
		_ = os.MkdirAll(filepath.Dir(path), 0o755) // pid files are for everybody; an error shows with the next step
	}
	var err error
	h.pid, err = lockPIDFile(path)
	switch {
	case errors.Is(err, errRunning):
		return ExitOK, err.Error() // as the original
	case errors.Is(err, os.ErrPermission):
		return ExitPermission, err.Error()
	case err != nil:
		return ExitFatal, err.Error()
	case h.pid.lacks != nil:
		h.tell(slog.LevelWarn, "process", "%v", h.pid.lacks)
	}
	socket := h.o.Control
	if socket == "" {
		socket = ControlOf(path)
	}
	if h.server, err = control.Listen(socket, h); err != nil {
		h.tell(slog.LevelWarn, "process", "no status will be told: %v", err)
	}
	return ExitOK, ""
}

// close undoes open and waits for every goroutine.
func (h *house) close() {
	h.cancel()
	close(h.ended)
	if h.server != nil {
		h.server.Close()
	}
	if h.timed.follow != nil {
		h.timed.follow.Close()
	}
	h.work.Wait()
	if h.bell != nil {
		h.bell.Close()
	}
	if h.snapshot != nil {
		h.snapshot.Close()
	}
	if h.proxyFD != nil {
		h.proxyFD.Close()
	}
	for _, kept := range []map[string]*os.File{h.notes, h.tails} {
		for _, f := range kept {
			f.Close()
		}
	}
	h.held.clear()
	if h.pid != nil { // else they are somebody else's
		for _, name := range order {
			removeStale(h.pidPath(name))
		}
	}
	h.tell(slog.LevelInfo, "process", "Stopped %s %s (pid %d): %s", h.o.Program, h.o.Version, os.Getpid(), h.why)
	h.pid.remove()
	if dir := filepath.Dir(h.pidPath("")); strings.HasPrefix(dir, pidDir) {
		_, _ = os.Remove(dir), os.Remove(pidDir) // unless others have something there
	}
}

// run is the loop: one event at a time, until nothing is left to wait for.
func (h *house) run(signals <-chan os.Signal) int {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for !h.over() {
		due, ok := h.deadline()
		if ok {
			timer.Reset(max(due.Sub(now()), 0))
		} else {
			timer.Stop()
		}
		select {
		case s := <-signals:
			h.bus.Hold()
			if s == unix.SIGTERM || s == unix.SIGINT && !h.o.IgnoreINT {
				h.hurry()
			}
			h.signal(s)
		case <-timer.C:
			h.bus.Hold()
		case ev := <-h.events:
			h.bus.Hold()
			if h.bell != nil && h.bell.Rung() { // a child may have heard it before us
				h.signal(unix.SIGTERM)
			}
			h.take(ev)
		}
		h.tick()
		h.bus.Release()
	}
	return h.code
}

func (h *house) take(ev any) {
	switch ev := ev.(type) {
	case said:
		h.said(ev)
	case gone:
		h.gone(ev)
	case loaded:
		h.loaded(ev)
	case hiredEarly:
		h.hiredSpare(ev)
	case leftEarly:
		h.leftSpare(ev)
	case scriptDone:
		h.scriptDone(ev)
	case *query:
		h.ask(ev)
	case complaint:
		h.tell(slog.LevelWarn, "config", "%s", string(ev))
	case appointment:
		h.appointed(ev)
	case dumpDone:
		h.dumpDone(ev)
	case *recollection:
		h.recollect(ev)
	}
}

func (h *house) signal(s os.Signal) {
	switch s {
	case unix.SIGTERM:
		h.stop(ExitOK, "asked to by SIGTERM")
	case unix.SIGINT:
		if !h.o.IgnoreINT {
			h.stop(ExitOK, "asked to by SIGINT")
		}
	case unix.SIGHUP:
		h.reload()
	case unix.SIGUSR1:
		h.dump(DumpData)
	case unix.SIGUSR2:
		h.dump(DumpStats)
	case SigStatsClear:
		h.dump(DumpClear)
	case SigJSON:
		h.dump(DumpJSON)
	case SigThreads:
		h.threads()
	}
}

// deadline is the earliest moment at which something is due.
func (h *house) deadline() (first clock.Instant, any bool) {
	earlier := func(i clock.Instant, ok bool) {
		if ok && (!any || i.Before(first)) {
			first, any = i, true
		}
	}
	for _, k := range h.kids {
		earlier(k.watch.Deadline())
	}
	for _, q := range h.queries {
		earlier(q.due, true)
	}
	earlier(h.stopBy, h.stopping)
	earlier(h.timed.due())
	earlier(h.pet, h.petEvery > 0)
	earlier(h.spare.at, h.spare.at > 0)
	return first, any
}

// tick serves what is due by now.
func (h *house) tick() {
	t := now()
	for _, name := range order {
		if k := h.kids[name]; k != nil {
			if due, ok := k.watch.Deadline(); ok && !t.Before(due) {
				h.step(k, watchTick(t, due))
			}
		}
	}
	for _, q := range h.queries {
		if !t.Before(q.due) {
			h.answer(q)
		}
	}
	if h.petEvery > 0 && !t.Before(h.pet) {
		h.pet = t.Add(h.petEvery)
		h.notify(daemon.SdNotifyWatchdog)
	}
	if due, ok := h.timed.due(); ok && !t.Before(due) {
		h.reloadAtTime()
	}
	if h.spare.at > 0 && !t.Before(h.spare.at) {
		h.hireSpare()
	}
	if h.stopping && !t.Before(h.stopBy) {
		h.stopBy = t.Add(max(h.patience(), killAgain))
		h.killRest()
	}
}

// post hands an event to the loop; it gives up when the loop has ended.
func (h *house) post(ev any) {
	select {
	case h.events <- ev:
	case <-h.ended:
	}
}

func (h *house) tell(level slog.Level, kind, format string, args ...any) {
	h.tellOf("", level, kind, format, args...)
}

// tellOf tells of a child.
func (h *house) tellOf(child string, level slog.Level, kind, format string, args ...any) {
	r := event.Record{When: reading(), Level: level, Part: "parent", Object: child, Kind: kind, What: fmt.Sprintf(format, args...)}
	h.bus.Publish(r)
	h.record(r)
}

// notify tells systemd, where it listens.
func (h *house) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		h.tell(slog.LevelWarn, "process", "tell systemd %q: %v", state, err)
	}
}

// startedWith tells whoever waits for the start how it went, once.
func (h *house) startedWith(code int) bool {
	if !h.started && h.o.Started != nil {
		h.o.Started(code)
	}
	return true
}

// bootInfo is what a child is told.
func (h *house) bootInfo(k *kid, restarts int) ipc.BootInfo {
	o := &h.o
	logOptions := ipc.LogOptions(o.Log)
	if ident := o.Idents[k.name]; ident != "" {
		logOptions.Ident = ident
	}
	boot := ipc.BootInfo{
		Child: k.name, ConfigFile: o.Load.ConfigFile, ConfigID: h.report.ConfigID,
		PIDFile: h.pidPath(k.name), KeepVRRP: o.KeepVRRP, KeepIPVS: o.KeepIPVS, ReleaseVIPs: o.ReleaseVIPs, LogAddresses: o.LogAddresses, NoBFD: !o.Load.BFD,
		SNMP: o.Load.SNMP, AgentX: o.AgentX, Version: o.Version,
		StateFile: h.statePath(), LedgerFile: h.ledgerOf(k.name), Log: logOptions, ProxyAddr: h.proxyAdr, Restarts: restarts,
		TimerSlack: proc.OrdinarySlack(),
	}
	if k.name == Outlet {
		boot.NetNS, boot.Instance = h.netns(), h.report.Instance
	}
	return boot
}
