package vrrpd

import (
	"errors"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/kernel"
)

// The virtual interfaces (use_vmac, use_ipvlan) are made before their routers
// begin: at the start by the loop's thread, which nobody waits for yet, and at a
// reload beside the loop. Those that vanish later, with the interface below or by
// somebody's hand, are made again beside the loop; their routers wait for that
// as they are. What a predecessor left is used as it is.

// links is what the daemon knows of its virtual interfaces.
type links struct {
	wishes
	ours   map[string]bool   // made or taken over, so removed in the end
	failed map[string]string // why they could not be made
	flying bool              // some are being made beside the loop
	placed []holding         // addresses that they have whatever the state
	again  clock.Instant     // nothing is made before, if somebody undoes it all the time

	promote func(link string) error // kernel.PromoteSecondaries

	// turn is held by whoever makes or removes links, never by the loop once it
	// runs; it guards settings.
	turn     sync.Mutex
	settings kernel.Settings
	changed  atomic.Pointer[[]kernel.Setting] // by settings, as of the last job
}

// linkJob is work beside the loop.
type linkJob struct {
	work  []kernel.LinkWork
	bases []string // below VMACs with IPv4
	igmp  bool     // disable_local_igmp
}

// want is what a configuration wants of links.
func want(cfg *build.VRRP) []kernel.VirtualLink {
	var out []kernel.VirtualLink
	for i := range cfg.Links {
		l := &cfg.Links[i]
		out = append(out, kernel.VirtualLink{
			Name: l.Name, Base: l.Base, IPVLAN: l.IPVLAN, MAC: l.MAC, Mode: l.Mode, Group: l.Group, V4: l.V4, V6: l.V6,
		})
	}
	return out
}

// wishes are the virtual interfaces of a configuration.
type wishes struct {
	wanted []kernel.VirtualLink
	byName map[string]*kernel.VirtualLink // of wanted
}

func wish(cfg *build.VRRP) wishes {
	w := wishes{want(cfg), map[string]*kernel.VirtualLink{}}
	for i := range w.wanted {
		w.byName[w.wanted[i].Name] = &w.wanted[i]
	}
	return w
}

// linkJob collects what there is to do for a configuration.
func (d *daemon) linkJob(cfg *build.VRRP) linkJob {
	j := linkJob{igmp: cfg.NoLocalIGMP}
	for _, v := range want(cfg) {
		if w, ok := d.mirror.LinkWork(&v); ok {
			j.work = append(j.work, w)
		}
		if _, ok := d.mirror.Link(v.Base); ok && v.V4 && !v.IPVLAN && !slices.Contains(j.bases, v.Base) {
			j.bases = append(j.bases, v.Base)
		}
	}
	return j
}

// do carries a job out; failed has the links that could not be made.
func (l *links) do(j linkJob) (failed map[string]string, err error) {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.settings.Begin()
	if len(j.bases) > 0 {
		err = l.settings.LooseSources()
	}
	for _, base := range j.bases {
		err = errors.Join(err, l.settings.Lower(base))
	}
	if j.igmp {
		err = errors.Join(err, l.settings.NoLocalIGMP())
	}
	l.settings.End()
	changed := l.settings.Changed()
	l.changed.Store(&changed)
	failed = map[string]string{}
	for i := range j.work {
		w := &j.work[i]
		if e := w.Do(); e != nil {
			failed[w.Name] = e.Error()
		}
	}
	return failed, err
}

// makeLinks makes what a configuration wants before anything of it begins.
func (d *daemon) makeLinks(cfg *build.VRRP, earlier *ledger) {
	d.links.ours, d.links.failed = map[string]bool{}, map[string]string{}
	if d.reflector == nil {
		return
	}
	if earlier != nil {
		d.links.settings.Inherit(earlier.Settings)
	}
	if len(cfg.Links) == 0 && !cfg.NoLocalIGMP {
		d.links.settings.Restore()
		return
	}
	d.linksMade(d.links.do(d.linkJob(cfg)))
	d.readMirror()
}

// readMirror takes in what the kernel says of what was just done.
func (d *daemon) readMirror() {
	if d.reflector == nil {
		return
	}
	if err := d.reflector.Drain(d.changed); err != nil {
		d.loop.Fail(err)
	}
}

// linksMade takes the outcome of a job.
func (d *daemon) linksMade(failed map[string]string, err error) {
	if err != nil {
		d.say(slog.LevelWarn, kindAddress, "", "", "settings for VMACs: "+err.Error())
	}
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		if d.links.failed[name] != failed[name] {
			d.say(slog.LevelError, kindAddress, "", "", failed[name])
		}
	}
	d.links.failed = failed
}

// sets reports whether a configuration wants virtual interfaces or settings for
// them, or what is set for an earlier one may have to be put back.
func (l *links) sets(cfg *build.VRRP) bool {
	changed := l.changed.Load()
	return len(cfg.Links) > 0 || cfg.NoLocalIGMP || changed != nil && len(*changed) > 0
}

