package kernel

import "net/netip"

// Has reports whether an address is on any link.
func (m *Mirror) Has(a netip.Addr) bool {
	for k := range m.addrs {
		if k.Addr == a {
			return true
		}
	}
	return false
}
