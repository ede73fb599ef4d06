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

func taken(t *testing.T, f *os.File) (words []LastWord, printed uint64) {
	t.Helper()
	words, printed, err := TakeTail(f)
	if err != nil {
		t.Fatal(err)
	}
	return words, printed
}

func TestTailOutlivesItsWriter(t *testing.T) {
	w, f := tail(t)
	if words, printed := taken(t, f); len(words) != 0 || printed != 0 {
		t.Errorf("at first there are %v, %d printed", words, printed)
	}
	said := event.Record{Level: slog.LevelInfo, Part: "vrrp", What: "(VI_1) Entering MASTER STATE", Cause: "heard nobody"}
	w.Keep(1, &said)
	w.Clear()
	w.Keep(7, &said)
	w.Keep(8, &event.Record{Level: slog.LevelDebug, What: "detail"})
	w.Keep(9, &event.Record{Level: slog.LevelInfo, What: strings.Repeat("x", longestTail)})
	w.Keep(10, &said)
	w.Printed(7)
	words, printed := taken(t, f)
	if len(words) != 2 || words[0] != (LastWord{7, said}) || words[1] != (LastWord{10, said}) || printed != 7 {
		t.Errorf("taken %v, %d printed", words, printed)
	}
	if words, _ := taken(t, f); len(words) != 0 {
		t.Errorf("taken once more: %v", words)
	}
	var none *Tail
	none.Keep(1, &said)
	none.Clear()
	none.Printed(1)
}

// However much is said, the latest is there, whole and in order.
func TestTailKeepsTheLatest(t *testing.T) {
	w, f := tail(t)
	const all = 20000
	for i := range uint64(all) {
		w.Keep(i, &event.Record{Level: slog.LevelInfo, What: fmt.Sprint(i, strings.Repeat(".", int(i%301)))}) // small
	}
	words, _ := taken(t, f)
	if len(words) < tailRoom/400 {
		t.Fatalf("%d are left", len(words))
	}
	for i, word := range words {
		if want := uint64(all - len(words) + i); word.Number != want || !strings.HasPrefix(word.Record.What, fmt.Sprint(want)) { // small
			t.Fatalf("%d of %d is number %d: %s", i, len(words), word.Number, word.Record.What)
		}
	}
}

func TestTailOfRubbish(t *testing.T) {
	w, f := tail(t)
	w.Keep(1, &event.Record{Level: slog.LevelInfo})
	w.room[tailNumber+3]++ // its length
	if words, _, err := TakeTail(f); err == nil {
		t.Errorf("taken: %v", words)
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
