package vrrpd

import (
	"log/slog"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/kernel/nft"
)

// firewall keeps the nftables tables as the configuration and the links want
// them: written beside the loop whenever that changes, and again when somebody
// takes something out of them.
type firewall struct {
	wanted  nft.Rules
	there   bool // we wrote tables of that name
	flying  bool // and are at it
	again   bool // something changed meanwhile
	watcher *nft.Watcher
}

// rules is what the tables ought to have.
func (d *daemon) rules() nft.Rules {
	f := &d.cfg.Firewall
	r := nft.Rules{Table: f.Table, Priority: f.Priority, Counters: f.Counters}
	for i := range d.cfg.Links {
		l := &d.cfg.Links[i]
		link, ok := d.mirror.Link(l.Name)
		base, below := d.mirror.Link(l.Base)
		if l.IPVLAN || !ok || !below {
			continue
		}
		p := nft.Pair{VMAC: link.Index, Base: base.Index}
		if l.V4 && !f.KeepIGMP {
			r.VMAC4 = append(r.VMAC4, p)
		}
		if l.V6 {
			r.VMAC6 = append(r.VMAC6, p)
		}
	}
	seen := map[netip.Addr]bool{}
	for _, e := range d.edges {
		if !e.Drop {
			continue
		}
		for i := range e.holds {
			h := &e.holds[i]
			if a := h.key.Addr; a.IsLinkLocalUnicast() && a.Is6() {
				r.LinkLocal = append(r.LinkLocal, nft.LinkAddr{Addr: a, Link: h.key.Link})
			} else if !seen[a] {
				seen[a] = true
				r.Drop = append(r.Drop, a)
			}
		}
	}
	return r
}

// guard writes the tables if they are not what they ought to be.
func (d *daemon) guard() {
	if d.reflector == nil || d.stopping {
		return // a test's kernel has no firewall
	}
	r, f := d.rules(), &d.wall
	if r.Equal(&f.wanted) || r.Empty() && !f.there {
		return
	}
	d.watchWall()
	old := f.wanted.Table
	f.wanted = r
	if !d.begun {
		f.there = true
		d.wallWritten(r.Apply()) // nobody waits yet
		return
	}
	d.writeWall(old)
}

// writeWall has the tables written beside the loop, one after the other.
func (d *daemon) writeWall(old string) {
	f := &d.wall
	if f.flying {
		f.again = true
		return
	}
	f.flying, f.there = true, true
	r := f.wanted
	d.hands.Go(func() {
		err := applyWall(&r, old)
		d.post(func() { d.wallWritten(err) })
	})
}

func applyWall(r *nft.Rules, old string) error {
	if old != "" && old != r.Table {
		if err := nft.Remove(old); err != nil {
			return err
		}
	}
	return r.Apply()
}

func (d *daemon) wallWritten(err error) {
	f := &d.wall
	f.flying = false
	if f.watcher != nil {
		f.watcher.Read(f.wanted.Table) // what we did ourselves
	}
	if err != nil {
		d.say(slog.LevelError, kindAddress, "", err.Error(), "no_accept and VMACs lack their rules: "+err.Error())
	}
	if f.again {
		f.again = false
		d.writeWall("")
	}
}

// watchWall listens to what others do to the tables.
func (d *daemon) watchWall() {
	f := &d.wall
	if f.watcher != nil || d.loop == nil {
		return
	}
	w, err := nft.Watch()
	if err == nil {
		err = d.loop.Watch(w.FD(), unix.EPOLLIN, func(uint32) { d.wallChanged() })
	}
	if err != nil {
		d.say(slog.LevelWarn, kindAddress, "", "", err.Error())
		return
	}
	f.watcher = w
}

func (d *daemon) wallChanged() {
	f := &d.wall
	if f.flying || !f.watcher.Read(f.wanted.Table) || d.stopping {
		return
	}
	if times, ok := d.wallLoss.allow(d.now()); ok {
		d.sayf(slog.LevelWarn, kindAddress, "", "nftables table %s was changed by somebody else: it is put back%s", f.wanted.Table, times)
	}
	d.writeWall("")
}

// endWall removes the tables.
func (d *daemon) endWall() {
	f := &d.wall
	if f.watcher != nil {
		f.watcher.Close()
	}
	if !f.there || d.boot.KeepVRRP {
		return
	}
	if err := nft.Remove(f.wanted.Table); err != nil {
		d.say(slog.LevelWarn, kindAddress, "", "", err.Error())
	}
}
