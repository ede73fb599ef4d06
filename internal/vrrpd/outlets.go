package vrrpd

import (
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// outletChild is how the parent names the child of D-Bus and SNMP.
const outletChild = "outlet"

// The outlet child hears of one refused advert per instance and kind in
// refusedEvery, and of maxRefused of all instances together: who forges them
// must not keep anybody busy, or crowd out what is news.
const (
	refusedEvery = time.Second
	maxRefused   = 16
)

// lastNews is how long the end waits for the outlet child to take the last of it.
const lastNews = time.Second

// outlets is the way to the outlet child, over a link that the parent made. It
// hears of everything last, and nobody waits for it.
type outlets struct {
	link   ipc.Sibling
	feeder *ipc.Feeder // nil: there is no such child
	news   feed.VRRP   // of the step under way
	held   bool        // a reload is under way, which tells of everything at its end

	refusedSince clock.Instant // when the refused were counted anew
	refused      int           // told since then
}

// linkTo takes the socket to another child that has just begun to serve.
func (d *daemon) linkTo(child string, fd int) {
	if child == outletChild {
		d.linkOutlets(fd)
		return
	}
	d.linkBFD(fd)
}

// linkOutlets takes the socket to an outlet child; it first hears how things are.
func (d *daemon) linkOutlets(fd int) {
	o := &d.outlets
	if err := o.link.Attach(d.loop, fd, unix.EPOLLIN, d.readOutlets, d.outletsGone); err != nil {
		d.say(slog.LevelError, kindNotify, "", "", "tell the outlet child: "+err.Error())
		return
	}
	var f *ipc.Feeder
	f = ipc.NewFeeder(o.link.Conn(), func() bool {
		return d.post(func() {
			if d.outlets.feeder == f {
				d.feed(d.everything(feed.Present))
			}
		})
	})
	o.feeder = f
	d.feed(d.everything(feed.Began))
}

func (d *daemon) outletsGone() {
	o := &d.outlets
	o.feeder.Close(0)
	*o = outlets{held: o.held, refusedSince: o.refusedSince, refused: o.refused}
}

// readOutlets takes what the outlet child asks for.
func (d *daemon) readOutlets(c *ipc.Conn) error {
	return c.ReadReady(func(m ipc.Message, files []int) {
		for _, fd := range files { // it has no reason to send one
			_ = unix.Close(fd)
		}
		switch m.Kind {
		case ipc.Query:
			seen := d.survey(false)
			d.outlets.feeder.Put(ipc.Message{Kind: ipc.Answer, Seq: m.Seq, Topic: m.Topic}, func() any { return seen.dump() })
		case ipc.Set:
			f := d.outlets.feeder
			d.set(m, func(a ipc.Message) { f.Put(a, nil) })
		case ipc.Garp:
			d.garp(m.Topic)
		}
	})
}

// garp announces the addresses of an instance once.
func (d *daemon) garp(name string) {
	at := slices.IndexFunc(d.edges, func(e *edge) bool { return e.Name == name })
	if at < 0 || d.stopping {
		return
	}
	e := d.edges[at]
	if !e.active {
		d.sayf(slog.LevelInfo, kindNotify, name, "(%s) sends no garps on DBus request: it is not master", name)
		return
	}
	d.announce(e, 1)
	d.pace.burst(d.now())
	d.speaker.Flush()
	d.sayf(slog.LevelInfo, kindNotify, name, "Sending garps on %s on DBus request", name)
}

// feed hands over one message.
func (d *daemon) feed(n feed.VRRP) {
	d.outlets.feeder.Put(ipc.Message{Kind: ipc.Routers}, n)
}

// change notes what became of a router; tellOutlets tells it.
func (o *outlets) change(e *edge, state string, p vrrp.Priority, why string) {
	if o.feeder != nil && !o.held {
		o.news.Routers = append(o.news.Routers, routerNews(e, state, p, why))
	}
}

// changeGroup is change for a sync group.
func (o *outlets) changeGroup(name, state, why string) {
	if o.feeder != nil && !o.held {
		o.news.Groups = append(o.news.Groups, feed.Group{Name: name, State: state, Cause: why})
	}
}

// refuse tells of an advert that was not believed, where somebody beyond us may
// want to know and it is not one of many.
func (o *outlets) refuse(e *edge, fault wire.Fault, from netip.Addr, at clock.Instant) {
	if o.feeder == nil {
		return
	}
	switch fault {
	case wire.HopLimit, wire.BadVersion, wire.BadChecksum, wire.BadAuthType, wire.AuthMismatch, wire.AuthFailure:
	default:
		return
	}
	if o.refusedSince == 0 || at.Sub(o.refusedSince) >= refusedEvery {
		o.refusedSince, o.refused = at, 0
	}
	fed := &e.refusals.fed[fault]
	if o.refused == maxRefused || *fed != 0 && at.Sub(*fed) < refusedEvery {
		return
	}
	*fed = at
	o.refused++
	o.feeder.Put(ipc.Message{Kind: ipc.Routers}, feed.VRRP{
		Why: feed.Changed, Refused: []feed.Refused{{Name: e.Name, Source: from.String(), Cause: fault.String()}},
	})
}

// tellOutlets tells what a step brought about.
func (d *daemon) tellOutlets() {
	n := &d.outlets.news
	if len(n.Routers)+len(n.Groups) == 0 {
		return
	}
	n.Why = feed.Changed
	d.feed(*n)
	*n = feed.VRRP{}
}

// outletsReloaded tells what there is now, and what no longer is.
func (d *daemon) outletsReloaded(gone []*edge) {
	d.outlets.held = false
	if d.outlets.feeder == nil {
		return
	}
	n := d.everything(feed.Reloaded)
	for _, e := range gone {
		n.Gone = append(n.Gone, routerNews(e, e.goneState(), e.effective, "no longer configured"))
	}
	d.feed(n)
}

// outletsStopped tells of the orderly end.
func (d *daemon) outletsStopped() {
	if d.outlets.feeder != nil {
		d.feed(d.everything(feed.Stopped))
	}
}

// sliceOfNews is how many routers are looked at before others may go first.
const sliceOfNews = 256

// everything is how things are. Adverts go first while it is put together; a
// router that changed meanwhile, of which nobody is told yet, is looked at again
// at the end.
func (d *daemon) everything(why feed.Why) feed.VRRP {
	held := d.outlets.held
	d.outlets.held = true
	n := feed.VRRP{Why: why, Routers: make([]feed.Router, len(d.edges))}
	for i, e := range d.edges {
		n.Routers[i] = routerNews(e, d.node.StateOf(i).String(), d.node.PriorityOf(i), "")
		if i%sliceOfNews == sliceOfNews-1 {
			d.yield()
		}
	}
	for i := range n.Routers {
		r := &n.Routers[i]
		r.State, r.Priority = d.node.StateOf(i).String(), int(d.node.PriorityOf(i))
	}
	for i := range d.cfg.Groups {
		n.Groups = append(n.Groups, feed.Group{Name: d.cfg.Groups[i].Name, State: d.node.Group(i).State.String()})
	}
	d.outlets.held = held
	return n
}

func routerNews(e *edge, state string, p vrrp.Priority, why string) feed.Router {
	return feed.Router{
		Name: e.Name, Interface: e.Base, VRID: int(e.VRID), Family: e.Family, Version: e.Version,
		State: state, Priority: int(p), Cause: why,
	}
}

// goneState is what is said of an instance that a reload removed.
func (e *edge) goneState() string {
	if e.Notify.Deleted != nil {
		return "DELETED"
	}
	return "FAULT"
}
