// Package checkd is the checker child: it probes real servers, lets package
// lvs decide what that means, and hands the director the table that is wanted.
//
// One loop owns everything. When to probe is decided by check.Checker, what a
// verdict brings about by lvs.Pool; here they meet sockets and time. From here
// the way goes: plan.go (a configuration made ready), reload.go (it is taken
// over, also the first), monitor.go (checks that are the same are one), probe.go
// (an attempt is made), act.go (what came of
// it), pool.go (deadlines of pools, and who is on the way out), override.go (what
// operators say of servers), wanted.go and marks.go (the table, and the director that gets it), inherit.go (what
// a checker that died left there), notify.go (scripts and FIFOs), suspend.go
// (ha_suspend), query.go (what `holdfast status` is told).
package checkd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/event"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/loop"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"github.com/holdfast-ha/holdfast/internal/probe/flow"
)

const (
	// Deadlines are rounded up to a grain, so that one wake serves many checks.
	// It is the shortest interval's hundredth within these bounds.
	minGrain, maxGrain = 200 * time.Microsecond, 10 * time.Millisecond
	grains             = 100
	// startsTurn bounds the attempts that one turn begins, so that results
	// and the parent's hello do not wait behind them: some 50 µs for each.
	startsTurn = 16
	// growth is how far the heap may grow, in percent, before it is collected:
	// less than for who has adverts to send, for ten thousand servers are many
	// bytes and a check can wait for a moment.
	growth = 100
)

// daemon is everything that the loop owns.
type daemon struct {
	loop *loop.Loop
	conn *ipc.Conn
	boot ipc.BootInfo
	bus  *bus.Bus

	plan  *plan            // what runs; never changed, replaced as a whole
	pools map[string]*pool // by ID
	order []*pool          // as the configuration has them

	// adopting is when the plan that is being taken over came, zero if none is.
	adopting clock.Reading

	grain    time.Duration
	monitors monitors
	due      check.Schedule[*monitor]
	engine   *flow.Engine[*monitor]
	network  crowd // probes that need a goroutine
	scripts  crowd // MISC_CHECKs

	open    func(s *build.Services, boot *ipc.BootInfo) (director.Director, string, error)
	delta   lvs.Delta               // what the director is not told yet
	offered map[lvs.ServiceKey]bool // the services in the table
	entries int                     // services and servers that the table may have
	marks   map[string]uint32       // of virtual servers, by ID [nftables_ipvs]
	marked  lvs.Marks               // what the firewall has to mark
	paths   paths
	stale   []*pool // whose services may have changed in this turn
	// changedTable: the director has to be told, also if no service changed.
	changedTable bool
	writer       *writer
	refused      string    // what the director does not take at present
	putBack      int       // entries of the director's table that others had changed
	found        lvs.Table // what a checker that died had left, during the start

	overrides overrides      // what was said of servers by command
	timed     map[*pool]bool // those whose machine has a deadline
	lingering []*pool        // no longer in the configuration, and not yet gone
	counting  clock.Instant  // when to count connections next, 0: nobody leaves
	leaving   string         // why all are to leave, if they are

	bfd       sessions
	outlets   outlets
	addresses *kernel.Reflector // nil unless something has ha_suspend

	notifier *notifier
	keeper   loop.Keeper     // of checker_rt_priority and its kind
	alive    context.Context // ends with the loop
	died     context.CancelFunc
	beside   sync.WaitGroup // what goes on beside the loop and ends by itself
	loading  bool           // a reload is being read
	next     *int           // the newest snapshot that came meanwhile
	ended    string         // why the loop ends
	garbage  func()         // lets it be collected again, nil once it is
}

// Run is the checker child; it is an ipc.ChildMain.
func Run(conn *ipc.Conn, boot ipc.BootInfo, snapshot []byte, log *bus.Bus) error {
	loop.Quiet()
	debug.SetGCPercent(growth)
	collect := holdGarbage() // until the first table is written
	p, err := read(inMemory(snapshot), &boot, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", err, ipc.ErrPermanent)
	}
	d, err := newDaemon(conn, boot, log)
	if err != nil {
		return err
	}
	d.garbage = collect
	return d.run(p)
}

