package parent

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/api"
)

// waiting are the readers that run.
func waiting() (pids []int) {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, name := range lists {
		list, _ := os.ReadFile(name)
		for _, word := range strings.Fields(string(list)) {
			args, _ := os.ReadFile("/proc/" + word + "/cmdline")
			if pid, err := strconv.Atoi(word); err == nil && bytes.Contains(args, []byte(ArgLoad)) {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// spare waits for one reader, other than the one before, and returns its number.
func (r *run) spare(before int) int {
	r.t.Helper()
	for range 1000 {
		if pids := waiting(); len(pids) == 1 && pids[0] != before {
			return pids[0]
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatal("there is no reader that waits")
	return 0
}

// reload waits for the end of one to that configuration, and returns the
// addresses that the log names.
func (r *run) reload(config string) (addresses string) {
	r.t.Helper()
	const finished = "Reload finished after"
	before := strings.Count(r.log(), finished)
	r.write(config)
	r.signal(unix.SIGHUP)
	r.until("the reload", func(api.Status) bool { return strings.Count(r.log(), finished) > before })
	_, rest, _ := strings.Cut(r.log()[strings.LastIndex(r.log(), finished):], "addresses ")
	addresses, _, _ = strings.Cut(rest, "\n")
	return addresses
}

// Where there is much to read, a reader waits for the next reload and knows what
// runs; one that is gone is no loss.
func TestReaderInAdvance(t *testing.T) {
	text := both + strings.Repeat("# much to read\n", spareFrom/10)
	r := startHouse(t, text, nil)
	first := r.spare(0)
	if got := r.reload(text + "# more\n"); got != "early" {
		t.Errorf("the reload named %q: not by the reader that waited", got)
	}
	second := r.spare(first)
	_ = unix.Kill(second, unix.SIGKILL)
	for !strings.Contains(r.log(), "The reader that waited for the next reload has ended: signal: killed") {
		time.Sleep(10 * time.Millisecond)
	}
	if pids := waiting(); len(pids) > 0 {
		t.Errorf("another one waits at once: %v", pids)
	}
	if got := r.reload(text); got != "" {
		t.Errorf("the reload named %q", got)
	}
	_ = unix.Kill(r.spare(0), unix.SIGSTOP) // it does not end by itself
	r.stop(ExitOK)
	if pids := waiting(); len(pids) > 0 {
		t.Errorf("left behind: %v", pids)
	}
}
