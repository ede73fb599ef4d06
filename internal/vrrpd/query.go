package vrrpd

import (
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/explain"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// answer answers a Query from what is known now.
func (d *daemon) answer(m ipc.Message) {
	answer := ipc.Message{Kind: ipc.Answer, Seq: m.Seq, Topic: m.Topic}
	if m.Topic == ipc.TopicStatus {
		answer.Body = ipc.Marshal(d.status())
		_ = d.conn.Send(answer)
		return
	}
	state := d.dump() // shares nothing with us
	if m.Topic == ipc.TopicClear {
		for _, e := range d.edges {
			e.counters = counters{}
		}
	}
	d.hands.Go(func() {
		answer.Body = ipc.Marshal(state)
		d.post(func() { _ = d.conn.Send(answer) })
	})
}

// status is this child's part of api.Status.
func (d *daemon) status() api.Status {
	now := d.read()
	s := api.Status{Version: api.Version, Instances: []api.Instance{}, Groups: []api.Group{}}
	for i := range d.edges {
		s.Instances = append(s.Instances, d.instance(i, now))
	}
	for i := range d.cfg.Groups {
		s.Groups = append(s.Groups, api.Group{
			Name: d.cfg.Groups[i].Name, State: d.node.Group(i).State.String(), Members: d.cfg.Groups[i].Members,
		})
	}
	return s
}

func (d *daemon) instance(i int, now clock.Reading) api.Instance {
	e, v := d.edges[i], d.node.Router(i)
	out := api.Instance{
		Name: e.Name, State: v.State.String(), Since: wall(v.Since, now), Interface: e.Base, VMAC: e.VMAC,
		VRID: int(e.VRID), Family: map[int]string{4: "IPv4", 6: "IPv6"}[e.Family], VRRPVersion: e.Version,
		Priority: int(v.Priority), BasePriority: int(v.Base),
		AdvertMS:  float64(e.Interval) / float64(time.Millisecond),
		Addresses: []string{}, Counters: d.counts(e), Preempt: d.cfg.Node.Routers[i].Preempt,
	}
	out.Counters["splits"] = v.Splits
	if v.Cause != nil {
		out.Cause = v.Cause.String()
	}
	d.prospects(&out, &v, now)
	out.Refused = e.refusals.lately(now.Mono)
	for _, a := range e.Addresses {
		out.Addresses = append(out.Addresses, a.Prefix.String()+" dev "+a.Dev)
	}
	for _, t := range v.Tracks {
		if out.Tracks == nil {
			out.Tracks = map[string]string{}
		}
		switch {
		case !t.Known:
			out.Tracks[t.Name] = "not known yet"
		case t.Up:
			out.Tracks[t.Name] = "up"
		case t.Why == "":
			out.Tracks[t.Name] = "down"
		default:
			out.Tracks[t.Name] = "down: " + t.Why
		}
	}
	out.Readiness = explain.Readiness(&out)
	return out
}

// prospects fills in whom a backup hears and when it would take over, and who
// is master beside an active router.
func (d *daemon) prospects(out *api.Instance, v *vrrp.RouterView, now clock.Reading) {
	out.DownMS, out.Waiting = ms(v.Down), v.Waits
	if v.Master.IsValid() {
		out.Master, out.MasterPrio = v.Master.String(), int(v.MasterPriority)
		out.HeardMS = ms(max(now.Mono.Sub(v.Heard), 0))
	}
	if v.State == vrrp.Backup && v.Deadline != 0 {
		takeover := ms(max(v.Deadline.Sub(now.Mono), 0))
		out.TakeoverMS = &takeover
	}
	if v.Rival.IsValid() {
		out.Split = &api.Split{With: v.Rival.String(), Priority: int(v.RivalPriority), Since: wall(v.RivalSince, now)}
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// wall is an instant on the wall clock as it stands now.
func wall(at clock.Instant, now clock.Reading) time.Time {
	return time.Unix(0, now.Wall-int64(now.Mono.Sub(at)))
}

// counts are a router's counters by keepalived's names where it has them, and
// those of its interface that could not be put down to any router.
func (d *daemon) counts(e *edge) map[string]uint64 {
	c := &e.counters
	out := map[string]uint64{
		"advert_sent": c.sent, "become_master": c.becameMaster, "release_master": c.released,
		"pri_zero_rcvd": c.zeroHeard, "pri_zero_sent": c.zeroSent, "announced": c.announced, "send_errors": c.sendErrors,
	}
	for f := wire.Good; f < wire.NumFaults; f++ {
		out[f.String()] = c.faults[f]
	}
	if l := d.strays[place{e.link.Index, e.Family}]; l != nil {
		for f := wire.Good + 1; f < wire.NumFaults; f++ {
			if l.faults[f] > 0 {
				out["interface_"+f.String()] = l.faults[f]
			}
		}
	}
	return out
}
