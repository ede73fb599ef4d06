package proxyd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/event"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"golang.org/x/sys/unix"
)

// retryListen is how often a service that could not listen tries again.
const retryListen = 3 * time.Second

// spareProcs are processors of the Go scheduler beside those of the workers:
// for whoever waits for the events of those that sleep while others work, and
// for the checker's requests (docs/decisions/0012).
const spareProcs = 2

// Run is the proxy child; it is an ipc.ChildMain. It serves what the checker
// last wanted, also while there is no checker, until it is told to stop or the
// parent has gone.
func Run(conn *ipc.Conn, boot ipc.BootInfo, _ []byte, log *bus.Bus) error {
	if boot.ProxyFD <= 0 {
		return fmt.Errorf("the parent gave no socket for the checker: %w", ipc.ErrPermanent)
	}
	unix.CloseOnExec(boot.ProxyFD)
	_ = unix.SetNonblock(boot.ProxyFD, true) // or accepting would hold a thread
	d := &daemon{log: log, conn: conn}
	var notes ipc.Notes
	if boot.NotesFD > 0 {
		var err error
		if notes, err = ipc.OpenNotes(boot.NotesFD); err != nil {
			return err
		}
	}
	kept := newKeeper(conn.Send, boot.Held) // before the limits of descriptors change
	d.b = NewBalancer(d.notice)
	d.b.kept = kept
	d.succeed(notes)
	return d.run(os.NewFile(uintptr(boot.ProxyFD), "checkers"))
}

// succeed says what our predecessor took along, and counts anew for whoever
// comes after us.
func (d *daemon) succeed(notes ipc.Notes) {
	if what := lost(notes); what != "" {
		d.tell(slog.LevelWarn, "", what)
	}
	notes.Begin(ipc.Keys(noteNames...))
	d.b.conns.notes, d.b.sessions.notes = notes, notes
}

// daemon is the loop that owns the balancer: the parent's messages, the
// checker's requests and a tick for what could not listen.
type daemon struct {
	log  *bus.Bus
	conn *ipc.Conn
	b    *Balancer
}

func (d *daemon) run(checkers *os.File) error {
	ctx, cancel := context.WithCancel(context.Background())
	var hands sync.WaitGroup
	defer hands.Wait()
	defer func() { _ = d.conn.Close() }() // frees the reader of the parent's messages
	defer cancel()

	runtime.GOMAXPROCS(d.b.conns.width + spareProcs)
	defer d.b.Close()
	ctl := &control{requests: make(chan request), places: make(slots, maxClients),
		told: func(what string) { d.tell(slog.LevelWarn, "", what) }}
	broken := make(chan error, 1) // room for the one error there can be
	hands.Go(func() { broken <- ctl.serve(ctx, checkers) })
	parent := make(chan ipc.Message) // unbuffered: hello is answered by the loop or not at all
	hands.Go(func() { d.listen(ctx, parent) })
	if err := d.conn.Send(ipc.Message{Kind: ipc.Ready}); err != nil {
		return fmt.Errorf("tell the parent that the proxy is ready: %w", err)
	}
	return d.loop(parent, ctl.requests, broken)
}

// listen hands on what the parent says, and closes the channel when it has gone.
func (d *daemon) listen(ctx context.Context, to chan<- ipc.Message) {
	defer close(to)
	for {
		m, files, err := d.conn.Recv()
		for _, f := range files {
			_ = unix.Close(f) // a snapshot at reload: the checker tells us what it means
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, ipc.ErrClosed) {
				d.tell(slog.LevelError, "", "the parent cannot be understood: "+err.Error())
			}
			return
		}
		select {
		case to <- m:
		case <-ctx.Done():
			return
		}
	}
}

func (d *daemon) loop(parent <-chan ipc.Message, requests <-chan request, broken <-chan error) error {
	tick := time.NewTicker(retryListen)
	defer tick.Stop()
	for {
		var again <-chan time.Time
		if !d.b.kept.flush() {
			again = time.After(keepPause)
		}
		select {
		case <-again:
		case m, ok := <-parent:
			if !ok {
				d.tell(slog.LevelWarn, "", "Stopping: the parent is gone")
				return nil
			}
			if m.Kind == ipc.Stop {
				d.tell(slog.LevelInfo, "", "Stopping: the parent says so")
				return nil
			}
			d.parentSays(m)
		case r := <-requests:
			r.reply(answer(d.b, r.message))
		case <-tick.C:
			_ = d.b.Retry() // what is new is told by notice
			d.b.sayFull()
			d.b.sayShort()
		case err := <-broken:
			return err
		}
	}
}

func (d *daemon) parentSays(m ipc.Message) {
	a := ipc.Message{Seq: m.Seq}
	switch m.Kind {
	case ipc.Hello:
		a.Kind = ipc.Hello
	case ipc.Reload: // nothing else of the configuration is ours
		ipc.NameProcess(m.Topic)
		a.Kind = ipc.Reloaded
	case ipc.Query:
		a.Kind = ipc.Answer
		a.Topic, a.Body = m.Topic, ipc.Marshal(api.Status{}) // the checker tells of the services
	default:
		return
	}
	_ = d.conn.Send(a) // if the parent does not read, it will notice itself
}

// notice logs what happened to a service.
func (d *daemon) notice(key lvs.ServiceKey, level slog.Level, what string) {
	name := ""
	if key.Addr.IsValid() || key.FWMark != 0 { // else of none
		name = director.ServiceName(key)
	}
	d.tell(level, name, what)
}

func (d *daemon) tell(level slog.Level, object, what string) {
	d.log.Publish(event.Record{When: reading(), Level: level, Part: "proxy", Object: object, What: what, Kind: "service"})
}

func reading() clock.Reading {
	var mono, boot unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono) // cannot fail on Linux
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot)
	return clock.Reading{Mono: clock.Instant(mono.Nano()), Boot: boot.Nano(), Wall: time.Now().UnixNano()}
}
