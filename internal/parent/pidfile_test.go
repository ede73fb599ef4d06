package parent

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// A pid file that cannot be written is locked: it keeps a second daemon out, and
// nobody from being the first.
func TestPIDFileOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4k"); err != nil {
		t.Skip("a full disk needs root:", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "a.pid")
	p, err := lockPIDFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !errors.Is(p.lacks, unix.ENOSPC) {
		t.Errorf("it lacks %v", p.lacks)
	}
	if _, err := lockPIDFile(path); !errors.Is(err, errRunning) {
		t.Errorf("a second one: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	p.fill()
	if b, _ := os.ReadFile(path); p.lacks != nil || string(b) != strconv.Itoa(os.Getpid())+"\n" {
		t.Errorf("with room: %q, %v", b, p.lacks)
	}
	p.remove()
}
