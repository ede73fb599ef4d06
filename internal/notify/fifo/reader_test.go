package fifo

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/proc"
)

// until waits for a state, with a deadline.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

// keepalived.conf(5), notify_fifo_script: "The FIFO name will be passed to the
// script as the last parameter". One that ends is started again, another takes
// its place when the configuration says so, and none outlives the set.
func TestReader(t *testing.T) {
	dir := t.TempDir()
	path, heard, script := filepath.Join(dir, "fifo"), filepath.Join(dir, "heard"), filepath.Join(dir, "read.sh")
	text := "#!/bin/sh\nwhile read -r line; do echo \"$1 $line\" >>" + heard + "; [ \"$line\" = end ] && exit 3; done <\"$2\"\n"
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil { // it is run
		t.Fatal(err)
	}
	lines := func() string { b, _ := os.ReadFile(heard); return string(b) }
	var mu sync.Mutex
	var told []string
	options := func(word string) []Options {
		return []Options{{Path: path, UID: os.Getuid(), GID: os.Getgid(), Reader: &proc.Spec{Argv: []string{script, word}}, Told: func(s string) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, s)
		}}}
	}
	var s Set
	if err := s.Use(options("one")); err != nil {
		t.Skip("no FIFO:", err)
	}
	s.Write("a")
	s.Write("end")
	s.Write("b")
	until(t, "the script is started again and reads on", func() bool { return lines() == "one a\none end\none b\n" })
	mu.Lock()
	if len(told) != 1 || !strings.Contains(told[0], "exit status 3") {
		t.Errorf("told %q", told)
	}
	mu.Unlock()
	if err := s.Use(options("two")); err != nil {
		t.Error(err)
	}
	s.ending.Wait() // the first no longer reads
	s.Write("c")
	until(t, "the other script reads", func() bool { return strings.HasSuffix(lines(), "two c\n") })
	if err := s.Use(options("two")); err != nil || len(s.open) != 1 {
		t.Error(err, len(s.open))
	}
	s.Write("last")
	s.Close()
	if !strings.HasSuffix(lines(), "two last\n") {
		t.Errorf("the last line was not read: %q", lines())
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the FIFO is left")
	}
}
