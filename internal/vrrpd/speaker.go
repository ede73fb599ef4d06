package vrrpd

import "net/netip"

// speaker sends for the routers and hears for them; sockets.go has the one on
// the network, tests have one that writes down.
type speaker interface {
	// Want opens what the routers need and closes the rest. What could not be
	// opened is returned by router; nil values are left out.
	Want(edges []*edge) map[*edge]error
	// Advert queues an advert from the router's source to dst. The payload is
	// copied.
	Advert(e *edge, dst netip.Addr, payload []byte)
	// Flush sends what is queued.
	Flush()
	// Announce tells the link's neighbours where one of the router's addresses
	// is.
	Announce(e *edge, h *holding)
	// Hear takes packets that have come; otherwise the loop does.
	Hear()
	// Warm readies what the first takeover will use; nothing is queued.
	Warm()
	// Drain takes all that came while the process slept. It says why some may be
	// lost; empty: none is.
	Drain() (lost string)
	Close()
}
