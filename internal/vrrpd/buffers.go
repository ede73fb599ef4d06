package vrrpd

import (
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// buffers sets what the netlink sockets may hold.
func (d *daemon) buffers(b *conf.Buffers) {
	if d.reflector != nil {
		d.reflector.SetBuffer(kernel.Buffer(b.VRRPMonitor))
		d.writer.SetBuffer(kernel.Buffer(b.VRRPCommand))
	}
}

// room is the receive buffer of a socket that these routers share: what each of
// them adds, as keepalived has it, or usual if one of them does not care.
func room(edges []*edge, b *conf.Buffers, usual int) int {
	sum := 0
	for _, e := range edges {
		n := adds(e, b)
		if n == 0 {
			return usual
		}
		sum += n
	}
	if sum == 0 {
		return usual
	}
	return sum
}

// adds is what one router adds, 0 if it does not care.
func adds(e *edge, b *conf.Buffers) int {
	switch {
	case e.RxBuffer > 0:
		return e.RxBuffer
	case b.Policy == conf.RxBytes:
		return b.Bytes
	case b.Policy == conf.RxMTU:
		return e.link.MTU * b.Multiplier
	case b.Policy == conf.RxAdvert:
		return wire.DatagramLen(e.Family, e.Version, e.authLen(), e.fits) * b.Multiplier
	}
	return 0
}

// authLen is how many bytes of an advert authenticate it, beside version 2's own.
func (e *edge) authLen() int {
	switch {
	case e.ah != nil:
		return wire.AHLen
	case e.hmac != nil: // also while we do not sign: all nodes should leave out the same
		return wire.TrailerLen
	}
	return 0
}
