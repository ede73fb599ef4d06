package checkd

import (
	"fmt"
	"log/slog"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// watchAddresses listens to the kernel's addresses from when a virtual server
// first has ha_suspend.
func (d *daemon) watchAddresses() {
	wanted := slices.ContainsFunc(d.order, func(p *pool) bool { return p.plan.HASuspend })
	if d.addresses != nil {
		d.addresses.SetBuffer(kernel.Buffer(d.plan.services.Monitor))
		return
	}
	if !wanted {
		return
	}
	r, err := kernel.Open(kernel.Options{})
	if err == nil {
		err = d.loop.Watch(r.FD(), unix.EPOLLIN, func(uint32) { d.addressesChanged() })
	}
	if err != nil {
		d.tell(record{level: slog.LevelError, kind: "address",
			what: fmt.Sprintf("ha_suspend: %v; nothing is suspended", err)})
		return
	}
	r.SetBuffer(kernel.Buffer(d.plan.services.Monitor))
	d.addresses = r
}

func (d *daemon) addressesChanged() {
	moved := false
	err := d.addresses.Read(func(c kernel.Change) { moved = moved || c.Kind == kernel.AddrChanged })
	if err != nil {
		d.tell(record{level: slog.LevelWarn, kind: "address", what: err.Error()})
	}
	if moved {
		d.suspend()
	}
}

// suspend lets the checks of virtual servers with ha_suspend run only where
// one of the addresses is.
func (d *daemon) suspend() {
	for _, p := range d.order {
		if !p.plan.HASuspend && !p.suspended {
			continue
		}
		off := p.plan.HASuspend && d.addresses != nil && !slices.ContainsFunc(p.plan.Keys, d.here)
		if off != p.suspended {
			p.suspended = off
			d.say(p.name(), "", "%s healthcheckers of VS %s: its address %s here (ha_suspend)",
				verb(off, "Suspending", "Activating"), p.name(), verb(off, "is not", "is"))
		}
		for _, s := range p.order {
			for _, c := range s.checks {
				d.pause(c, off)
			}
		}
	}
	d.remonitor()
}

// pause has a checker stand aside, or hear what it has missed: its monitor may
// have gone on for others.
func (d *daemon) pause(c *checker, off bool) {
	c.view.Pause(off)
	d.monitors.changed(c.monitor)
	if off {
		return
	}
	d.tellUser(c, check.Verdict{})
	if weight, set := c.monitor.machine.Weight(); set {
		d.tellUser(c, check.Weigh{Weight: weight})
	}
}

// here reports whether a service's address is on this machine; a mark has none
// that could be missing.
func (d *daemon) here(k lvs.ServiceKey) bool {
	return k.FWMark != 0 || d.addresses.Mirror().Has(k.Addr)
}
