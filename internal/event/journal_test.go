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
