package ipc

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSheet(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 2000)
	f, err := Seal("sheet", text)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := OpenSheet(dup(t, f))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.Data, text) {
		t.Error("other bytes are mapped")
	}
	b := make([]byte, 15)
	if n, err := s.ReadAt(b, 13); n != 15 || err != nil || string(b) != "345678901234567" {
		t.Errorf("%d, %v, %q", n, err, b)
	}
	if n, err := s.ReadAt(b, int64(len(text))-4); n != 4 || !errors.Is(err, io.EOF) {
		t.Errorf("beyond the end: %d, %v", n, err)
	}
	s.Close()
	if s.Data != nil {
		t.Error("closed, and bytes are left")
	}
}

func TestSheetMustBeSealed(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	fd := dup(t, r)
	r.Close()
	if _, err := OpenSheet(fd); err == nil {
		t.Error("a pipe was taken for a snapshot")
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil { // a descriptor
		t.Error("the descriptor stays open")
	}
}
