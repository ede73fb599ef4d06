package checkd

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/notify/fifo"
	"github.com/holdfast-ha/holdfast/internal/notify/script"
	"github.com/holdfast-ha/holdfast/internal/proc"
)

// lastScripts is how long the end waits for scripts; what takes longer lives on.
const lastScripts = time.Second

// notifier runs notify scripts and writes the FIFOs.
type notifier struct {
	daemon  *daemon
	scripts *script.Runner
	fifos   []*pipe
}

// pipe is a FIFO and whether a loss was told.
type pipe struct {
	*fifo.FIFO
	losing bool
}

func newNotifier(d *daemon) *notifier {
	n := &notifier{daemon: d}
	n.scripts = script.New(n.ended)
	return n
}

// run has a program run; nil does nothing. Those about one object keep their
// order.
func (n *notifier) run(p *build.Program, object, title string) {
	if p == nil {
		return
	}
	n.daemon.tell(record{kind: "script", object: object,
		what: fmt.Sprintf("Executing [%s] for %s", strings.Join(p.Argv, " "), title)})
	n.scripts.Run(script.Job{Object: object, Scripts: []proc.Spec{spec(p)}})
}

// ended tells of a script that did not end well; it is called beside the loop.
func (n *notifier) ended(o script.Outcome) {
	what := o.Result.String()
	switch {
	case o.Dropped:
		what = fmt.Sprintf("was left out: more than %d wait", script.MaxWaiting)
	case o.Result.OK():
		return
	}
	n.daemon.tell(record{level: slog.LevelWarn, kind: "script", object: o.Object, cause: what,
		what: fmt.Sprintf("Notify script [%s] of %s: %s", strings.Join(o.Argv, " "), o.Object, what)})
}

// use opens the FIFOs that a configuration names, and closes the others.
func (n *notifier) use(names []string) {
	n.fifos = slices.DeleteFunc(n.fifos, func(f *pipe) bool {
		if slices.Contains(names, f.Path()) {
			return false
		}
		n.daemon.beside.Go(func() { _ = f.Close() })
		return true
	})
	for _, name := range names {
		if slices.ContainsFunc(n.fifos, func(f *pipe) bool { return f.Path() == name }) {
			continue
		}
		f, err := fifo.Open(name, os.Getuid(), os.Getgid())
		if err != nil {
			n.daemon.tell(record{level: slog.LevelError, kind: "config", what: err.Error()})
			continue
		}
		n.fifos = append(n.fifos, &pipe{FIFO: f})
	}
}

// line writes a line to every FIFO: "RS [10.0.0.1]:tcp:80 [10.1.0.1]:tcp:80 UP".
func (n *notifier) line(words ...string) {
	for _, f := range n.fifos {
		taken := f.Write(strings.Join(words, " "))
		if !taken && !f.losing {
			n.daemon.tell(record{level: slog.LevelWarn, kind: "fifo",
				what: fmt.Sprintf("Nobody reads the FIFO %s: lines are lost", f.Path())})
		}
		f.losing = !taken
	}
}

func (n *notifier) close() {
	n.scripts.Close(lastScripts)
	for _, f := range n.fifos {
		_ = f.Close()
	}
}

// word is keepalived's word for a state.
func word(up bool) string {
	if up {
		return "UP"
	}
	return "DOWN"
}
