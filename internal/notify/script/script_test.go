package script

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/proc"
)

// limit only bounds a failing test.
const limit = 20 * time.Second

func sh(text string) proc.Spec { return proc.Spec{Argv: []string{"/bin/sh", "-c", text}} }

func TestOrderWithinOneObject(t *testing.T) {
	file := filepath.Join(t.TempDir(), "said")
	r := New(func(Outcome) {})
	var want strings.Builder
	for i := range 10 {
		// The first are slower than the last: only waiting keeps the order.
		r.Run(Job{Object: "VI_1", Scripts: []proc.Spec{sh(fmt.Sprintf("sleep 0.0%d; echo %d >>%s", 9-i, i, file))}})
		fmt.Fprintln(&want, i)
	}
	if !r.Close(limit) {
		t.Fatal("not all have ended")
	}
	got, _ := os.ReadFile(file)
	if string(got) != want.String() {
		t.Errorf("got %q, want %q", got, want.String())
	}
}

func TestObjectsDoNotWaitForEachOther(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "go")
	r := New(func(Outcome) {})
	// VI_1's script waits for what VI_2's writes.
	r.Run(Job{Object: "VI_1", Scripts: []proc.Spec{sh("until test -e " + fifo + "; do sleep 0.01; done")}})
	r.Run(Job{Object: "VI_2", Scripts: []proc.Spec{sh("touch " + fifo)}})
	if !r.Close(limit) {
		t.Error("VI_2 was kept waiting")
	}
}

func TestOutcomesAreTold(t *testing.T) {
	var mu sync.Mutex
	told := map[string]string{}
	r := New(func(o Outcome) {
		mu.Lock()
		defer mu.Unlock()
		told[o.Argv[len(o.Argv)-1]] = o.Result.String()
	})
	r.Run(Job{Object: "VI_1", Scripts: []proc.Spec{sh("exit 3"), sh("exit 0"), {Argv: []string{"/nonexistent/x"}}}})
	r.Run(Job{Object: "VI_1"}) // nothing to do
	if !r.Close(limit) {
		t.Fatal("not all have ended")
	}
	if len(told) != 3 || told["exit 3"] != "exit status 3" || told["exit 0"] != "exit status 0" ||
		!strings.Contains(told["/nonexistent/x"], "no such file") {
		t.Errorf("told %v", told)
	}
	r.Run(Job{Object: "VI_1", Scripts: []proc.Spec{sh("exit 4")}})
	if len(told) != 3 {
		t.Error("a job was taken after Close")
	}
}

func TestWaitingIsBounded(t *testing.T) {
	gate := filepath.Join(t.TempDir(), "gate")
	var mu sync.Mutex
	dropped := 0
	r := New(func(o Outcome) {
		mu.Lock()
		defer mu.Unlock()
		if o.Dropped {
			dropped++
		}
	})
	r.Run(Job{Object: "VI_1", Scripts: []proc.Spec{sh("until test -e " + gate + "; do sleep 0.01; done")}})
	for range MaxWaiting + 5 {
		r.Run(Job{Object: "VI_1", Scripts: []proc.Spec{sh(":")}})
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !r.Close(limit) {
		t.Fatal("not all have ended")
	}
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(time.Millisecond) {
		mu.Lock()
		n := dropped
		mu.Unlock()
		if n == 5 {
			return
		}
	}
	t.Errorf("%d were given up, want 5", dropped)
}
