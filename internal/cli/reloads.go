package cli

import (
	"bytes"
	"os"
	"slices"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/delta"
	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/internal/parent"
	"github.com/holdfast-ha/holdfast/internal/plan"
)

// load reads the configuration. What is as it runs is not read again where that
// can make no difference.
func (n *next) load(running []byte) {
	if running != nil && n.was == nil {
		n.was, n.wasBad = source.Unmarshal(running)
	}
	if n.was == nil || n.Running == nil || n.Dump {
		n.read(nil)
		return
	}
	if n.past == nil {
		n.past = newPast(n.was, n.Running)
	}
	d := delta.New(n.past, n.same)
	d.Sample = n.sample
	if n.read(d.Want); d.Sound() {
		if d.Services == 0 { // all was read
			return
		}
		if n.have, n.wasBad = files.LoadSet(n.was, n.ConfigFile, n.ConfigID, d.Have); d.Same() {
			n.delta = d
			n.services, n.servers = d.Services, d.Servers
			return
		}
	}
	n.have, n.wasBad = nil, nil
	n.read(nil)
}

// newPast is a configuration that runs, to be compared with.
func newPast(was *source.Set, known *parent.Running) *delta.Past {
	return delta.NewPast(was, known.Wrong, delta.Keywords{Local: conf.Local, Server: conf.OfServer})
}

// before is a file's text in the configuration that runs, empty if there is none.
func (n *next) before(name string) []byte {
	if n.was == nil {
		return nil
	}
	data, _ := n.was.Read(name) // what could not be read has no text
	return data
}

// same tells what a file has in common with the one that runs, where that was
// found out while it was read.
func (n *next) same(name string) (alike source.Alike, known bool) {
	alike, known = n.alike[name]
	return alike, known
}

// seen counts a virtual server of which nothing else is of interest at a start.
func (n *next) seen(v *conf.VirtualServer) bool {
	if v.QuorumUp != nil || v.QuorumDown != nil {
		return false
	}
	for _, rs := range v.Servers {
		if rs.Drain > 0 || rs.NotifyUp != nil || rs.NotifyDown != nil {
			return false
		}
		for _, c := range rs.Checkers {
			if c.Kind != build.KindTCP && c.Kind != build.KindPing && c.Kind != build.KindHTTP {
				return false
			}
		}
	}
	n.services, n.servers = n.services+1, n.servers+len(v.Servers)
	return true
}

func (n *next) read(skip func(name, text string) []expand.Hole) {
	o := conf.Options{ConfigID: n.ConfigID, Env: os.Getenv, AllFiles: n.AllFiles, System: n.facts, Skip: skip}
	if n.was == nil && !n.Dump {
		o.Seen = n.seen
	}
	n.cfg, n.found = conf.Load(n.once, n.ConfigFile, o)
}

// reloads is the plan of a reload from the running snapshot to the next one:
// what `holdfast config diff` says of the two, loaded as the children do.
func (n *next) reloads() *api.Reload {
	out := &api.Reload{Plan: []string{}}
	if n.was != nil && n.delta == nil && n.was.Equal(n.once.Set()) { // what was left out is not looked at for it
		return out
	}
	have, want, err := n.both()
	if err != nil { // neither stops a reload: the children say it as well
		out.Changes, out.Plan = true, append(out.Plan, "what changes cannot be told: "+err.Error())
		return out
	}
	p := plan.Make(have, want)
	out.Changes = p.Changes()
	lines, left := p.Lines(parent.MaxPlan)
	out.Plan, out.LeftOut = append(out.Plan, lines...), left
	return out
}

// both are the configuration that runs and the next one, without what was left
// out. The next one was loaded by what the machine told (facts); the children
// read the same unless it was something about interfaces, which they do not
// ask.
func (n *next) both() (have, want *conf.Config, err error) {
	var skip func(name, text string) []expand.Hole
	if n.delta != nil {
		skip = n.delta.Again
	}
	have, want, err = n.have, n.cfg, n.wasBad
	if err == nil && have == nil {
		have, err = files.LoadSet(n.was, n.ConfigFile, n.ConfigID, nil)
	}
	if err == nil && n.facts.Unlike {
		want, err = files.LoadSet(n.once.Set(), n.ConfigFile, n.ConfigID, skip)
	}
	return have, want, err
}

// blank reports whether nothing was written in any file but comments.
func blank(set *source.Set) bool {
	return !slices.ContainsFunc(set.Names(), func(name string) bool {
		data, _ := set.Read(name) // what could not be read is told elsewhere
		for line := range bytes.Lines(bytes.TrimPrefix(data, []byte(byteOrderMark))) {
			if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' && line[0] != '!' {
				return true
			}
		}
		return false
	})
}

// byteOrderMark is what some editors put before text in UTF-8.
const byteOrderMark = "\ufeff"
