package checkd

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// paths are the services that lead checks through virtual addresses.
type paths struct {
	wanted, led uint64                        // numbers of what the table has, and the director
	told        map[lvs.ServiceKey]build.Path // those in the table
	held        []*monitor                    // whose attempts wait for the director
}

// lead puts the services that lead checks through virtual addresses into the
// table.
func (d *daemon) lead(offered map[lvs.ServiceKey]bool) {
	told := make(map[lvs.ServiceKey]build.Path, len(d.plan.services.Paths))
	for _, p := range d.plan.services.Paths {
		offered[p.Service], told[p.Service] = true, p
		if d.paths.told[p.Service] == p {
			continue
		}
		offer := p.Offer()
		d.delta.Put(p.Service, lvs.ServiceDelta{Service: &offer})
		d.paths.wanted++
	}
	d.paths.told = told
}

// holds keeps an attempt until the director can lead it. Before that it would
// end on this machine.
func (d *daemon) holds(m *monitor) bool {
	if !m.plan.Probe.Direct.IsValid() || d.paths.led >= d.paths.wanted {
		return false
	}
	d.paths.held = append(d.paths.held, m)
	return true
}

// led goes on with what was held.
func (d *daemon) led(paths uint64) {
	d.paths.led = paths
	if paths < d.paths.wanted {
		return
	}
	held := d.paths.held
	d.paths.held = nil
	for _, m := range held {
		if !m.gone {
			d.start(m, m.step)
		}
	}
	d.collect(d.loop.Look())
	d.settle()
}

// hearOn are the interfaces on which answers from the machine's own addresses
// are to be heard; IPv6 needs no leave for that.
func hearOn(paths []build.Path) (names []string) {
	for i := range paths {
		if paths[i].Service.Family == 4 {
			names = append(names, paths[i].HearOn)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// straighten has checks go to the servers' own addresses, where the director
// cannot lead them through the virtual one.
func (p *plan) straighten(where string) {
	p.ready = map[build.Kin]*compiled{}
	for _, one := range p.pools {
		turned := false
		for i := range one.Servers {
			for k := range one.Servers[i].Checks {
				c := &one.Servers[i].Checks[k].Probe
				if c.Direct.IsValid() {
					m := *c.Manner
					c.To, m.Direct, m.Mark = c.Direct, netip.AddrPort{}, 0
					c.Manner = &m
					turned = true
				}
			}
		}
		if turned {
			p.compile(one, nil)
		}
	}
	p.ready = nil
	p.services.Paths = nil
	p.faults = append(p.faults, fmt.Sprintf("check_path vip takes IPVS where the checks are made, and connections are spread in %s; the servers' own addresses are checked", where))
}
