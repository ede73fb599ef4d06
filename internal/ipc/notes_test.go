package ipc

import (
	"maps"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNotesOutliveTheirWriter(t *testing.T) {
	f, err := NewNotes("test")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	open := func() Notes {
		fd, err := unix.Dup(int(f.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		n, err := OpenNotes(fd)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := open()
	if got := first.Read(); len(got) != 0 {
		t.Errorf("at first there is %v", got)
	}
	first.Begin(Keys("a", "b", "c"))
	first.Set(0, 7)
	first.Set(2, 9)
	want := map[uint64]uint64{Key("a"): 7, Key("c"): 9}
	if got := open().Read(); !maps.Equal(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
	first.Begin(Keys("c"))
	if got := open().Read(); len(got) != 0 {
		t.Errorf("after a new beginning there is %v", got)
	}
	many := make([]uint64, MaxNotes+1)
	for i := range many {
		many[i] = Key(strconv.Itoa(i))
	}
	first.Begin(many)
	first.Set(MaxNotes-1, 1)
	first.Set(MaxNotes, 2)
	if got := open().Read(); len(got) != 1 {
		t.Errorf("%d notes, want the one that has a place", len(got))
	}
	Notes{}.Begin(many)
	Notes{}.Set(0, 1)
	if got := (Notes{}).Read(); len(got) != 0 {
		t.Errorf("no notes are %v", got)
	}
}
