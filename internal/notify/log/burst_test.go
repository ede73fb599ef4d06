package log

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/bus"
)

// counting counts writes.
type counting struct {
	strings.Builder
	writes int
}

func (c *counting) Write(b []byte) (int, error) {
	c.writes++
	return c.Builder.Write(b)
}

// numbered publishes so many records.
func numbered(b *bus.Bus, n int) {
	for i := range n {
		b.Publish(record(slog.LevelInfo, fmt.Sprint("line ", i, strings.Repeat(" ", 60), ".")))
	}
}

// inOrder checks that lines are a rising sequence of numbers, and returns how
// many there are, the last, and how many the log says were lost.
func inOrder(t *testing.T, in io.Reader) (count, last, lost int) {
	t.Helper()
	last = -1
	for lines := bufio.NewScanner(in); lines.Scan(); {
		_, what, _ := strings.Cut(lines.Text(), ": ")
		var n int
		if _, err := fmt.Sscanf(what, "line %d", &n); err == nil {
			if n <= last {
				t.Fatalf("%d after %d", n, last)
			}
			count, last = count+1, n
			continue
		}
		if _, err := fmt.Sscanf(what, "warning: %d older records were lost", &n); err != nil {
			t.Fatalf("a strange line: %q", lines.Text())
		}
		lost += n
	}
	return count, last, lost
}

// The lines of a turn are all there at its end, in order, by few writes.
func TestBurst(t *testing.T) {
	b := bus.New()
	r := b.Subscribe(0)
	var out counting
	var printing sync.WaitGroup
	var printed uint64
	printing.Go(func() { To(&out).Run(r, func(n uint64) { printed = n }) })
	const all = 3000
	b.Hold()
	numbered(b, all)
	b.Release()
	b.Close()
	printing.Wait()
	if count, last, lost := inOrder(t, strings.NewReader(out.String())); count != all || last != all-1 || lost != 0 || printed != all {
		t.Errorf("%d lines up to %d, %d lost, %d printed", count, last, lost, printed)
	}
	// How many depends on who runs when: the log may come between two portions.
	if most := all / 50; out.writes > most {
		t.Errorf("%d writes of %d lines, at most %d", out.writes, all, most)
	}
}

// A log that blocks keeps nobody from going on; what it had no room for is
// counted, and the rest comes in order once it is read, up to the end.
func TestBlockedLog(t *testing.T) {
	reader, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	b := bus.New()
	r := b.Subscribe(0)
	var printing sync.WaitGroup
	printing.Go(func() {
		To(pipe).Run(r, nil)
		_ = pipe.Close()
	})
	const all = 5 * bus.DefaultCapacity
	b.Hold()
	numbered(b, all) // would not return
	b.Release()
	b.Close()
	count, last, lost := inOrder(t, reader)
	printing.Wait()
	if lost == 0 || count+lost != all || last != all-1 {
		t.Errorf("%d lines up to %d, %d lost", count, last, lost)
	}
}
