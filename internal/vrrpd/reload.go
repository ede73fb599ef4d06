package vrrpd

import (
	"log/slog"
	"net/netip"
	"os/user"
	"slices"
	"time"

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

// reload reads a new snapshot beside the loop, and works out what it changes.
// Reloads come one after the other; the parent waits for each.
func (d *daemon) reload(fd int) {
	d.hands.Go(func() {
		data, err := ipc.Take(fd)
		select {
		case d.reading <- struct{}{}:
		case <-d.ended:
			return
		}
		var c *change
		if err == nil {
			var next build.VRRP
			if next, err = read(data, d.boot); err == nil {
				c = d.workOut(next)
			}
		}
		for !d.post(func() { d.prepare(c, err) }) { // the parent waits for an answer
			select {
			case <-d.ended:
				return
			case <-time.After(postPause):
			}
		}
	})
}

// prepare has the virtual interfaces of a configuration made before it is
// adopted, so that nobody has to wait for them.
func (d *daemon) prepare(c *change, err error) {
	if err != nil || d.stopping || d.reflector == nil || !d.links.sets(&c.next) {
		d.reloaded(c, err)
		return
	}
	j := d.linkJob(&c.next)
	d.hands.Go(func() {
		failed, err := d.links.do(j)
		d.post(func() {
			d.linksMade(failed, err)
			d.readMirror()
			d.reloaded(c, nil)
		})
	})
}

func (d *daemon) reloaded(c *change, err error) {
	if d.stopping {
		return
	}
	answer := ipc.Message{Kind: ipc.Reloaded}
	if err != nil {
		answer.Error = err.Error()
	} else {
		d.adopt(c)
	}
	<-d.reading
	_ = d.conn.Send(answer)
}

// adopt makes a configuration the running one. What is the same in both is not
// touched. Machine and edges change between two deadlines; of what follows,
// deadlines come first.
func (d *daemon) adopt(c *change) {
	d.tellRest()
	had := [...]int{len(d.cfg.Routers), len(d.cfg.Groups)}
	d.outlets.held = true
	for _, e := range c.gone {
		e.effective = d.node.Router(e.index).Priority
	}
	d.last = max(d.last, d.now())
	actions := d.node.Step(d.last, c.node)
	at := slices.IndexFunc(actions, func(a vrrp.Action) bool { _, ok := a.(vrrp.Renumbered); return ok })
	d.act(actions[:at]) // of routers that vanish, by their old indexes
	d.haunt(c)
	d.renumber(c)
	if d.cfg.Buffers != c.next.Buffers {
		d.buffers(&c.next.Buffers)
	}
	d.cfg, d.index, d.links.wishes = c.next, c.index, c.links
	d.renote(c.places)
	looked := d.locateFor(c)
	d.act(actions[at+1:])
	d.yield()
	d.tell(c, looked)
	d.settleInto(c)
	d.outletsReloaded(c.gone)
	d.sayf(slog.LevelInfo, kindConfig, "", "Configuration reloaded: %d virtual routers in %d sync groups (before: %d in %d)",
		len(c.next.Routers), len(c.next.Groups), had[0], had[1])
}

// tell tells the machine what the new configuration makes of interfaces,
// scripts and the like.
func (d *daemon) tell(c *change, looked []*edge) {
	d.pollLinks()
	d.vigil(c.shortest)
	d.precedence()
	for _, name := range c.untracked { // the machine has forgotten them as well
		delete(d.told, name)
		delete(d.notes.values, name)
	}
	d.interfaces(c.interfaces)
	for _, e := range looked {
		d.lease(e)
		d.track(e.sender, e.problem == "", e.problem)
		d.yield()
	}
	if c.scripts {
		d.retrack(c.next.Scripts)
	}
	d.refile(c.next.Files)
	d.rebfd()
	d.reprocess(c.next.Processes)
	d.yield()
	d.retell()
	d.retellFiles()
}

// settleInto brings kernel and listeners to what the new configuration wants.
func (d *daemon) settleInto(c *change) {
	d.openFIFOs(c.fifos)
	d.openMail(c.next.Mail)
	d.yield()
	if c.next.FIFOOnReload {
		d.tellAll()
	}
	d.leave(c.gone)
	d.compare(c.holders)
	clear(d.leaving)
	d.yield()
	d.adoptLinks(c)
	if c.shared {
		d.noteLedger()
	}
	d.synchronize()
	d.announceAgain()
}

// haunt keeps what the running configuration put into the kernel, so that what
// the next one no longer has can be told from what was never ours.
func (d *daemon) haunt(c *change) {
	ghost := func(e *edge) {
		if len(e.holds)+len(e.routes)+len(e.rules) > 0 {
			d.ghosts = append(d.ghosts, &edge{holds: slices.Clone(e.holds), routes: e.routes, rules: e.rules})
		}
	}
	for _, e := range c.gone {
		ghost(e)
	}
	for _, a := range c.altered {
		ghost(a.e)
	}
	if c.static && d.static != nil {
		ghost(d.static)
	}
}

// renumber gives the routers of the next configuration their edges: those that
// go on keep theirs. What altered ones and those that are gone hold is theirs no
// longer.
func (d *daemon) renumber(c *change) {
	for _, e := range c.gone {
		d.disclaim(e, c.virtual)
	}
	for _, a := range c.altered {
		d.disclaim(a.e, c.virtual)
		d.alter(&a)
	}
	d.edges = c.edges
	for i, e := range d.edges {
		e.Router, e.index, e.configured = &c.next.Routers[i], i, nil
	}
	if c.static {
		d.stand(c)
	}
}

// alter makes a router's edge what the next configuration has it.
func (d *daemon) alter(a *altered) {
	e, r := a.e, a.next
	had := e.Router != nil && e.active
	if had && grew(addressesOf(e.Router), addressesOf(r)) {
		d.again = append(d.again, e)
	}
	e.rekey(r)
	e.rehash(r)
	e.owner, e.sender = a.owner, build.SourceTrack(r.Name, r.Base)
	e.advert, e.fits = e.advert[:0], min(len(r.Advertised), wire.MaxAddresses)
	e.routes, e.rules = a.routes, a.rules
}

func addressesOf(r *build.Router) map[netip.Addr]bool {
	out := map[netip.Addr]bool{}
	for _, a := range r.Addresses {
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
		d.yield()
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
