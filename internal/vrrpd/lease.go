package vrrpd

import (
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// Addresses on a lease (vip_lease): the kernel drops them when we do not renew
// them, so that a daemon that is dead or hangs keeps none. Renewing changes
// nothing that anybody sees and is never announced.

// kernelLate is how late the kernel may be in dropping an address whose lifetime
// has ended: it looks about once a second (devinet.c, check_lifetime).
const kernelLate = time.Second

// lifetime is what the kernel is told for a lease, in seconds.
func lifetime(lease time.Duration) uint32 {
	if lease == 0 {
		return 0
	}
	return uint32(max(lease-kernelLate, time.Second) / time.Second) // an hour at most
}

// leasePace is how often a lease is renewed: two renewals may fail.
func leasePace(lease time.Duration) time.Duration {
	return time.Duration(lifetime(lease)) * time.Second / 3
}

// lease notes when a router's addresses are to be renewed next: at once if some
// are there already, from a predecessor who may have renewed them long ago.
func (d *daemon) lease(e *edge) {
	if e.Lease == 0 || !e.active {
		e.renewAt = 0
		return
	}
	e.renewAt = d.now().Add(leasePace(e.Lease))
	for i := range e.holds {
		if a, there := d.mirror.Address(e.holds[i].key); there && a.Lease != 0 {
			e.renewAt = d.now()
			break
		}
	}
	if d.leaseAt == 0 || e.renewAt < d.leaseAt {
		d.leaseAt = e.renewAt
	}
}

func (d *daemon) nextLease() (clock.Instant, bool) { return d.leaseAt, d.leaseAt != 0 }

// tickLease renews what is due.
func (d *daemon) tickLease(at clock.Instant, _ time.Duration) {
	d.leaseAt = 0
	var ops []kernel.Op
	for _, e := range d.edges {
		if e.renewAt == 0 {
			continue
		}
		if e.renewAt <= at {
			ops = d.renewals(ops, e)
			e.renewAt = at.Add(leasePace(e.Lease))
		}
		if d.leaseAt == 0 || e.renewAt < d.leaseAt {
			d.leaseAt = e.renewAt
		}
	}
	d.carryOut(ops)
}

// renewals appends those of a router's addresses that are there; what is not
// there is a matter of settle. Who listens cannot tell yet: the mirror may not
// have been told of what ended while nobody ran.
func (d *daemon) renewals(ops []kernel.Op, e *edge) []kernel.Op {
	if d.listens(e) {
		return ops
	}
	for i := range e.holds {
		h := &e.holds[i]
		have, there := d.mirror.Address(h.key)
		if want, wanted := d.wanted(h.key); there && wanted && want.Lease != 0 && kernel.AddrKind.Same(want, have) {
			ops = append(ops, kernel.Op{Of: kernel.AddrChanged, Addr: kernel.AddrOp{
				Verb: reconcile.Change, Key: h.key, Want: want, Have: have,
			}})
		}
	}
	return ops
}
