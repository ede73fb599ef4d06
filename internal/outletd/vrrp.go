package outletd

import (
	"encoding/json"
	"errors"

	"github.com/holdfast-ha/holdfast/internal/dump"
	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// vrrpChild is the way to the VRRP child, and what it says.
type vrrpChild struct {
	child
	known feed.VRRP // all there are, as heard last; Why is empty until there was something
	// Where in known each is.
	routers, groups map[string]int
}

// heardRouters keeps what is so now, and tells every way out.
func (d *daemon) heardRouters(m ipc.Message) {
	var n feed.VRRP
	if json.Unmarshal(m.Body, &n) != nil {
		return
	}
	if n.Why == feed.Changed {
		d.vrrp.change(&n)
	} else {
		d.vrrp.know(&n)
	}
	for _, w := range d.ways {
		w.News(&n)
	}
}

// know takes all that there is in place of what was known.
func (v *vrrpChild) know(n *feed.VRRP) {
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
func (v *vrrpChild) change(n *feed.VRRP) {
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

// askVRRP has the VRRP child say what package dump has of it, and calls then on
// the loop: with nil if there is no answer to be had.
func (d *daemon) askVRRP(then func(*dump.VRRP)) {
	d.vrrp.ask(ipc.Message{Kind: ipc.Query, Topic: ipc.TopicDump}, func(m *ipc.Message) {
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
	d.vrrp.order(ipc.Message{Kind: ipc.Set, Body: ipc.Marshal(s)}, errNoVRRP, then)
}

// garp asks the VRRP child to announce an instance's addresses.
func (d *daemon) garp(name string) {
	if c := d.vrrp.Conn(); c != nil {
		_ = c.Send(ipc.Message{Kind: ipc.Garp, Topic: name}) // one that does not read is hung, which the parent notices
	}
}
