package outletd

import (
	"encoding/json"
	"errors"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// pooled is a way out that wants to hear of servers.
type pooled interface{ Pool(n *feed.Pool) }

// heardPools hands on what the checker child says; what it has is asked for.
func (d *daemon) heardPools(m ipc.Message) {
	var n feed.Pool
	if json.Unmarshal(m.Body, &n) != nil {
		return
	}
	for _, w := range d.ways {
		if w, ok := w.(pooled); ok {
			w.Pool(&n)
		}
	}
}

// errNoChecker is why nothing can be said of servers.
var errNoChecker = errors.New("the checker child does not answer")

// order has the checker child carry a command out, and calls then on the loop.
func (d *daemon) order(c *api.ServerCommand, then func(error)) {
	d.pools.order(ipc.Message{Kind: ipc.Order, Body: ipc.Marshal(c)}, errNoChecker, then)
}

// askPools has the checker child say what it has, and calls then with it; off
// the loop, for it may be megabytes. Nil if there is no answer to be had.
func (d *daemon) askPools(then func([]api.Service)) {
	d.pools.ask(ipc.Message{Kind: ipc.Query, Topic: ipc.TopicTraffic}, func(m *ipc.Message) {
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
