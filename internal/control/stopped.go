package control

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// ErrStopped marks the error of a daemon whose parent process is stopped, by
// SIGSTOP or a debugger: it will not answer before somebody lets it go on.
var ErrStopped = errors.New("is stopped")

// running fails if the process that made the socket is known to be stopped.
// The kernel takes connections for it all the same.
func running(conn net.Conn) error {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return nil
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return nil // then it is asked
	}
	pid := 0
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	if pid > 0 && stopped(pid) {
		return fmt.Errorf("process %d %w", pid, ErrStopped)
	}
	return nil
}

// stopped reads a process's state (proc_pid_stat(5)).
func stopped(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, ok := bytes.Cut(stat[max(bytes.LastIndexByte(stat, ')'), 0):], []byte(" "))
	return ok && len(rest) > 0 && (rest[0] == 'T' || rest[0] == 't')
}
