package vrrp

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// Two sync groups may each have the better priority in another member. Both
// waiting for all members (serveBackup) keeps either from preempting the
// other, but when both have become active, by a cut that healed or at the same
// moment, each would yield to the other, and again for ever. So between two
// active groups one member decides, the same on both: the rest stand by it.

// decides is the member that decides: of the lowest VRID, then IPv4 before
// IPv6, then of the lowest virtual address. The order in the file does not count.
func (u *unit) decides() *router {
	if len(u.members) == 0 {
		return nil
	}
	return slices.MinFunc(u.members, func(a, b *router) int {
		if c := cmp.Compare(a.cfg.VRID, b.cfg.VRID); c != 0 {
			return c
		}
		if len(a.addrs) == 0 || len(b.addrs) == 0 {
			return cmp.Compare(len(a.addrs), len(b.addrs))
		}
		return a.addrs[0].Compare(b.addrs[0]) // IPv4 before IPv6
	})
}

// challenge is a better router that a member of an active group has heard,
// while it did not count.
type challenge struct {
	from  netip.Addr
	since clock.Instant
}

// stands reports whether an active group stays though a member hears a better
// router: where the deciding member hears a worse one, or for as long as it
// may still hear of the other group. That is until the same one is heard a
// second time: who sends for one member sends for all of them, so by then the
// decider cannot hear it, or it is no such group, and the member counts.
func (n *Node) stands(r *router, ev *Heard) bool {
	d, c := r.unit.decider, &r.challenge
	if r == d {
		return false
	}
	least, most := r.cfg.Advert, max(r.cfg.Advert, ev.Advert)
	since := n.now.Sub(c.since)
	if c.from != ev.Source || since > MasterDown(r.cfg.Version, r.priority, r.cfg.DownAdverts, most) {
		*c = challenge{ev.Source, n.now}
		return true
	}
	// What comes sooner is the same advert twice, or an answer to ours.
	return d.rival.on() || since < least/2
}
