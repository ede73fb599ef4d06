package outletd

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/dump"
	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/notify/snmp"
	"github.com/holdfast-ha/holdfast/internal/notify/snmp/mib"
)

const (
	waySNMP = "snmp"
	// freshFor is how long an answer may be used again: a walk is many requests.
	freshFor = time.Second
	// answersIn is how long the other children have for theirs; then what they
	// said last has to do. A master agent waits for a second and some more.
	answersIn = 900 * time.Millisecond
)

// snmpWay is SNMP as it was configured.
type snmpWay struct {
	*snmp.Outlet
	d      *daemon
	cfg    build.SNMP        // of the loop
	states map[string]string // of the loop: what traps told last
	quiet  bool              // of the loop: what is heard first is no news

	mu   sync.Mutex // held for moments only
	said mib.State  // what there was to say when it was asked last
	tree *mib.Tree
	made time.Time
}

// equipSNMP makes SNMP what the configuration wants of it.
func (d *daemon) equipSNMP() {
	want := d.cfg.SNMP
	was, there := d.ways[waySNMP].(*snmpWay)
	if there && was.cfg.SNMP == want.SNMP {
		was.adopt(want)
		return
	}
	d.shut(waySNMP)
	if !want.Any() {
		return
	}
	w := &snmpWay{d: d, states: map[string]string{}, quiet: d.boot.Restarts > 0 || d.vrrp.known.Why != ""}
	w.adopt(want)
	w.Outlet = snmp.New(snmp.Options{
		Socket: want.Socket, Roots: w.parts().Roots(), Descr: "holdfast " + d.boot.Version, Tree: w.Tree, Set: w.Set,
		Told: func(level slog.Level, what string) { d.say(level, kindNotify, "", what) },
	})
	d.open(waySNMP, w)
}

// adopt takes another configuration with the same SNMP.
func (w *snmpWay) adopt(cfg build.SNMP) {
	w.cfg = cfg
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said.Conf, w.said.Version, w.said.Parts, w.tree = cfg.Conf, "holdfast "+w.d.boot.Version, w.parts(), nil
}

func (w *snmpWay) parts() mib.Parts {
	return mib.Parts{VRRP: w.cfg.VRRP, Checker: w.cfg.Checker, RFCv2: w.cfg.RFCv2, RFCv3: w.cfg.RFCv3}
}

// Tree is what there is to say. The session's goroutine calls it, and waits for
// the other children as long as they may take.
func (w *snmpWay) Tree() *mib.Tree {
	w.mu.Lock()
	tree, fresh := w.tree, time.Since(w.made) < w.freshFor() // with the lock held
	w.mu.Unlock()
	if tree != nil && fresh {
		return tree
	}
	vrrp, pools := make(chan *dump.VRRP, 1), make(chan []api.Service, 1)
	w.d.loop.Post(func() {
		w.d.askVRRP(func(v *dump.VRRP) { vrrp <- v })
		if !w.cfg.Checker {
			pools <- nil
			return
		}
		w.d.askPools(func(p []api.Service) { pools <- p })
	})
	late := time.After(answersIn)
	var heard mib.State
	for range 2 {
		select {
		case v := <-vrrp:
			if v != nil {
				heard.VRRP = *v
			}
		case heard.Pools = <-pools:
		case <-late:
		}
	}
	return w.build(&heard)
}

// Set carries out what somebody wants otherwise, as the command does with a
// weight. The session's goroutine calls it, and waits for the other child as
// long as it may take.
func (w *snmpWay) Set(to mib.Change) error {
	done, late := make(chan error, 1), errNoVRRP
	then := func(err error) { done <- err }
	switch to := to.(type) {
	case mib.Weight:
		late = errNoChecker
		w.d.loop.Post(func() {
			w.d.order(&api.ServerCommand{
				Action: api.ServerWeight, Service: to.Service, Server: to.Server, Weight: to.Weight, Why: "set over SNMP",
			}, then)
		})
	case feed.Setting:
		w.d.loop.Post(func() { w.d.set(&to, then) })
	}
	select {
	case err := <-done:
		w.mu.Lock()
		w.tree = nil // it tells of what was before
		w.mu.Unlock()
		return err
	case <-time.After(answersIn):
		return late
	}
}

