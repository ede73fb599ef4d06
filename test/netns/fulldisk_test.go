package netns_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// full is a file system without room, until free is called.
func full(t *testing.T) (dir string, free func()) {
	t.Helper()
	dir = t.TempDir()
	Must(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,nr_inodes=32"))
	t.Cleanup(func() { Must(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	var filled []string
	for i := 0; ; i++ {
		name := filepath.Join(dir, fmt.Sprint("fill", i))
		f, err := os.Create(name)
		if err != nil {
			break // no inode is left
		}
		filled = append(filled, name)
		for err == nil { // nor a byte
			_, err = f.Write(make([]byte, 4096))
		}
		_ = f.Close()
	}
	return dir, func() {
		for _, name := range filled {
			Must(t, os.Remove(name))
		}
	}
}

// A full disk costs what was to be written, which is told with its name; the
// router goes on, and writes again when there is room.
func TestFullDisk(t *testing.T) {
	l := New(t)
	dir, free := full(t)
	state, pipe, log := filepath.Join(dir, "state"), filepath.Join(dir, "pipe"), filepath.Join(dir, "a.log")
	command := append(slices.Clone(Holdfast()), "-g"+log)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), command,
		fmt.Sprintf("global_defs {\n    state_dump_file %s\n    vrrp_notify_fifo %s\n}\n", state, pipe)+config(Instance{Priority: 100}))
	WaitMaster(t, Virtual, a)
	const why = "no space left on device"
	WaitLog(t, a, "open the log file: open "+filepath.Join(dir, "a_vrrp.log")+": "+why, 1)
	WaitLog(t, a, "make the FIFO "+pipe+": "+why, 1)
	Must(t, a.Signal(syscall.SIGUSR1))
	WaitLog(t, a, "write "+state+": ", 1)
	if !strings.Contains(afterLast(a.Log(), "write "+state), why) {
		t.Errorf("it is not told why:\n%s", a.LogTail(5))
	}

	free()
	Must(t, a.Node.SetLink("eth0", false))
	WaitLog(t, a, enteringFault, 1)
	Must(t, a.Node.SetLink("eth0", true))
	WaitLog(t, a, enteringMaster, 2)
	WaitLog(t, a, "the FIFO "+pipe+" is open now", 1)
	Must(t, a.Signal(syscall.SIGUSR1))
	Wait(t, "the state is written", func() bool { _, err := os.Stat(state); return err == nil })
	Wait(t, "the log file says what it lacks", func() bool {
		text, _ := os.ReadFile(filepath.Join(dir, "a_vrrp.log"))
		return strings.Contains(string(text), "records were lost: open") && strings.Contains(string(text), enteringMaster)
	})
}
