package ipc

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/event"
)

func tail(t *testing.T) (*Tail, *os.File) {
	t.Helper()
	f, err := NewTail("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	fd, err := unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	w, err := OpenTail(fd)
	if err != nil {
		t.Fatal(err)
	}
	return w, f
}

func whats(t *testing.T, w LastWords, after uint64) (out []string) {
	t.Helper()
	records, err := w.After(after)
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		out = append(out, records[i].What)
	}
	return out
}

func taken(t *testing.T, f *os.File, unprinted bool) LastWords {
	t.Helper()
	words, err := TakeTail(f, unprinted)
	if err != nil {
		t.Fatal(err)
	}
	return words
}

func TestTailOutlivesItsWriter(t *testing.T) {
	w, f := tail(t)
	if words := taken(t, f, false); len(whats(t, words, 0)) != 0 || words.Printed != 0 {
		t.Errorf("at first there are %v", words)
	}
	say := func(n uint64, level slog.Level, what string) { w.Keep(n, &event.Record{Level: level, What: what}) }
	say(1, slog.LevelInfo, "a")
	say(7, slog.LevelInfo, "b")
	say(8, slog.LevelDebug, "detail")
	say(9, slog.LevelInfo, strings.Repeat("x", longestTail))
	say(10, slog.LevelWarn, "c")
	w.Printed(7)
	read, err := ReadTail(f)
	if err != nil {
		t.Fatal(err)
	}
	words := taken(t, f, true)
	for what, w := range map[string]LastWords{"read": read, "taken": words} {
		if got := fmt.Sprint(whats(t, w, 0), whats(t, w, w.Printed), w.Lost); got != "[a b c] [c] 0" {
			t.Errorf("%s: %s", what, got)
		}
	}
	if again := taken(t, f, false); len(whats(t, again, 0)) != 0 {
		t.Error("there is something to take once more")
	}
	var none *Tail
	none.Keep(1, &event.Record{})
	none.Printed(1)
}

// Who wants only what is not printed yet does not read what is.
func TestTailThatIsPrinted(t *testing.T) {
	w, f := tail(t)
	w.Keep(1, &event.Record{Level: slog.LevelInfo, What: "a"})
	w.Printed(2)
	if words := taken(t, f, true); len(words.raw) > 0 {
		t.Errorf("%d bytes", len(words.raw))
	}
}

// Whoever reads while it is written gets whole records, in order.
func TestTailIsReadWhileItIsWritten(t *testing.T) {
	w, f := tail(t)
	const all = 50000
	written := make(chan struct{})
	go func() {
		defer close(written)
		for n := range uint64(all) {
			w.Keep(n+1, &event.Record{Level: slog.LevelInfo, What: fmt.Sprint(n+1, strings.Repeat(".", int(n%301)))}) // small
		}
	}()
	for done := false; !done; {
		select {
		case <-written:
			done = true
		default:
		}
		words, err := ReadTail(f)
		if err != nil {
			t.Fatal(err)
		}
		var last uint64
		for _, what := range whats(t, words, 0) {
			var n uint64
			if _, err := fmt.Sscan(strings.TrimRight(what, "."), &n); err != nil || last > 0 && n != last+1 {
				t.Fatalf("after %d comes %q", last, what)
			}
			last = n
		}
		if done && last != all {
			t.Errorf("the last is %d", last)
		}
	}
}

// However much is said, the latest is there, whole and in order.
func TestTailKeepsTheLatest(t *testing.T) {
	w, f := tail(t)
	const all = 20000
	for i := range uint64(all) {
		w.Keep(i, &event.Record{Level: slog.LevelInfo, What: fmt.Sprint(i, strings.Repeat(".", int(i%301)))}) // small
	}
	words := taken(t, f, false)
	got := whats(t, words, 0)
	if len(got) < tailRoom/400 || words.Lost != uint64(all-len(got)) {
		t.Fatalf("%d are left, %d lost", len(got), words.Lost)
	}
	for i, what := range got {
		if want := all - len(got) + i; strings.TrimRight(what, ".") != fmt.Sprint(want) {
			t.Fatalf("%d of %d is %s", i, len(got), what)
		}
	}
}

func TestTailOfRubbish(t *testing.T) {
	w, f := tail(t)
	w.Keep(1, &event.Record{Level: slog.LevelInfo})
	w.room[tailNumber+3]++ // its length
	words := taken(t, f, false)
	for n := range uint64(2) {
		if _, err := words.After(n); err == nil {
			t.Error("rubbish is taken for a record")
		}
	}
}

func BenchmarkTail(b *testing.B) {
	f, err := NewTail("test")
	if err != nil {
		b.Fatal(err)
	}
	fd, _ := unix.Dup(int(f.Fd()))
	w, err := OpenTail(fd)
	if err != nil {
		b.Fatal(err)
	}
	r := event.Record{Level: slog.LevelInfo, Part: "vrrp", Object: "VI_1", What: "(VI_1) Entering MASTER STATE: heard nobody for 3.414s", Kind: "transition", Cause: "heard nobody for 3.414s"}
	b.ReportAllocs()
	for b.Loop() {
		w.Keep(1, &r)
	}
}
