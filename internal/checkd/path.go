package checkd

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// paths are the services that lead checks through virtual addresses.
type paths struct {
	wanted, led uint64     // numbers of what the table has, and the director
	held        []*monitor // whose attempts wait for the director
}

// lead puts the services that lead checks through virtual addresses into the
// table, each under a version of its own once and for all.
func (d *daemon) lead(offered map[lvs.ServiceKey]bool) {
	for i := range d.plan.services.Paths {
		p := &d.plan.services.Paths[i]
		offered[p.Service] = true
		offer := p.Offer()
		have, there := d.table[p.Service]
		if there && maps.Equal(have.Servers, offer.Servers) {
			continue
		}
		d.versions++
		offer.Version = uint64(d.versions)
		d.table[p.Service] = offer
		d.changedTable = true
		d.paths.wanted = offer.Version
	}
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
	d.settleNow()
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
