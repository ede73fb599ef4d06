package vrrpd

import (
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/dump"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// dump is what the data files need of us; others format and write it.
func (s *survey) dump() dump.VRRP {
	out := s.tracked
	for i := range s.routers {
		out.Routers = append(out.Routers, s.dumpRouter(&s.routers[i]))
	}
	for i := range s.groups {
		g := s.groups[i].dump()
		for k := range s.routers {
			if r := &s.routers[k]; slices.Contains(s.groups[i].members, r.Name) && out.Routers[k].Faults > 0 {
				g.Faults++
			}
		}
		out.Groups = append(out.Groups, g)
	}
	return out
}

func (s *survey) dumpRouter(g *glance) dump.Router {
	v := &g.view
	r := dump.Router{
		Name: g.Name, State: v.State.String(), Since: s.wall(v.Since), Down: v.Down, Interface: g.Base, VMAC: g.VMAC,
		MasterEvery: v.MasterAdvert, Priority: int(v.Priority), Total: int(v.Priority),
		Base: int(v.Base), Preempt: g.preempt,
		Addresses: g.holds, Routes: g.routes, Rules: g.rules, Counters: g.counts(),
	}
	if v.Deadline != 0 {
		r.Next = s.wall(v.Deadline)
	}
	if g.up != 0 {
		r.Up = s.wall(g.up)
	}
	r.Took = g.took
	if g.source.IsValid() {
		r.Source = g.source.String()
	}
	if v.Master.IsValid() {
		r.Master, r.MasterPrio = v.Master.String(), int(v.MasterPriority)
	}
	if r.MasterEvery == 0 {
		r.MasterEvery = time.Duration(g.Interval)
	}
	r.Links = make(map[string]string, len(g.Addresses))
	for i := range g.Addresses {
		a := &g.Addresses[i]
		r.Links[a.Prefix.Addr().String()] = a.Dev
	}
	for _, t := range v.Tracks {
		if dev, is := build.TrackedInterface(t.Name); is {
			r.Interfaces = append(r.Interfaces, conf.Track{Name: dev, Weight: t.Weight, Reverse: t.Reverse})
		}
	}
	r.Faults = g.faults()
	return r
}

// faults are how many of the things that it tracks keep a router in FAULT. What
// its group tracks too counts once, and so does an interface that is gone with
// the address to send from.
func (g *glance) faults() int {
	var failed []string
	for _, t := range g.view.Tracks {
		if t.Known && t.Up == t.Reverse && t.Weight == 0 && !slices.Contains(failed, t.Name) {
			failed = append(failed, t.Name)
		}
	}
	if slices.Contains(failed, build.InterfaceTrack(g.Base)) {
		failed = slices.DeleteFunc(failed, func(name string) bool { return name == build.SourceTrack(g.Name, g.Base) })
	}
	return len(failed)
}

func (g *groupGlance) dump() dump.Group {
	out := dump.Group{Name: g.name, State: g.state.String()}
	for _, s := range g.states {
		if s == vrrp.Init {
			out.Init++
		}
	}
	return out
}

// dumpTracked is what the data files need of what routers track.
func (d *daemon) dumpTracked() (s dump.VRRP) {
	if d.static != nil {
		s.StaticRoutes, s.StaticRules = d.there(d.static)
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
