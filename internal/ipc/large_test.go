package ipc

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"
)

// A large body comes beside its frame, and what is sent after it at once.
func TestLargeBodiesBlockNothing(t *testing.T) {
	parent, child := pair(t)
	for _, size := range []int{2, MaxInline, MaxInline + 1, 20 << 20} {
		body := append(append([]byte{'"'}, bytes.Repeat([]byte("x"), size-2)...), '"')
		if err := child.SendLarge(Message{Kind: Answer, Seq: 7, Body: body}); err != nil {
			t.Fatal(err)
		}
		if err := child.Send(Message{Kind: Hello}); err != nil {
			t.Fatalf("behind %d bytes: %v", size, err)
		}
		if n := child.Queued(); n > 2*MaxInline {
			t.Errorf("%d bytes of %d wait in the queue", n, size)
		}
		m, files, err := parent.Recv()
		if err == nil {
			m, err = Unpack(m, files)
		}
		if err != nil || m.Seq != 7 || !bytes.Equal(m.Body, body) {
			t.Fatalf("of %d bytes came %d: %v", size, len(m.Body), err)
		}
		if m, _, err = parent.Recv(); err != nil || m.Kind != Hello {
			t.Fatalf("then %+v, %v", m, err)
		}
	}
	if err := child.SendLarge(Message{Kind: Answer, Body: make([]byte, MaxSnapshot+1)}); err == nil {
		t.Error("sent more than the bound")
	}
}

// What comes beside a message that has a body, or is no body, is refused and closed.
func TestUnpackOfRubbish(t *testing.T) {
	a, b, err := Peers()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	fd, err := unix.Dup(int(b.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	if _, err := Unpack(Message{Kind: Answer}, []int{fd}); err == nil {
		t.Error("took a socket for a body")
	}
	if n, _ := a.Read(make([]byte, 1)); n != 0 {
		t.Error("the descriptor is still open")
	}
}