func newDaemon(conn *ipc.Conn, boot ipc.BootInfo, log *bus.Bus) (*daemon, error) {
	l, err := loop.New()
	if err != nil {
		return nil, err
	}
	l.Holds(log)
	engine, err := flow.New[*monitor]()
	if err != nil {
		return nil, err
	}
	d := &daemon{
		loop: l, conn: conn, boot: boot, bus: log, engine: engine, open: openDirector,
		pools: map[string]*pool{}, timed: map[*pool]bool{}, grain: minGrain,
		monitors: monitors{all: map[build.Kin]*monitor{}, spread: rand.Float64()}, // spreads checks, guards nothing
	}
	d.network, d.scripts = crowd{daemon: d, room: maxNetwork}, crowd{daemon: d, room: maxPrograms}
	d.notifier = newNotifier(d)
	d.alive, d.died = context.WithCancel(context.Background())
	l.OnDeadline(d.nextCheck, d.startChecks)
	l.OnDeadline(d.nextTimeout, d.expire)
	l.OnDeadline(d.nextPool, d.tickPools)
	return d, errors.Join(
		l.Watch(conn.Fd(), unix.EPOLLIN, func(uint32) { d.parent() }),
		l.Watch(engine.Fd(), unix.EPOLLIN, func(uint32) { d.ready() }),
	)
}

// run serves until the parent says stop, or is gone.
func (d *daemon) run(first *plan) error {
	d.bus.Hold()
	err := d.begin(first)
	d.bus.Release()
	if err != nil {
		return err
	}
	err = d.loop.Run()
	d.end()
	return err
}

// parent takes what the parent says.
func (d *daemon) parent() {
	err := d.conn.ReadReady(d.message)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		d.stop("the parent is gone")
	default:
		d.stop("the parent cannot be understood: " + err.Error())
	}
}

func (d *daemon) message(m ipc.Message, files []int) {
	switch m.Kind {
	case ipc.Hello:
		d.answer(ipc.Message{Kind: ipc.Hello, Seq: m.Seq})
	case ipc.Query:
		d.query(m)
	case ipc.Link:
		if len(files) > 0 {
			d.linkTo(m.Topic, files[0])
			files = files[1:]
		}
	case ipc.Reload:
		ipc.NameProcess(m.Topic)
		if len(files) > 0 {
			d.reload(files[0])
			files = files[1:]
		}
	case ipc.Order:
		d.command(m, d.answer)
	case ipc.Stop:
		d.leave("the parent says so")
	}
	for _, fd := range files {
		_ = unix.Close(fd)
	}
}

func (d *daemon) answer(m ipc.Message) {
	if err := d.conn.Send(m); err != nil {
		d.unanswered(err)
	}
}

func (d *daemon) unanswered(err error) {
	d.tell(record{level: slog.LevelWarn, kind: "process", what: "answer the parent: " + err.Error()})
}

// stop ends the loop after this turn.
func (d *daemon) stop(why string) {
	if d.ended == "" {
		d.ended = why
		d.loop.Unwatch(d.conn.Fd())
		d.loop.Stop()
	}
}

// end takes everything down: probes first, then, unless they are to be kept,
// the services.
func (d *daemon) end() {
	d.died()
	d.tell(record{kind: "process", what: "Stopping: " + d.ended})
	d.engine.Close()
	if d.addresses != nil {
		d.addresses.Close()
	}
	keep := d.boot.KeepIPVS && !d.plan.services.FlushOnStop
	if !keep {
		d.writer.quit() // an audit would take its time beside what follows
		d.bus.Hold()
		d.shutdown()
		d.bus.Release()
	}
	d.writer.close(keep, d.plan.services.FlushOnStop)
	d.notifier.close()
	d.outlets.feeder.Close(lastNews)
	d.network.close()
	d.scripts.close()
	d.keeper.Close()
	d.beside.Wait()
}

// nextCheck is when the next attempt is due.
func (d *daemon) nextCheck() (clock.Instant, bool) {
	at, ok := d.due.Deadline()
	return d.roundUp(at), ok
}

func (d *daemon) nextTimeout() (clock.Instant, bool) {
	at, ok := d.engine.Deadline()
	return d.roundUp(at), ok
}

func (d *daemon) roundUp(at clock.Instant) clock.Instant {
	grain := clock.Instant(d.grain)
	return (at + grain - 1) / grain * grain
}

// moment is when something that the loop tells happened: all of a plan's
// adoption at once, and else now.
func (d *daemon) moment() clock.Reading {
	if d.adopting != (clock.Reading{}) {
		return d.adopting
	}
	return d.loop.Read()
}

// record is an event.Record without what is the same in all of ours.
type record struct {
	level  slog.Level // information unless set
	kind   string     // "server" unless set
	object string
	what   string
	cause  string
	when   clock.Reading // now unless set
}

func (d *daemon) tell(r record) {
	if r.kind == "" {
		r.kind = "server"
	}
	if r.when == (clock.Reading{}) {
		r.when = d.loop.Read()
	}
	d.bus.Publish(event.Record{
		When: r.when, Level: r.level, Part: "check", Object: r.object,
		What: r.what, Kind: r.kind, Cause: r.cause,
	})
}
