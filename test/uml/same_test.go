package uml_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// referee is the daemon whose files we serve.
const referee = "keepalived"

// TestGuestSameTable gives one file after the other to keepalived and to
// holdfast: the kernel must hold the same table. The files in testdata are
// what both are asked.
func TestGuestSameTable(t *testing.T) {
	if _, err := exec.LookPath(referee); err != nil {
		t.Skip(err)
	}
	files, err := filepath.Glob(filepath.Join(os.Getenv(dataEnv), "*.conf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %q: %v", os.Getenv(dataEnv), err)
	}
	us := os.Getenv(labtest.BinaryEnv)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".conf")
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.conf = file
			t.Setenv(labtest.BinaryEnv, referee)
			w.start()
			want := w.settled()
			w.stop()
			w.sees()
			t.Logf("keepalived makes of it:\n%s", strings.Join(want, "\n"))
			t.Setenv(labtest.BinaryEnv, us)
			w.start()
			have := w.settled()
			w.stop()
			w.sees()
			if slices.Equal(have, want) {
				return
			}
			t.Logf("we make of it:\n%s", strings.Join(have, "\n"))
			t.Fail()
		})
	}
}

// settled waits until the daemon has written its table, and returns it.
func (w *world) settled() []string {
	w.t.Helper()
	w.says("Startup complete")
	before := w.table()
	for range 100 {
		time.Sleep(100 * time.Millisecond)
		now := w.table()
		if slices.Equal(now, before) {
			return now
		}
		before = now
	}
	w.t.Fatal("the table does not come to rest")
	return nil
}
