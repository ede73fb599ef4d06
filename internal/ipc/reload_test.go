package ipc

import (
	"errors"
	"testing"
)

func TestReloads(t *testing.T) {
	parent, file, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = parent.Close() }()
	child := FromFD(dup(t, file))
	_ = file.Close()
	defer func() { _ = child.Close() }()
	loop := make(chan func(), 1)
	adopted := ""
	r := Reloads[string]{
		Conn: child,
		Read: func(b []byte) (string, error) {
			if string(b) == "bad" {
				return "", errors.New("no good")
			}
			return string(b), nil
		},
		Post:  func(f func()) bool { loop <- f; return true },
		Adopt: func(s string) { adopted = s },
	}
	reload := func(text string) Message {
		t.Helper()
		sealed, err := Seal("test", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		r.Begin(dup(t, sealed))
		_ = sealed.Close()
		(<-loop)()
		m, _, err := parent.Recv()
		if err != nil || m.Kind != Reloaded {
			t.Fatalf("%+v, %v", m, err)
		}
		return m
	}
	if m := reload("first"); m.Error != "" || adopted != "first" {
		t.Errorf("adopted %q, answered %q", adopted, m.Error)
	}
	if m := reload("bad"); m.Error != "no good" || adopted != "first" {
		t.Errorf("adopted %q, answered %q", adopted, m.Error)
	}
	r.Begin(-1)
	(<-loop)()
	if m, _, err := parent.Recv(); err != nil || m.Error == "" || adopted != "first" {
		t.Errorf("no snapshot: %+v, %v", m, err)
	}
	r.Wait()
}
