package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
)

var (
	_ source.Files = Disk{}
	_ conf.System  = System{}
	_ conf.Namer   = System{}
)

func put(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	text := strings.Repeat("a line\n", 10000)
	for _, want := range []string{"", "x", text} {
		got, err := Disk{}.Read(put(t, dir+"/f", want, 0o600))
		if err != nil || string(got) != want {
			t.Errorf("%d bytes: %d bytes, %v", len(want), len(got), err)
		}
	}
	if _, err := (Disk{}).Read(dir + "/none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if _, err := (Disk{}).Read(dir); err == nil || !strings.HasSuffix(err.Error(), ": is a directory") {
		t.Errorf("folder: %v", err)
	}
	if _, err := (Disk{}).Read("/dev/zero"); err == nil {
		t.Error("a device was read")
	}
}

// What keeps the bytes decides where they lie, and gets no more than a file may
// have.
func TestReadIntoOther(t *testing.T) {
	f := put(t, t.TempDir()+"/f", "text", 0o600)
	kept := []byte(nil)
	d := Disk{Keep: func(_ string, r io.Reader) (_ []byte, err error) {
		kept, err = io.ReadAll(r)
		return kept, err
	}}
	got, err := d.Read(f)
	if err != nil || string(got) != "text" || &got[0] != &kept[0] {
		t.Errorf("%q, %v", got, err)
	}
	g := growing{strings.NewReader("12345"), "f", 4}
	if b, err := io.ReadAll(&g); err == nil {
		t.Errorf("%q was read of a file that may have 4 bytes", b)
	}
}

// Nobody writes to the FIFO: if Read waited, the test would hang.
func TestReadDoesNotWait(t *testing.T) {
	fifo := t.TempDir() + "/fifo"
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Skip("no FIFOs here:", err)
	}
	if _, err := (Disk{}).Read(fifo); err == nil || !strings.HasSuffix(err.Error(), "is no regular file") {
		t.Errorf("%v", err)
	}
}

// A file may grow, or shrink, between its size and its bytes.
func TestReadTrustsNoSize(t *testing.T) {
	for _, size := range []int{0, 1, 5, 6, 100} {
		got, err := read(bytes.NewReader([]byte("abcde")), "f", size)
		if err != nil || string(got) != "abcde" {
			t.Errorf("size %d: %q, %v", size, got, err)
		}
	}
}

func TestGlob(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"b.conf", "a.conf", ".h.conf", "c.txt", "d/e.conf", ".x/e.conf"} {
		put(t, filepath.Join(dir, n), "", 0o600)
	}
	for _, c := range []struct{ pattern, want string }{
		{"*.conf", "a.conf b.conf"},
		{".*.conf", ".h.conf"},
		{"[!a].conf", "b.conf"},
		{"?.txt", "c.txt"},
		{"*/e.conf", "d/e.conf"},
		{"a.conf", "a.conf"},
		{"none", ""},
	} {
		found, err := Disk{}.Glob(dir + "/" + c.pattern)
		for i := range found {
			found[i] = strings.TrimPrefix(found[i], dir+"/")
		}
		if got := strings.Join(found, " "); err != nil || got != c.want {
			t.Errorf("%s: %q, %v, want %q", c.pattern, got, err, c.want)
		}
	}
	if _, err := (Disk{}).Glob(dir + "/[a"); err == nil {
		t.Error("a broken pattern was accepted")
	}
}

