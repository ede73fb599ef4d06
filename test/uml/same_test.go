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

// unbuilt are files whose world is not the same yet, and why.
var unbuilt = map[string]string{}

// TestGuestSameTable gives one file after the other to keepalived and to
// holdfast: the kernel must hold the same table. The files in testdata are
// what both are asked.
func TestGuestSameTable(t *testing.T) {
	if os.Getenv(guestEnv) == "" {
		t.Skip("this runs in the guest that TestDaemon boots")
	}
	if _, err := exec.LookPath(referee); err != nil {
		t.Skip(err)
	}
	files, err := filepath.Glob(filepath.Join(os.Getenv(dataEnv), "*.conf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %q: %v", os.Getenv(dataEnv), err)
	}
	us := os.Getenv(labtest.BinaryEnv)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".conf"), func(t *testing.T) {
			w := newWorld(t)
			if why := unbuilt[filepath.Base(file)]; why != "" {
				t.Skip(why)
			}
			w.conf = file
			t.Setenv(labtest.BinaryEnv, referee)
			w.start()
			want := w.settled()
			w.stop()
			w.sees()
			t.Logf("keepalived makes of it:\n%s", strings.Join(want, "\n"))
			t.Setenv(labtest.BinaryEnv, us)
			w.start()
			w.sees(want...)
			w.stop()
			w.sees()
		})
	}
}

// settled waits until keepalived has written its table, and returns it.
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
