package mib

import (
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/dump"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// usual is what a reference to something tracked means where it says nothing.
type usual struct {
	weight  int
	reverse bool
}

// tracked are the tables of what instances and groups watch, and of what those
// things are.
func (b *builder) tracked() {
	var lists [2][5][][]conf.Track // of instances and of groups, by kind
	for _, i := range b.Conf.Instances {
		put(&lists[0], i.TrackIfaces, i.TrackScripts, i.TrackFiles, i.TrackBFDs, i.TrackProcesses)
	}
	for _, g := range b.Conf.Groups {
		put(&lists[1], g.TrackIfaces, g.TrackScripts, g.TrackFiles, g.TrackBFDs, g.TrackProcesses)
	}
	usuals := b.usuals()
	// Tables by kind: interfaces, scripts, files, BFD sessions, processes.
	for who, entries := range [2][5]uint32{{4, 5, 12, 17, 20}, {14, 15, 16, 19, 22}} {
		for kind, entry := range entries {
			b.references(entry, kind > 0, lists[who][kind], usuals[kind])
		}
	}
	b.scripts(lists)
	b.files()
	b.bfds()
	b.processes()
}

func put(to *[5][][]conf.Track, all ...[]conf.Track) {
	for i, list := range all {
		to[i] = append(to[i], list)
	}
}

// usuals are the weights of the blocks, by kind and name.
func (b *builder) usuals() (out [5]map[string]usual) {
	for i := range out {
		out[i] = map[string]usual{}
	}
	for _, s := range b.Conf.Scripts {
		out[1][s.Name] = usual{s.Weight, s.Reverse}
	}
	for _, f := range b.Conf.TrackFiles {
		out[2][f.Name] = usual{f.Weight, f.Reverse}
	}
	for _, s := range b.Conf.BFDs {
		out[3][s.Name] = usual{s.Weight, s.Reverse}
	}
	for _, p := range b.Conf.TrackProcesses {
		out[4][p.Name] = usual{p.Weight, p.Reverse}
	}
	return out
}

// references is a table of references. Those of interfaces have no column of an
// index of their own: they begin with the name.
func (b *builder) references(entry uint32, indexed bool, lists [][]conf.Track, blocks map[string]usual) {
	var rows []number[conf.Track]
	for i, list := range lists {
		for j, t := range list {
			if u, ok := blocks[t.Name]; ok && !t.WeightSet {
				t.Weight, t.Reverse = u.weight, u.reverse
			}
			rows = append(rows, number[conf.Track]{i + 1, j + 1, t})
		}
	}
	first := choose[uint32](indexed, 2, 1)
	type rc = col[number[conf.Track]]
	table(b.Tree, vrrp.With(entry, 1), rows, (*number[conf.Track]).index,
		rc{first, func(r *number[conf.Track]) agentx.Value { return agentx.Text(r.it.Name) }},
		rc{first + 1, func(r *number[conf.Track]) agentx.Value { return agentx.Int(r.it.Weight) }},
		rc{first + 2, func(r *number[conf.Track]) agentx.Value { return truth(r.it.Reverse) }})
}

// row is one of a list of blocks.
type row[T any] struct {
	n  int
	it T
}

func (r *row[T]) index() agentx.OID { return agentx.OID{part(r.n)} }

func numbered[T any](all []T) []row[T] {
	out := make([]row[T], 0, len(all))
	for i := range all {
		out = append(out, row[T]{i + 1, all[i]})
	}
	return out
}

func byName[T any](all []T, of func(*T) string) map[string]*T {
	out := make(map[string]*T, len(all))
	for i := range all {
		out[of(&all[i])] = &all[i]
	}
	return out
}

// scripts is vrrpScriptTable: those that somebody tracks.
func (b *builder) scripts(lists [2][5][][]conf.Track) {
	used := map[string]bool{}
	for _, who := range lists {
		for _, t := range slices.Concat(who[1]...) {
			used[t.Name] = true
		}
	}
	all := slices.DeleteFunc(slices.Clone(b.Conf.Scripts), func(s *conf.VRRPScript) bool { return !used[s.Name] })
	is := byName(b.VRRP.Scripts, func(s *dump.Script) string { return s.Name })
	type r = row[*conf.VRRPScript]
	table(b.Tree, vrrp.With(9, 1), numbered(all), (*r).index,
		col[r]{2, func(s *r) agentx.Value { return agentx.Text(s.it.Name) }},
		col[r]{3, func(s *r) agentx.Value { return command(&s.it.Command) }},
		col[r]{4, func(s *r) agentx.Value { return agentx.Int(int(s.it.Interval / time.Second)) }},
		col[r]{5, func(s *r) agentx.Value { return agentx.Int(s.it.Weight) }},
		col[r]{6, func(s *r) agentx.Value { return result(is[s.it.Name], s.it.InitFail) }},
		col[r]{7, func(s *r) agentx.Value { return agentx.Unsigned(part(s.it.Rise)) }},
		col[r]{8, func(s *r) agentx.Value { return agentx.Unsigned(part(s.it.Fall)) }},
		col[r]{9, func(s *r) agentx.Value { return truth(s.it.Reverse) }})
}

// result is INTEGER { init(1), bad(2), good(3), initfailed(5) }.
func result(s *dump.Script, initFail bool) agentx.Value {
	switch {
	case s == nil || !s.Known:
		return agentx.Int(choose(initFail, 5, 1))
	case s.Up:
		return agentx.Int(3)
	}
	return agentx.Int(2)
}

// files is vrrpFileTable.
func (b *builder) files() {
	is := byName(b.VRRP.Files, func(f *dump.File) string { return f.Name })
	type r = row[*conf.TrackFile]
	table(b.Tree, vrrp.With(13, 1), numbered(b.Conf.TrackFiles), (*r).index,
		col[r]{2, func(f *r) agentx.Value { return agentx.Text(f.it.Name) }},
		col[r]{3, func(f *r) agentx.Value { return text(f.it.Path) }},
		col[r]{4, func(f *r) agentx.Value {
			if s := is[f.it.Name]; s != nil {
				return agentx.Int(s.Number)
			}
			return agentx.Int(0)
		}},
		col[r]{5, func(f *r) agentx.Value { return agentx.Int(f.it.Weight) }},
		col[r]{6, func(f *r) agentx.Value { return truth(f.it.Reverse) }})
}

// bfds is vrrpBfdTable: those that the VRRP child hears of.
func (b *builder) bfds() {
	all := slices.DeleteFunc(slices.Clone(b.Conf.BFDs), func(s *conf.BFD) bool { return s.Checker && !s.VRRP })
	is := byName(b.VRRP.BFDs, func(s *dump.TrackedBFD) string { return s.Name })
	type r = row[*conf.BFD]
	table(b.Tree, vrrp.With(18, 1), numbered(all), (*r).index,
		col[r]{2, func(s *r) agentx.Value { return agentx.Text(s.it.Name) }},
		col[r]{3, func(s *r) agentx.Value {
			up := is[s.it.Name]
			return agentx.Int(choose(up != nil && up.Up, 1, 0))
		}},
		col[r]{4, func(s *r) agentx.Value { return agentx.Int(s.it.Weight) }},
		col[r]{5, func(s *r) agentx.Value { return truth(s.it.Reverse) }})
}

// anyNumber is quorum_max where none was given; keepalived says -1.
const anyNumber = 65535

// matches are the ways to compare parameters, in keepalived's numbers.
var matches = map[string]int{conf.MatchExact: 1, conf.MatchInitial: 2, conf.MatchPartial: 3}

// processes is vrrpProcessTable.
func (b *builder) processes() {
	is := byName(b.VRRP.Processes, func(p *dump.Process) string { return p.Name })
	running := func(name string) dump.Process {
		if p := is[name]; p != nil {
			return *p
		}
		return dump.Process{}
	}
	type r = row[*conf.TrackProcess]
	table(b.Tree, vrrp.With(21, 1), numbered(b.Conf.TrackProcesses), (*r).index,
		col[r]{2, func(p *r) agentx.Value { return agentx.Text(p.it.Name) }},
		col[r]{3, func(p *r) agentx.Value { return agentx.Text(p.it.Program) }},
		col[r]{4, func(p *r) agentx.Value { return agentx.Text(strings.Join(p.it.Params, " ")) }},
		col[r]{5, func(p *r) agentx.Value { return agentx.Int(matches[p.it.Match]) }},
		col[r]{6, func(p *r) agentx.Value { return agentx.Int(p.it.Weight) }},
		col[r]{7, func(p *r) agentx.Value { return truth(p.it.Reverse) }},
		col[r]{8, func(p *r) agentx.Value { return agentx.Unsigned(part(p.it.Quorum)) }},
		col[r]{9, func(p *r) agentx.Value { return agentx.Int(choose(p.it.QuorumMax == anyNumber, -1, p.it.QuorumMax)) }},
		col[r]{10, func(p *r) agentx.Value { return micros(p.it.ForkDelay) }},
		col[r]{11, func(p *r) agentx.Value { return micros(p.it.TerminateDelay) }},
		col[r]{12, func(p *r) agentx.Value { return truth(p.it.FullCommand || p.it.Match != "") }},
		col[r]{13, func(p *r) agentx.Value { return agentx.Int(running(p.it.Name).Running) }},
		col[r]{14, func(p *r) agentx.Value { return truth(running(p.it.Name).Up) }})
}
