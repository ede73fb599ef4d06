package outletd

import (
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// maxAsked bounds the questions to a child that are not answered yet.
const maxAsked = 16

// child is the way to another child, which is asked and tells news. One that
// dies takes nothing with it: the next one tells anew.
type child struct {
	ipc.Sibling
	seq   uint64
	asked map[uint64]func(*ipc.Message) // with nil if there is no answer to be had
}

// checkerChild is how the parent names the checker child.
const checkerChild = "checker"

// linkTo takes the socket to another child that has just begun to serve.
func (d *daemon) linkTo(name string, fd int) {
	var err error
	if name == checkerChild {
		err = d.pools.link(d, fd, ipc.Pools, d.heardPools)
	} else {
		err = d.vrrp.link(d, fd, ipc.Routers, d.heardRouters)
	}
	if err != nil {
		d.say(slog.LevelError, kindProcess, "", fmt.Sprintf("hear of the %s child: %v", name, err))
	}
}

// link takes a socket; news of one kind goes to heard, answers to those who asked.
func (c *child) link(d *daemon, fd int, news ipc.Kind, heard func(ipc.Message)) error {
	read := func(conn *ipc.Conn) error {
		return conn.ReadReady(func(m ipc.Message, files []int) {
			m, err := ipc.Unpack(m, files)
			switch {
			case err != nil: // it is as if nobody had said it
			case m.Kind == news:
				heard(m)
			case m.Kind == ipc.Answer:
				c.answered(m)
			}
		})
	}
	return c.Attach(d.loop, fd, unix.EPOLLIN, read, c.abandon)
}

// ask sends a question and calls then on the loop: with nil if there is no
// answer to be had.
func (c *child) ask(m ipc.Message, then func(*ipc.Message)) {
	if c.Conn() == nil || len(c.asked) >= maxAsked {
		then(nil)
		return
	}
	c.seq++
	m.Seq = c.seq
	if c.Conn().Send(m) != nil {
		then(nil)
		return
	}
	if c.asked == nil {
		c.asked = map[uint64]func(*ipc.Message){}
	}
	c.asked[c.seq] = then
}

// order asks for something to be done; absent is why not where nobody answers.
func (c *child) order(m ipc.Message, absent error, then func(error)) {
	c.ask(m, func(a *ipc.Message) {
		switch {
		case a == nil:
			then(absent)
		case a.Error != "":
			then(errors.New(a.Error))
		default:
			then(nil)
		}
	})
}

func (c *child) answered(m ipc.Message) {
	if then := c.asked[m.Seq]; then != nil {
		delete(c.asked, m.Seq)
		then(&m)
	}
}

// abandon leaves those who asked without an answer.
func (c *child) abandon() {
	asked := c.asked
	c.asked = nil
	for _, then := range asked {
		then(nil)
	}
}
