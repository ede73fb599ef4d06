package parent

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/event"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/notify/log"
	"github.com/holdfast-ha/holdfast/internal/proc"
)

// logSuffixes are what -g puts before the last dot of the file's name.
var logSuffixes = map[string]string{VRRP: "_vrrp", Checker: "_healthcheckers", BFD: "_bfd", Proxy: "_proxy", Outlet: "_outlet"}

// RunChild is the life of a child's process: read the Boot frame, map the
// snapshot, open the log, lock the pid file, and hand over to the daemon. It
// returns the exit code.
func RunChild(mains map[string]ipc.ChildMain) int {
	ipc.NameProcess(filepath.Base(os.Args[0]))
	swallowSignals()
	conn := ipc.FromFD(ipc.ChildFD)
	boot, snapshot, err := receiveBoot(conn)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
		return ExitFatal
	}
	proc.SetOrdinarySlack(boot.TimerSlack)
	b := bus.New()
	tail := openTail(&boot, b)
	closeLog := startLog(b, log.Options(boot.Log), logSuffixes[boot.Child], boot.Child, tail.Printed)
	defer closeLog()

	run, ok := mains[boot.Child]
	if !ok {
		tell(b, boot.Child, slog.LevelError, fmt.Sprintf("there is no child called %q in this binary", boot.Child))
		return exitPermanent
	}
	if boot.PIDFile != "" {
		pid, err := lockPIDFile(boot.PIDFile)
		if err == nil {
			err = pid.lacks
		}
		if err != nil {
			tell(b, boot.Child, slog.LevelWarn, err.Error())
		}
		defer pid.remove()
	}
	err = run(conn, boot, snapshot, b)
	if err == nil {
		return ExitOK
	}
	tell(b, boot.Child, slog.LevelError, err.Error())
	_ = conn.Send(ipc.Message{Kind: ipc.Failed, Error: err.Error()}) // the log has it in any case
	if errors.Is(err, ipc.ErrPermanent) {
		return exitPermanent
	}
	return ExitFatal
}

func receiveBoot(conn *ipc.Conn) (boot ipc.BootInfo, snapshot []byte, err error) {
	m, files, err := conn.First()
	if err != nil {
		return boot, nil, fmt.Errorf("this is for holdfast's own use: read the boot message on descriptor %d: %w", ipc.ChildFD, err)
	}
	if m.Kind != ipc.Boot || len(files) != 1 {
		return boot, nil, fmt.Errorf("the first message is %q with %d descriptors, not boot with a snapshot", m.Kind, len(files))
	}
	if err := json.Unmarshal(m.Body, &boot); err != nil {
		return boot, nil, fmt.Errorf("read the boot message: %w", err)
	}
	snapshot, err = ipc.Map(files[0])
	return boot, snapshot, err
}

// swallowSignals leaves the process's fate to the parent: a terminal's Ctrl-C
// and systemd's TERM reach the whole group, but the end must be orderly. The
// signals are caught rather than ignored, so that scripts do not inherit it.
func swallowSignals() {
	signal.Notify(make(chan os.Signal, 1), unix.SIGINT, unix.SIGTERM, unix.SIGHUP,
		unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGPIPE, SigJSON, SigStatsClear, SigThreads)
}

// startLog prints what is published on b, in a goroutine of its own; the
// function that it returns ends it once all is printed.
func startLog(b *bus.Bus, o log.Options, suffix, part string, printed func(uint64)) (closeLog func()) {
	w, err := log.Open(o, suffix)
	r := b.Subscribe(0)
	var printing sync.WaitGroup
	printing.Go(func() { w.Run(r, printed) })
	if err != nil {
		tell(b, part, slog.LevelWarn, err.Error())
	}
	return func() {
		b.Close()
		printing.Wait()
		_ = w.Close()
	}
}

func tell(b *bus.Bus, part string, level slog.Level, what string) {
	b.Publish(event.Record{When: reading(), Level: level, Part: part, Kind: "process", What: what})
}
