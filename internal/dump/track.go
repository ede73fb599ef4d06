package dump

import (
	"fmt"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// tracks are what is tracked. In a group without weights nothing weighs, and
// an instance's own interface is tracked without being listed.
func (p *printer) tracks(ifaces, scripts, files []conf.Track, weightless bool, i *conf.VRRPInstance) {
	var list []string
	for _, t := range ifaces {
		if i == nil || t.Name != i.Interface || t.Weight != 0 {
			list = append(list, weighed(t.Name, " ", yesInt(weightless, 0, t.Weight), t.Reverse, false))
		}
	}
	p.list("Tracked interfaces", list)
	list = nil
	for _, t := range scripts {
		if w, r := p.scriptWeight(t); !weightless || w == 0 {
			list = append(list, weighed(t.Name, " ", w, r, weightless))
		}
	}
	p.list("Tracked scripts", list)
	list = nil
	for _, t := range files {
		w, r := p.fileWeight(t)
		list = append(list, weighed(t.Name, ", ", w, r, weightless))
	}
	p.list("Tracked files", list)
}

func weighed(name, sep string, weight int, reverse, weightless bool) string {
	if weightless {
		weight = 0
	}
	return fmt.Sprintf("%s%sweight %d%s", name, sep, weight, yes(reverse && !weightless, " reverse", ""))
}

// scriptWeight is that of the reference, or else of the script.
func (p *printer) scriptWeight(t conf.Track) (weight int, reverse bool) {
	for _, s := range p.conf.Scripts {
		if s.Name == t.Name && !t.WeightSet {
			return s.Weight, s.Reverse
		}
	}
	return t.Weight, t.Reverse
}

func (p *printer) fileWeight(t conf.Track) (weight int, reverse bool) {
	for _, f := range p.conf.TrackFiles {
		if f.Name == t.Name && !t.WeightSet {
			return f.Weight, f.Reverse
		}
	}
	return t.Weight, t.Reverse
}

// trackers are the lines about who tracks something: what a group tracks, all
// of its members do, and its word is the last.
func (p *printer) trackers(name string, inst func(*conf.VRRPInstance) []conf.Track, group func(*conf.SyncGroup) []conf.Track, weight func(conf.Track) (int, bool)) (out []string) {
	for _, i := range p.conf.Instances {
		all := inst(i)
		if g := p.groupOf(i.Name); g != nil {
			all = append(slices.Clone(group(g)), all...)
		}
		at := slices.IndexFunc(all, func(t conf.Track) bool { return t.Name == name })
		if at >= 0 {
			w, r := weight(all[at])
			out = append(out, weighed(i.Name, ", ", w, r, false))
		}
	}
	return out
}

func (p *printer) scripts(s *VRRP) {
	titled := false
	for _, c := range p.conf.Scripts {
		if !p.tracked(c.Name) {
			continue // keepalived drops them
		}
		if !titled {
			p.line("------< VRRP Scripts >------")
			titled = true
		}
		p.script(c, find(s.Scripts, c.Name, func(s *Script) string { return s.Name }))
	}
}

// tracked reports whether somebody tracks a script.
func (p *printer) tracked(script string) bool {
	has := func(list []conf.Track) bool {
		for _, t := range list {
			if t.Name == script {
				return true
			}
		}
		return false
	}
	for _, i := range p.conf.Instances {
		if has(i.TrackScripts) {
			return true
		}
	}
	for _, g := range p.conf.Groups {
		if has(g.TrackScripts) {
			return true
		}
	}
	return false
}

func (p *printer) script(c *conf.VRRPScript, s *Script) {
	timeout := c.Timeout
	if timeout == c.Interval {
		timeout = 0 // how keepalived says that it is not set
	}
	p.line(" VRRP Script = %s", c.Name)
	p.line("   Command = %s", quoted(c.Command.Argv))
	p.line("   Interval = %s sec", seconds(c.Interval))
	p.line("   Timeout = %s sec", seconds(timeout))
	p.line("   Weight = %d%s", c.Weight, yes(c.Reverse, " reverse", ""))
	p.line("   Rise = %d", c.Rise)
	p.line("   Fall = %d", c.Fall)
	if s != nil {
		p.line("   Result = %d", yesInt(s.Up, c.Rise+c.Fall-1, 0))
		p.line("   Insecure = no")
		p.line("   Init state = %s", yes(c.InitFail, "failed", "unknown"))
		p.line("   Status = %s", yes(!s.Known, "INIT", yes(s.Up, "GOOD", "BAD")))
	}
	p.line("   Script uid:gid = %s", p.ids(c.Command.User, c.Command.Group))
	if s != nil {
		p.line("   VRRP instances :")
	}
	p.list("Tracking instances", p.trackers(c.Name, func(i *conf.VRRPInstance) []conf.Track { return i.TrackScripts }, func(g *conf.SyncGroup) []conf.Track { return g.TrackScripts }, p.scriptWeight))
	if s != nil {
		p.line("   State = %s", yes(s.Running, "running", "idle"))
	}
}

func (p *printer) files(s *VRRP) {
	if len(p.conf.TrackFiles) == 0 {
		return
	}
	p.line("------< VRRP Track files >------")
	for _, f := range p.conf.TrackFiles {
		p.line(" Track file = %s", f.Name)
		p.line("   File = %s", f.Path)
		if is := find(s.Files, f.Name, func(f *File) string { return f.Name }); is != nil {
			p.line("   Status = %d", is.Number)
		}
		p.line("   Weight = %d%s", f.Weight, yes(f.Reverse, " reverse", ""))
		p.list("Tracking instances", p.trackers(f.Name, func(i *conf.VRRPInstance) []conf.Track { return i.TrackFiles }, func(g *conf.SyncGroup) []conf.Track { return g.TrackFiles }, p.fileWeight))
	}
}
