package vrrpd

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// Back-off of what the kernel refused, or somebody keeps undoing.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
	// calm is how long nothing of a router's must have been repaired for a fight
	// over it to have ended.
	calm = time.Second
	// rounds is how often one fights at once, beside once for everything that
	// the router has; then not before calm.
	rounds = 50
)

// write makes the kernel have what the routers that changed want. What is
// wanted follows from configuration and states alone, every time from scratch.
func (d *daemon) write() {
	if len(d.dirty) == 0 {
		return
	}
	ops := d.plan(d.dirty)
	d.dirty = d.dirty[:0]
	d.carryOut(ops)
}

// carryOut writes few changes at once, many on the writer's thread. What is
// with the writer already is planned again when it is done. It reports whether
// nothing is left to do.
func (d *daemon) carryOut(ops []kernel.Op) bool {
	all := len(ops)
	ops = slices.DeleteFunc(ops, d.tables.Pending)
	switch {
	case len(ops) == 0:
		return all == 0
	case len(ops) <= kernel.NowLimit:
		return d.written(ops, d.tables.ApplyNow(ops)) && len(ops) == all
	}
	err := d.tables.Apply(ops, func(errs []error) {
		d.flying--
		d.settle() // the mirror has been read for this
		if d.written(ops, errs) {
			d.compareAll() // what came meanwhile
		}
		d.landed()
	})
	if err != nil {
		d.retryLater()
		return false
	}
	d.flying++
	return false
}

// compareAll plans for every router anew.
func (d *daemon) compareAll() { d.compare(d.holders()) }

// compareSlice is how many routers are planned for at once where others may go
// first.
const compareSlice = 32

// compare plans for some routers anew, and for what earlier configurations may
// have left.
func (d *daemon) compare(edges []*edge) {
	d.dirty = append(append(d.dirty, d.differing(edges)...), d.ghosts...)
	ops := d.plan(d.dirty)
	d.dirty = d.dirty[:0]
	if len(ops) == 0 || d.carryOut(ops) {
		d.ghosts = nil
	}
}

// differing leaves out routers for which there is nothing to do. Of many, most
// are such; adverts go first while they are looked at.
func (d *daemon) differing(edges []*edge) []*edge {
	if len(edges) <= compareSlice {
		return edges
	}
	var out []*edge
	for some := range slices.Chunk(edges, compareSlice) {
		if len(d.plan(some)) > 0 {
			out = append(out, some...)
		}
		d.yield()
	}
	return out
}

// sketch is what plan compares. It is kept for the next one: a thousand routers
// are planned for in many pieces, and garbage would be collected in between.
type sketch struct {
	want, have             map[kernel.AddrKey]kernel.Address
	wantRoutes, haveRoutes map[kernel.RouteKey]kernel.Route
	wantRules, haveRules   map[kernel.Rule]struct{}
	large                  bool // for so many routers that to empty it would take longer than to make it
}

// begin empties it, for so many routers.
func (s *sketch) begin(routers int) {
	if s.want == nil || s.large {
		s.want, s.have = map[kernel.AddrKey]kernel.Address{}, map[kernel.AddrKey]kernel.Address{}
		s.wantRoutes, s.haveRoutes = map[kernel.RouteKey]kernel.Route{}, map[kernel.RouteKey]kernel.Route{}
		s.wantRules, s.haveRules = map[kernel.Rule]struct{}{}, map[kernel.Rule]struct{}{}
	} else {
		clear(s.want)
		clear(s.have)
		clear(s.wantRoutes)
		clear(s.haveRoutes)
		clear(s.wantRules)
		clear(s.haveRules)
	}
	s.large = routers > compareSlice
}

// plan compares what these routers want with what the mirror has.
func (d *daemon) plan(edges []*edge) []kernel.Op {
	m := d.mirror
	s := &d.sketch
	s.begin(len(edges))
	for _, e := range edges {
		for i := range e.holds {
			h := &e.holds[i]
			addr, wanted := d.wanted(h.key)
			if wanted {
				s.want[h.key] = addr
			}
			if there, ok := m.Address(h.key); ok && (wanted || !h.native) {
				s.have[h.key] = there
			}
		}
		for i := range e.routes {
			h := &e.routes[i]
			if h.problem != nil {
				continue // its link does not exist
			}
			if there, ok := m.Route(h.key); ok {
				s.haveRoutes[h.key] = there
			}
			if route, wanted := d.wantedRoute(h.key); wanted {
				s.wantRoutes[h.key] = route
			}
		}
		for i := range e.rules {
			h := &e.rules[i]
			if h.problem != nil {
				continue
			}
			if m.Rule(h.rule) {
				s.haveRules[h.rule] = struct{}{}
			}
			if d.wantedRule(h.rule) {
				s.wantRules[h.rule] = struct{}{}
			}
		}
	}
	ops := kernel.AddrOps(reconcile.Plan(kernel.AddrKind, s.want, s.have))
	ops = append(ops, kernel.RouteOps(reconcile.Plan(kernel.RouteKind, s.wantRoutes, s.haveRoutes))...)
	ops = append(ops, kernel.RuleOps(reconcile.Plan(kernel.RuleKind, s.wantRules, s.haveRules))...)
	kernel.Order(ops)
	return ops
}

