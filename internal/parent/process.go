package parent

import (
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/kernel/netns"
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

// start runs our own binary with a hidden argument, its end of a fresh socket
// pair as descriptor 3 and extra from 4 on.
func start(self, title, namespace string, args []string, extra []*os.File) (*process, error) {
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
	if err := netns.Do(namespace, cmd.Start); err != nil {
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
