package files

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// armAgain is how often a directory is looked for that cannot be watched.
	armAgain = time.Second
	// maxEvents is how many bytes of inotify(7) events are read at once.
	maxEvents = 16 << 10
	// watched is what may give a file another content. Writing itself is not
	// among it: whoever writes a file anew empties it first, and closes it last.
	watched = unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_CREATE | unix.IN_DELETE |
		unix.IN_DELETE_SELF | unix.IN_MOVE_SELF
)

// Follower tells when files change, by inotify on their directories. They and
// their directories may come and go, and be symbolic links.
type Follower struct {
	file    *os.File
	paths   []string
	changed func(i int)
	names   map[string][]int // files by where they are, and where they point
	dirs    map[int32]string // by watch
	missing int              // how many are not watched
	hands   sync.WaitGroup
}

// Follow calls changed for each file at first and then whenever it may have
// another content, with its index, one call after the other, until Close.
func Follow(paths []string, changed func(i int)) (*Follower, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	f := &Follower{file: os.NewFile(uintptr(fd), "inotify"), paths: paths, changed: changed}
	f.hands.Go(f.run)
	return f, nil
}

// Close ends it; changed is not called any more.
func (f *Follower) Close() {
	_ = f.file.Close()
	f.hands.Wait()
}

func (f *Follower) run() {
	f.arm()
	f.all()
	b := make([]byte, maxEvents)
	for {
		var until time.Time
		if f.missing > 0 {
			until = time.Now().Add(armAgain)
		}
		if f.file.SetReadDeadline(until) != nil {
			return // closed
		}
		n, err := f.file.Read(b)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			before := f.missing
			f.arm()
			if f.missing < before {
				f.all()
			}
		case err != nil:
			return
		default:
			f.events(b[:n])
		}
	}
}

func (f *Follower) all() {
	for i := range f.paths {
		f.changed(i)
	}
}

// events tells of the files that some events are about, each once.
func (f *Follower) events(b []byte) {
	told := map[int]bool{}
	for len(b) >= unix.SizeofInotifyEvent {
		wd, mask := int32(binary.NativeEndian.Uint32(b)), binary.NativeEndian.Uint32(b[4:]) // an int in the kernel
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
		if size > len(b) {
			break
		}
		name := strings.TrimRight(string(b[unix.SizeofInotifyEvent:size]), "\x00")
		b = b[size:]
		if mask&(unix.IN_Q_OVERFLOW|unix.IN_IGNORED|unix.IN_DELETE_SELF|unix.IN_MOVE_SELF) != 0 {
			for i := range f.paths {
				told[i] = true
			}
			continue
		}
		for _, i := range f.names[filepath.Join(f.dirs[wd], name)] {
			told[i] = true
		}
	}
	if len(told) == 0 {
		return
	}
	f.arm() // a link may point elsewhere now
	for i := range f.paths {
		if told[i] {
			f.changed(i)
		}
	}
}

// arm watches the directories of all files and of what they point to. Watching
// one again changes nothing.
func (f *Follower) arm() {
	before := f.dirs
	f.names, f.dirs, f.missing = map[string][]int{}, map[int32]string{}, 0
	for i, path := range f.paths {
		path = filepath.Clean(path)
		f.watch(i, path)
		if real, err := filepath.EvalSymlinks(path); err == nil && real != path {
			f.watch(i, real)
		}
	}
	for wd := range before {
		if _, ok := f.dirs[wd]; !ok {
			f.forget(wd)
		}
	}
}

// forget ends a watch; its directory may have gone.
func (f *Follower) forget(wd int32) {
	if c, err := f.file.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { _, _ = unix.InotifyRmWatch(int(fd), uint32(wd)) }) // as it was given
	}
}

func (f *Follower) watch(i int, path string) {
	dir := filepath.Dir(path)
	c, err := f.file.SyscallConn()
	if err != nil {
		return
	}
	wd := -1
	_ = c.Control(func(fd uintptr) { wd, err = unix.InotifyAddWatch(int(fd), dir, watched) })
	if err != nil || wd < 0 {
		f.missing++
		return
	}
	// One directory has one watch, whatever it is called.
	if _, ok := f.dirs[int32(wd)]; !ok { // an int in the kernel
		f.dirs[int32(wd)] = dir // an int in the kernel
	}
	at := filepath.Join(f.dirs[int32(wd)], filepath.Base(path)) // an int in the kernel
	f.names[at] = append(f.names[at], i)
}