// wanted is the address that some active router wants to be there: of several,
// the first in the configuration.
func (d *daemon) wanted(k kernel.AddrKey) (kernel.Address, bool) {
	var first *edge
	for _, e := range d.owners[k] {
		if h := e.holding(k); e.active && !h.away && e.before(first) {
			first = e
		}
	}
	if first == nil {
		return kernel.Address{}, false
	}
	if d.listens(first) { // what is there stays, what is gone somebody else may have
		if _, there := d.mirror.Address(k); !there {
			return kernel.Address{}, false
		}
	}
	return first.holding(k).addr, true
}

// written takes the outcome of a write and reports whether all went well: what
// failed is told and tried again.
func (d *daemon) written(ops []kernel.Op, errs []error) bool {
	ok := true
	for i, err := range errs {
		if err == nil {
			continue
		}
		ok = false
		name, q := "", &d.trouble
		if e := d.ownerOf(&ops[i]); e != nil {
			name, q = "("+e.Name+") ", &e.trouble
		}
		if times, ok := q.allow(d.now()); ok {
			d.sayf(slog.LevelError, kindAddress, name, "%s%v%s", name, err, times)
		}
	}
	if !ok {
		d.retryLater()
	}
	return ok
}

// ownerOf is a router that an operation is for, nil if there is none any more.
func (d *daemon) ownerOf(op *kernel.Op) *edge {
	var owners []*edge
	switch op.Of {
	case kernel.RouteChanged:
		owners = d.routeOwners[op.Route.Key]
	case kernel.RuleChanged:
		owners = d.ruleOwners[op.Rule.Key]
	default:
		owners = d.owners[op.Addr.Key]
	}
	if len(owners) == 0 {
		return nil
	}
	return owners[0]
}

// retryLater has everything compared anew, later each time.
func (d *daemon) retryLater() {
	d.backoff = min(max(2*d.backoff, firstRetry), lastRetry)
	d.retryAt = d.now().Add(d.backoff)
}

func (d *daemon) nextRetry() (clock.Instant, bool) { return d.retryAt, d.retryAt != 0 }

func (d *daemon) tickRetry(clock.Instant, time.Duration) {
	d.retryAt = 0
	// Not at once: at a deadline nobody else goes first.
	if !d.post(d.retry) {
		d.retryLater()
	}
}

func (d *daemon) retry() {
	if d.stopping {
		return
	}
	d.keepLinks()
	d.compareAll()
	d.judgeGroups()
	if d.retryAt == 0 {
		d.backoff = 0
	}
}

// changed takes one change of the mirror; settle acts on all of them.
func (d *daemon) changed(c kernel.Change) {
	if c.Kind == kernel.AddrChanged && d.boot.LogAddresses {
		d.logAddress(c)
	}
	switch {
	case c.Kind == kernel.LinkChanged:
		d.moved = d.moved || d.concerns(c.Link)
	case c.Kind == kernel.AddrChanged && len(d.owners[c.Addr]) > 0:
		d.suspects = append(d.suspects, c.Addr)
	case c.Kind == kernel.AddrChanged && c.Gone && d.plain(c.Link, c.Addr.Addr):
		d.lost[c.Addr.Addr] = true
	case c.Kind == kernel.AddrChanged: // perhaps a source
		d.moved = d.moved || d.concerns(c.Link)
	case c.Kind == kernel.RouteChanged && len(d.routeOwners[c.Route]) > 0:
		d.suspectRoutes = append(d.suspectRoutes, c.Route)
	case c.Kind == kernel.RuleChanged && len(d.ruleOwners[c.Rule]) > 0:
		d.suspectRules = append(d.suspectRules, c.Rule)
	}
}

