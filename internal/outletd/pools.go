package outletd

import (
	"encoding/json"
	"errors"
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// checkerChild is how the parent names the checker child.
const checkerChild = "checker"

// poolLink is the way to the checker child. What it says goes to those who want
// it; what it has is asked for.
type poolLink struct {
	conn  *ipc.Conn
	seq   uint64
	asked map[uint64]func(*ipc.Message) // with nil if there is no answer to be had
}

// pooled is a way out that wants to hear of servers.
type pooled interface{ Pool(n *feed.Pool) }

// linkTo takes the socket to another child that has just begun to serve.
func (d *daemon) linkTo(child string, fd int) {
	if child == checkerChild {
		d.linkPools(fd)
		return
	}
	d.link(fd)
}

func (d *daemon) linkPools(fd int) {
	d.unlinkPools()
	c := ipc.FromFD(fd)
	if err := d.loop.Watch(fd, unix.EPOLLIN, func(uint32) { d.readPools(c) }); err != nil {
		d.say(slog.LevelError, kindProcess, "", "hear of virtual servers: "+err.Error())
		_ = c.Close()
		return
	}
	d.pool.conn = c
}

// unlinkPools leaves those who asked without an answer.
func (d *daemon) unlinkPools() {
	if d.pool.conn == nil {
		return
	}
	d.loop.Unwatch(d.pool.conn.Fd())
	_ = d.pool.conn.Close()
	d.pool.conn = nil
	asked := d.pool.asked
	d.pool.asked = nil
	for _, then := range asked {
		then(nil)
	}
}

func (d *daemon) readPools(c *ipc.Conn) {
	err := c.ReadReady(func(m ipc.Message, files []int) {
		m, err := ipc.Unpack(m, files)
		if err != nil {
			return // it is as if nobody had said it
		}
		switch m.Kind {
		case ipc.Pools:
			var n feed.Pool
			if json.Unmarshal(m.Body, &n) != nil {
				return
			}
			for _, w := range d.ways {
				if w, ok := w.(pooled); ok {
					w.Pool(&n)
				}
			}
		case ipc.Answer:
			d.answeredPools(m)
		}
	})
	if err != nil && d.pool.conn == c {
		d.unlinkPools()
	}
}

// order has the checker child carry a command out, and calls then on the loop.
func (d *daemon) order(c *api.ServerCommand, then func(error)) {
	d.askChecker(ipc.Message{Kind: ipc.Order, Body: ipc.Marshal(c)}, func(m *ipc.Message) {
		switch {
		case m == nil:
			then(errNoChecker)
		case m.Error != "":
			then(errors.New(m.Error))
		default:
			then(nil)
		}
	})
}

// errNoChecker is why nothing can be said of servers.
var errNoChecker = errors.New("the checker child does not answer")

// askPools has the checker child say what it has, and calls then with it; off
// the loop, for it may be megabytes. Nil if there is no answer to be had.
func (d *daemon) askPools(then func([]api.Service)) {
	d.askChecker(ipc.Message{Kind: ipc.Query, Topic: ipc.TopicTraffic}, func(m *ipc.Message) {
		if m == nil {
			then(nil)
			return
		}
		d.hands.Go(func() {
			var s api.Status
			if json.Unmarshal(m.Body, &s) != nil {
				s.Services = nil
			}
			then(s.Services)
		})
	})
}

func (d *daemon) askChecker(m ipc.Message, then func(*ipc.Message)) {
	l := &d.pool
	if l.conn == nil || len(l.asked) >= maxAsked {
		then(nil)
		return
	}
	l.seq++
	m.Seq = l.seq
	if l.conn.Send(m) != nil {
		then(nil)
		return
	}
	if l.asked == nil {
		l.asked = map[uint64]func(*ipc.Message){}
	}
	l.asked[l.seq] = then
}

func (d *daemon) answeredPools(m ipc.Message) {
	then := d.pool.asked[m.Seq]
	if then == nil {
		return
	}
	delete(d.pool.asked, m.Seq)
	then(&m)
}
