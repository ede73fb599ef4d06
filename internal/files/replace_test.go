package files

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReplaceFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	target, name := filepath.Join(dir, "target"), filepath.Join(dir, "keepalived.data")
	if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two"} {
		if err := Replace(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	if kept, _ := os.ReadFile(target); string(kept) != "precious" {
		t.Errorf("the link was followed: %q", kept)
	}
	info, err := os.Lstat(name)
	if err != nil || info.Mode() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Error("left:", left)
	}
	if Replace(filepath.Join(dir, "no", "folder"), nil) == nil {
		t.Error("no error without a folder")
	}
}
