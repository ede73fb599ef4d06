package ipc

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/sys/unix"
)

// What is copied into a draft comes back as it is, from the draft's own pages,
// and stays so when more is added and the draft is sealed.
func TestDraft(t *testing.T) {
	d, err := NewDraft("test")
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{"", strings.Repeat("large ", 20000), "small", strings.Repeat("x", 4096)}
	whole := "head"
	if err := d.Write([]byte("head")); err != nil {
		t.Fatal(err)
	}
	var got [][]byte
	for _, s := range texts {
		b, err := d.Copy(strings.NewReader(s))
		if err != nil {
			t.Fatal(err)
		}
		got, whole = append(got, b), whole+s
	}
	fault := errors.New("broken")
	if b, err := d.Copy(io.MultiReader(strings.NewReader("half a file"), iotest.ErrReader(fault))); b != nil || !errors.Is(err, fault) {
		t.Errorf("a reader that fails: %q, %v", b, err)
	}
	f, err := d.Seal()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err := unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := Map(fd)
	if err != nil || string(sealed) != whole {
		t.Errorf("the file has %d bytes (%v), want %d", len(sealed), err, len(whole))
	}
	for i, s := range texts {
		if !bytes.Equal(got[i], []byte(s)) {
			t.Errorf("piece %d changed", i)
		}
	}
}
