package ipc

// Loop is what a Sibling needs of a child's loop, which loop.Loop has.
type Loop interface {
	Watch(fd int, events uint32, fn func(events uint32)) error
	Unwatch(fd int)
}

// Sibling is a child's way to another child, over a socket that the parent made:
// anew for whoever was started again. It belongs to the loop's goroutine. The
// zero Sibling leads to nobody.
type Sibling struct {
	loop Loop
	conn *Conn
	gone func()
}

// Attach takes the socket to a child that has just begun to serve; an earlier
// one is detached. read is called whenever one of the epoll events has come
// (unix.EPOLLIN, loop.First may be added), and says when the other child has
// ended. gone, which may be nil, is called once it leads to nobody again.
func (s *Sibling) Attach(to Loop, socket int, events uint32, read func(*Conn) error, gone func()) error {
	s.Detach()
	c := FromFD(socket)
	err := to.Watch(socket, events, func(uint32) {
		if read(c) != nil && s.conn == c {
			s.Detach()
		}
	})
	if err != nil {
		_ = c.Close()
		return err
	}
	s.loop, s.conn, s.gone = to, c, gone
	return nil
}

// Detach closes the socket, if there is one.
func (s *Sibling) Detach() {
	was := *s
	if was.conn == nil {
		return
	}
	*s = Sibling{}
	was.loop.Unwatch(was.conn.Fd())
	_ = was.conn.Close()
	if was.gone != nil {
		was.gone()
	}
}

// Conn is the way to the other child, nil if there is none.
func (s *Sibling) Conn() *Conn { return s.conn }
