package checkd

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"github.com/holdfast-ha/holdfast/internal/probe"
)

// query answers the parent with what we know; of ten thousand servers that
// makes megabytes, which are written beside the loop.
func (d *daemon) query(m ipc.Message) {
	answer := ipc.Message{Kind: ipc.Answer, Seq: m.Seq, Topic: m.Topic}
	if m.Topic != ipc.TopicStatus && m.Topic != ipc.TopicDump && m.Topic != ipc.TopicClear {
		answer.Error = fmt.Sprintf("the checker has nothing about %q", m.Topic)
		d.answer(answer)
		return
	}
	status := d.status() // shares nothing with us
	w, pools := d.writer, make([]pooled, 0, len(d.order))
	if m.Topic == ipc.TopicStatus {
		for _, p := range d.order {
			pools = append(pools, p.keys())
		}
	}
	d.beside.Go(func() {
		if len(pools) > 0 {
			found := w.figures()
			for i, p := range pools {
				p.traffic(found, &status.Services[i])
			}
		}
		answer.Body = ipc.Marshal(status)
		status = api.Status{}
		if err := d.conn.SendLarge(answer); err != nil {
			d.post(d.alive, func() { d.unanswered(err) })
		}
		if len(answer.Body) > ipc.MaxInline {
			answer.Body = nil
			debug.FreeOSMemory()
		}
	})
}

func (d *daemon) status() api.Status {
	s := api.Status{Director: d.writer.dir.Name(), DirectorRefuses: d.refused, PutBack: d.putBack, Overrides: d.overrides.list(d), Services: make([]api.Service, 0, len(d.order))}
	now := d.loop.Read()
	shared := shares{ids: map[*monitor]int{}}
	for _, p := range d.order {
		one := p.status(now.Mono.Sub(0), time.Unix(0, now.Wall), &shared)
		for i := range one.Servers {
			d.unfollowed(one.Servers[i].Checks)
			one.Servers[i].Override = d.overrides.all[target{p.plan.ID, one.Servers[i].Name}]
		}
		s.Services = append(s.Services, one)
	}
	s.Shared = shared.all
	return s
}

// shares lists the monitors that have several users.
type shares struct {
	all []api.SharedProbe
	ids map[*monitor]int
}

// of notes a checker as a user of its monitor, and gives the monitor's number,
// 0 if it has no other.
func (s *shares) of(c *checker) int {
	m := c.monitor
	if len(m.users) < 2 {
		return 0
	}
	id := s.ids[m]
	if id == 0 {
		id = len(s.all) + 1
		s.ids[m] = id
		s.all = append(s.all, api.SharedProbe{ID: id, Kind: m.plan.Probe.Kind, Target: m.plan.Probe.Target()})
	}
	one := &s.all[id-1]
	one.Users = append(one.Users, api.ProbeUser{Service: c.server.pool.name(), Server: c.server.name()})
	return id
}

// unfollowed says of BFD_CHECKs that there is nobody to follow.
func (d *daemon) unfollowed(checks []api.Check) {
	for i := range checks {
		if d.boot.NoBFD && checks[i].Follows != "" {
			checks[i].Detail = "not checked: there is no BFD child (--no_bfd)"
		}
	}
}

// status describes a pool; wall is the time of day at mono.
func (p *pool) status(mono time.Duration, wall time.Time, shared *shares) api.Service {
	cfg := p.machine.Config()
	s := api.Service{
		Name: cfg.Name, Scheduler: cfg.Service.Scheduler, Forward: "NAT", Quorum: cfg.Quorum,
		HasQuorum: p.machine.HasQuorum(), SorryInUse: p.machine.SorryInUse(),
		Servers: make([]api.Server, 0, len(p.order)), Panic: p.machine.Panics(), Tier: p.machine.Tier(),
	}
	if cfg.Sorry != nil {
		s.Sorry = cfg.Sorry.Name
	}
	for i, one := range p.order {
		if i == 0 {
			s.Forward = forward(cfg.Servers[0].Server.Forward)
		}
		up, weight := p.machine.ServerAt(i)
		rs := api.Server{
			Name: one.name(), Up: up, Weight: weight, Since: time.Unix(0, one.since), Cause: one.cause,
			Checks: make([]api.Check, 0, len(one.checks)), Tier: cfg.Servers[i].Tier,
		}
		if state, weight, offered := p.machine.Where(i); offered {
			rs.State, rs.Offered = state, &weight
		} else {
			rs.State = state
		}
		for _, c := range one.checks {
			one := c.status(mono, wall)
			one.Shared = shared.of(c)
			rs.Checks = append(rs.Checks, one)
		}
		s.Servers = append(s.Servers, rs)
	}
	return s
}

func (c *checker) status(mono time.Duration, wall time.Time) api.Check {
	out := api.Check{Kind: c.plan.Probe.Kind, Follows: c.plan.Probe.BFD, Up: c.view.Up(), Detail: "not checked yet"}
	m := c.monitor
	if m.last == 0 || c.view.Paused() && !c.view.Known() {
		if c.view.Paused() {
			out.Detail = "suspended: the address is not here"
		}
		return out
	}
	out.Last = wall.Add(m.last.Sub(0) - mono)
	out.TookMS = float64(m.took) / float64(time.Millisecond)
	if out.Detail = m.detail; m.ok {
		out.Detail = "ok"
	}
	return out
}

func forward(f lvs.Forward) string {
	switch f {
	case lvs.DirectRoute:
		return "DR"
	case lvs.Tunnel:
		return "TUN"
	}
	return "NAT"
}

// census counts what is checked, for a log line.
func (d *daemon) census() string {
	servers, checks, shared := 0, 0, ""
	for _, p := range d.order {
		servers += len(p.order)
		for _, s := range p.order {
			checks += len(s.checks)
		}
	}
	if n := d.monitors.count; n < checks {
		shared = " by " + diag.Counted(n, "probe")
	}
	return fmt.Sprintf("%s of %s with %s%s", diag.Counted(servers, "real server"), diag.Counted(len(d.order), "virtual server"), diag.Counted(checks, "check"), shared)
}

// shutdown tells what is taken out at the end, a line for each virtual server,
// and runs the notifiers where omega asks for it.
func (d *daemon) shutdown() {
	for _, p := range d.order {
		live := 0
		for _, s := range p.order {
			if up, _ := p.machine.Server(s.key()); up {
				live++
				if p.plan.Omega {
					d.notifyServer(s, false, d.ended)
					d.notifier.serverMail(s, false, "=> Shutting down <=", d.ended)
				}
			}
		}
		d.say(p.name(), d.ended, "Shutting down VS %s with %d live services", p.name(), live)
		d.feedPool(p, feed.Pool{Stopping: true})
		if p.plan.Omega { // also where quorum is lost already, as in keepalived
			d.notifyQuorum(p, false, "=> Shutting down <=", d.ended)
		}
	}
}

// broken stands for a check that could not be made ready.
type broken struct{ err error }

// Probe always fails, and says why.
func (b broken) Probe(context.Context) probe.Result {
	return probe.Result{Reason: probe.Local, Detail: b.err.Error()}
}
