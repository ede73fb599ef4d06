package vrrpd

import (
	"log/slog"
	"maps"
	"net/netip"
	"os/user"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// read makes a configuration out of a snapshot. It may take its time and does
// not run on the loop.
func read(snapshot []byte, boot ipc.BootInfo) (build.VRRP, error) {
	c, err := files.LoadSnapshot(snapshot, boot.ConfigFile, boot.ConfigID)
	if err != nil {
		return build.VRRP{}, err
	}
	out := build.FromVRRP(c)
	if out.User == "" {
		// keepalived.conf(5), script_user: "the user defaults to keepalived_script
		// if that user exists, otherwise the uid/gid under which keepalived is running".
		if _, err := user.Lookup(scriptUser); err == nil {
			out.User = scriptUser
		}
	}
	return out, nil
}

const scriptUser = "keepalived_script"

// reload reads a new snapshot beside the loop. Reloads come one after the
// other; the parent waits for each.
func (d *daemon) reload(fd int) {
	d.hands.Go(func() {
		d.reading.Lock() // never by the loop
		defer d.reading.Unlock()
		var next build.VRRP
		data, err := ipc.Take(fd)
		if err == nil {
			next, err = read(data, d.boot)
		}
		d.post(func() { d.prepare(next, err) })
	})
}

// prepare has the virtual interfaces of a configuration made before it is
// adopted, so that nobody has to wait for them.
func (d *daemon) prepare(next build.VRRP, err error) {
	if err != nil || d.stopping || d.reflector == nil || len(next.Links) == 0 && !next.NoLocalIGMP {
		d.reloaded(next, err)
		return
	}
	j := d.linkJob(&next)
	d.hands.Go(func() {
		failed, err := d.links.do(j)
		d.post(func() {
			d.linksMade(failed, err)
			d.readMirror()
			d.reloaded(next, nil)
		})
	})
}

func (d *daemon) reloaded(next build.VRRP, err error) {
	if d.stopping {
		return
	}
	answer := ipc.Message{Kind: ipc.Reloaded}
	if err != nil {
		answer.Error = err.Error()
	} else {
		d.adopt(next)
	}
	_ = d.conn.Send(answer)
}

// adopt makes a configuration the running one, between two deadlines. What is
// the same in both is not touched.
func (d *daemon) adopt(next build.VRRP) {
	old := d.cfg
	d.outlets.held = true
	for i, e := range d.edges {
		e.effective = d.node.Router(i).Priority
	}
	d.last = max(d.last, d.now())
	actions := d.node.Step(d.last, vrrp.Reconfigure{Config: next.Node})
	at := slices.IndexFunc(actions, func(a vrrp.Action) bool { _, ok := a.(vrrp.Renumbered); return ok })
	d.act(actions[:at]) // of routers that vanish, by their old indexes
	d.haunt()
	gone := d.renumber(&next, actions[at].(vrrp.Renumbered).From)
	d.stand(&next)
	d.cfg = next
	d.buffers(&next.Buffers)
	d.wantLinks(&next)
	d.index()
	d.tickExtra(d.now(), 0)
	d.locateAll()
	d.mirrorRoutes()
	d.act(actions[at+1:])

	d.vigil()
	d.precedence()
	d.forgetTracks()
	d.leaseAll()
	d.report()
	d.retrack(next.Scripts)
	d.refile(next.Files)
	d.rebfd()
	d.reprocess(next.Processes)
	d.retell()
	d.retellFiles()
	d.openFIFOs(next.FIFOs)
	d.openMail(next.Mail)
	if next.FIFOOnReload {
		d.tellAll()
	}
	d.leave(gone)
	d.compareAll()
	d.adoptLinks(&next)
	d.synchronize()
	d.announceAgain()
	d.outletsReloaded(gone)
	d.sayf(slog.LevelInfo, kindConfig, "", "Configuration reloaded: %d virtual routers in %d sync groups (before: %d in %d)",
		len(next.Routers), len(next.Groups), len(old.Routers), len(old.Groups))
}

// forgetTracks drops what was told of objects that nobody tracks any more: the
// machine has forgotten them as well.
func (d *daemon) forgetTracks() {
	tracked := d.trackNames()
	maps.DeleteFunc(d.told, func(name string, _ verdict) bool { return !tracked[name] })
	maps.DeleteFunc(d.notes.values, func(name string, _ uint64) bool { return !tracked[name] })
}

// trackNames are the names of everything that is tracked.
func (d *daemon) trackNames() map[string]bool {
	tracked := map[string]bool{}
	for i := range d.cfg.Node.Routers {
		for _, t := range d.cfg.Node.Routers[i].Tracks {
			tracked[t.Name] = true
		}
	}
	for i := range d.cfg.Node.Groups {
		for _, t := range d.cfg.Node.Groups[i].Tracks {
			tracked[t.Name] = true
		}
	}
	return tracked
}

// haunt keeps what the running configuration put into the kernel, so that what
// the next one no longer has can be told from what was never ours.
func (d *daemon) haunt() {
	for _, e := range d.holders() {
		d.ghosts = append(d.ghosts, &edge{holds: slices.Clone(e.holds), routes: e.routes, rules: e.rules})
	}
}

// renumber gives the routers of the next configuration their edges: those that
// go on keep theirs. It returns the edges that no longer have a router.
func (d *daemon) renumber(next *build.VRRP, from []int) (gone []*edge) {
	old := slices.Clone(d.edges)
	d.edges = make([]*edge, len(next.Routers))
	for i, r := range next.Routers {
		e := &edge{}
		if at := from[i]; at >= 0 {
			e, old[at] = old[at], nil
		}
		had := addressesOf(e)
		e.rekey(&next.Routers[i])
		e.rehash(&next.Routers[i])
		e.Router, e.index, e.owner = r, i, next.Node.Routers[i].Priority == vrrp.OwnerPriority
		e.sender = build.SourceTrack(r.Name, r.Base)
		e.advert, e.fits = e.advert[:0], min(len(r.Advertised), wire.MaxAddresses)
		d.parse(e)
		d.edges[i] = e
		if e.active && grew(had, addressesOf(e)) {
			d.again = append(d.again, e)
		}
	}
	return slices.DeleteFunc(old, func(e *edge) bool { return e == nil })
}

func addressesOf(e *edge) map[netip.Addr]bool {
	out := map[netip.Addr]bool{}
	for _, a := range e.Addresses {
		out[a.Prefix.Addr()] = true
	}
	return out
}

// grew reports whether there is an address that was not there before.
func grew(before, now map[netip.Addr]bool) bool {
	for a := range now {
		if !before[a] {
			return true
		}
	}
	return false
}

// leave forgets routers that are gone, and notifies of them.
func (d *daemon) leave(gone []*edge) {
	for _, e := range gone {
		d.pace.forget(e)
		state := e.goneState()
		d.sayf(slog.LevelInfo, kindTransition, e.Name, "(%s) Entering %s STATE: no longer configured", e.Name, state)
		d.notify(&notice{kind: "INSTANCE", name: e.Name, state: state, priority: e.effective, cause: "no longer configured", scripts: &e.Notify, mail: e.Mail})
	}
}

// announceAgain announces routers some of whose addresses are new or back.
func (d *daemon) announceAgain() {
	for _, e := range d.again {
		if e.active {
			d.announce(e, max(d.cfg.Node.Routers[e.index].GARP.Repeat, 1))
		}
	}
	d.again = d.again[:0]
	d.pace.burst(d.now())
	d.speaker.Flush()
}
