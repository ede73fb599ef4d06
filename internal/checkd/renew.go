package checkd

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"

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
	paper
	known func() *delta.Known // nil: no other configuration can be compared with it
}

// paper is a snapshot, and the way to read much of it; the two are the same
// bytes.
type paper struct {
	data []byte
	io.ReaderAt
	close func() // then data is gone
}

// inMemory is a snapshot that stays.
func inMemory(snapshot []byte) paper {
	return paper{snapshot, bytes.NewReader(snapshot), func() {}}
}

// words say what keywords mean to a comparison.
func words() delta.Keywords { return delta.Keywords{Local: conf.Local, Server: conf.OfServer} }

// discard gives back what a plan was made of, once no other is made of it.
func (p *plan) discard() {
	if p != nil && p.text != nil {
		p.text.close()
	}
}

// reading is a configuration, and what is known of its text: which of its files
// were opened, and on which lines something was wrong, nil if something is at a
// place that cannot be told.
type reading struct {
	cfg    *conf.Config
	opened []string
	wrong  map[string][]int32
}

// load reads a configuration, without what skip leaves out.
func load(set *source.Set, boot *ipc.BootInfo, skip func(name, text string) []expand.Hole) (*reading, error) {
	r := &reading{}
	cfg, found, err := files.ReadSet(set, boot.ConfigFile, boot.ConfigID, func(name, text string) []expand.Hole {
		r.opened = append(r.opened, name)
		if skip == nil {
			return nil
		}
		return skip(name, text)
	})
	if err != nil {
		return nil, err
	}
	if cfg.Global.ScriptUser == "" {
		if _, err := proc.LookupUser(defaultScriptUser, ""); err == nil {
			cfg.Global.ScriptUser = defaultScriptUser
		}
	}
	r.cfg, r.wrong = cfg, diag.LinesOf(found, func(d *diag.Diagnostic) (string, int) { return d.Span.File, d.Span.Line })
	return r, nil
}

// origin is what has been read whole, and can be learnt when there is time; at
// is where it stays.
func (r *reading) origin(set *source.Set, at paper) *origin {
	opened, wrong := r.opened, r.wrong
	return &origin{at, sync.OnceValue(func() *delta.Known {
		if wrong == nil {
			return nil
		}
		k := delta.Learn(set, opened, wrong, words())
		if stays, err := source.Unmarshal(at.data); k != nil && err == nil {
			return k.At(stays, at)
		}
		return nil
	})}
}

// renew makes the plan of a snapshot of which the texts tell that only some
// virtual servers are other than in this plan, each in its place; these alone
// are read. It returns nil if there is more to it.
func (p *plan) renew(snapshot paper, boot *ipc.BootInfo) *plan {
	if p == nil || p.told() {
		return nil
	}
	known := p.text.known()
	set, err := source.Unmarshal(snapshot.data)
	if known == nil || err != nil {
		return nil
	}
	step := known.Next(set, snapshot)
	if step == nil || step.Moved {
		return nil
	}
	want, err := load(step.Want, boot, step.SkipWant)
	if err != nil || want.wrong == nil {
		return nil
	}
	have, err := load(step.Have, boot, step.SkipHave)
	if err != nil || !step.Same() {
		return nil
	}
	s, was := build.Renew(want.cfg, p.pool), build.FromLVS(have.cfg)
	if !slices.EqualFunc(s.Pools, was.Pools, func(a, b *build.Pool) bool { return a.ID == b.ID }) {
		return nil
	}
	faults := initFiles(s, false)
	part := newPlan(s, p)
	if part.faults = append(part.faults, faults...); part.told() {
		return nil
	}
	next := step.Known(set, snapshot, want.wrong)
	part.text = &origin{snapshot, func() *delta.Known { return next }}
	if part.before = p; part.renamed() {
		return nil
	}
	return part
}

// told reports whether a plan says anything of all virtual servers together
// that some of them alone would not.
func (p *plan) told() bool {
	s := p.services
	return s.Expire || len(s.Paths) > 0 || len(s.Ignored) > 0 || len(p.faults) > 0
}

// complete completes a plan of some virtual servers by the others, which are
// there already and stay. The plan before is none from then on. It returns those
// that are new.
func (p *plan) complete() (fresh []*planned) {
	old := p.before
	if old == nil {
		return p.pools
	}
	fresh = p.pools
	place := make(map[*planned]*planned, len(fresh))
	for _, one := range fresh {
		place[old.byID[one.ID]] = one
		old.byID[one.ID] = one
	}
	for i, one := range old.pools {
		if now := place[one]; now != nil {
			old.pools[i] = now
		}
	}
	p.pools, p.byID, p.many = old.pools, old.byID, old.many
	p.before, old.pools, old.byID = nil, nil, nil
	return fresh
}

// renamed reports whether a virtual server of the plan offers other services
// than before.
func (p *plan) renamed() bool {
	return slices.ContainsFunc(p.pools, func(one *planned) bool {
		return !slices.Equal(one.Keys, p.before.byID[one.ID].Keys)
	})
}

// read makes a plan of a snapshot, which is the plan's from then on. What old, if
// any, has compiled already is taken from there.
func read(snapshot paper, boot *ipc.BootInfo, old *plan) (*plan, error) {
	if p := old.renew(snapshot, boot); p != nil {
		return p, nil
	}
	p, err := readWhole(snapshot, boot, old)
	if err != nil {
		snapshot.close()
	}
	return p, err
}

func readWhole(snapshot paper, boot *ipc.BootInfo, old *plan) (*plan, error) {
	defer holdGarbage()() // which stops everybody for a moment
	data := snapshot.data
	if old != nil { // what is read shares the text's bytes, which are not to stay
		data = make([]byte, len(snapshot.data))
		if _, err := snapshot.ReadAt(data, 0); err != nil {
			return nil, err
		}
	}
	set, err := source.Unmarshal(data)
	if err != nil {
		return nil, fmt.Errorf("take the configuration: %w", err)
	}
	whole, err := load(set, boot, nil)
	if err != nil {
		return nil, err
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
	p := newPlan(s, old)
	p.many = many
	p.text, p.faults = whole.origin(set, snapshot), append(p.faults, faults...)
	if old != nil {
		p.text.known() // while the copy is there
	}
	return p, nil
}
