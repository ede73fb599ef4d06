package checkd

import (
	"context"
	"fmt"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/director/ipvs"
	"github.com/holdfast-ha/holdfast/internal/director/none"
	"github.com/holdfast-ha/holdfast/internal/director/proxy"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/kernel/netns"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// settle hands on what becomes different in the table by what happened in this
// turn, if anything does.
func (d *daemon) settle() {
	changed := d.changedTable
	d.changedTable = false
	for i, p := range d.stale {
		p.stale = false
		if d.pools[p.plan.ID] == p || slices.Contains(d.lingering, p) {
			p.machine.Update(&d.delta)
		}
		d.stale[i] = nil
	}
	d.stale = d.stale[:0]
	if changed || !d.delta.Empty() {
		d.writer.put(wanted{d.delta, d.entries, d.marked, d.writer.expire, d.paths.wanted, d.writer.hear, d.writer.set})
		d.delta = lvs.Delta{}
	}
}

// restate has settle hand on everything, to a director that knows nothing yet.
func (d *daemon) restate() {
	d.delta, d.paths.told = lvs.Delta{}, nil
	for _, p := range d.everyPool() {
		p.machine.Restate()
		d.touch(p)
	}
	d.changedTable = true
}

// touch marks a pool for settle.
func (d *daemon) touch(p *pool) {
	if !p.stale {
		p.stale = true
		d.stale = append(d.stale, p)
	}
}

// openDirector opens the one that lvs_director names. In a network namespace of
// its own only IPVS can be.
func openDirector(s *build.Services, boot *ipc.BootInfo) (dir director.Director, why string, err error) {
	if s.Namespace != "" && (s.Director == "ipvs" || s.Director == "auto") {
		dir, err = openIPVS(s.Namespace, boot)
		return dir, "net_namespace_ipvs " + s.Namespace, err
	}
	switch s.Director {
	case "none":
		return none.New(), "lvs_director none: nothing is offered, verdicts are only told", nil
	case "ipvs":
		dir, err = openIPVS("", boot)
		return dir, "lvs_director ipvs", err
	case "proxy":
		return openProxy(boot, "lvs_director proxy")
	case "auto":
		dir, err = openIPVS("", boot)
		if err == nil {
			return dir, "lvs_director auto, and the kernel has IPVS", nil
		}
		return openProxy(boot, "lvs_director auto, and "+err.Error())
	}
	return nil, "", fmt.Errorf("lvs_director %s: expected auto, ipvs, proxy or none", s.Director)
}

// openIPVS opens IPVS in a network namespace, "" is ours.
func openIPVS(namespace string, boot *ipc.BootInfo) (director.Director, error) {
	in := func(do func() error) error { return netns.Do(namespace, do) }
	return ipvs.Open(firewall{in}, in, notesFor(boot.LedgerFile, namespace))
}

func openProxy(boot *ipc.BootInfo, why string) (director.Director, string, error) {
	if boot.ProxyAddr == "" {
		return nil, "", fmt.Errorf("director proxy (%s): there is no proxy process", why)
	}
	return proxy.Open(boot.ProxyAddr), why, nil
}

// empty flushes the director's table (lvs_flush).
func empty(dir director.Director) error {
	ctx, cancel := context.WithTimeout(context.Background(), setPatience)
	defer cancel()
	if f, ok := dir.(director.Flusher); ok {
		return f.Flush(ctx)
	}
	return nil
}
