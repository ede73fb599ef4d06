package files

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Bounds of what is read for a configuration.
const (
	MaxSize    = 64 << 20 // bytes of a file
	MaxMatches = 4096     // names that one pattern may match
	MaxLooked  = 1 << 16  // names of files and folders that are held against one pattern
)

// Disk reads configuration files from the disk; it is source.Files.
type Disk struct {
	// Keep, unless nil, says where the bytes of a file of that name go: it
	// returns all that the reader has, or the reader's error.
	Keep func(name string, r io.Reader) ([]byte, error)
}

// Read returns the bytes of a regular file. It never waits for anything: a
// FIFO or a device is refused, and not opened either, which would set off a
// watchdog. What takes a file's place meanwhile is not waited for.
func (d Disk) Read(name string) ([]byte, error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, irregular(name, info)
	}
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, irregular(name, info)
	case info.Size() > MaxSize:
		return nil, fmt.Errorf("read %s: larger than %d bytes", name, MaxSize)
	}
	if d.Keep != nil {
		return d.Keep(name, &growing{f, name, MaxSize})
	}
	return read(f, name, int(info.Size()))
}

func irregular(name string, info os.FileInfo) error {
	if info.IsDir() {
		return fmt.Errorf("read %s: is a directory", name)
	}
	return fmt.Errorf("read %s: is no regular file", name)
}

// growing is a file that may turn out larger than it said.
type growing struct {
	file io.Reader
	name string
	left int
}

func (g *growing) Read(b []byte) (int, error) {
	n, err := g.file.Read(b)
	if g.left -= n; g.left < 0 {
		return 0, fmt.Errorf("read %s: larger than %d bytes", g.name, MaxSize)
	}
	return n, err
}

// read reads to the end of a file whose size is known, but may change.
func read(r io.Reader, name string, size int) ([]byte, error) {
	b := make([]byte, 0, size+1)
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return nil, err
		case len(b) > MaxSize:
			return nil, fmt.Errorf("read %s: larger than %d bytes", name, MaxSize)
		case len(b) == cap(b):
			b = append(b, 0)[:len(b)]
		}
	}
}

// Glob returns the names that match a pattern, as the shell has it: sorted,
// and without hidden files unless the pattern has the dot.
func (Disk) Glob(pattern string) ([]string, error) {
	found, err := match(strings.ReplaceAll(pattern, "[!", "[^"), MaxLooked)
	if err != nil {
		return nil, fmt.Errorf("match %s: %w", pattern, err)
	}
	found = slices.DeleteFunc(found, func(name string) bool { return hidden(pattern, name) })
	if len(found) > MaxMatches {
		return nil, fmt.Errorf("match %s: more than %d files", pattern, MaxMatches)
	}
	slices.Sort(found)
	return found, nil
}

// hidden reports whether a wildcard matched the dot of a hidden name.
func hidden(pattern, name string) bool {
	p, n := strings.Split(filepath.Clean(pattern), "/"), strings.Split(filepath.Clean(name), "/")
	for i := range min(len(p), len(n)) {
		if strings.HasPrefix(n[i], ".") && !strings.HasPrefix(p[i], ".") && !strings.HasPrefix(p[i], `\.`) {
			return true
		}
	}
	return false
}
