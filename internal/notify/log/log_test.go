package log

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/event"
)

func record(level slog.Level, what string) event.Record {
	at := time.Date(2026, 11, 21, 6, 30, 44, 123456789, time.Local)
	return event.Record{When: clock.Reading{Wall: at.UnixNano()}, Level: level, Part: "vrrp", Kind: "transition", What: what}
}

func TestText(t *testing.T) {
	var out bytes.Buffer
	To(&out).Write(
		record(slog.LevelInfo, "(VI_1) Entering MASTER STATE: heard nobody for 3.6s"),
		record(slog.LevelWarn, "two masters"),
		record(slog.LevelError, "gone"),
		record(slog.LevelDebug, "a packet"),
		record(slog.LevelInfo, "one\nline \x1b[31m only"),
	)
	want := `2026-11-21 06:30:44.123 vrrp: (VI_1) Entering MASTER STATE: heard nobody for 3.6s
2026-11-21 06:30:44.123 vrrp: warning: two masters
2026-11-21 06:30:44.123 vrrp: error: gone
2026-11-21 06:30:44.123 vrrp: one line  [31m only
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	w := To(&out)
	w.json = true
	w.Write(record(slog.LevelWarn, "two \"masters\"\n"))
	var l line
	if err := json.Unmarshal(out.Bytes(), &l); err != nil || l.Level != "warn" || l.What != "two \"masters\"\n" || l.Part != "vrrp" {
		t.Fatalf("%q: %v", out.String(), err)
	}
	if strings.Count(out.String(), "\n") != 1 {
		t.Fatal("more than one line")
	}
}

func TestLongRecordIsCut(t *testing.T) {
	var out bytes.Buffer
	To(&out).Write(record(slog.LevelInfo, strings.Repeat("x", 10*MaxLine)))
	if out.Len() > MaxLine+100 || !strings.HasSuffix(out.String(), " [cut]\n") {
		t.Fatalf("%d bytes", out.Len())
	}
}

func TestRunPrintsAllAndTellsWhatWasLost(t *testing.T) {
	b := bus.New()
	r := b.Subscribe(2)
	for range 5 {
		b.Publish(record(slog.LevelInfo, "x"))
	}
	b.Close()
	var out bytes.Buffer
	To(&out).Run(r, nil)
	if s := out.String(); strings.Count(s, "vrrp: x") != 2 || !strings.Contains(s, "3 older records were lost") {
		t.Fatalf("got %s", s)
	}
}

// disk takes so many bytes.
type disk struct {
	bytes.Buffer
	room int
}

func (d *disk) Write(b []byte) (int, error) {
	n := min(len(b), d.room)
	d.room -= n
	_, _ = d.Buffer.Write(b[:n])
	if n < len(b) {
		return n, &os.PathError{Op: "write", Path: "/var/log/x", Err: syscall.ENOSPC}
	}
	return n, nil
}

// What a full disk did not take is counted and told, once and elsewhere when it
// begins, and in the place itself when there is room again.
func TestFullDisk(t *testing.T) {
	full, other := &disk{room: 70}, &bytes.Buffer{}
	w := To(full)
	w.sinks = append(w.sinks, &sink{out: other})
	for range 4 {
		w.Write(record(slog.LevelInfo, "all is well"))
	}
	full.room = 10
	w.Write(record(slog.LevelInfo, "not here"))
	full.room = 1000
	w.Write(record(slog.LevelInfo, "here again"))
	want := `2026-11-21 06:30:44.123 vrrp: all is well
2026-11-21 06:30:44.123 vrrp
2026-11-2
2026-11-21 06:30:44.123 log: warning: 4 records were lost: write /var/log/x: no space left on device
2026-11-21 06:30:44.123 vrrp: here again
`
	if full.String() != want {
		t.Errorf("got\n%swant\n%s", full.String(), want)
	}
	if s := other.String(); strings.Count(s, "records are lost until it can be written again: write /var/log/x: no space left") != 1 ||
		strings.Count(s, "\n") != 7 {
		t.Errorf("elsewhere:\n%s", s)
	}
}

func TestFileSuffix(t *testing.T) {
	name := filepath.Join(t.TempDir(), "my.dir.log")
	w, err := Open(Options{File: name, NoSyslog: true}, "_vrrp")
	if err != nil {
		t.Fatal(err)
	}
	w.Write(record(slog.LevelInfo, "x"))
	_ = w.Close()
	if b, err := os.ReadFile(filepath.Join(filepath.Dir(name), "my.dir_vrrp.log")); err != nil || len(b) == 0 {
		t.Fatal(err)
	}
}

func TestSyslog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s := newSyslogger(path, 3, "Keepalived_vrrp")
	r := record(slog.LevelInfo, "first\n")
	s.write(&r) // nobody listens
	if s.lost != 1 {
		t.Fatal("a lost record was not counted")
	}
	logger, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = logger.Close() }()
	s.retry = time.Time{}
	w := record(slog.LevelWarn, "second")
	s.write(&w)
	defer s.close()
	buf := make([]byte, 4096)
	var got []string
	for range 2 {
		n, err := logger.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(buf[:n]))
	}
	if !strings.Contains(got[0], "1 records were lost") {
		t.Errorf("first came %q", got[0])
	}
	if !strings.HasPrefix(got[1], "<28>Nov 21 06:30:44 Keepalived_vrrp[") || !strings.HasSuffix(got[1], "]: second") {
		t.Errorf("then came %q", got[1])
	}
}
