package vrrpd

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// mutatedPackets is how many packets are tried; `make mutated` tries ten million.
const mutatedPackets = 200_000

// mutatedEnv overrides it.
const mutatedEnv = "HOLDFAST_PACKETS"

// target is a router of every kind, and a valid packet for it.
type target struct {
	name      string
	router    *conf.VRRPInstance
	seed      func(wall int64) []byte // an IPv4 datagram, or an IPv6 payload
	dst       netip.Addr
	authentic bool // only what its key made is valid
}

var peer6, own6 = netip.MustParseAddr("fe80::12"), netip.MustParseAddr("fe80::11")

// targets are routers of all versions, families and authentications, waiting
// and active.
func targets() []target {
	secret := []byte("secret")
	ah, hmac := wire.NewAH(secret), signer(1, 1)
	advert := func(version int, vrid uint8, auth uint8, addrs ...string) wire.Advert {
		a := wire.Advert{Version: version, VRID: vrid, Priority: 200, Interval: time.Second, AuthType: auth}
		if auth == wire.AuthPass {
			a.AuthData = pass("secret")
		}
		for _, s := range addrs {
			a.Addresses = append(a.Addresses, netip.MustParseAddr(s))
		}
		return a
	}
	router := func(version, vrid int, addr string) *conf.VRRPInstance {
		i := instance("VI_"+strconv.Itoa(vrid), vrid, 100, addr)
		i.Version = version
		return i
	}
	ipv4 := func(protocol byte, payload []byte, dst netip.Addr) []byte {
		from, to := peer.As4(), dst.As4()
		head := []byte{0x45, 0xc0, 0, byte(20 + len(payload)), 0, 0, 0, 0, wire.TTL, protocol, 0, 0}
		return append(append(append(head, from[:]...), to[:]...), payload...)
	}
	plain := func(a wire.Advert, dst netip.Addr) func(int64) []byte {
		return func(int64) []byte { return ipv4(wire.Protocol, wire.AppendAdvert(nil, &a, peer, dst), dst) }
	}
	me := netip.MustParseAddr(own)
	all := []target{
		{name: "v2", router: router(2, 1, "192.0.2.101/24"), seed: plain(advert(2, 1, 0, "192.0.2.101"), wire.Group4), dst: wire.Group4},
		{name: "v2 PASS", router: router(2, 2, "192.0.2.102/24"), seed: plain(advert(2, 2, wire.AuthPass, "192.0.2.102"), wire.Group4), dst: wire.Group4},
		{name: "v2 AH", router: router(2, 3, "192.0.2.103/24"), dst: wire.Group4, authentic: true, seed: func(int64) []byte {
			a := advert(2, 3, wire.AuthAH, "192.0.2.103")
			return datagram(ah, wire.AppendAdvert(nil, &a, peer, wire.Group4), peer, wire.Group4)
		}},
		{name: "v3", router: router(3, 4, "192.0.2.104/24"), seed: plain(advert(3, 4, 0, "192.0.2.104"), wire.Group4), dst: wire.Group4},
		{name: "v3 HMAC", router: router(3, 5, "192.0.2.105/24"), dst: wire.Group4, authentic: true, seed: func(wall int64) []byte {
			a := advert(3, 5, 0, "192.0.2.105")
			p := wire.AppendAdvert(nil, &a, peer, wire.Group4)
			return ipv4(wire.Protocol, wire.AppendTrailer(p, 0, hmac.Sign(p, peer, wall), peer, wire.Group4), wire.Group4)
		}},
		{name: "unicast", router: router(3, 6, "192.0.2.106/24"), seed: plain(advert(3, 6, 0, "192.0.2.106"), me), dst: me},
		{name: "active", router: router(3, 7, "192.0.2.107/24"), seed: plain(advert(3, 7, 0, "192.0.2.107"), wire.Group4), dst: wire.Group4},
		{name: "IPv6", router: router(3, 8, "fe80::108/64"), dst: wire.Group6, seed: func(int64) []byte {
			a := advert(3, 8, 0, "fe80::108")
			return wire.AppendAdvert(nil, &a, peer6, wire.Group6)
		}},
	}
	all[1].router.AuthType, all[1].router.AuthPass = "PASS", "secret"
	all[2].router.AuthType, all[2].router.AuthPass = "AH", "secret"
	all[4].router.HMAC = withHMAC(conf.HMACEnforce).HMAC
	all[5].router.Unicast, all[5].router.Peers = true, []conf.Peer{{Addr: peer, MinTTL: -1, MaxTTL: -1}}
	all[6].router.Priority, all[6].router.StateMaster = 255, true
	all[7].router.Family = 6
	return all
}

