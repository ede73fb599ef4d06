package ipc

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fed returns a Feeder and who reads from it.
func fed(t *testing.T, anew func() bool) (*Feeder, *Conn) {
	t.Helper()
	a, b, err := Peers()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	f, reader := NewFeeder(FromFD(dup(t, a)), anew), FromFD(dup(t, b))
	t.Cleanup(func() { f.Close(0); _ = reader.Close() })
	return f, reader
}

func TestFeederSendsInOrderAndLeaves(t *testing.T) {
	f, reader := fed(t, func() bool { t.Error("nothing was lost"); return true })
	for i := range 100 {
		f.Put(Message{Kind: Routers, Seq: uint64(i)}, func() any { return i })
	}
	f.Close(time.Minute)
	for i := range 100 {
		m, _, err := reader.Recv()
		if err != nil || m.Seq != uint64(i) || string(m.Body) != strconv.Itoa(i) {
			t.Fatalf("%d: %+v, %v", i, m, err)
		}
	}
	if _, _, err := reader.Recv(); !errors.Is(err, io.EOF) {
		t.Fatalf("after Close: %v", err)
	}
	f.Put(Message{Kind: Routers}, nil) // must not panic
	f.Close(0)
}

// Who does not read costs the sender neither time nor memory, and hears
// afterwards how things are.
func TestFeederOfSomebodyWhoDoesNotRead(t *testing.T) {
	var f *Feeder
	f, reader := fed(t, func() bool { f.Put(Message{Kind: Routers, Topic: "anew"}, nil); return true })
	body := strings.Repeat("x", 1<<10)
	for range 100 * MaxFed {
		f.Put(Message{Kind: Routers}, body)
	}
	f.mu.Lock()
	waiting := len(f.queue)
	f.mu.Unlock()
	if waiting > MaxFed {
		t.Errorf("%d messages wait", waiting)
	}
	for read := 1; ; read++ {
		m, _, err := reader.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.Topic == "anew" {
			break
		}
		if read > 50*MaxFed {
			t.Fatalf("%d messages, and nothing was dropped", read)
		}
	}
}

func TestFeederOfSomebodyWhoHasGone(t *testing.T) {
	f, reader := fed(t, func() bool { return true })
	_ = reader.Close()
	for range 10 * MaxFed {
		f.Put(Message{Kind: Routers}, nil)
	}
	f.Close(time.Minute) // returns at once
	var none *Feeder
	none.Put(Message{}, nil)
	none.Close(0)
}

func dup(t *testing.T, f *os.File) int {
	t.Helper()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}
