package uml_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// referee is the daemon whose files we serve.
const referee = "keepalived"

// TestGuestSameTable gives the files in testdata, all in one, to keepalived and
// then to holdfast: the kernel must hold the same table of each file.
func TestGuestSameTable(t *testing.T) {
	if _, err := exec.LookPath(referee); err != nil {
		t.Skip(err)
	}
	files, err := filepath.Glob(filepath.Join(os.Getenv(dataEnv), "*.conf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %q: %v", os.Getenv(dataEnv), err)
	}
	w := newWorld(t)
	w.configure(together(t, files))
	us := os.Getenv(labtest.BinaryEnv)
	t.Setenv(labtest.BinaryEnv, referee)
	want := w.settled()
	t.Setenv(labtest.BinaryEnv, us)
	have := w.settled()
	for i, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".conf"), func(t *testing.T) {
			t.Logf("keepalived makes of it:\n%s", strings.Join(want[i], "\n"))
			if len(want[i]) == 0 || !slices.Equal(have[i], want[i]) {
				t.Errorf("we make of it:\n%s", strings.Join(have[i], "\n"))
			}
		})
	}
	if len(want[-1])+len(have[-1]) > 0 {
		t.Errorf("of no file: keepalived %q, we %q", want[-1], have[-1])
	}
}

// together is the text of all files, each with addresses, marks and names of
// groups of its own: what ofFile finds again.
func together(t *testing.T, files []string) string {
	t.Helper()
	var all strings.Builder
	for i, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := regexp.MustCompile(`\b10\.1\.`).ReplaceAllString(string(b), fmt.Sprintf("10.%d.", 100+i))
		text = regexp.MustCompile(`\b2001:db8::`).ReplaceAllString(text, fmt.Sprintf("2001:db8:%d::", 100+i))
		text = regexp.MustCompile(`\bfwmark (\d)\b`).ReplaceAllString(text, fmt.Sprintf("fwmark %d${1}", 100+i))
		text = regexp.MustCompile(`\b(virtual_server(?:_| )group \w+)`).ReplaceAllString(text, fmt.Sprintf("${1}%d", i))
		all.WriteString(text)
	}
	return all.String()
}

var ofFile = regexp.MustCompile(`^-[aA] \S+ (?:10\.(\d+)\.|\[2001:db8:(\d+)::|(\d+)\d )`)

// settled starts the daemon, waits until it has written its table, and stops it;
// it returns the table, by file; -1 is none.
func (w *world) settled() map[int][]string {
	w.t.Helper()
	w.start()
	w.says("Startup complete")
	glances, since := "", time.Now()
	w.wait("the table comes to rest", func() bool {
		if now := glance(); now != glances {
			glances, since = now, time.Now()
		}
		return time.Since(since) > quiet
	})
	table := map[int][]string{}
	for _, line := range w.table() {
		i := -1
		if m := ofFile.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1] + m[2] + m[3])
			i = n - 100
		}
		table[i] = append(table[i], line)
	}
	w.stop()
	w.sees()
	return table
}
