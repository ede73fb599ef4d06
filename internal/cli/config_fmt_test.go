package cli

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A file that is laid out stays its owner's, and nothing lies about.
func TestReplaceKeepsTheOwner(t *testing.T) {
	const nobody = 65534
	name := filepath.Join(t.TempDir(), "k.conf")
	if err := os.WriteFile(name, []byte("old"), 0o604); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o604); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(name, nobody, nobody); err != nil {
		t.Skipf("only root can give files away: %v", err)
	}
	if err := replace(name, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	s := info.Sys().(*syscall.Stat_t)
	if s.Uid != nobody || s.Gid != nobody || info.Mode().Perm() != 0o604 {
		t.Errorf("it is %d:%d %v", s.Uid, s.Gid, info.Mode())
	}
	if text, _ := os.ReadFile(name); string(text) != "new" {
		t.Errorf("it has %q", text)
	}
	if left, _ := os.ReadDir(filepath.Dir(name)); len(left) != 1 {
		t.Errorf("left lying: %v", left)
	}
}