// logAddress tells of an address (--address-monitoring).
func (d *daemon) logAddress(c kernel.Change) {
	what := "added to"
	if c.Gone {
		what = "removed from"
	}
	d.sayf(slog.LevelInfo, kindAddress, "", "Netlink reflector reports IP %s %s %s", c.Addr.Addr, what, d.mirror.Name(c.Link))
}

// concerns reports whether a link is one of those that the configuration
// names; others may come and go as they like.
func (d *daemon) concerns(index int) bool {
	link, ok := d.mirror.LinkAt(index)
	return d.indexes[index] || ok && d.names[link.Name]
}

// plain reports whether an address that goes means something only to those whose
// source it is: no virtual interface has to be given it again, and nobody waits
// for it to be usable.
func (d *daemon) plain(link int, a netip.Addr) bool {
	return d.links.byName[d.mirror.Name(link)] == nil && !(a.Is6() && a.IsLinkLocalUnicast())
}

// lostSources reports whether some router's source is among the addresses that
// have gone. Those that a reload removed are nobody's.
func (d *daemon) lostSources() bool {
	if len(d.lost) == 0 {
		return false
	}
	defer clear(d.lost)
	return slices.ContainsFunc(d.edges, func(e *edge) bool { return d.lost[e.source] || d.lost[e.Source] })
}

// settle acts on what the kernel told in one go.
func (d *daemon) settle() {
	d.moved = d.lostSources() || d.moved
	if d.moved {
		d.moved = false
		d.relocate()
	}
	for _, k := range d.suspects {
		d.suspect(k)
	}
	for _, k := range d.suspectRoutes {
		d.suspectRoute(k)
	}
	for _, r := range d.suspectRules {
		d.suspectRule(r)
	}
	d.suspects, d.suspectRoutes, d.suspectRules = d.suspects[:0], d.suspectRoutes[:0], d.suspectRules[:0]
	d.write()
	d.judgeGroups()
	d.announceAgain()
}

// suspect looks at a virtual address that has come or gone.
func (d *daemon) suspect(k kernel.AddrKey) {
	_, there := d.mirror.Address(k)
	_, wanted := d.wanted(k)
	if there == wanted {
		return
	}
	for _, e := range d.owners[k] {
		h := e.holding(k)
		if there && e.active || !there && (!e.active || !d.mirrorUp(k.Link)) {
			continue
		}
		switch {
		case there && e.owner:
			h.native = true
		case there:
			d.repair(e, fmt.Sprintf("%s was added to %s by somebody else, though we are %s: it is removed", h, h.dev, d.stateOf(e)))
		case h.noTrack:
			h.away = true
			d.sayf(slog.LevelWarn, kindAddress, e.Name, "(%s) %s was removed from %s by somebody else: it stays away (no_track)", e.Name, h, h.dev)
		default:
			d.repair(e, fmt.Sprintf("%s was removed from %s by somebody else: it is put back", h, h.dev))
			if e != d.static {
				d.again = append(d.again, e)
			}
		}
		return
	}
}

// repair has a router's addresses compared: at once, unless somebody and we
// have been undoing each other's work for some time.
func (d *daemon) repair(e *edge, what string) {
	now := d.now()
	if times, ok := e.repairs.allow(now); ok {
		d.sayf(slog.LevelWarn, kindAddress, e.Name, "(%s) %s%s", e.Name, what, times)
	}
	if e.fight.allow(now, rounds+len(e.holds)+len(e.routes)+len(e.rules)) {
		d.dirty = append(d.dirty, e)
		return
	}
	// Whoever else waits for a retry is not kept waiting by this.
	if at := now.Add(calm); d.retryAt == 0 || at < d.retryAt {
		d.retryAt = at
	}
}

// fight is what somebody and we undo of each other's doing.
type fight struct {
	last  clock.Instant // when something was repaired; 0: never
	round int           // how often since it was calm
}

// allow reports whether to repair at once, of which there are most rounds.
func (f *fight) allow(now clock.Instant, most int) bool {
	switch {
	case f.last != 0 && now == f.last: // all of one event
		return true
	case f.last == 0 || now.Sub(f.last) >= calm:
		f.round = 0
	case f.round >= most:
		return false
	}
	f.last, f.round = now, f.round+1
	return true
}

// mirrorUp: a link that is down has lost its IPv6 addresses by itself.
func (d *daemon) mirrorUp(index int) bool {
	link, ok := d.mirror.LinkAt(index)
	return ok && link.Up()
}
