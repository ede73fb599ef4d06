package checkd

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// Notes are there while there is something in them; garbage is told.
func TestNotesOfSysctls(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.sysctls")
	n := notesFor(path, "blue")
	if got, err := n.Read(); err != nil || len(got) != 0 {
		t.Errorf("before: %v, %v", got, err)
	}
	want := map[string]string{"conf/all/accept_local": "0"}
	if err := n.Write(want); err != nil {
		t.Fatal(err)
	}
	if got, err := n.Read(); err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := notesFor(path, "").Read(); err != nil || len(got) != 0 {
		t.Errorf("of another network namespace: %v, %v", got, err)
	}
	write(t, path+".blue", "{")
	if got, err := n.Read(); err == nil {
		t.Errorf("garbage is %v", got)
	}
	for range 2 {
		if err := n.Write(nil); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(path + ".blue"); err == nil {
		t.Error("the file stayed")
	}
}
