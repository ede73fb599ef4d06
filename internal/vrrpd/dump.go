package vrrpd

import (
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/dump"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// dump is what the data files need of us, copied; others format and write it.
func (d *daemon) dump() dump.VRRP {
	now := d.read()
	var s dump.VRRP
	for i := range d.edges {
		s.Routers = append(s.Routers, d.dumpRouter(i, now))
	}
	for i := range d.cfg.Groups {
		s.Groups = append(s.Groups, d.dumpGroup(i))
	}
	for _, t := range d.trackers {
		s.Scripts = append(s.Scripts, dump.Script{Name: t.Name, Known: t.machine.Known(), Up: t.machine.Up(), Running: t.machine.Running()})
	}
	if d.files != nil {
		for i, f := range d.files.files {
			s.Files = append(s.Files, dump.File{Name: f.Name, Number: d.files.state[i].number})
		}
	}
	if d.procs != nil {
		for i, t := range d.procs.tracked {
			s.Processes = append(s.Processes, dump.Process{Name: t.Name, Running: d.procs.machines[i].Running(), Up: d.told[build.ProcessTrack(t.Name)].up})
		}
	}
	for _, name := range d.cfg.BFDs {
		s.BFDs = append(s.BFDs, dump.TrackedBFD{Name: name, Up: d.told[build.BFDTrack(name)].up})
	}
	return s
}

func (d *daemon) dumpRouter(i int, now clock.Reading) dump.Router {
	e, v := d.edges[i], d.node.Router(i)
	r := dump.Router{
		Name: e.Name, State: v.State.String(), Since: wall(v.Since, now), Down: v.Down, Interface: e.Base, VMAC: e.VMAC,
		MasterEvery: v.MasterAdvert, Priority: int(v.Priority), Total: int(v.Priority),
		Addresses: e.active && len(e.holds) > 0, Counters: d.counts(e),
	}
	if v.Deadline != 0 {
		r.Next = wall(v.Deadline, now)
	}
	if e.up != 0 {
		r.Up = wall(e.up, now)
	}
	if e.active {
		r.Took = e.took
	}
	if e.source.IsValid() {
		r.Source = e.source.String()
	}
	if v.Master.IsValid() {
		r.Master, r.MasterPrio = v.Master.String(), int(v.MasterPriority)
	}
	if r.MasterEvery == 0 {
		r.MasterEvery = time.Duration(e.Interval)
	}
	for _, t := range v.Tracks {
		if t.Known && !t.Up && t.Weight == 0 {
			r.Faults++
		}
	}
	return r
}

func (d *daemon) dumpGroup(i int) dump.Group {
	g := d.node.Group(i)
	out := dump.Group{Name: d.cfg.Groups[i].Name, State: g.State.String()}
	for _, m := range g.Members {
		switch d.node.StateOf(m) {
		case vrrp.Fault:
			out.Faults++
		case vrrp.Init:
			out.Init++
		case vrrp.Backup, vrrp.Active:
		}
	}
	return out
}
