package ipc

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// Orders are what a child does when the parent asks for it. Reload and Link own
// the descriptor that they get.
type Orders struct {
	Stop   func(why string)
	Query  func(Message)
	Reload func(snapshot int)
	Link   func(topic string, socket int)
}

// Obey carries out what the parent has said since the last call, and answers
// its Hello. It returns why the child is to stop if the parent can no longer be
// listened to, and nothing otherwise.
func (c *Conn) Obey(o Orders) (why string) {
	err := c.ReadReady(func(m Message, files []int) {
		one := len(files) == 1
		switch {
		case m.Kind == Stop:
			o.Stop("the parent says so")
		case m.Kind == Hello:
			_ = c.Send(Message{Kind: Hello, Seq: m.Seq})
		case m.Kind == Query:
			o.Query(m)
		case m.Kind == Reload && one:
			NameProcess(m.Topic)
			o.Reload(files[0])
			files = nil
		case m.Kind == Link && one:
			o.Link(m.Topic, files[0])
			files = nil
		}
		for _, fd := range files { // nobody wants them
			_ = unix.Close(fd)
		}
	})
	switch {
	case err == nil:
		return ""
	case errors.Is(err, io.EOF):
		return "the parent has gone"
	default:
		return "the parent cannot be understood: " + err.Error()
	}
}