// mutate changes some of a packet: bits, octets, its length, a piece of it for
// another's, and often mends the checksums afterwards, or nothing would get past
// them.
func mutate(r *rand.Rand, b, other []byte, is6 bool) []byte {
	for range 1 + r.IntN(3) {
		if len(b) == 0 {
			break
		}
		switch at := r.IntN(len(b)); r.IntN(8) {
		case 0, 1:
			b[at] ^= 1 << r.IntN(8)
		case 2, 3:
			b[at] = byte(r.Uint32())
		case 4:
			b = b[:at]
		case 5:
			for range r.IntN(40) {
				b = append(b, byte(r.Uint32()))
			}
		case 6:
			copy(b[at:], other)
		case 7: // the fields that matter
			b[min(len(b)-1, map[bool]int{true: 0, false: 20}[is6]+r.IntN(8))] = []byte{0, 1, 2, 3, 0x21, 0x31, 0x32, 255}[r.IntN(8)]
		}
	}
	if r.IntN(2) == 0 {
		mend(b, is6)
	}
	return b
}

// mend makes length and checksum right, as a forger would.
func mend(b []byte, is6 bool) {
	p, src, dst := b, peer6, wire.Group6
	if !is6 {
		if len(b) < 28 || b[0] != 0x45 {
			return
		}
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		p = b[20:]
		src, dst = netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
	}
	if len(p) < 8 {
		return
	}
	p[6], p[7] = 0, 0
	binary.BigEndian.PutUint16(p[6:], ^folded(p, src, dst))
}

// folded is the one's complement sum over an advert as its version has it, by
// RFC 1071's text and not by the code that is tested.
func folded(p []byte, src, dst netip.Addr) uint16 {
	all := bytes.Clone(p)
	if p[0]>>4 == 3 {
		all = append(append(all, make([]byte, len(p)%2)...), src.AsSlice()...)
		all = append(all, dst.AsSlice()...)
		all = binary.BigEndian.AppendUint32(all, uint32(len(p)))
		all = append(all, 0, wire.Protocol)
	}
	var sum uint32
	for i := range all {
		sum += uint32(all[i]) << (8 * (1 - i%2))
		sum = sum&0xffff + sum>>16
	}
	return uint16(sum)
}

// intake does what package socket does to a packet before the daemon gets it;
// false: it never would.
func intake(b []byte, is6 bool, p *packet) bool {
	if is6 {
		p.family, p.src, p.dst, p.payload = 6, peer6, wire.Group6, b
		return true
	}
	ip, fault := wire.ParseIPv4(b)
	if p.family, p.fault = 4, fault; fault != wire.Good {
		p.payload = b
		return true
	}
	p.src, p.dst, p.ttl, p.payload = ip.Src, ip.Dst, int(ip.TTL), ip.Payload
	if ip.Protocol == wire.ProtocolAH {
		advert, fault := wire.SplitAH(ip.Payload)
		p.wrapped, p.payload, p.datagram = true, advert, b
		return fault == wire.Good
	}
	return ip.Protocol == wire.Protocol
}

