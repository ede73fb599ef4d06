package parent

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// open reports whether a number is that of a descriptor.
func open(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil
}

func TestShelf(t *testing.T) {
	socket := func() int {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	var s shelf
	a, b := socket(), socket()
	s.put("a", []int{a})
	s.put("b", []int{b})
	s.put("none", nil)
	var files []*os.File
	held, err := s.lend(func(f *os.File) int { files = append(files, f); return 10 + len(files) })
	if err != nil || len(held) != 2 || len(files) != 2 {
		t.Fatalf("%d are lent, %v; want 2", len(held), err)
	}
	for i, h := range held {
		if fd := int(files[i].Fd()); files[i].Name() != h.Name || h.FD != 11+i || !open(fd) || fd == a || fd == b {
			t.Errorf("%+v is %s, %d", h, files[i].Name(), fd)
		}
	}
	s.back()
	s.drop("a")
	if open(a) || !open(b) {
		t.Error("a is dropped, and b held")
	}
	for i := range ipc.MaxHeld {
		s.put(fmt.Sprint(i), []int{-1}) // any number
	}
	beyond := socket()
	s.put("beyond", []int{beyond})
	if open(beyond) || len(s.fds) != ipc.MaxHeld {
		t.Errorf("%d are held, want %d", len(s.fds), ipc.MaxHeld)
	}
	s.clear()
	if open(b) || len(s.fds) != 0 {
		t.Error("something is left")
	}
}
