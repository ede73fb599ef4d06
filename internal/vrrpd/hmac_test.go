package vrrpd

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// secretOf makes keys that differ from each other.
func secretOf(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// withHMAC is a router that has the keys 1 and 2, and signs with the first.
func withHMAC(mode conf.HMACMode) *conf.VRRPInstance {
	i := instance("VI_1", 51, 100, "192.0.2.100/24")
	i.HMAC = &conf.HMAC{Mode: mode, Active: 1, Window: 5 * time.Second, Keys: []conf.HMACKey{{ID: 1, Secret: secretOf(1)}, {ID: 2, Secret: secretOf(2)}}}
	return i
}

// today is the wall clock of these tests at b.at; it goes on with it.
const today = int64(1_800_000_000) * int64(time.Second)

// timed is a bench whose wall clock runs.
func timed(t *testing.T, i *conf.VRRPInstance) *bench {
	b := start(t, config(i))
	from := b.at
	b.read = func() clock.Reading {
		return clock.Reading{Mono: b.at, Wall: today + int64(b.at-from)}
	}
	return b
}

// signer is the peer.
func signer(id, secret byte) *wire.HMAC {
	return wire.NewHMAC(wire.HMACConfig{Keys: []wire.HMACKey{{ID: id, Secret: secretOf(secret)}}, Active: id, Window: 5 * time.Second})
}

// hashedBy is the peer's advert of version 3, signed.
func hashedBy(h *wire.HMAC, wall int64) func(*packet) {
	return func(p *packet) {
		a := good2()
		a.Version, a.AuthType, a.AuthData = 3, 0, [8]byte{}
		p.payload = wire.AppendAdvert(nil, &a, p.src, p.dst)
		if h != nil {
			p.payload = wire.AppendTrailer(p.payload, 0, h.Sign(p.payload, p.src, wall), p.src, p.dst)
		}
	}
}

func TestHMACIsJudged(t *testing.T) {
	const enforce, permissive, only = conf.HMACEnforce, conf.HMACPermissive, conf.HMACReceiveOnly
	for _, c := range []struct {
		name  string
		mode  conf.HMACMode
		by    *wire.HMAC
		off   time.Duration // of the peer's clock
		count wire.Fault
		heard bool
		said  string
	}{
		{"the key that we sign with", enforce, signer(1, 1), 0, wire.Good, true, ""},
		{"the other key", enforce, signer(2, 2), 4 * time.Second, wire.Good, true, ""},
		{"a key that we do not have", permissive, signer(3, 3), 0, wire.ExtUnknownKey, false, "key 3, which is not in our auth_hmac"},
		{"another key of that number", only, signer(1, 9), 0, wire.ExtInvalid, false, "key 1 is another than ours"},
		{"its clock is behind", enforce, signer(1, 1), -time.Minute, wire.ExtStale, false, "1m0s behind ours, and time_window allows 5s"},
		{"its clock is ahead", enforce, signer(1, 1), time.Minute, wire.ExtStale, false, "1m0s ahead of ours"},
		{"none, and it must have one", enforce, nil, 0, wire.ExtMissing, false, "it has no HMAC"},
		{"none, permissive", permissive, nil, 0, wire.ExtMissing, true, ""},
		{"none, receive-only", only, nil, 0, wire.ExtMissing, true, ""},
	} {
		b := timed(t, withHMAC(c.mode))
		b.receive(good2(), wire.Group4, hashedBy(c.by, today+int64(c.off)))
		said := b.said()
		if b.edges[0].counters.faults[c.count] != 1 || b.node.Router(0).Master.IsValid() != c.heard || !strings.Contains(said, c.said) {
			t.Errorf("%s: %v, %s", c.name, b.survey(false).status().Instances[0].Counters, said)
		}
	}
}

// RFC 9568 knows no trailer: whoever has no auth_hmac refuses it by its length.
func TestHMACIsRefusedWithoutAuthHMAC(t *testing.T) {
	b := timed(t, instance("VI_1", 51, 100, "192.0.2.100/24"))
	b.receive(good2(), wire.Group4, hashedBy(signer(1, 1), today))
	if said := b.said(); b.edges[0].counters.faults[wire.Length] != 1 || b.node.Router(0).Master.IsValid() || !strings.Contains(said, "we have no auth_hmac") {
		t.Errorf("%v, %s", b.survey(false).status().Instances[0].Counters, said)
	}
}

// What waited to be read, for the process slept, is not old for that.
func TestHMACAgeIsThatOfItsArrival(t *testing.T) {
	b := timed(t, withHMAC(conf.HMACEnforce))
	arrived := b.at
	b.at = b.at.Add(time.Minute)
	b.receive(good2(), wire.Group4, func(p *packet) {
		hashedBy(signer(1, 1), today)(p)
		p.at = arrived
	})
	if b.edges[0].counters.faults[wire.Good] != 1 {
		t.Error(b.said())
	}
}

func TestHMACReplayIsCounted(t *testing.T) {
	b := timed(t, withHMAC(conf.HMACPermissive))
	var captured packet
	b.receive(good2(), wire.Group4, func(p *packet) {
		hashedBy(signer(1, 1), today)(p)
		captured = *p
	})
	b.heard(&captured)
	if n := b.survey(false).status().Instances[0].Counters; n["advert_rcvd"] != 1 || n["auth_ext_replay"] != 1 {
		t.Errorf("%v, %s", n, b.said())
	}
}

// catch is what is sent, by destination.
type catch struct {
	*paper
	sent map[netip.Addr][]byte
}

func (c *catch) Advert(_ *edge, dst netip.Addr, payload []byte) {
	c.sent[dst] = bytes.Clone(payload)
}

// One signature does for all peers, and each gets a checksum of its own.
func TestHMACSignsForAllPeers(t *testing.T) {
	i := withHMAC(conf.HMACEnforce)
	i.Priority, i.StateMaster, i.Unicast = 255, true, true
	one, two := netip.MustParseAddr("192.0.2.12"), netip.MustParseAddr("192.0.2.13")
	i.Peers = []conf.Peer{{Addr: one, MinTTL: -1, MaxTTL: -1}, {Addr: two, MinTTL: -1, MaxTTL: -1}}
	b := newBench(t)
	c := &catch{b.net, map[netip.Addr][]byte{}}
	b.speaker = c
	b.read = func() clock.Reading { return clock.Reading{Mono: b.at, Wall: today} }
	b.begin(build.FromVRRP(config(i)))
	for dst, p := range c.sent {
		var a wire.Advert
		if f := wire.ParseAdvert(&a, p, netip.MustParseAddr(own), dst); f != wire.Good || a.Trailer == nil {
			t.Fatalf("to %v: %v, %x", dst, f, p)
		}
		if f := signer(1, 1).Verify(p[:len(p)-wire.TrailerLen], a.Trailer, netip.MustParseAddr(own), today); f != wire.Good {
			t.Errorf("to %v: %v", dst, f)
		}
	}
	n := len(c.sent[one])
	if len(c.sent) != 2 || !bytes.Equal(c.sent[one][n-wire.TrailerLen:], c.sent[two][n-wire.TrailerLen:]) {
		t.Errorf("sent %x", c.sent)
	}
	if n := testing.AllocsPerRun(100, func() {
		b.at = b.at.Add(time.Second)
		e := b.edges[0]
		e.sign(255, b.read().Wall)
		e.datagram(255, one)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// A rotation in its steps, each by a reload: no advert is missed, and what was
// heard before is not heard again.
func TestHMACRotation(t *testing.T) {
	b := timed(t, withHMAC(conf.HMACEnforce))
	hears := func(h *wire.HMAC) {
		t.Helper()
		before := b.edges[0].counters.faults[wire.Good]
		b.at = b.at.Add(time.Second)
		b.receive(good2(), wire.Group4, hashedBy(h, b.read().Wall))
		if b.edges[0].counters.faults[wire.Good] != before+1 {
			t.Fatal(b.said())
		}
	}
	was := b.edges[0].hmac
	peer := signer(1, 1)
	hears(peer)
	var captured packet
	b.at = b.at.Add(time.Second)
	b.receive(good2(), wire.Group4, func(p *packet) {
		hashedBy(peer, b.read().Wall)(p)
		captured = *p
	})
	next := withHMAC(conf.HMACEnforce)
	next.HMAC.Keys = append(next.HMAC.Keys, conf.HMACKey{ID: 3, Secret: secretOf(3)})
	next.HMAC.Active = 3
	b.adopt(build.FromVRRP(config(next)))
	hears(peer)
	hears(signer(3, 3))
	b.heard(&captured)
	if n := b.edges[0].counters.faults[wire.ExtReplay]; n != 1 || b.edges[0].hmac != was {
		t.Errorf("%d replays, %s", n, b.said())
	}
	last := withHMAC(conf.HMACEnforce)
	last.HMAC.Keys, last.HMAC.Active = []conf.HMACKey{{ID: 3, Secret: secretOf(3)}}, 3
	b.adopt(build.FromVRRP(config(last)))
	hears(signer(3, 3))
	b.receive(good2(), wire.Group4, hashedBy(signer(1, 1), b.read().Wall))
	if b.edges[0].counters.faults[wire.ExtUnknownKey] != 1 {
		t.Error("the old key is believed")
	}
}
