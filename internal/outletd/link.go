package outletd

import (
	"encoding/json"
	"errors"
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/dump"
	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// maxAsked bounds the questions to the VRRP child that are not answered yet.
const maxAsked = 16

// vrrpLink is what the VRRP child says. One that dies takes nothing with it: the
// next one tells anew.
type vrrpLink struct {
	conn  *ipc.Conn
	known feed.VRRP // all there are, as heard last; Why is empty until there was something
	// Where in known each is.
	routers, groups map[string]int

	seq   uint64
	asked map[uint64]func(*ipc.Message) // with nil if there is no answer to be had
}

// link takes the socket to a VRRP child that has just begun to serve, or that
// served before us.
func (d *daemon) link(fd int) {
	d.unlink()
	c := ipc.FromFD(fd)
	if err := d.loop.Watch(fd, unix.EPOLLIN, func(uint32) { d.readVRRP(c) }); err != nil {
		d.say(slog.LevelError, kindProcess, "", "hear of VRRP instances: "+err.Error())
		_ = c.Close()
		return
	}
	d.vrrp.conn = c
}

// unlink leaves what is known, and those who asked without an answer.
func (d *daemon) unlink() {
	if d.vrrp.conn == nil {
		return
	}
	d.loop.Unwatch(d.vrrp.conn.Fd())
	_ = d.vrrp.conn.Close()
	d.vrrp.conn = nil
	asked := d.vrrp.asked
	d.vrrp.asked = nil
	for _, then := range asked {
		then(nil)
	}
}

func (d *daemon) readVRRP(c *ipc.Conn) {
	err := c.ReadReady(func(m ipc.Message, files []int) {
		m, err := ipc.Unpack(m, files)
		if err != nil {
			return // it is as if nobody had said it
		}
		switch m.Kind {
		case ipc.Routers:
			var n feed.VRRP
			if json.Unmarshal(m.Body, &n) == nil {
				d.heard(&n)
			}
		case ipc.Answer:
			d.answered(m)
		}
	})
	if err != nil && d.vrrp.conn == c {
		d.unlink()
	}
}

// heard keeps what is so now, and tells every way out.
func (d *daemon) heard(n *feed.VRRP) {
	if n.Why == feed.Changed {
		d.vrrp.change(n)
	} else {
		d.vrrp.know(n)
	}
	for _, w := range d.ways {
		w.News(n)
	}
}

// know takes all that there is in place of what was known.
func (v *vrrpLink) know(n *feed.VRRP) {
	v.known = feed.VRRP{Why: n.Why, Routers: n.Routers, Groups: n.Groups}
	v.routers, v.groups = make(map[string]int, len(n.Routers)), make(map[string]int, len(n.Groups))
	for i := range n.Routers {
		v.routers[n.Routers[i].Name] = i
	}
	for i := range n.Groups {
		v.groups[n.Groups[i].Name] = i
	}
}

// change takes what is another than before.
func (v *vrrpLink) change(n *feed.VRRP) {
	for _, r := range n.Routers {
		if at, ok := v.routers[r.Name]; ok {
			v.known.Routers[at] = r
		}
	}
	for _, g := range n.Groups {
		if at, ok := v.groups[g.Name]; ok {
			v.known.Groups[at] = g
		}
	}
}

// ask has the VRRP child say what package dump has of it, and calls then on the
// loop: with nil if there is no answer to be had.
func (d *daemon) ask(then func(*dump.VRRP)) {
	d.askVRRP(ipc.Message{Kind: ipc.Query, Topic: ipc.TopicDump}, func(m *ipc.Message) {
		var state dump.VRRP
		if m == nil || json.Unmarshal(m.Body, &state) != nil {
			then(nil)
			return
		}
		then(&state)
	})
}

// errNoVRRP is why nothing can be set of instances.
var errNoVRRP = errors.New("the VRRP child does not answer")

// set has the VRRP child carry a setting out, and calls then on the loop.
func (d *daemon) set(s *feed.Setting, then func(error)) {
	d.askVRRP(ipc.Message{Kind: ipc.Set, Body: ipc.Marshal(s)}, func(m *ipc.Message) {
		switch {
		case m == nil:
			then(errNoVRRP)
		case m.Error != "":
			then(errors.New(m.Error))
		default:
			then(nil)
		}
	})
}

func (d *daemon) askVRRP(m ipc.Message, then func(*ipc.Message)) {
	v := &d.vrrp
	if v.conn == nil || len(v.asked) >= maxAsked {
		then(nil)
		return
	}
	v.seq++
	m.Seq = v.seq
	if v.conn.Send(m) != nil {
		then(nil)
		return
	}
	if v.asked == nil {
		v.asked = map[uint64]func(*ipc.Message){}
	}
	v.asked[v.seq] = then
}

func (d *daemon) answered(m ipc.Message) {
	then := d.vrrp.asked[m.Seq]
	if then == nil {
		return
	}
	delete(d.vrrp.asked, m.Seq)
	then(&m)
}

// garp asks the VRRP child to announce an instance's addresses.
func (d *daemon) garp(name string) {
	if d.vrrp.conn != nil {
		_ = d.vrrp.conn.Send(ipc.Message{Kind: ipc.Garp, Topic: name}) // one that does not read is hung, which the parent notices
	}
}

// wish asks the parent.
func (d *daemon) wish(topic string) { _ = d.conn.Send(ipc.Message{Kind: ipc.Wish, Topic: topic}) }
