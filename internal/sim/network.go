package sim

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// port is how a router of a host is on the network.
type port struct {
	link     string // whose routers hear each other; scripts have only one
	family   int    // 4 or 6
	src      netip.Addr
	group    netip.Addr
	unicast  bool
	peers    []netip.Addr
	strict   bool // refuses unicast adverts of others than peers
	authType uint8
	authData [8]byte
	hmac     *build.HMAC
}

// port is as configured, or as a script's routers have it: multicast on a link
// that all share.
func (h *host) port(r *vrrp.RouterConfig) port {
	if p, ok := h.ports[r.Name]; ok {
		return p
	}
	if len(r.Addresses) > 0 && r.Addresses[0].Is6() {
		return port{family: 6, src: h.addr6, group: wire.Group6}
	}
	return port{family: 4, src: h.addr, group: wire.Group4}
}

// hears reports whether a port gets what arrives, as sockets have it.
func (p *port) hears(a *arrival) bool {
	if p.unicast {
		return p.src == a.dst
	}
	return p.link == a.link && p.group == a.dst
}

// arrival is an IP payload at its destination.
type arrival struct {
	link     string
	src, dst netip.Addr
	bytes    []byte
	hmac     *build.HMAC // the sender's, in place of a trailer
}

// send encodes an advert for the group, or for each peer.
func (w *World) send(h *host, r *vrrp.RouterConfig, priority vrrp.Priority) {
	if h.linkDown(r) {
		return
	}
	p := h.port(r)
	a := wire.Advert{
		Version: r.Version, VRID: uint8(r.VRID), Priority: uint8(priority), Interval: r.Advert,
		Addresses: r.Addresses, AuthType: p.authType, AuthData: p.authData,
	}
	if !p.unicast {
		w.transmit(h, arrival{p.link, p.src, p.group, wire.AppendAdvert(nil, &a, p.src, p.group), p.hmac})
	}
	for _, peer := range p.peers {
		w.transmit(h, arrival{p.link, p.src, peer, wire.AppendAdvert(nil, &a, p.src, peer), p.hmac})
	}
}

// transmit lets a packet arrive at whom it is for, as chance has it.
func (w *World) transmit(h *host, packet arrival) {
	for _, to := range w.hosts {
		if to == h || !to.reachedBy(&packet) {
			continue
		}
		w.carry(h, to, func() { w.arrive(to, packet) })
	}
}

// carry lets what one host sends to another arrive there, as chance has it.
func (w *World) carry(from, to *host, arrive func()) {
	if w.cuts[[2]*host{from, to}] {
		return
	}
	copies := 1
	if w.chance(w.duplicate) {
		copies = 2
	}
	for range copies {
		if w.chance(w.loss) {
			w.disturb(from, to)
			continue
		}
		delay := w.delay
		if w.jitter > 0 {
			delay += time.Duration(w.rng.Int64N(int64(w.jitter)))
		}
		upset := w.peace.upset()
		if upset {
			w.disturb(from, to)
		}
		w.after(delay, func() {
			if upset {
				w.disturb(from, to)
			}
			arrive()
		})
	}
}

// reachedBy reports whether any port that the host was made with hears it.
func (h *host) reachedBy(a *arrival) bool {
	for _, p := range h.ports {
		if p.hears(a) {
			return true
		}
	}
	return h.ports == nil
}

func (w *World) chance(percent int) bool { return percent > 0 && w.rng.IntN(100) < percent }

func (w *World) arrive(h *host, p arrival) {
	switch {
	case h.node == nil || h.suspended:
	case h.asleep:
		if len(h.backlog) < maxBacklog {
			h.backlog = append(h.backlog, p)
		}
	default:
		w.receive(h, p)
	}
}

// receive decodes an advert and gives it to the router that it is for.
func (w *World) receive(h *host, p arrival) {
	var a wire.Advert
	if fault := wire.ParseAdvert(&a, p.bytes, p.src, p.dst); fault != wire.Good {
		w.garbled(h, &p, fault)
		return
	}
	for i := range h.current.Routers {
		r := &h.current.Routers[i]
		at := h.port(r)
		if r.VRID != vrrp.VRID(a.VRID) || !at.hears(&p) {
			continue
		}
		switch why := at.refuses(r, &p, &a); {
		case h.linkDown(r):
		case why != "":
			w.refuse(h, r.Name, p.src, why)
		default:
			w.step(h, vrrp.Heard{
				Router: i, Source: p.src, Local: at.src, Priority: vrrp.Priority(a.Priority),
				Advert: a.Interval, Addresses: a.Addresses,
			})
		}
		return
	}
}

// garbled is an advert that cannot be one: a script's never are, but a
// configuration may ask for what no packet can carry.
func (w *World) garbled(h *host, p *arrival, fault wire.Fault) {
	if !w.cluster {
		w.fail("%s: advert from %s: %v", h.name, p.src, fault)
		return
	}
	for i := range h.current.Routers {
		if r := &h.current.Routers[i]; len(p.bytes) > 1 && r.VRID == vrrp.VRID(p.bytes[1]) {
			w.refuse(h, r.Name, p.src, fault.String())
			return
		}
	}
}

// refuses says why the daemon would not show an advert to the machine.
func (p *port) refuses(r *vrrp.RouterConfig, in *arrival, a *wire.Advert) string {
	switch {
	case a.Version != r.Version:
		return "its VRRP version is not ours"
	case in.src == p.src:
		return "its source address is ours"
	case p.strict && !slices.Contains(p.peers, in.src):
		return "it is not from a configured peer"
	}
	if why := p.disbelieves(in.hmac); why != "" || a.Version != 2 {
		return why
	}
	switch {
	case a.AuthType != p.authType:
		return "its authentication type is not ours"
	case a.AuthData != p.authData && p.authType != wire.AuthNone: // in place of AH, its key
		return "its password is wrong"
	}
	return ""
}

// disbelieves says why a port refuses what is signed so, or not at all. Clocks
// are true here, and nobody sends anything again.
func (p *port) disbelieves(sender *build.HMAC) string {
	signs := sender != nil && sender.Active != 0
	switch {
	case p.hmac == nil && signs:
		return "it has an HMAC, and we have no auth_hmac"
	case p.hmac == nil, !signs && !p.hmac.Required:
		return ""
	case !signs:
		return "it has no HMAC"
	}
	secret := func(keys []wire.HMACKey) []byte {
		if at := slices.IndexFunc(keys, func(k wire.HMACKey) bool { return k.ID == sender.Active }); at >= 0 {
			return keys[at].Secret
		}
		return nil
	}
	if !bytes.Equal(secret(sender.Keys), secret(p.hmac.Keys)) {
		return "its HMAC is of another key than ours"
	}
	return ""
}