// freshFor is how long a tree is good: not longer than counters may be old.
func (w *snmpWay) freshFor() time.Duration {
	if w.said.Conf == nil || !w.said.Parts.Checker {
		return freshFor
	}
	s := &w.said.Conf.Global.SNMP
	return min(freshFor, s.ServiceStats, s.ServerStats)
}

// build makes a tree of what was heard; who did not answer is as it was.
func (w *snmpWay) build(heard *mib.State) *mib.Tree {
	links := interfaces()
	w.mu.Lock()
	defer w.mu.Unlock()
	if heard.VRRP.Routers != nil {
		w.said.VRRP = heard.VRRP
	}
	if heard.Pools != nil {
		w.said.Pools = heard.Pools
	}
	state := w.said
	state.Links, state.Now, state.Epoch = links, time.Now(), w.Epoch()
	w.tree, w.made = mib.Build(&state), time.Now()
	return w.tree
}

// News sends traps about instances and groups whose state is another.
func (w *snmpWay) News(n *feed.VRRP) {
	quiet := w.quiet && n.Why == feed.Began
	w.quiet = false
	for _, r := range n.Gone {
		w.become(r.Name, r.State, quiet)
		delete(w.states, r.Name)
	}
	for _, r := range n.Routers {
		w.become(r.Name, choose(n.Why == feed.Stopped, "STOP", r.State), quiet)
	}
	for _, g := range n.Groups {
		state := choose(n.Why == feed.Stopped, "STOP", g.State)
		if w.changed("group "+g.Name, state) && !quiet && w.cfg.Traps && w.cfg.VRRP {
			w.Trap(mib.GroupTrap(w.cfg.Conf, g.Name, state))
		}
	}
	w.refused(n.Refused)
}

// refused sends the traps of RFC 2787 and RFC 6527 about adverts that were not
// believed; the VRRP child bounds how many there are.
func (w *snmpWay) refused(all []feed.Refused) {
	if len(all) == 0 || !w.cfg.Traps || !w.cfg.RFCv2 && !w.cfg.RFCv3 {
		return
	}
	now := mib.State{Parts: w.parts(), Conf: w.cfg.Conf}
	w.d.hands.Go(func() {
		now.Links = interfaces()
		for i := range all {
			for _, t := range mib.RefusedTraps(&now, &all[i]) {
				w.Trap(t)
			}
		}
	})
}

// changed notes a state and reports whether it is worth a trap.
func (w *snmpWay) changed(name, state string) bool {
	if w.states[name] == state {
		return false
	}
	w.states[name] = state
	return state != "INIT"
}

func (w *snmpWay) become(name, state string, quiet bool) {
	if !w.changed(name, state) || quiet || !w.cfg.Traps {
		return
	}
	if w.cfg.VRRP {
		w.Trap(mib.InstanceTrap(w.cfg.Conf, name, state))
	}
	if state != "MASTER" || !w.cfg.RFCv2 && !w.cfg.RFCv3 {
		return
	}
	now := mib.State{Parts: w.parts(), Conf: w.cfg.Conf}
	w.d.askVRRP(func(v *dump.VRRP) { // from where it sends, and why
		if v == nil {
			return
		}
		w.d.hands.Go(func() {
			now.VRRP, now.Links = *v, interfaces()
			for _, t := range mib.MasterTraps(&now, name) {
				w.Trap(t)
			}
		})
	})
}

// Pool sends traps about servers and quorums.
func (w *snmpWay) Pool(n *feed.Pool) {
	pool := mib.Pool{Service: n.Service, HasQuorum: n.HasQuorum, Ups: n.Ups}
	switch {
	case !w.cfg.Traps || !w.cfg.Checker:
	case n.Server != "":
		w.Trap(mib.ServerTrap(w.cfg.Conf, pool, n.Server, n.ServerUp))
	default:
		w.Trap(mib.QuorumTrap(w.cfg.Conf, pool, n.Stopping))
	}
}

func choose(so bool, a, b string) string {
	if so {
		return a
	}
	return b
}

// interfaces are those of the network namespace that we are in.
func interfaces() (out []dump.Interface) {
	all, _ := net.Interfaces() // without them nothing is said of them
	for _, i := range all {
		d := dump.Interface{Name: i.Name, Index: i.Index, MAC: i.HardwareAddr.String()}
		addresses, _ := i.Addrs()
		for _, a := range addresses {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				d.Addresses = append(d.Addresses, p.Addr().Unmap())
			}
		}
		out = append(out, d)
	}
	return out
}
