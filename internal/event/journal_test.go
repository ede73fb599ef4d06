package event

import (
	"fmt"
	"strings"
	"testing"
)

func TestJournalKeepsTheLatest(t *testing.T) {
	j := Journal{Capacity: 3}
	for i, want := range []string{"0", "01", "012", "123", "234", "345", "456"} {
		j.Add(Record{What: fmt.Sprint(i)})
		var got strings.Builder
		for _, r := range j.Records() {
			got.WriteString(r.What)
		}
		if got.String() != want {
			t.Errorf("after %d: %s, want %s", i, got.String(), want)
		}
	}
	if j.Lose(2); j.Lost() != 6 {
		t.Errorf("%d lost, want 4 and 2", j.Lost())
	}
	j.Records()[0].What = "changed"
	if j.Records()[0].What != "4" {
		t.Error("what was returned is not a copy")
	}
}

func TestJournalIsBounded(t *testing.T) {
	var j Journal
	for range JournalCapacity + 1 {
		j.Add(Record{})
	}
	if n := len(j.Records()); n != JournalCapacity || j.Lost() != 1 {
		t.Errorf("%d records, %d lost", n, j.Lost())
	}
}

func TestJournalIsBoundedInBytes(t *testing.T) {
	var j Journal
	long := Record{What: strings.Repeat("x", JournalBytes/4)}
	for range 10 {
		j.Add(long)
	}
	if n := len(j.Records()); n != 3 || j.Lost() != 7 {
		t.Errorf("%d records, %d lost", n, j.Lost())
	}
	j.Add(Record{What: strings.Repeat("x", JournalBytes)})
	if n := len(j.Records()); n != 0 || j.Lost() != 11 {
		t.Errorf("%d records, %d lost", n, j.Lost())
	}
}

// A piece of several records gives way record by record, and a copy keeps what
// it had.
func TestJournalOfPieces(t *testing.T) {
	j := Journal{Capacity: 3}
	var piece []byte
	for _, what := range []string{"a", "b", "c"} {
		piece = Append(piece, &Record{What: what})
	}
	j.AddEncoded(piece)
	before := j.Clone()
	j.Add(Record{What: "d"})
	for want, journal := range map[string]*Journal{"abc": before, "bcd": &j} {
		got := ""
		for _, r := range journal.Records() {
			got += r.What
		}
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
