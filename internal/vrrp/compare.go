package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
)

// compared is what was found of the addresses in the adverts of one sender, so
// that it is told once and not with each of them.
type compared struct {
	from  netip.Addr
	count int        // how many it has, if that or odd is why they differ; 0: they do not
	odd   netip.Addr // one that is not ours
}

// compare tells when an advert has other addresses than ours. It counts all the
// same, as for keepalived since 2.4: two masters would be worse.
func (n *Node) compare(r *router, ev *Heard) {
	if r.cfg.CheckOnce && r.compared.from == ev.Source {
		return
	}
	found := compared{from: ev.Source}
	if !slices.Equal(r.cfg.Addresses, ev.Addresses) {
		found.odd = r.stranger(ev.Addresses)
		if found.odd.IsValid() || len(ev.Addresses) != len(r.addrs) {
			found.count = max(len(ev.Addresses), 1)
		}
	}
	was := r.compared
	r.compared = found
	switch {
	case found.count == 0, found == was:
	case found.odd.IsValid():
		n.tell(r, AddressMismatch, fmt.Sprintf("advert of %s has the address %s, which is not ours", ev.Source, found.odd))
	default:
		n.tell(r, AddressMismatch, fmt.Sprintf("advert of %s has %d addresses, not %d as we have",
			ev.Source, len(ev.Addresses), len(r.addrs)))
	}
}

// stranger is the first address that is not the router's.
func (r *router) stranger(addrs []netip.Addr) netip.Addr {
	for _, a := range addrs {
		if _, ours := slices.BinarySearchFunc(r.addrs, a, netip.Addr.Compare); !ours {
			return a
		}
	}
	return netip.Addr{}
}
