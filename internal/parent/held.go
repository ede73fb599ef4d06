package parent

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// shelf holds what the proxy child listens on, so that clients who come while
// there is none wait for the next one instead of being refused. The sockets are
// of no other use here; they are kept as mere numbers, away from the runtime's
// poller, which would wake us with every client.
type shelf struct {
	fds  map[string]int
	lent []*os.File // copies on their way to a child
}

// put keeps the one socket of a Hold.
func (s *shelf) put(name string, files []int) {
	if len(files) != 1 {
		closeAll(files)
		return
	}
	s.drop(name)
	if len(s.fds) >= ipc.MaxHeld {
		closeAll(files)
		return
	}
	if s.fds == nil {
		s.fds = map[string]int{}
	}
	s.fds[name] = files[0]
}

func (s *shelf) drop(name string) {
	if fd, ok := s.fds[name]; ok {
		_ = unix.Close(fd)
		delete(s.fds, name)
	}
}

func (s *shelf) clear() {
	for name := range s.fds {
		s.drop(name)
	}
}

// lend adds copies of all to what a child is started with, until back. What
// cannot be copied is given up, so that the child can listen anew.
func (s *shelf) lend(add func(*os.File) int) (out []ipc.Held, err error) {
	for name, fd := range s.fds {
		// Sockets that wait are left alone by the poller, and the child makes
		// them those that do not again: nobody else uses them now.
		_ = unix.SetNonblock(fd, false)
		c, dupErr := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if dupErr != nil {
			err = fmt.Errorf("copy the socket of %s: %w", name, dupErr)
			s.drop(name)
			continue
		}
		f := os.NewFile(uintptr(c), name)
		s.lent = append(s.lent, f)
		out = append(out, ipc.Held{Name: name, FD: add(f)})
	}
	return out, err
}

// back ends what lend began, once the child has copies of its own.
func (s *shelf) back() {
	for _, f := range s.lent {
		_ = f.Close()
	}
	s.lent = nil
}

// closeAll closes descriptors that nobody wants.
func closeAll(files []int) {
	for _, fd := range files {
		_ = unix.Close(fd)
	}
}
