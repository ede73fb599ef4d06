package parent

import (
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/kernel/netns"
	"github.com/holdfast-ha/holdfast/internal/proc"
)

// process is one incarnation of a child. Two goroutines belong to it: one
// reads what it says, one waits for its end; both end with it.
type process struct {
	name    string
	cmd     *exec.Cmd
	conn    *ipc.Conn
	started time.Time
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// slacks are the timer slacks of those children whose deadlines may be that
// late, or lie on a timerfd, which has no slack (package loop): the runtime's
// monitor, which looks every 20 µs while there is work, then does so less often.
// VRRP, BFD and the proxy keep the slack that we have. (docs/decisions/0019)
var slacks = map[string]time.Duration{Checker: restful, Outlet: restful}

// restful is short beside these children's timeouts, seconds mostly, and long
// beside what the monitor costs each time that it looks, some 10 µs.
const restful = 2 * time.Millisecond

// start runs our own binary with a hidden argument, its end of a fresh socket
// pair as descriptor 3, extra from 4 on, and that timer slack; 0 means ours.
func start(self, title, namespace string, args []string, extra []*os.File, slack time.Duration) (*process, error) {
	conn, theirs, err := ipc.Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd := &exec.Cmd{
		Path: self, Args: append([]string{title}, args...),
		Stdout: os.Stdout, Stderr: os.Stderr,
		ExtraFiles: append([]*os.File{theirs}, extra...),
	}
	err = netns.Do(namespace, func() error { return proc.WithSlack(slack, cmd.Start) })
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("start %s: %w", title, err)
	}
	return &process{cmd: cmd, conn: conn, started: time.Now()}, nil
}

// exitPermanent is a child's exit status for an end that a restart would
// only repeat. (2 is a Go panic's.)
const exitPermanent = 78

// wait returns how the process ended, in the system's words.
func (p *process) wait() (how string, permanent bool) {
	err := p.cmd.Wait()
	st := p.cmd.ProcessState
	if st == nil {
		return fmt.Sprint(err), false
	}
	return st.String(), st.ExitCode() == exitPermanent
}
