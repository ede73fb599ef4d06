package files

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// follower follows files and waits for what it tells.
type follower struct {
	t    testing.TB
	told chan int
}

func follow(t testing.TB, paths ...string) *follower {
	t.Helper()
	w := &follower{t, make(chan int, 1000)}
	f, err := Follow(paths, func(i int) { w.told <- i })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	for range paths { // all of them, at first
		w.wait(-1)
	}
	return w
}

// wait waits until a file, or with -1 any, is told of.
func (w *follower) wait(i int) {
	w.t.Helper()
	for {
		select {
		case got := <-w.told:
			if i < 0 || got == i {
				return
			}
		case <-time.After(20 * time.Second):
			w.t.Fatalf("file %d is not told of", i)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFollow(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	w := follow(t, a, b)
	write := func(path, text string) { t.Helper(); must(t, os.WriteFile(path, []byte(text), 0o600)) }
	write(a, "1")
	w.wait(0)
	write(b, "1")
	w.wait(1)
	write(a+".new", "2")
	must(t, os.Rename(a+".new", a))
	w.wait(0)
	must(t, os.Remove(b))
	w.wait(1)
}

func TestFollowThroughLinks(t *testing.T) {
	dir := t.TempDir()
	one, two, link := filepath.Join(dir, "x", "one"), filepath.Join(dir, "y", "two"), filepath.Join(dir, "link")
	for _, f := range []string{one, two} {
		must(t, os.Mkdir(filepath.Dir(f), 0o700))
		must(t, os.WriteFile(f, []byte("1"), 0o600))
	}
	must(t, os.Symlink(one, link))
	w := follow(t, link)
	must(t, os.WriteFile(one, []byte("2"), 0o600))
	w.wait(0)
	must(t, os.Symlink(two, link+".new"))
	must(t, os.Rename(link+".new", link))
	w.wait(0)
	must(t, os.WriteFile(two, []byte("3"), 0o600))
	w.wait(0)
}

// A directory that is not there yet is looked for until it is.
func TestFollowInADirectoryThatComesLater(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	w := follow(t, filepath.Join(dir, "f"))
	must(t, os.Mkdir(dir, 0o700))
	w.wait(0)
	must(t, os.WriteFile(filepath.Join(dir, "f"), []byte("1"), 0o600))
	w.wait(0)
	must(t, os.RemoveAll(dir))
	w.wait(0)
}
