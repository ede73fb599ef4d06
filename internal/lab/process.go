package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a program running on a node.
type Process struct {
	Log string // file that has what it wrote to its standard output and error

	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // of Wait; valid once done is closed
}

// killRounds bounds how often a tree is searched for what it started meanwhile.
const killRounds = 50

// Start starts a program on the node, in a process group of its own, so that a
// Ctrl-C at the terminal does not reach it. It dies with the node and with this
// process. What it writes goes to a file in the lab's directory.
func (n *Node) Start(name string, args ...string) (*Process, error) {
	n.mu.Lock()
	n.count++
	log := n.lab.Path(fmt.Sprintf("%s-%d-%s.log", n.name, n.count, filepath.Base(name)))
	n.mu.Unlock()
	return n.StartTo(log, name, args...)
}

// StartTo is Start with the file to which its output is appended.
func (n *Node) StartTo(log, name string, args ...string) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p := &Process{Log: log, cmd: cmd, done: make(chan struct{})}
	if err := n.Do(cmd.Start); err != nil {
		return nil, fmt.Errorf("start %s on %s: %w", name, n.name, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Run runs a program on the node to its end and returns what it wrote.
func (n *Node) Run(name string, args ...string) (string, error) {
	var out strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.Do(cmd.Start); err != nil {
		return "", fmt.Errorf("start %s on %s: %w", name, n.name, err)
	}
	err := cmd.Wait()
	return out.String(), err
}

// PID is the process's number, in the process namespace of the lab.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal to the process alone.
func (p *Process) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Running tells whether the process has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Wait waits for the end, at most that long, and returns the exit code, or 128
// and the signal's number as a shell would.
func (p *Process) Wait(limit time.Duration) (int, error) {
	select {
	case <-p.done:
	case <-time.After(limit):
		return -1, fmt.Errorf("process %d (%s) still runs after %v", p.PID(), p.cmd.Path, limit)
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		if ws := exit.Sys().(syscall.WaitStatus); ws.Signaled() {
			return 128 + int(ws.Signal()), nil
		}
		return exit.ExitCode(), nil
	}
	return 0, p.err
}

// Output returns what the process has written so far.
func (p *Process) Output() string {
	text, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// KillTree ends the process and everything below it with SIGKILL. The root is
// stopped first, so that it cannot start anew what dies below it.
func (p *Process) KillTree() {
	if p.Running() {
		tree := []int{p.PID()}
		_ = p.Signal(syscall.SIGSTOP)
		for range killRounds {
			bigger := descendants(p.PID())
			for _, pid := range bigger {
				_ = syscall.Kill(pid, syscall.SIGSTOP)
			}
			if len(bigger)+1 == len(tree) {
				break
			}
			tree = append([]int{p.PID()}, bigger...)
		}
		for _, pid := range tree {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	<-p.done
}

// Children returns the processes whose parent is pid.
func Children(pid int) []int { return below(pid, parents()) }

func descendants(root int) []int {
	parent := parents()
	var out []int
	for next := []int{root}; len(next) > 0; {
		var found []int
		for _, pid := range next {
			found = append(found, below(pid, parent)...)
		}
		out = append(out, found...)
		next = found
	}
	return out
}

func below(pid int, parent map[int]int) []int {
	var out []int
	for child, p := range parent {
		if p == pid {
			out = append(out, child)
		}
	}
	return out
}

// parents maps every living process to its parent, zombies left out.
func parents() map[int]int {
	out := map[int]int{}
	eachProcess(func(pid int) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return // it has just ended
		}
		_, rest, _ := strings.Cut(string(text), ") ") // the name may hold anything
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[0] != "Z" && fields[0] != "X" {
			out[pid], _ = strconv.Atoi(fields[1])
		}
	})
	return out
}

func eachProcess(do func(pid int)) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			do(pid)
		}
	}
}

// endProcesses kills whatever is in the node's namespace, whoever its parent is
// by now. The namespace is the lab's, so is everything in it; this process
// itself is never in it, only one of its threads.
func (n *Node) endProcesses() error {
	for range killRounds {
		left := n.processes()
		if len(left) == 0 {
			return nil
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(2 * time.Millisecond) // the kernel is taking them down
	}
	return fmt.Errorf("node %s: processes %v do not end", n.name, n.processes())
}

func (n *Node) processes() []int {
	var out []int
	alive := parents()
	for pid := range alive {
		var st unix.Stat_t
		err := unix.Stat(fmt.Sprintf("/proc/%d/ns/net", pid), &st)
		if err == nil && st.Ino == n.inode && pid != os.Getpid() {
			out = append(out, pid)
		}
	}
	return out
}
