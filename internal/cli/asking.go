// How commands ask the running daemon.

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/control"
	"github.com/holdfast-ha/holdfast/internal/parent"
)

// answerPatience bounds the wait for the daemon's answer.
const answerPatience = 30 * time.Second

// asking are the options of every command that asks.
type asking struct {
	control, pid string
	json, help   bool
}

func (a *asking) add(set *pflag.FlagSet) {
	set.BoolVar(&a.json, "json", false, "")
	set.BoolVarP(&a.help, "help", "h", false, "")
	set.StringVar(&a.control, "control", "", "")
	set.StringVarP(&a.pid, "pid", "p", parent.DefaultPIDFile, "")
}

// ask puts a command's question to the control socket, and says why there is no
// answer.
func ask[T any](t terminal, a *asking, command string, question func(ctx context.Context, socket string) (T, error)) (answer T, ok bool) {
	socket := a.control
	if socket == "" {
		socket = parent.ControlOf(a.pid)
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerPatience)
	defer cancel()
	answer, err := question(ctx, socket)
	if err != nil {
		fmt.Fprintf(t.err, "holdfast %s: %v%s\n", command, err, noDaemonHint(err))
		return answer, false
	}
	return answer, true
}

// noDaemonHint says what the usual errors mean.
func noDaemonHint(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return "\nNo holdfast runs there; --control names another socket."
	case errors.Is(err, fs.ErrPermission):
		return "\nOnly the user that the daemon runs as (root) may ask it."
	case errors.Is(err, control.ErrStopped):
		return "\nkill -CONT lets it go on. What its other processes do goes on meanwhile; the log says what that is."
	case errors.Is(err, context.DeadlineExceeded):
		return "\nIts parent process runs but does not answer: it hangs, or the machine has no time for it." +
			"\nWhat its other processes do goes on; the log says what that is."
	}
	return ""
}
