package vrrpd

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

func withAH() *conf.VRRPInstance {
	i := v2()
	i.AuthType = "AH"
	return i
}

// sealed is the peer's advert as it comes in with AH.
func sealed(h *wire.AH) func(*packet) {
	return func(p *packet) {
		a := good2()
		a.AuthType, a.AuthData = wire.AuthAH, [8]byte{}
		p.payload = wire.AppendAdvert(nil, &a, p.src, p.dst)
		p.wrapped, p.datagram = true, datagram(h, p.payload, p.src, p.dst)
	}
}

// datagram puts the IPv4 header before an advert with AH.
func datagram(h *wire.AH, advert []byte, src, dst netip.Addr) []byte {
	payload, id := h.Append(nil, advert, wire.TTL, src, dst)
	from, to := src.As4(), dst.As4()
	head := []byte{0x45, 0xc0, 0, byte(20 + len(payload)), byte(id >> 8), byte(id), 0, 0, wire.TTL, wire.ProtocolAH, 0, 0}
	return slices.Concat(head, from[:], to[:], payload)
}

func TestAHIsBelieved(t *testing.T) {
	b := start(t, config(withAH()))
	b.receive(good2(), wire.Group4, sealed(wire.NewAH([]byte("secret"))))
	if v := b.node.Router(0); v.Master != peer || v.MasterPriority != 200 {
		t.Errorf("got %+v, %s", v, b.said())
	}
}

func TestAHIsRefused(t *testing.T) {
	replay := sealed(wire.NewAH([]byte("secret")))
	var first packet
	for _, c := range []struct {
		name   string
		i      *conf.VRRPInstance
		change func(*packet)
		want   wire.Fault
	}{
		{"another key", withAH(), sealed(wire.NewAH([]byte("guess"))), wire.AuthFailure},
		{"no AH around it", withAH(), func(p *packet) {
			sealed(wire.NewAH([]byte("secret")))(p)
			p.wrapped, p.datagram = false, nil
		}, wire.AuthMismatch},
		{"a password in its place", withAH(), nil, wire.AuthMismatch},
		{"AH where a password is due", v2(), sealed(wire.NewAH([]byte("secret"))), wire.AuthMismatch},
		{"AH around a password", v2(), func(p *packet) {
			p.wrapped, p.datagram = true, datagram(wire.NewAH([]byte("secret")), p.payload, p.src, p.dst)
		}, wire.AuthMismatch},
		{"again", withAH(), func(p *packet) {
			replay(p)
			first = *p
		}, wire.Good},
	} {
		b := start(t, config(c.i))
		b.receive(good2(), wire.Group4, c.change)
		if b.edges[0].counters.faults[c.want] != 1 || b.node.Router(0).Master.IsValid() != (c.want == wire.Good) {
			t.Errorf("%s: %v", c.name, b.edges[0].counters.faults)
		}
		if c.name == "again" {
			b.heard(&first)
			if b.edges[0].counters.faults[wire.Replayed] != 1 {
				t.Error("it is believed again")
			}
		}
		if said := b.said(); strings.Contains(said, "secret") || strings.Contains(said, "guess") {
			t.Errorf("%s: %s", c.name, said)
		}
	}
}

// A reload that changes nothing, or only the password, goes on in the sequence.
func TestReloadKeepsSequence(t *testing.T) {
	b := start(t, config(withAH()))
	h := wire.NewAH([]byte("secret"))
	replay := sealed(h)
	b.receive(good2(), wire.Group4, replay)
	was := b.edges[0].ah
	next := withAH()
	next.AuthPass = "other"
	b.adopt(build.FromVRRP(config(next)))
	if b.edges[0].ah != was {
		t.Fatal("it begins anew")
	}
	h.Rekey([]byte("other"))
	b.receive(good2(), wire.Group4, replay)
	if n := b.edges[0].counters.faults; n[wire.Good] != 2 {
		t.Errorf("%v, %s", n, b.said())
	}
	b.adopt(build.FromVRRP(config(v2())))
	if b.edges[0].ah != nil {
		t.Error("a password needs none")
	}
}
