package vrrpd

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// overSNMP is the only way by which instances are set.
const overSNMP = "SNMP"

// errSetting: what came over the link is nothing that can be set.
var errSetting = errors.New("what is asked for over SNMP can not be set")

// setting is a feed.Setting on its way: worked out beside the loop, as a reload
// is, and carried out on it.
type setting struct {
	router int
	was    api.Configured // what it replaces
	now    api.Configured
	event  vrrp.Reconfigure
}

// set carries out what was set over SNMP, and answers. It takes its turn with
// reloads, the next of which takes it back.
func (d *daemon) set(m ipc.Message, reply func(ipc.Message)) {
	d.hands.Go(func() {
		select {
		case d.reading <- struct{}{}:
		case <-d.ended:
			return
		}
		s, err := d.workOutSetting(m.Body)
		done := d.post(func() {
			if err == nil && !d.stopping {
				d.carryOutSetting(&s)
			}
			<-d.reading
			reply(settled(m.Seq, err))
		})
		if !done {
			<-d.reading
			reply(settled(m.Seq, errors.New("the VRRP child is busy")))
		}
	})
}

func settled(seq uint64, err error) ipc.Message {
	a := ipc.Message{Kind: ipc.Answer, Seq: seq}
	if err != nil {
		a.Error = err.Error()
	}
	return a
}

// workOutSetting runs beside the loop while no configuration is adopted.
func (d *daemon) workOutSetting(body []byte) (s setting, err error) {
	var want feed.Setting
	if json.Unmarshal(body, &want) != nil || want.Priority < 0 || want.Priority > int(vrrp.OwnerPriority) {
		return s, errSetting
	}
	s.router = slices.IndexFunc(d.cfg.Routers, func(r build.Router) bool { return r.Name == want.Name })
	if s.router < 0 {
		return s, fmt.Errorf("there is no instance %q", want.Name)
	}
	next := d.cfg.Node
	next.Routers = slices.Clone(next.Routers)
	c := &next.Routers[s.router]
	s.was = api.Configured{Priority: int(c.Priority), Preempt: c.Preempt}
	if want.Priority != 0 {
		c.Priority = vrrp.Priority(want.Priority)
	}
	if want.Preempt != feed.AsItIs {
		c.Preempt = want.Preempt == feed.On
	}
	s.now = api.Configured{Priority: int(c.Priority), Preempt: c.Preempt}
	s.event = vrrp.Reconfigure{Config: next, Prepared: d.node.Prepare(next), Cause: vrrp.Set{Over: overSNMP}}
	return s, nil
}

func (d *daemon) carryOutSetting(s *setting) {
	if s.now == s.was {
		return
	}
	e := d.edges[s.router]
	if e.configured == nil {
		e.configured = &s.was
	}
	if s.now == *e.configured {
		e.configured = nil // all is as configured again
	}
	if s.now.Priority != s.was.Priority {
		d.sayf(slog.LevelInfo, kindConfig, e.Name, "(%s) base priority changed from %d to %d via SNMP", e.Name, s.was.Priority, s.now.Priority)
	}
	if s.now.Preempt != s.was.Preempt {
		word := map[bool]string{true: "enabled", false: "disabled"}[s.now.Preempt]
		d.sayf(slog.LevelInfo, kindConfig, e.Name, "(%s) preemption %s with SNMP", e.Name, word)
	}
	d.cfg.Node = s.event.Config
	e.owner, e.advert = isOwner(&d.cfg.Node.Routers[s.router]), e.advert[:0]
	d.last = max(d.last, d.now())
	actions := d.node.Step(d.last, s.event)
	d.act(slices.DeleteFunc(slices.Clone(actions), func(a vrrp.Action) bool { _, ok := a.(vrrp.Renumbered); return ok })) // they are who they were
}
