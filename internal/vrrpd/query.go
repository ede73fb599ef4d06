package vrrpd

import (
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/explain"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// answer answers a Query from what is known now.
func (d *daemon) answer(m ipc.Message) {
	seen := d.survey(m.Topic == ipc.TopicClear)
	d.hands.Go(func() {
		answer := ipc.Message{Kind: ipc.Answer, Seq: m.Seq, Topic: m.Topic}
		if m.Topic == ipc.TopicStatus {
			answer.Body = ipc.Marshal(seen.status())
		} else {
			answer.Body = ipc.Marshal(seen.dump())
		}
		_ = d.conn.SendLarge(answer) // a parent that is gone is noticed by listen
	})
}

// status is this child's part of api.Status.
func (s *survey) status() api.Status {
	out := api.Status{Version: api.Version, Instances: []api.Instance{}, Groups: []api.Group{}}
	for i := range s.routers {
		out.Instances = append(out.Instances, s.instance(&s.routers[i]))
	}
	for _, g := range s.groups {
		out.Groups = append(out.Groups, api.Group{Name: g.name, State: g.state.String(), Members: g.members})
	}
	return out
}

func (s *survey) instance(g *glance) api.Instance {
	v := &g.view
	out := api.Instance{
		Name: g.Name, State: v.State.String(), Since: s.wall(v.Since), Interface: g.Base, VMAC: g.VMAC,
		VRID: int(g.VRID), Family: map[int]string{4: "IPv4", 6: "IPv6"}[g.Family], VRRPVersion: g.Version,
		Priority: int(v.Priority), BasePriority: int(v.Base),
		AdvertMS:  float64(g.Interval) / float64(time.Millisecond),
		Addresses: []string{}, Counters: g.counts(), Preempt: g.preempt, Refused: g.refused, Configured: g.set,
	}
	out.Counters["splits"] = v.Splits
	if v.Cause != nil {
		out.Cause = v.Cause.String()
	}
	s.prospects(&out, g)
	for _, a := range g.Addresses {
		out.Addresses = append(out.Addresses, a.Prefix.String()+" dev "+a.Dev)
	}
	out.Tracks = tracks(v.Tracks)
	for _, t := range v.Tracks {
		if t.Reverse {
			out.ReverseTracks = append(out.ReverseTracks, t.Name)
		}
	}
	out.Readiness = explain.Readiness(&out)
	return out
}

// tracks says of what is tracked how it is, by name; nil if nothing is.
func tracks(all []vrrp.TrackView) map[string]string {
	if len(all) == 0 {
		return nil
	}
	out := make(map[string]string, len(all))
	for _, t := range all {
		switch {
		case !t.Known:
			out[t.Name] = "not known yet"
		case t.Up:
			out[t.Name] = "up"
		case t.Why == "":
			out[t.Name] = "down"
		default:
			out[t.Name] = "down: " + t.Why
		}
	}
	return out
}

// prospects fills in whom a backup hears and when it would take over, and who
// is master beside an active router.
func (s *survey) prospects(out *api.Instance, g *glance) {
	v := &g.view
	out.DownMS, out.Waiting = ms(v.Down), v.Waits
	if v.Master.IsValid() {
		out.Master, out.MasterPrio = v.Master.String(), int(v.MasterPriority)
		out.HeardMS = ms(max(g.at.Sub(v.Heard), 0))
	}
	if v.State == vrrp.Backup && v.Deadline != 0 {
		takeover := ms(max(v.Deadline.Sub(g.at), 0))
		out.TakeoverMS = &takeover
	}
	if v.Listens != 0 {
		out.ListensMS = ms(max(v.Listens.Sub(g.at), time.Microsecond))
	}
	if v.Rival.IsValid() {
		out.Split = &api.Split{With: v.Rival.String(), Priority: int(v.RivalPriority), Since: s.wall(v.RivalSince)}
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// counts are a router's counters by keepalived's names where it has them, and
// those of its interface that could not be put down to any router.
func (g *glance) counts() map[string]uint64 {
	c := &g.counters
	out := map[string]uint64{
		"advert_sent": c.sent, "become_master": c.becameMaster, "release_master": c.released,
		"pri_zero_rcvd": c.zeroHeard, "pri_zero_sent": c.zeroSent, "announced": c.announced, "send_errors": c.sendErrors,
	}
	for f := wire.Good; f < wire.NumFaults; f++ {
		out[f.String()] = c.faults[f]
	}
	if g.strays != nil {
		for f := wire.Good + 1; f < wire.NumFaults; f++ {
			if g.strays[f] > 0 {
				out["interface_"+f.String()] = g.strays[f]
			}
		}
	}
	return out
}
