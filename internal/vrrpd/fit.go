package vrrpd

import (
	"log/slog"
	"net/netip"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/wire"
)

// fit finds how many addresses an advert on the router's link has room for. The
// first ones go in; the rest is there like virtual_ipaddress_excluded.
func (d *daemon) fit(e *edge) {
	n := min(wire.Capacity(e.link.MTU, e.Family, e.Version, e.authLen()), len(e.Advertised))
	if n == e.fits {
		return
	}
	e.advert = e.advert[:0]
	if e.fits = n; n < len(e.Advertised) {
		d.sayf(slog.LevelWarn, kindConfig, e.Name,
			"(%s) Number of VIPs (%d) exceeds maximum/space available in packet (max %d addresses) - excess moved to eVIPs: the MTU of %s is %d",
			e.Name, len(e.Advertised), n, e.Interface, e.link.MTU)
	}
}

// whole completes the addresses of an advert that leaves out the same as ours
// would, so that nobody takes it for another list.
func (e *edge) whole(heard []netip.Addr) []netip.Addr {
	if e.fits < len(e.Advertised) && slices.Equal(heard, e.Advertised[:e.fits]) {
		return e.Advertised
	}
	return heard
}
