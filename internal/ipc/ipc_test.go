package ipc

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func pair(t *testing.T) (parent, child *Conn) {
	t.Helper()
	parent, f, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	child = FromFD(fd)
	t.Cleanup(func() { _, _ = parent.Close(), child.Close() })
	return parent, child
}

func TestMessageThere_AndBack(t *testing.T) {
	parent, child := pair(t)
	if err := parent.Send(Message{Kind: Hello, Seq: 7}); err != nil {
		t.Fatal(err)
	}
	if err := parent.Send(Message{Kind: Query, Seq: 8, Topic: "status"}); err != nil {
		t.Fatal(err)
	}
	var got []Kind
	if err := child.ReadReady(func(m Message, files []int) {
		got = append(got, m.Kind)
		if m.Kind == Hello {
			if err := child.Send(Message{Kind: Hello, Seq: m.Seq}); err != nil {
				t.Error(err)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0] != Hello || got[1] != Query {
		t.Fatalf("read %v", got)
	}
	if err := child.ReadReady(func(m Message, _ []int) { t.Errorf("unexpected %v", m) }); err != nil {
		t.Fatalf("nothing there: %v, want nil", err)
	}
	m, _, err := parent.Recv()
	if err != nil || m.Kind != Hello || m.Seq != 7 {
		t.Fatalf("%v %v", m, err)
	}
	_ = parent.Close()
	if err := child.ReadReady(func(Message, []int) {}); !errors.Is(err, io.EOF) {
		t.Fatalf("peer gone: %v, want EOF", err)
	}
	if err := child.Send(Message{Kind: Ready}); err == nil {
		t.Fatal("Send to a peer that has gone succeeded")
	}
}

func TestSealedSnapshotTravels(t *testing.T) {
	parent, child := pair(t)
	f, err := Seal("snapshot", []byte("vrrp_instance"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("x"), 0); err == nil {
		t.Error("a sealed snapshot could be written")
	}
	for range 2 { // plain, file, plain, file: each with the message it was sent with
		if err := errors.Join(parent.Send(Message{Kind: Hello}), parent.Send(Message{Kind: Reload}, int(f.Fd()))); err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	if err := child.ReadReady(func(m Message, files []int) {
		if (m.Kind == Reload) != (len(files) == 1) {
			t.Fatalf("%s came with %d descriptors", m.Kind, len(files))
		}
		if len(files) == 0 {
			return
		}
		data, err := Map(files[0])
		if err != nil || string(data) != "vrrp_instance" {
			t.Fatalf("%q %v", data, err)
		}
		Unmap(data)
		seen++
	}); err != nil {
		t.Fatal(err)
	}
	if seen != 2 {
		t.Fatalf("%d snapshots came, want 2", seen)
	}
}

func TestFirstLeavesTheRestToEpoll(t *testing.T) {
	parent, child := pair(t)
	body := Marshal(BootInfo{Child: "vrrp", ConfigFile: string(bytes.Repeat([]byte("x"), 2*chunkSize))})
	if err := errors.Join(parent.Send(Message{Kind: Boot, Body: body}), parent.Send(Message{Kind: Stop})); err != nil {
		t.Fatal(err)
	}
	m, _, err := child.First()
	if err != nil || m.Kind != Boot || len(m.Body) != len(body) {
		t.Fatal(m.Kind, err)
	}
	fds := []unix.PollFd{{Fd: int32(child.Fd()), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, 0); n != 1 {
		t.Fatalf("nothing left to read: %d %v", n, err)
	}
	var got Kind
	if err := child.ReadReady(func(m Message, _ []int) { got = m.Kind }); err != nil || got != Stop {
		t.Fatal(got, err)
	}
	_ = parent.Close()
	if _, _, err := child.First(); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
}

func TestMapRefusesWhatCouldStillChange(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, _ := unix.Dup(int(f.Fd()))
	if _, err := Map(fd); err == nil {
		t.Fatal("an ordinary file was mapped")
	}
}

func TestSendNeverWaits_AndLosesNothingItTook(t *testing.T) {
	parent, child := pair(t)
	body, _ := json.Marshal(bytes.Repeat([]byte("x"), 1<<20))
	sent := 0
	for {
		err := child.Send(Message{Kind: Answer, Seq: uint64(sent), Body: body})
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if sent++; sent > 1000 {
			t.Fatal("the queue has no end")
		}
	}
	for i := range sent {
		m, _, err := parent.Recv()
		if err != nil || m.Seq != uint64(i) || len(m.Body) != len(body) {
			t.Fatalf("message %d: seq %d, %d bytes, %v", i, m.Seq, len(m.Body), err)
		}
	}
	if err := child.Send(Message{Kind: Ready}); err != nil {
		t.Fatalf("after the queue was read: %v", err)
	}
	if m, _, err := parent.Recv(); err != nil || m.Kind != Ready {
		t.Fatal(m, err)
	}
}

func TestCloseEndsRecv(t *testing.T) {
	parent, _ := pair(t)
	done := make(chan error)
	go func() { _, _, err := parent.Recv(); done <- err }()
	_ = parent.Close()
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Fatalf("Recv after Close: %v", err)
	}
}

func TestRefusesWhatIsNoMessage(t *testing.T) {
	for name, raw := range map[string][]byte{
		"too long": {0xff, 0xff, 0xff, 0xff},
		"short":    {0, 0, 0, 2, 'x', 'x'},
		"no json":  {0, 0, 0, 6, 0, 0, 0, 2, 'x', 'x'},
		"no head":  append([]byte{0, 0, 0, 19, 0, 0, 0, 16}, `{"kind":"boot"}`...),
		"one file": append([]byte{0, 0, 0, 29, 0, 0, 0, 25}, `{"kind":"boot","files":1}`...),
	} {
		parent, child := pair(t)
		if _, err := unix.Write(parent.Fd(), raw); err != nil {
			t.Fatal(err)
		}
		err := child.ReadReady(func(m Message, _ []int) { t.Errorf("%s: taken as %v", name, m) })
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzInbox(f *testing.F) {
	frame, _ := encode(Message{Kind: Hello, Seq: 1})
	f.Add(frame)
	f.Add(append(frame, frame[:5]...))
	f.Add([]byte{0xff, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		in := inbox{buf: b}
		for before := len(in.waiting()); ; before = len(in.waiting()) {
			_, files, ok, err := in.next()
			if err != nil || !ok {
				return
			}
			if len(files) != 0 || len(in.waiting()) >= before {
				t.Fatal("a message took nothing, or descriptors that never came")
			}
		}
	})
}

func TestQueued(t *testing.T) {
	parent, file, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	defer func() { _ = parent.Close() }()
	for range 1000 {
		if parent.Queued() > 0 {
			return
		}
		if err := parent.Send(Message{Kind: Answer, Error: strings.Repeat("x", 4096)}); err != nil {
			t.Fatal(err)
		}
	}
	t.Error("nothing waits, though nobody reads")
}
