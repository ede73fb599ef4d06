package bfdd

import (
	"errors"
	"log/slog"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kept are the capabilities that a reload may need: for priorities, and to lock
// memory.
const kept = 1<<unix.CAP_SYS_NICE | 1<<unix.CAP_IPC_LOCK

// confine gives up all other capabilities, of all threads: what comes from the
// network is parsed by a process that may do nothing else. The user stays, so
// that the pid file can be removed.
func (d *daemon) confine() {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var have, want [2]unix.CapUserData
	err := unix.Capget(&header, &have[0])
	if err == nil {
		want[0].Permitted = have[0].Permitted & kept
		want[0].Effective = want[0].Permitted
		_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET,
			uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&want[0])), 0)
		if errno != 0 {
			err = errno
		}
	}
	if err != nil && !errors.Is(err, unix.ENOTSUP) { // a binary with cgo, for tests
		d.say(slog.LevelWarn, kindProcess, "", "", "give up capabilities: "+err.Error())
	}
}
