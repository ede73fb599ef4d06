package checkd

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/notify/fifo"
	"github.com/holdfast-ha/holdfast/internal/notify/script"
	"github.com/holdfast-ha/holdfast/internal/notify/smtp"
	"github.com/holdfast-ha/holdfast/internal/proc"
)

// lastScripts is how long the end waits for scripts; what takes longer lives on.
const lastScripts = time.Second

// notifier runs notify scripts and writes the FIFOs.
type notifier struct {
	daemon  *daemon
	scripts *script.Runner
	fifos   fifo.Set
	losing  bool         // a lost line was told
	mails   *smtp.Outlet // nil: nobody gets any
	mail    *build.Mail
	full    bool // a mail that was not taken was told
}

func newNotifier(d *daemon) *notifier {
	n := &notifier{daemon: d}
	n.scripts = script.New(n.ended)
	return n
}

// run has a program run; nil does nothing. Those about one object keep their
// order.
func (n *notifier) run(p *build.Program, object, title string, env ...string) {
	if p == nil {
		return
	}
	s := spec(p)
	s.Env = env
	n.daemon.tell(record{kind: "script", object: object,
		what: fmt.Sprintf("Executing [%s] for %s", strings.Join(p.Argv, " "), title)})
	n.scripts.Run(script.Job{Object: object, Scripts: []proc.Spec{s}})
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
func (n *notifier) use(all []build.FIFO) {
	var want []fifo.Options
	for _, f := range all {
		who, err := proc.LookupUser(f.User, f.Group)
		if err != nil {
			n.daemon.tell(record{level: slog.LevelError, kind: "config", what: err.Error()})
			continue
		}
		o := fifo.Options{Path: f.Path, UID: int(who.UID), GID: int(who.GID), Told: func(line string) {
			n.daemon.tell(record{level: slog.LevelWarn, kind: "fifo", what: line})
		}}
		if f.Reader != nil {
			s := spec(f.Reader)
			o.Reader = &s
		}
		want = append(want, o)
	}
	if err := n.fifos.Use(want); err != nil {
		n.daemon.tell(record{level: slog.LevelError, kind: "config", what: err.Error()})
	}
}

// line writes a line to every FIFO: "RS [10.0.0.1]:tcp:80 [10.1.0.1]:tcp:80 UP".
func (n *notifier) line(words ...string) {
	full := n.fifos.Write(strings.Join(words, " "))
	if len(full) > 0 && !n.losing {
		n.daemon.tell(record{level: slog.LevelWarn, kind: "fifo",
			what: fmt.Sprintf("Nobody reads the FIFO %s: lines are lost", full[0].Path())})
	}
	n.losing = len(full) > 0
}

func (n *notifier) close() {
	n.scripts.Close(lastScripts)
	n.fifos.Close()
	n.closeMail()
}

// word is keepalived's word for a state.
func word(up bool) string {
	if up {
		return "UP"
	}
	return "DOWN"
}
