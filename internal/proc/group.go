package proc

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// groupPoll is how often an ending group is looked at after its leader's end.
const groupPoll = 10 * time.Millisecond

// supervise waits for the program, ends it when it must, and fills result.
func (p *Process) supervise(timeout time.Duration) {
	defer close(p.done)
	go p.await()

	var due <-chan time.Time
	if timeout > 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		due = t.C
	}
	ended := false
	select {
	case <-p.exited:
	case <-due:
		ended = true
	case <-p.stop:
		ended = true
	}
	var deadline time.Time
	if ended {
		deadline = time.Now().Add(p.grace)
		p.signal(syscall.SIGTERM)
		select {
		case <-p.exited:
		case <-time.After(p.grace):
			p.signal(syscall.SIGKILL)
			<-p.exited
		}
	}
	took := time.Since(p.start)
	err := p.cmd.Wait() // reaps
	if ended {
		p.endGroup(deadline)
	}
	p.result = p.judge(err)
	p.result.TimedOut, p.result.Took = ended, took
}

// await closes exited when the program has ended, and leaves the zombie: as
// long as that is there, the group's number cannot be anybody else's.
func (p *Process) await() {
	defer close(p.exited)
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, p.PID(), &info, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}

// signal sends to the whole group.
func (p *Process) signal(sig syscall.Signal) {
	_ = syscall.Kill(-p.PID(), sig) // ESRCH: it is gone already
}

// endGroup gives what the leader left behind the rest of the grace, then
// kills it. The group's number stays taken as long as it has a member, so a
// stranger is not hit.
func (p *Process) endGroup(deadline time.Time) {
	for syscall.Kill(-p.PID(), 0) == nil {
		if !time.Now().Before(deadline) {
			p.signal(syscall.SIGKILL)
			return
		}
		time.Sleep(groupPoll)
	}
}

// judge reads the process state after Wait.
func (p *Process) judge(err error) Result {
	r := Result{ExitCode: -1}
	if p.out != nil {
		r.Output = p.out.finish()
	}
	state := p.cmd.ProcessState
	if state == nil {
		r.Err = err
		return r
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		r.Signal = ws.Signal()
		return r
	}
	r.ExitCode = state.ExitCode()
	return r
}
