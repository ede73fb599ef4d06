// Package proc runs external programs: notify scripts, tracked scripts,
// MISC_CHECKs. A program gets its own process group, a user with that user's
// groups, a minimal environment, /dev/null as input and no descriptor of ours;
// it is never started through a shell.
//
// A program that outlives its timeout is ended with its whole group: TERM
// first, KILL after a grace. What a program left in the background when it
// ended in time is none of our business and lives on.
//
// Which script runs when, and what its exit status means, is decided by the
// machines; user.go has users and the safety of paths, group.go the ending,
// slack.go how exactly what is started sleeps.
package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultGrace is the time between TERM and KILL.
const DefaultGrace = 2 * time.Second

// DefaultPath is where a program without a slash in its name is looked for,
// and PATH in its environment.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Spec says what to run and how. The zero value of a field is its default.
type Spec struct {
	// Argv is the program and its arguments; Argv[0] may be looked up in
	// DefaultPath.
	Argv []string
	// User and Group are names or numbers; an empty User means our own, an
	// empty Group the user's.
	User, Group string
	// Env is added to PATH, HOME, USER and LOGNAME; later entries win.
	Env []string
	// Dir is the working directory, "/" by default.
	Dir string
	// Timeout ends the program; 0 = never.
	Timeout time.Duration
	// Grace is the time from TERM to KILL; 0 = DefaultGrace.
	Grace time.Duration
	// MaxOutput is how many bytes of standard output and error together are
	// kept; what comes after is read and forgotten. 0 sends both to /dev/null.
	MaxOutput int
	// Secure refuses, where the program would run as root, a path that
	// somebody else could write (enable_script_security).
	Secure bool
	// DieWithUs sends the program TERM when our process dies. The kernel ties
	// this to the thread that forked; the Go runtime ends a thread only when a
	// goroutine ends locked to it, so never Start from such a goroutine. It is
	// meant for checks, which nobody would time out any more; a notify script
	// should finish its work.
	DieWithUs bool
}

// Result is how a program ended.
type Result struct {
	// ExitCode is the exit status, -1 when it did not end by itself.
	ExitCode int
	// Signal ended it, 0 if none.
	Signal syscall.Signal
	// TimedOut: it was ended because Timeout had passed or its context was done.
	TimedOut bool
	// Err: it could not be started or waited for.
	Err error
	// Output is the beginning of what it wrote.
	Output []byte
	// Took is from the start to the end of the program itself.
	Took time.Duration
}

// OK reports whether the program ran and ended with exit status 0.
func (r Result) OK() bool {
	return r.Err == nil && !r.TimedOut && r.Signal == 0 && r.ExitCode == 0
}

// String says how it ended, for a log line: "exit status 3".
func (r Result) String() string {
	switch {
	case r.Err != nil:
		return r.Err.Error()
	case r.TimedOut:
		return fmt.Sprintf("timed out after %v", r.Took.Round(time.Millisecond))
	case r.Signal != 0:
		return "ended by signal " + unix.SignalName(r.Signal)
	}
	return fmt.Sprintf("exit status %d", r.ExitCode)
}

// Process is a running program. Its methods may be called from any goroutine.
type Process struct {
	cmd   *exec.Cmd
	start time.Time
	grace time.Duration
	out   *capture // nil without MaxOutput

	stop     chan struct{} // closed by Stop
	stopOnce sync.Once
	exited   chan struct{} // closed when the program itself has ended
	done     chan struct{} // closed when result is final
	result   Result
}

// ErrNoProgram is returned for an empty Argv.
var ErrNoProgram = errors.New("no program given")

