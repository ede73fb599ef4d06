package cli

import (
	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/internal/parent"
	"github.com/holdfast-ha/holdfast/internal/plan"
)

// reloads is the plan of a reload from the running snapshot to the next one:
// what `holdfast config diff` says of the two, loaded as the children do. The
// reader has loaded the next one itself (cfg), by what the machine told it
// (facts); the children read the same unless it was told something about
// interfaces that they do not ask.
func reloads(q parent.LoadRequest, running []byte, next *source.Set, cfg *conf.Config, facts *conf.Facts) *api.Reload {
	out := &api.Reload{Plan: []string{}}
	was, err := source.Unmarshal(running)
	if err == nil && was.Equal(next) {
		return out
	}
	var have *conf.Config
	if err == nil {
		have, err = files.LoadSet(was, q.ConfigFile, q.ConfigID)
	}
	if err == nil && facts.Unlike {
		cfg, err = files.LoadSet(next, q.ConfigFile, q.ConfigID)
	}
	if err != nil { // neither stops a reload: the children say it as well
		out.Changes, out.Plan = true, append(out.Plan, "what changes cannot be told: "+err.Error())
		return out
	}
	p := plan.Make(have, cfg)
	out.Changes = p.Changes()
	out.Plan, out.LeftOut = p.Lines(parent.MaxPlan)
	return out
}
