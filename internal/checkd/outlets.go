package checkd

import (
	"encoding/json"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

const (
	// outletChild is how the parent names the child of D-Bus and SNMP.
	outletChild = "outlet"
	// lastNews is how long the end waits for it to take the last of it.
	lastNews = time.Second
	// maxEarly bounds the news that wait for it to begin.
	maxEarly = 256
)

// outlets is the way to the outlet child, over a link that the parent made. It
// hears what becomes of servers, and asks for counters.
type outlets struct {
	link   ipc.Sibling
	feeder *ipc.Feeder // nil: there is no such child
	linked bool        // there was such a child
	early  []feed.Pool // what happened before there was
}

// linkTo takes the socket to another child that has just begun to serve.
func (d *daemon) linkTo(child string, fd int) {
	if child == outletChild {
		d.linkOutlets(fd)
		return
	}
	d.linkBFD(fd)
}

func (d *daemon) linkOutlets(fd int) {
	o := &d.outlets
	if err := o.link.Attach(d.loop, fd, unix.EPOLLIN, d.readOutlets, d.outletsGone); err != nil {
		d.tell(record{level: slog.LevelError, what: "tell the outlet child: " + err.Error()})
		return
	}
	o.feeder = ipc.NewFeeder(o.link.Conn(), func() bool { return true }) // what was lost is in every answer
	for _, n := range o.early {
		o.feeder.Put(ipc.Message{Kind: ipc.Pools}, n)
	}
	o.linked, o.early = true, nil
}

func (d *daemon) outletsGone() {
	d.outlets.feeder.Close(0)
	d.outlets = outlets{linked: true}
}

// readOutlets takes what the outlet child asks for.
func (d *daemon) readOutlets(c *ipc.Conn) error {
	return c.ReadReady(func(m ipc.Message, files []int) {
		for _, fd := range files { // it has no reason to send one
			_ = unix.Close(fd)
		}
		switch {
		case m.Kind == ipc.Query && m.Topic == ipc.TopicTraffic:
			d.traffic(m)
		case m.Kind == ipc.Order:
			d.weigh(m)
		}
	})
}

// weigh carries out what was asked for over SNMP, which is a weight and nothing
// else.
func (d *daemon) weigh(m ipc.Message) {
	f := d.outlets.feeder
	reply := func(a ipc.Message) { f.Put(a, json.RawMessage(a.Body)) }
	var c api.ServerCommand
	if json.Unmarshal(m.Body, &c) != nil || c.Action != api.ServerWeight || c.Weight < 0 || c.Weight > lvs.MaxWeight || len(c.Why) > api.MaxWhy {
		reply(ipc.Message{Kind: ipc.Answer, Seq: m.Seq, Error: "what is asked for over SNMP is no weight"})
		return
	}
	d.command(m, reply)
}

// traffic answers a query: the status with what the director counted, which is
// a second old at most.
func (d *daemon) traffic(m ipc.Message) {
	s := api.Status{Version: api.Version, Services: d.status().Services}
	w, f, pools := d.writer, d.outlets.feeder, make([]pooled, 0, len(d.order))
	for _, p := range d.order {
		pools = append(pools, p.keys())
	}
	d.beside.Go(func() {
		found := w.figures()
		for i, p := range pools {
			p.traffic(found, &s.Services[i])
		}
		f.Put(ipc.Message{Kind: ipc.Answer, Seq: m.Seq, Topic: m.Topic}, s)
	})
}

// feedPool tells of a pool, or of one of its servers.
func (d *daemon) feedPool(p *pool, n feed.Pool) {
	o := &d.outlets
	if o.feeder == nil && (o.linked || d.boot.Restarts > 0 || len(o.early) == maxEarly) {
		return
	}
	n.Service, n.HasQuorum, n.Ups = p.name(), p.machine.HasQuorum(), p.machine.Ups()
	if o.feeder == nil {
		o.early = append(o.early, n)
		return
	}
	o.feeder.Put(ipc.Message{Kind: ipc.Pools}, n)
}
