// Package fifo writes notifications to a named pipe (notify_fifo of
// keepalived.conf(5)), one line each.
//
// Writing never waits: lines that the pipe does not take wait in a queue of
// bounded length, and what does not fit there is counted and told. What the
// lines say is made by the caller; set.go has
// all pipes of a process, reader.go runs the programs that read them.
package fifo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/proc"
)

// MaxQueued is how many lines wait for a reader beyond what the pipe itself
// holds (64 KiB, pipe(7)).
const MaxQueued = 4096

// lastWords is how long Close tries to write what still waits.
const lastWords = 100 * time.Millisecond

// FIFO is one named pipe that is written to.
type FIFO struct {
	path  string
	made  bool // by us: removed at the end
	file  *os.File
	lines chan string // MaxQueued
	lost  atomic.Uint64
	done  chan struct{}
	once  sync.Once
	// reader is the program that reads it, nil if that is not our business.
	reader *reader
	spec   *proc.Spec
}

// Options say which pipe and who reads it.
type Options struct {
	Path     string
	UID, GID int // whose it is if there is none yet
	// Reader is run for as long as the pipe is open, with its name as one more
	// argument, and again when it ends.
	Reader *proc.Spec
	// Told gets a line when the reader ends unasked, from another goroutine, and
	// when the pipe could be opened late.
	Told func(string)
}

// Open makes the pipe if there is none, and opens it for reading too, so that
// lines wait for a reader that comes later.
func Open(o Options) (*FIFO, error) {
	path := o.Path
	f := &FIFO{path: path, lines: make(chan string, MaxQueued), done: make(chan struct{})}
	err := unix.Mkfifo(path, 0o600)
	switch {
	case err == nil:
		f.made = true
		if err := os.Chown(path, o.UID, o.GID); err != nil && !errors.Is(err, fs.ErrPermission) {
			_ = os.Remove(path)
			return nil, fmt.Errorf("make the FIFO: %w", err)
		}
	case !errors.Is(err, fs.ErrExist):
		return nil, fmt.Errorf("make the FIFO %s: %w", path, err)
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("open the FIFO %s: %w", path, err)
	}
	f.file = os.NewFile(uintptr(fd), path)
	if info, err := f.file.Stat(); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		f.file.Close()
		return nil, fmt.Errorf("open the FIFO %s: it is something else", path)
	}
	go f.write()
	if o.Reader != nil {
		f.reader, f.spec = read(path, *o.Reader, o.Told), o.Reader
	}
	return f, nil
}

// Write queues one line, without its newline, and reports whether it was taken.
func (f *FIFO) Write(line string) bool {
	select {
	case f.lines <- line + "\n":
		return true
	default:
		f.lost.Add(1)
		return false
	}
}

// Lost is how many lines were not taken.
func (f *FIFO) Lost() uint64 { return f.lost.Load() }

// Path is the pipe's name.
func (f *FIFO) Path() string { return f.path }

func (f *FIFO) write() {
	defer close(f.done)
	for line := range f.lines {
		if _, err := f.file.WriteString(line); err != nil {
			f.lost.Add(1)
		}
	}
}

// Close writes what waits, as far as the pipe takes it, and removes the pipe
// if we made it. Nothing may be written afterwards.
func (f *FIFO) Close() error {
	var err error
	f.once.Do(func() {
		_ = f.file.SetWriteDeadline(time.Now().Add(lastWords))
		close(f.lines)
		<-f.done
		err = f.file.Close()
		if f.reader != nil {
			f.reader.end()
		}
		if f.made {
			err = errors.Join(err, os.Remove(f.path))
		}
	})
	return err
}
