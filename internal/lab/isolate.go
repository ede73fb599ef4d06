package lab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The environment of the re-executed program.
const (
	stageEnv = "HOLDFAST_LAB_STAGE" // empty, stageInit or stageInside
	dirEnv   = "HOLDFAST_LAB_DIR"   // directory for the lab's files, in memory

	stageInit   = "init"
	stageInside = "inside"
)

// ErrCannotIsolate says that this kernel does not let this user make namespaces.
var ErrCannotIsolate = errors.New("network namespaces need root, or a kernel that lets users make user namespaces")

// Isolate makes the rest of the program run in process, mount and network
// namespaces of its own, and as their root where the caller is not root. Call
// it first thing:
//
//	if code, done, err := lab.Isolate(os.Stdin, os.Stdout, os.Stderr); done || err != nil { … }
//
// It starts the program again with the same arguments. In the caller done comes
// back true, with that program's exit code; inside, done is false and the
// program goes on. When any of the three processes involved dies, by whatever
// signal, the kernel ends the others and everything they started.
func Isolate(stdin io.Reader, stdout, stderr io.Writer) (code int, done bool, err error) {
	stage := os.Getenv(stageEnv)
	_ = os.Unsetenv(stageEnv)
	switch stage {
	case stageInside:
		return 0, false, nil
	case stageInit:
		return reapAll(), true, nil
	default:
		code, err = isolated(stdin, stdout, stderr)
		return code, err == nil, err
	}
}

// isolated is the outer process: it starts init and waits.
func isolated(stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	dir, remove, err := mountPoint()
	if err != nil {
		return 1, err
	}
	defer remove()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread() // init dies with the thread that started it

	asUser := os.Geteuid() != 0
	cmd := again(stageInit, dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
	cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET
	if asUser {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	stop := forwardSignals(cmd)
	defer stop()
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("%w (%w)", ErrCannotIsolate, err)
	}
	return exitCode(cmd.Wait())
}

// sharedMemory is a directory that programs expect and nobody keeps things in:
// init's own file system hides it without leaving a directory behind.
const sharedMemory = "/dev/shm"

// mountPoint picks where init mounts the file system for the lab's files.
func mountPoint() (dir string, remove func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	here, err := os.Getwd()
	if err != nil {
		return "", nil, err
	}
	_, err = os.Stat(sharedMemory)
	if err == nil && !strings.HasPrefix(self, sharedMemory) && !strings.HasPrefix(here, sharedMemory) {
		return sharedMemory, func() {}, nil
	}
	dir, err = os.MkdirTemp("", "holdfast-lab")
	return dir, func() { _ = os.Remove(dir) }, err // empty: it was only mounted on
}

// again is this program once more, to die with the calling thread.
func again(stage, dir string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = os.Args
	cmd.Env = append(os.Environ(), stageEnv+"="+stage, dirEnv+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if ws := exit.Sys().(syscall.WaitStatus); ws.Signaled() {
			return 128 + int(ws.Signal()), nil
		}
		return exit.ExitCode(), nil
	}
	return 0, err
}

// forwardSignals passes on what asks a program to end. From a terminal Ctrl-C
// reaches every process of the group by itself; being told twice is harmless.
func forwardSignals(cmd *exec.Cmd) (stop func()) {
	asked := make(chan os.Signal, 4) // a person's few signals
	signal.Notify(asked, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	over := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-asked:
				if cmd.Process != nil {
					_ = cmd.Process.Signal(s)
				}
			case <-over:
				return
			}
		}
	}()
	return func() { signal.Stop(asked); close(over) }
}

// reapAll is process 1 of the new namespace: it arranges the mounts, starts the
// program inside, and reaps whatever loses its parent, as init does.
func reapAll() int {
	dir := os.Getenv(dirEnv)
	if err := arrange(dir); err != nil {
		fmt.Fprintf(os.Stderr, "%v (%v)\n", ErrCannotIsolate, err)
		return 1
	}
	runtime.LockOSThread()
	cmd := again(stageInside, dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	stop := forwardSignals(cmd)
	defer stop()
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 1
		case pid == cmd.Process.Pid && status.Signaled():
			return 128 + int(status.Signal())
		case pid == cmd.Process.Pid && status.Exited():
			return status.ExitStatus()
		}
	}
}

// arrange gives the new namespaces a /proc of their own, and a file system in
// memory for the lab's files, so that those vanish too. None of it is seen outside.
func arrange(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return fmt.Errorf("mount %s: %w", dir, err)
	}
	return nil
}
