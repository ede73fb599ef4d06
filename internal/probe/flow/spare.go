package flow

import (
	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/raw"
)

// maxSpare bounds the sockets of a family that are kept to be used again.
const maxSpare = 64

// spares keeps sockets whose connection has ended, for the next attempt of the
// same kind. Connecting to no family (connect(2), AF_UNSPEC) ends a connection
// with the same reset as closing without lingering does, and saves making and
// freeing a socket, a sixth of what a check costs.
type spares struct{ v4, v6 []int }

// of returns the family's list, nil for an endpoint with settings of its own,
// which a socket would keep.
func (s *spares) of(to *probe.Endpoint) *[]int {
	switch {
	case to.Mark != 0 || to.BindIf != "" || to.BindPort != 0 || to.BindTo.IsValid() || to.Via.IsValid():
		return nil
	case to.Addr.Addr().Is4():
		return &s.v4
	}
	return &s.v6
}

// socket returns a socket that is ready to connect.
func (s *spares) socket(to *probe.Endpoint) (int, error) {
	if list := s.of(to); list != nil && len(*list) > 0 {
		last := len(*list) - 1
		fd := (*list)[last]
		*list = (*list)[:last]
		return fd, nil
	}
	return to.Socket()
}

// want reports whether put would keep a socket.
func (s *spares) want(to *probe.Endpoint) bool {
	list := s.of(to)
	return list != nil && len(*list) < maxSpare
}

// put ends the connection and keeps the socket, or closes it.
func (s *spares) put(fd int, to *probe.Endpoint) {
	if err := raw.Disconnect(fd); err != nil {
		shut(fd, false)
		return
	}
	list := s.of(to)
	*list = append(*list, fd)
}

func (s *spares) close() {
	for _, fd := range append(s.v4, s.v6...) {
		_ = unix.Close(fd)
	}
	s.v4, s.v6 = nil, nil
}
