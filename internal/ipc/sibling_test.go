package ipc

import (
	"os"
	"testing"
)

// turns is a loop that a test turns.
type turns map[int]func(uint32)

func (t turns) Watch(fd int, _ uint32, fn func(uint32)) error {
	if fd < 0 {
		return os.ErrInvalid
	}
	t[fd] = fn
	return nil
}

func (t turns) Unwatch(fd int) { delete(t, fd) }

func TestSibling(t *testing.T) {
	var l Sibling
	l.Detach() // from nobody
	loop, gone := turns{}, 0
	attach := func() *Conn {
		t.Helper()
		theirs, ours, err := Pair()
		if err != nil {
			t.Fatal(err)
		}
		defer ours.Close()
		t.Cleanup(func() { _ = theirs.Close() })
		read := func(c *Conn) error { return c.ReadReady(func(Message, []int) {}) }
		if err := l.Attach(loop, dup(t, ours), 0, read, func() { gone++ }); err != nil {
			t.Fatal(err)
		}
		return theirs
	}
	attach()
	first := l.Conn()
	stale := loop[first.Fd()]
	second := attach()
	if gone != 1 || len(loop) != 1 || l.Conn() == first || first.Send(Message{}) == nil {
		t.Fatalf("a second socket: gone %d times, %d watched", gone, len(loop))
	}
	stale(0) // of a socket that is no longer ours: nothing
	loop[l.Conn().Fd()](0)
	if gone != 1 || l.Conn() == nil {
		t.Fatal("gone, although it lives")
	}
	_ = second.Close()
	loop[l.Conn().Fd()](0)
	if gone != 2 || len(loop) != 0 || l.Conn() != nil {
		t.Fatalf("the other has ended: gone %d times, %d watched", gone, len(loop))
	}
	if err := l.Attach(loop, -1, 0, nil, nil); err == nil || l.Conn() != nil {
		t.Errorf("no descriptor: %v", err)
	}
}
