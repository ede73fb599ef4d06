package vrrpd

import (
	"time"

	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// woke has the machine know of a sleep before it hears what came meanwhile, and
// hear all of that before it decides how to go on.
func (d *daemon) woke(slept, suspended time.Duration) {
	d.step(vrrp.Woke{Slept: slept, Suspended: suspended})
	lost := d.speaker.Drain()
	if suspended > 0 {
		lost = "the machine was suspended"
	}
	d.step(vrrp.Drained{Lost: lost})
	d.noteApart()
}

// goesOn takes up again what rests while a router listens: somebody else may
// have had its addresses, so what the kernel dropped of them was not put back.
func (d *daemon) goesOn(e *edge) {
	d.lease(e)
	d.dirty = append(d.dirty, e)
}

// listens reports whether a router says nothing, though it is active.
func (d *daemon) listens(e *edge) bool {
	return e.active && d.node.Listens(e.index)
}
