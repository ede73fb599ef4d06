package cli

import (
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/parent"
)

// detachedEnv marks the process that goes on in the background. A Go program
// cannot fork, so it runs itself again.
const detachedEnv = "HOLDFAST_DETACHED"

// launchPatience bounds the wait for the start of the daemon.
const launchPatience = 30 * time.Second

// launcherFD is where the daemon tells how its start went.
const launcherFD = 3

// detached tells, once and for all, whether we are that process; the mark is
// not for our own children.
var detached = sync.OnceValue(func() bool {
	mark := os.Getenv(detachedEnv)
	_ = os.Unsetenv(detachedEnv)
	if mark != strconv.Itoa(os.Getppid()) {
		return false
	}
	syscall.CloseOnExec(launcherFD)
	return true
})

// detach starts the daemon in a session of its own and waits until it serves
// or says why not.
func detach(t terminal, program string) int {
	r, w, err := os.Pipe()
	if err != nil {
		fmt.Fprintf(t.err, "%s: %v\n", program, err)
		return parent.ExitFatal
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), detachedEnv+"="+strconv.Itoa(os.Getpid()))
	cmd.ExtraFiles = []*os.File{w}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	// Whoever started us may hold locks and pipes that end when the last
	// descriptor is closed; the daemon must not keep them. Before Linux 5.11 it does.
	_ = unix.CloseRange(launcherFD, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(t.err, "%s: start in the background: %v\n", program, err)
		return parent.ExitFatal
	}
	w.Close()
	_ = r.SetReadDeadline(time.Now().Add(launchPatience))
	var code [1]byte
	_, err = io.ReadFull(r, code[:])
	switch {
	case os.IsTimeout(err):
		fmt.Fprintf(t.err, "%s: still starting after %v; see the log\n", program, launchPatience)
		return parent.ExitOK
	case err != nil:
		fmt.Fprintf(t.err, "%s: the daemon ended while it started; see the log\n", program)
		return parent.ExitFatal
	case code[0] != 0:
		fmt.Fprintf(t.err, "%s: not started (exit code %d); see the log\n", program, code[0])
	}
	return int(code[0])
}

// tellLauncher tells the process that waits in the foreground how the start
// went.
func tellLauncher(code int) {
	w := os.NewFile(launcherFD, "launcher")
	_, _ = w.Write([]byte{byte(code)}) // exit codes; the launcher may have gone
	w.Close()
}
