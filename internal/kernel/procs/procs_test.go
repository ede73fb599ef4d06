package procs

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/track"
)

// patience only bounds a test that fails.
const patience = 20 * time.Second

// A program that starts, forks, and ends: the kernel tells, or /proc is read.
func TestWatch(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip(err)
	}
	name := filepath.Join(t.TempDir(), "hf-watched")
	program, err := os.ReadFile(sleep)
	if err == nil {
		err = os.WriteFile(name, program, 0o755) // it is run
	}
	if err != nil {
		t.Fatal(err)
	}
	start := func(argument string) *exec.Cmd {
		t.Helper()
		c := exec.Command(name, argument)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
		return c
	}
	first := start("1001")
	type count struct{ pattern, n int }
	told := make(chan count, 100)
	w, err := Watch([]track.Pattern{
		{Program: "hf-watched"}, {Program: name, Params: []string{"10"}, Match: track.MatchInitial},
	}, kernel.Buffer{Bytes: 1 << 20, Force: true}, func(i, n int) { told <- count{i, n} }, func(err error) { t.Log(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	state := map[int]int{0: -1, 1: -1}
	want := func(byName, byLine int) {
		t.Helper()
		for end := time.After(patience); state[0] != byName || state[1] != byLine; {
			select {
			case c := <-told:
				state[c.pattern] = c.n
			case <-end:
				t.Fatalf("%v, want %d and %d", state, byName, byLine)
			}
		}
	}
	want(1, 1)
	second := start("2002")
	want(2, 1)
	_ = first.Process.Kill() // a zombie runs no more
	want(1, 0)
	_ = second.Process.Kill()
	want(0, 0)
}

// What comes from outside is looked at before it is believed.
func FuzzParse(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0})
	f.Add([]byte{0, 0, 0, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, ok := parse(b)
		if ok && e.what != forked && e.what != execed && e.what != renamed && e.what != exited {
			t.Errorf("%+v", e)
		}
	})
}
