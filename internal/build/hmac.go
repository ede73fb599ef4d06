package build

import (
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// HMAC is how a router's adverts are signed and verified.
type HMAC struct {
	wire.HMACConfig
	// Required refuses adverts without; otherwise they are counted only.
	Required bool
}

func (r *Router) hmac(i *conf.VRRPInstance) {
	h := i.HMAC
	if h == nil {
		return
	}
	r.HMAC = &HMAC{Required: h.Mode == conf.HMACEnforce}
	for _, k := range h.Keys {
		r.HMAC.Keys = append(r.HMAC.Keys, wire.HMACKey{ID: uint8(k.ID), Secret: k.Secret}) // 1–255, conf sees to it
	}
	if h.Mode != conf.HMACReceiveOnly {
		r.HMAC.Active = uint8(h.Active) // one of them
	}
	if !h.Monotonic {
		r.HMAC.Window = h.Window
	}
	if i.Unicast {
		for _, p := range i.Peers {
			r.HMAC.Peers = append(r.HMAC.Peers, p.Addr)
		}
	}
}
