package checkd

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/director/ipvs"
	"github.com/holdfast-ha/holdfast/internal/director/none"
	"github.com/holdfast-ha/holdfast/internal/director/proxy"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/kernel/netns"
)

const (
	// settleShare bounds the part of the time that the table may take: after each
	// time it rests so many times as long. With servers in pools of ten it is
	// some 100 µs, and nobody notices; where a network fails under one pool of
	// thousands, their verdicts are gathered meanwhile.
	settleShare = 4
	// settleRest bounds that rest, and so how long a verdict may wait.
	settleRest = time.Second
)

// settle brings the table up to date after what happened in this turn, unless
// it rests: then nextSettle does.
func (d *daemon) settle() {
	if !d.unsettled() || d.loop.Now().Before(d.rested) {
		return
	}
	began := d.loop.Look()
	d.settleNow()
	ended := d.loop.Look()
	d.rested = ended.Add(rest(ended.Sub(began)))
}

// rest is how long the table is left alone after it took so long.
func rest(took time.Duration) time.Duration { return min(settleShare*took, settleRest) }

// unsettled reports whether the table may be out of date.
func (d *daemon) unsettled() bool { return len(d.stale) > 0 || d.changedTable }

// nextSettle is when what was gathered is brought into the table.
func (d *daemon) nextSettle() (clock.Instant, bool) { return d.rested, d.unsettled() }

// settleNow brings the table up to date, and hands it on if it changed.
func (d *daemon) settleNow() {
	changed := d.changedTable
	d.changedTable = false
	for i, p := range d.stale {
		p.stale = false
		if d.pools[p.plan.ID] == p || slices.Contains(d.lingering, p) {
			changed = p.machine.Update(d.table, &d.versions) || changed
		}
		d.stale[i] = nil
	}
	d.stale = d.stale[:0]
	if changed {
		d.writer.put(wanted{maps.Clone(d.table), d.marked, d.writer.expire, d.paths.wanted, d.writer.hear, d.writer.set})
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
