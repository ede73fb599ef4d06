package fifo

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLinesWaitForTheReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	f, err := Open(Options{Path: path, UID: os.Getuid(), GID: os.Getgid()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	f.Write(`INSTANCE "VI_1" BACKUP 100`)
	f.Write(`INSTANCE "VI_1" MASTER 100`)
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	lines := bufio.NewScanner(r)
	for _, want := range []string{`INSTANCE "VI_1" BACKUP 100`, `INSTANCE "VI_1" MASTER 100`} {
		if !lines.Scan() || lines.Text() != want {
			t.Errorf("got %q, want %q", lines.Text(), want)
		}
	}
}

func TestNobodyReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	f, err := Open(Options{Path: path, UID: os.Getuid(), GID: os.Getgid()})
	if err != nil {
		t.Fatal(err)
	}
	// More than the pipe (64 KiB) and the queue hold together.
	line := strings.Repeat("x", 999)
	for range MaxQueued + 200 {
		f.Write(line)
	}
	if f.Lost() == 0 {
		t.Error("nothing was lost, so something grew")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the pipe we made is left: %v", err)
	}
}

func TestOnlyPipes(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/null", link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link, filepath.Join(dir, "no", "folder")} {
		if f, err := Open(Options{Path: path}); err == nil {
			_ = f.Close()
			t.Errorf("%s was taken for a pipe", path)
		} else if fmt.Sprint(err) == "" {
			t.Error("no reason")
		}
	}
}

// A pipe that could not be made is made later, and what was lost is told.
func TestMadeLater(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	var told []string
	var s Set
	defer s.Close()
	err := s.Use([]Options{{Path: filepath.Join(dir, "fifo"), UID: os.Getuid(), GID: os.Getgid(),
		Told: func(line string) { told = append(told, line) }}})
	if err == nil || !strings.Contains(err.Error(), dir) {
		t.Fatalf("there is no such directory, but: %v", err)
	}
	s.Write("lost")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	lines := 1
	until(t, "the pipe is there", func() bool { s.Write("x"); lines++; return len(s.open) == 1 })
	if want := fmt.Sprintf("%d lines were lost", lines-1); len(told) != 1 || !strings.Contains(told[0], want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