// valid reports whether a packet is one that the router must take (RFC 9568 §7.1,
// RFC 3768 §7.1), read a second time and differently.
func valid(g *target, b, seed []byte, p *packet) bool {
	switch {
	case g.authentic && g.router.HMAC != nil: // covers the advert and its source
		return p.ttl == 255 && p.src == peer && p.dst == g.dst && len(seed) > 20 && bytes.Equal(p.payload, seed[20:])
	case g.authentic:
		return len(b) >= len(seed) && bytes.Equal(stripped(b[:len(seed)]), stripped(seed))
	}
	a, version := p.payload, g.router.Version
	size := map[int]int{4: 4, 6: 16}[p.family]
	if len(a) < 8 || int(a[0]) != version<<4|1 || int(a[1]) != g.router.VRID {
		return false
	}
	// Up to 1.3.6 keepalived reckoned unicast checksums as if to the group.
	if folded(a, p.src, p.dst) != 0xffff && !(g.router.Unicast && folded(a, p.src, wire.Group4) == 0xffff) {
		return false
	}
	want := 8 + int(a[3])*size
	if version == 2 {
		want += 8
	}
	switch {
	case len(a) != want, !g.router.Unicast && p.ttl != 255, p.dst != g.dst && !(g.router.Unicast && !p.dst.IsMulticast()):
		return false
	case version == 3:
		return true
	case g.router.AuthType == "PASS":
		return a[4] == wire.AuthPass && a[5] == 1 && bytes.Equal(a[want-8:], []byte("secret\x00\x00"))
	}
	return a[4] == wire.AuthNone && a[5] == 1
}

// stripped leaves out what routers may change on the way, and what the kernel
// has looked at.
func stripped(b []byte) []byte {
	c := bytes.Clone(b)
	c[1], c[6], c[7], c[10], c[11] = 0, 0, 0, 0, 0
	return c
}

// No packet crashes the receive path, and nothing changes without an advert that
// is valid: forged ones only count.
func TestMutatedPacketsChangeNothing(t *testing.T) {
	count := mutatedPackets
	if s := os.Getenv(mutatedEnv); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		count = n
	} else if testing.Short() {
		count /= 20
	}
	b, all := newBench(t), targets()
	from := b.at
	b.read = func() clock.Reading { return clock.Reading{Mono: b.at, Wall: today + int64(b.at-from)} }
	key := kernel.Key(1, netip.PrefixFrom(own6, 64))
	b.kernel.Put(key, kernel.Address{Bits: 64})
	var routers []*conf.VRRPInstance
	for _, g := range all {
		routers = append(routers, g.router)
	}
	b.begin(build.FromVRRP(config(routers...)))
	r := rand.New(rand.NewPCG(1, 2))
	good, authentic := 0, 0
	for n := range count {
		b.at = b.at.Add(time.Microsecond)
		i := r.IntN(len(all))
		g, other := &all[i], &all[r.IntN(len(all))]
		is6 := g.router.Family == 6
		seed := g.seed(b.read().Wall)
		genuine := other.seed(today)
		m := mutate(r, append(make([]byte, 0, 128), seed...), genuine, is6)
		p := packet{link: 1, ttl: 255, at: b.at}
		if is6 && r.IntN(8) == 0 {
			p.ttl = r.IntN(256)
		}
		if !intake(m, is6, &p) {
			continue
		}
		before, states := b.goods(), b.views(all)
		b.heard(&p)
		after := b.goods()
		taken := -1
		for k := range all {
			if after[k] != before[k] {
				taken = k
			}
		}
		switch {
		case taken < 0 && b.views(all) != states:
			t.Fatalf("packet %d: %x was not taken, and something has changed", n, m)
		case taken >= 0 && !valid(&all[taken], m, seed, &p) && !valid(&all[taken], m, genuine, &p):
			t.Fatalf("packet %d: %x is taken by %s", n, m, all[taken].name)
		case taken >= 0 && all[taken].authentic:
			authentic++
		}
		if taken >= 0 {
			good++
		}
	}
	if good == 0 || authentic == 0 {
		t.Errorf("of %d packets %d were valid, %d of them authenticated: the test does not look", count, good, authentic)
	}
	t.Logf("of %d mutated packets %d were still valid, %d of them authenticated", count, good, authentic)
}

const kinds = 8 // len(targets())

// goods is how many adverts each router has taken.
func (b *bench) goods() (out [kinds]uint64) {
	for i, e := range b.edges {
		out[i] = e.counters.faults[wire.Good]
	}
	return out
}

// seen is what a forged packet must not change.
type seen struct {
	state    vrrp.State
	master   netip.Addr
	priority vrrp.Priority
	deadline clock.Instant
}

func (b *bench) views(all []target) (out [kinds]seen) {
	for i := range all {
		v := b.node.Router(i)
		out[i] = seen{v.State, v.Master, v.MasterPriority, v.Deadline}
	}
	return out
}