// Start starts a program; somebody must then wait for Done or call Wait. The
// timeout runs from here.
func Start(s Spec) (*Process, error) {
	cmd, err := command(s)
	if err != nil {
		return nil, err
	}
	p := &Process{
		cmd: cmd, grace: s.Grace,
		stop: make(chan struct{}), exited: make(chan struct{}), done: make(chan struct{}),
	}
	if p.grace <= 0 {
		p.grace = DefaultGrace
	}
	if s.MaxOutput > 0 {
		if p.out, err = newCapture(s.MaxOutput); err != nil {
			return nil, fmt.Errorf("pipe for %s: %w", s.Argv[0], err)
		}
		cmd.Stdout, cmd.Stderr = p.out.w, p.out.w
	}
	inherited.Do(closeOnExec)
	p.start = time.Now()
	err = WithSlack(OrdinarySlack(), cmd.Start)
	if p.out != nil {
		p.out.started(err == nil)
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Argv[0], cause(err))
	}
	p.beOrdinary()
	go p.supervise(s.Timeout)
	return p, nil
}

// born is what the scheduler had of us when we were started.
var born, _ = unix.SchedGetAttr(0, 0)

// beOrdinary gives the program our first nice value and slice, where we have got
// ourselves others (vrrp_priority, loop.Prompt).
func (p *Process) beOrdinary() {
	now, err := unix.SchedGetAttr(p.PID(), 0)
	if err != nil || born == nil || now.Policy != unix.SCHED_NORMAL || now.Nice == born.Nice && now.Runtime == born.Runtime {
		return
	}
	now.Nice, now.Runtime = born.Nice, born.Runtime
	_ = unix.SchedSetAttr(p.PID(), now, 0) // it is gone already
}

// Run starts a program and waits for its end; a done context ends the program
// as its timeout would.
func Run(ctx context.Context, s Spec) Result {
	p, err := Start(s)
	if err != nil {
		return Result{ExitCode: -1, Err: err}
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.Stop()
		<-p.done
	}
	return p.result
}

// PID is the process id, which is also the id of its group.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stop ends the program with its group as its timeout would; it does not wait.
func (p *Process) Stop() { p.stopOnce.Do(func() { close(p.stop) }) }

// Done is closed when the program has ended and, after a timeout, its group too.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for Done and says how it ended.
func (p *Process) Wait() Result {
	<-p.done
	return p.result
}

// command makes the exec.Cmd of a Spec.
func command(s Spec) (*exec.Cmd, error) {
	if len(s.Argv) == 0 || s.Argv[0] == "" {
		return nil, ErrNoProgram
	}
	path, err := Find(s.Argv[0])
	if err != nil {
		return nil, err
	}
	who, err := LookupUser(s.User, s.Group)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", s.Argv[0], err)
	}
	if s.Secure && who.UID == 0 {
		if err := Secure(path); err != nil {
			return nil, fmt.Errorf("run %s as root: %w", s.Argv[0], err)
		}
	}
	attr := &syscall.SysProcAttr{Setpgid: true}
	if s.DieWithUs {
		attr.Pdeathsig = syscall.SIGTERM
	}
	if attr.Credential, err = who.credential(); err != nil {
		return nil, fmt.Errorf("run %s: %w", s.Argv[0], err)
	}
	dir := s.Dir
	if dir == "" {
		dir = "/"
	}
	return &exec.Cmd{
		Path: path, Args: s.Argv, Dir: dir, SysProcAttr: attr,
		Env: append(who.environment(), s.Env...),
	}, nil
}

// inherited guards closeOnExec: what Go opens is closed at exec already, what
// whoever started us left open is not.
var inherited sync.Once

// closeOnExec keeps the descriptors that we were born with from our programs.
func closeOnExec() {
	const first = 3
	if unix.CloseRange(first, ^uint(0)>>1, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	names, _ := os.ReadDir("/proc/self/fd") // before Linux 5.11
	for _, n := range names {
		if fd, err := strconv.Atoi(n.Name()); err == nil && fd >= first {
			unix.CloseOnExec(fd)
		}
	}
}

// Find returns the path of a program: name itself where it has a slash, else
// the first executable file of that name in DefaultPath.
func Find(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range filepath.SplitList(DefaultPath) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("find %s: no such program in %s", name, DefaultPath)
}

// cause strips the operation and path that os wraps around an errno, since
// the caller has said both.
func cause(err error) error {
	if pe := (*os.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
