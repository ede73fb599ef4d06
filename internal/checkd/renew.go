package checkd

import (
	"fmt"
	"maps"
	"runtime"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/delta"
	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/proc"
)

// origin is what a plan was made of, for the next one to be compared with.
type origin struct {
	set   *source.Set
	wrong map[string][]int32 // lines, by file and in order, that something was said about
}

// reading is a configuration, and what it was made of; the text is nil if
// something is wrong with it at a place that cannot be told.
type reading struct {
	cfg  *conf.Config
	text *origin
}

// load reads a configuration, without what skip leaves out.
func load(set *source.Set, boot *ipc.BootInfo, skip func(name, text string) []expand.Hole) (*reading, error) {
	cfg, found, err := files.ReadSet(set, boot.ConfigFile, boot.ConfigID, skip)
	if err != nil {
		return nil, err
	}
	if cfg.Global.ScriptUser == "" {
		if _, err := proc.LookupUser(defaultScriptUser, ""); err == nil {
			cfg.Global.ScriptUser = defaultScriptUser
		}
	}
	return &reading{cfg, remember(set, found)}, nil
}

func remember(set *source.Set, found diag.List) *origin {
	lines := diag.LinesOf(found, func(d *diag.Diagnostic) (string, int) { return d.Span.File, d.Span.Line })
	if lines == nil {
		return nil
	}
	return &origin{set, lines}
}

// renew makes the plan of a set of which the texts tell that only some virtual
// servers are other than in this plan, each in its place; these alone are read.
// It returns nil if there is more to it; whole is the set's configuration if it
// turned out that all of it was read.
func (p *plan) renew(set *source.Set, boot *ipc.BootInfo) (renewed *plan, whole *reading) {
	if p == nil || p.text == nil || p.told() {
		return nil, nil
	}
	d := delta.New(p.text.set, p.text.wrong, delta.Keywords{Local: conf.Local, Server: conf.OfServer})
	want, err := load(set, boot, d.Want)
	switch {
	case err != nil || !d.Sound():
		return nil, nil
	case d.Services == 0:
		return nil, want
	case want.text == nil:
		return nil, nil
	}
	have, err := load(p.text.set, boot, d.Have)
	if err != nil || !d.Same() {
		return nil, nil
	}
	s, was := build.Renew(want.cfg, p.pool), build.FromLVS(have.cfg)
	if !slices.EqualFunc(s.Pools, was.Pools, func(a, b *build.Pool) bool { return a.ID == b.ID }) {
		return nil, nil
	}
	faults := initFiles(s, false)
	part := newPlan(s, p)
	part.text, part.faults = want.text, append(part.faults, faults...)
	if part.told() {
		return nil, nil
	}
	part.into(p)
	return part, nil
}

// told reports whether a plan says anything of all virtual servers together
// that some of them alone would not.
func (p *plan) told() bool {
	s := p.services
	return s.Expire || len(s.Paths) > 0 || len(s.Ignored) > 0 || len(p.faults) > 0
}

// into completes a plan of some virtual servers by the others of the old one.
func (p *plan) into(old *plan) {
	all := maps.Clone(old.byID)
	maps.Copy(all, p.byID)
	p.many, p.renewed = old.many, true
	p.pools, p.byID = slices.Clone(old.pools), all
	for i, one := range p.pools {
		p.pools[i] = all[one.ID]
	}
}

// read makes a plan of a snapshot. What old, if any, has compiled already is
// taken from there.
func read(snapshot []byte, boot *ipc.BootInfo, old *plan) (*plan, error) {
	defer holdGarbage()()
	set, err := source.Unmarshal(snapshot)
	if err != nil {
		return nil, fmt.Errorf("take the configuration: %w", err)
	}
	p, whole := old.renew(set, boot)
	if p != nil {
		return p, nil
	}
	if whole == nil {
		if whole, err = load(set, boot, nil); err != nil {
			return nil, err
		}
	}
	s := build.Renew(whole.cfg, old.pool)
	faults := initFiles(s, old == nil && boot.Restarts == 0)
	whole.cfg = nil
	n := 0
	for i := range s.Pools {
		n += len(s.Pools[i].Servers)
	}
	many := n >= manyServers
	if old == nil && many {
		runtime.GC() // what follows takes the room of what was read
	}
	p = newPlan(s, old)
	p.many = many
	p.text, p.faults = whole.text, append(p.faults, faults...)
	return p, nil
}
