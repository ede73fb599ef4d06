package kernel

import "net/netip"

// Has reports whether an address is on any link.
func (m *Mirror) Has(a netip.Addr) bool { return m.places[a] > 0 }

// LinksWith are the links that have an address for which is reports true, by
// index.
func (m *Mirror) LinksWith(is func(link int, a netip.Addr) bool) map[int]bool {
	links := map[int]bool{}
	for k := range m.addrs {
		if is(k.Link, k.Addr) {
			links[k.Link] = true
		}
	}
	return links
}
