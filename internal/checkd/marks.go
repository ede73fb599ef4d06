package checkd

import (
	"slices"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/director/ipvs"
	"github.com/holdfast-ha/holdfast/internal/kernel/nft"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// firewall is the kernel's nftables where IPVS is, for the ipvs director.
type firewall struct{ in ipvs.Place }

func (f firewall) Apply(m *lvs.Marks) error  { return f.in(func() error { return nft.ApplyMarks(m) }) }
func (f firewall) Remove(table string) error { return f.in(func() error { return nft.Remove(table) }) }

func (f firewall) Same(m *lvs.Marks) (same bool, err error) {
	err = f.in(func() (err error) { same, err = nft.SameMarks(m); return })
	return same, err
}

// number decides which virtual servers are served by marks, and by which: one
// that had a mark keeps it, so that its connections outlive a reload.
func (d *daemon) number(p *plan) map[string]uint32 {
	_, able := d.writer.dir.(director.Marker)
	out := map[string]uint32{}
	if p.services.Marks.Table == "" || !able {
		return out
	}
	used := map[uint32]bool{}
	for i := range p.services.Paths {
		used[p.services.Paths[i].Service.FWMark] = true
	}
	for _, one := range p.pools {
		for _, k := range one.Keys {
			if k.FWMark != 0 {
				used[k.FWMark] = true
			}
		}
	}
	for _, one := range p.pools {
		if m := d.marks[one.ID]; one.Markable && m != 0 && !used[m] {
			out[one.ID], used[m] = m, true
		}
	}
	next := max(p.services.Marks.First, 1)
	for _, one := range p.pools {
		if !one.Markable || out[one.ID] != 0 {
			continue
		}
		for used[next] {
			next++
		}
		out[one.ID], used[next] = next, true
	}
	return out
}

// offered are the services of a virtual server: one for each family of its
// addresses if it has a mark.
func (one *planned) offered(mark uint32) []lvs.ServiceKey {
	if mark == 0 {
		return one.Keys
	}
	var out []lvs.ServiceKey
	for _, k := range one.Keys {
		k = lvs.ServiceKey{FWMark: mark, Family: k.Family}
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// remark brings up to date what the firewall has to mark.
func (d *daemon) remark() {
	var m lvs.Marks
	if len(d.marks) > 0 {
		s := d.plan.services
		m.Table, m.Priority, m.Counters = s.Marks.Table, s.Marks.Priority, s.MarkCounters
	}
	for _, p := range d.order {
		if p.mark != 0 {
			m.Each = append(m.Each, lvs.Mark{Mark: p.mark, Protocol: p.plan.Keys[0].Protocol, Targets: lvs.Targets(p.plan.Keys)})
		}
	}
	if !m.Equal(&d.marked) {
		d.marked, d.changedTable = m, true
	}
}