// TestGlobOpensFoldersOnly: who opens a pipe waits for its writer.
func TestGlobOpensFoldersOnly(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(dir+"/pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, dir+"/d/x", "", 0o600)
	done := make(chan []string, 1)
	go func() {
		found, _ := Disk{}.Glob(dir + "/*/*")
		done <- found
	}()
	select {
	case found := <-done:
		if len(found) != 1 || found[0] != dir+"/d/x" {
			t.Errorf("found %q", found)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a pipe was opened")
	}
}

func TestGlobIsBounded(t *testing.T) {
	dir := t.TempDir()
	for i := range MaxMatches + 1 {
		if f, err := os.Create(fmt.Sprintf("%s/%d", dir, i)); err == nil {
			f.Close()
		}
	}
	if found, err := (Disk{}).Glob(dir + "/*"); err == nil {
		t.Errorf("%d names", len(found))
	}
	// Every folder that is opened counts, though nothing matches in the end.
	for i := range 3 {
		if err := os.MkdirAll(fmt.Sprintf("%s/d/%d", dir, i), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := match(dir+"/d/*/*/x", 3*folderFee); err == nil {
		t.Errorf("%d names after looking at too many", len(found))
	}
	if found, err := match(dir+"/d/*/*/x", 5*folderFee); err != nil || len(found) > 0 {
		t.Errorf("%d names, %v", len(found), err)
	}
}

func TestSystem(t *testing.T) {
	s := System{}
	if name, err := os.Hostname(); err == nil && s.HostName() != name {
		t.Errorf("host name %q, want %q", s.HostName(), name)
	}
	if !s.Interface("lo") || s.Interface("no-such-if") || s.Interface("a name longer than any") || s.Interface("") {
		t.Error("interfaces: lo is there, the others are not")
	}
	if !s.User("root") || !s.User("0") || s.User("no such user") {
		t.Error("users: root is there")
	}
	if !s.Group("root") || !s.Group("0") || s.Group("no such group") {
		t.Error("groups: root is there")
	}
}

func TestProgram(t *testing.T) {
	dir := t.TempDir()
	script := put(t, dir+"/bin/script", "#!/bin/sh\n", 0o755)
	plain := put(t, dir+"/sbin/plain", "", 0o644)
	t.Setenv("PATH", dir+"/none:"+dir+"/bin:"+dir+"/sbin")
	for _, c := range []struct {
		name, path          string
		regular, executable bool
	}{
		{script, script, true, true},
		{"script", script, true, true},
		{"plain", plain, true, false},
		{dir + "/bin", dir + "/bin", false, true},
		{"none", "", false, false},
		{dir + "/none", "", false, false},
		{"", "", false, false},
	} {
		p := System{}.Program(c.name)
		if p.Path != c.path || p.Regular != c.regular || p.Executable != c.executable {
			t.Errorf("%q: %+v", c.name, p)
		}
	}
}

// The rows are what keepalived 2.2.7 says of a track script with
// enable_script_security, but for the link, which it follows beforehand.
func TestShared(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: files must be root's to be safe")
	}
	dir, err := os.MkdirTemp("/var/lib", "holdfast-test-")
	if err != nil {
		t.Skip("no folder that is root's alone:", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	safe := put(t, dir+"/safe/s", "", 0o755)
	put(t, dir+"/sticky/s", "", 0o755)
	put(t, dir+"/loose/s", "", 0o755)
	put(t, dir+"/safe/rootsgroup", "", 0o775)
	for _, step := range []error{
		os.Chmod(dir, 0o755),
		os.Chmod(dir+"/sticky", 0o777|os.ModeSticky),
		os.Chmod(dir+"/loose", 0o777),
		os.Chown(put(t, dir+"/safe/nobodys", "", 0o755), 65534, 0),
		os.Chown(put(t, dir+"/safe/group", "", 0o775), 0, 65534),
		os.Chmod(put(t, dir+"/safe/others", "", 0o755), 0o757),
		os.Symlink("../safe/s", dir+"/sticky/link"),
		os.Symlink("../safe/s", dir+"/loose/link"),
		os.Symlink("loop", dir+"/safe/loop"),
		os.Symlink(dir+"/safe", dir+"/absolute"),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	var open []string
	for _, n := range []string{
		"safe/s", "sticky/s", "loose/s", "safe/rootsgroup", "safe/nobodys", "safe/group",
		"safe/others", "sticky/link", "loose/link", "absolute/s", "absolute/../safe/s", "safe/loop", // a loop leads to nothing
	} {
		if (System{}).Program(dir + "/" + n).Shared {
			open = append(open, n)
		}
	}
	want := []string{"loose/s", "safe/nobodys", "safe/group", "safe/others", "loose/link"}
	if !slices.Equal(open, want) {
		t.Errorf("shared: %q, want %q", open, want)
	}
	if p := (System{}).Program(safe); p.Shared {
		t.Errorf("%+v", p)
	}
}
