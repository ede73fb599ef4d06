package proc

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Confine gives up all capabilities but those in kept (1<<unix.CAP_… each), of
// all threads; the user stays. A binary with cgo, as tests are, cannot.
func Confine(kept uint32) error {
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
	if err != nil && !errors.Is(err, unix.ENOTSUP) {
		return fmt.Errorf("give up capabilities: %w", err)
	}
	return nil
}

// Capable reports whether this process has one of some capabilities
// (unix.CAP_…) in effect.
func Capable(wanted ...int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return false
	}
	for _, c := range wanted {
		if data[c/32].Effective&(1<<(c%32)) != 0 {
			return true
		}
	}
	return false
}
