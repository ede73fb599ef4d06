package proxyd

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lvs"
	"golang.org/x/sys/unix"
)

// exhaust keeps this process from having another descriptor until it is undone.
func exhaust(t *testing.T) (undo func()) {
	t.Helper()
	var was unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was)
	if err == nil {
		err = unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: was.Max})
	}
	if err != nil {
		t.Fatal(err)
	}
	undo = func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &was) }
	t.Cleanup(undo)
	return undo
}

// TestNoDescriptors: who finds none waits and is served later, the log says so
// once in a while, and it is counted.
func TestNoDescriptors(t *testing.T) {
	server, l := rawBackend(t) // accepts when there are descriptors again
	key := serviceAt(free(t, "tcp"), lvs.TCP)
	var told []string
	bal := NewBalancer(func(_ lvs.ServiceKey, level slog.Level, what string) {
		if level == slog.LevelWarn {
			told = append(told, what)
		}
	})
	t.Cleanup(bal.Close)
	now := time.Unix(1, 0)
	apply1(t, bal, key, "rr", weights{server: {Weight: 1}})
	bal.now = func() time.Time { return now }

	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "client")
	defer f.Close()
	undo := exhaust(t)
	if err := unix.Connect(fd, sockaddr(netip.AddrPortFrom(key.Addr, key.Port))); err != nil {
		t.Fatal(err)
	}
	starved := func() uint64 { return bal.Counters()[key].Starved }
	eventually(t, "counted", func() bool { return starved() > 0 })
	bal.sayShort()
	n := starved()
	eventually(t, "counted again", func() bool { return starved() > n })
	bal.sayShort()
	if len(told) != 1 || !strings.Contains(told[0], "this process has no descriptor left (LimitNOFILE") {
		t.Errorf("told %q, want once what is missing", told)
	}
	now = now.Add(shortagePause)
	bal.sayShort()
	if len(told) != 2 {
		t.Errorf("told %q, want a second time after %s", told, shortagePause)
	}
	undo()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = c.Write([]byte("hello"))
	got := make([]byte, len("hello"))
	if _, err := io.ReadFull(accepted(t, l), got); string(got) != "hello" || err != nil {
		t.Errorf("once there are descriptors the server hears %q %v", got, err)
	}
}

func TestShortagesAreTold(t *testing.T) {
	var s shortage
	for i, err := range []error{unix.EMFILE, unix.ENFILE, fmt.Errorf("connect: %w", unix.ENOBUFS), unix.EADDRNOTAVAIL} {
		if !s.note(err) || s.missed[i].Load() != 1 {
			t.Errorf("%v is not noted", err)
		}
	}
	for _, err := range []error{nil, unix.ECONNREFUSED, unix.EPERM} {
		if s.note(err) {
			t.Errorf("%v is noted, and nothing is missing", err)
		}
	}
}