// adoptLinks takes over what the new configuration wants, and has what only
// the old one wanted removed beside the loop once nothing uses it any more.
func (d *daemon) adoptLinks(c *change) {
	d.links.wishes = c.links
	for i := range d.links.wanted {
		v := &d.links.wanted[i]
		if d.links.ours[v.Name] {
			continue
		}
		if s, _ := d.mirror.State(v); s > kernel.LinkBlocked {
			d.links.ours[v.Name] = true
		}
	}
	var old []kernel.Link
	for name := range d.links.ours {
		if d.links.byName[name] != nil {
			continue
		}
		delete(d.links.ours, name)
		if l, ok := d.mirror.Link(name); ok {
			old = append(old, l)
		}
	}
	if len(old) > 0 {
		d.hands.Go(func() {
			err := d.links.remove(old)
			d.post(func() { d.linksMade(d.links.failed, err) })
		})
	}
}

func (l *links) remove(old []kernel.Link) error {
	l.turn.Lock()
	defer l.turn.Unlock()
	return kernel.RemoveLinks(old)
}

// linkPause is between two makings of virtual interfaces: somebody who removes
// them again and again does not keep us from anything else.
const linkPause = 100 * time.Millisecond

// keepLinks has virtual interfaces that are not as wanted made again.
func (d *daemon) keepLinks() {
	if d.links.flying || d.stopping || d.reflector == nil || len(d.links.wanted) == 0 {
		return
	}
	j := d.linkJob(&d.cfg)
	if len(j.work) == 0 {
		return
	}
	if d.now() < d.links.again {
		if d.retryAt == 0 || d.links.again < d.retryAt {
			d.retryAt = d.links.again
		}
		return
	}
	d.links.again = d.now().Add(linkPause)
	d.links.flying = true
	d.hands.Go(func() {
		failed, err := d.links.do(j)
		d.post(func() { d.linksKept(failed, err) })
	})
}

func (d *daemon) linksKept(failed map[string]string, err error) {
	d.links.flying = false
	d.linksMade(failed, err)
	d.noteLedger()
	d.readMirror()
	d.moved = true
	d.settle()
	if len(failed) > 0 {
		d.retryLater()
	}
}

// lacks says why a virtual interface that a router needs is not there and
// will not be in a moment; empty: there is nothing to complain about.
func (d *daemon) lacks(name string) string {
	v := d.links.byName[name]
	if v == nil {
		return ""
	}
	switch s, why := d.mirror.State(v); s {
	case kernel.LinkBlocked:
		return why
	case kernel.LinkReady, kernel.LinkDown:
		return ""
	default:
		return d.links.failed[name]
	}
}

// placeLinks gives virtual interfaces the addresses that they have whatever the
// state: an ipvlan its own, and a VMAC with IPv6 the link-local address below,
// which its router's adverts come from, not to be chosen for anything else.
func (d *daemon) placeLinks() {
	e := d.static
	before := len(e.holds)
	defer func() { d.abandon(e.holds[before:]) }()
	for i := range d.cfg.Links {
		l := &d.cfg.Links[i]
		d.name(l.Name)
		d.name(l.Base)
		link, ok := d.mirror.Link(l.Name)
		base, below := d.mirror.Link(l.Base)
		if !ok || !below || !link.Virtual() {
			continue
		}
		h := holding{dev: l.Name, addr: kernel.Address{Protocol: kernel.Protocol}}
		if l.Addr.IsValid() {
			h.key, h.addr.Bits = kernel.Key(link.Index, l.Addr), l.Addr.Bits()
			e.put(h)
		}
		if !l.LinkLocal {
			continue
		}
		if a, ok := d.mirror.Source(base.Index, 6, d.isVirtual); ok {
			h.key, h.addr.Bits = kernel.Key(link.Index, netip.PrefixFrom(a, linkLocalBits)), linkLocalBits
			h.addr.Flags, h.addr.Deprecated = unix.IFA_F_NODAD, true
			e.put(h)
		}
	}
}

// abandon has those addresses of virtual interfaces removed that are not among
// what is placed now: the link-local address below has changed.
func (d *daemon) abandon(now []holding) {
	gone := slices.DeleteFunc(d.links.placed, func(h holding) bool {
		return slices.ContainsFunc(now, func(o holding) bool { return o.key == h.key })
	})
	if len(gone) > 0 {
		d.ghosts = append(d.ghosts, &edge{holds: gone})
	}
	d.links.placed = slices.Clone(now)
}

// linkLocalBits is the length of fe80::/64 (RFC 4291 §2.5.6).
const linkLocalBits = 64

// endLinks removes our virtual interfaces and puts back what was set for them.
func (d *daemon) endLinks() {
	if d.boot.KeepVRRP || d.reflector == nil {
		return
	}
	var all []kernel.Link
	for name := range d.links.ours {
		if l, ok := d.mirror.Link(name); ok {
			all = append(all, l)
		}
	}
	if err := d.links.remove(all); err != nil {
		d.say(slog.LevelWarn, kindAddress, "", "", err.Error())
	}
	d.links.settings.Restore()
}
