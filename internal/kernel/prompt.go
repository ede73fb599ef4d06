package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The loop's reads and writes of netlink. The kernel works on a request while it
// is being written, and has the answer ready then, so neither waits for anything
// but the kernel's own lock; the Go scheduler is not told. Told, it would wake
// its monitor between the address that is written and its announcement.

func writePrompt(fd int, b []byte) (int, error) { return prompt(unix.SYS_WRITE, fd, b) }

func readPrompt(fd int, b []byte) (int, error) { return prompt(unix.SYS_READ, fd, b) }

// prompt makes a system call; b is not empty.
func prompt(call uintptr, fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
