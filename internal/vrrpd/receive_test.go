package vrrpd

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

var peer = netip.MustParseAddr("192.0.2.12")

// v2 is a version 2 router with a password.
func v2() *conf.VRRPInstance {
	i := instance("VI_1", 51, 100, "192.0.2.100/24")
	i.Version, i.AuthType, i.AuthPass = 2, "PASS", "secret"
	return i
}

func pass(word string) (data [8]byte) {
	copy(data[:], word)
	return data
}

func good2() wire.Advert {
	return wire.Advert{
		Version: 2, VRID: 51, Priority: 200, Interval: time.Second, AuthType: wire.AuthPass, AuthData: pass("secret"),
		Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.100")},
	}
}

// receive hands over an advert as the socket would.
func (b *bench) receive(a wire.Advert, dst netip.Addr, change func(*packet)) {
	p := &packet{link: 1, family: 4, src: peer, dst: dst, ttl: 255, at: b.at, payload: wire.AppendAdvert(nil, &a, peer, dst)}
	if change != nil {
		change(p)
	}
	b.heard(p)
}

// RFC 3768 §7.1: what a receiver must verify. Each fault is counted under its
// own name, and nothing else happens.
func TestWhatIsRefused(t *testing.T) {
	for _, c := range []struct {
		fault  wire.Fault
		advert func(*wire.Advert)
		packet func(*packet)
	}{
		{wire.HopLimit, nil, func(p *packet) { p.ttl = 254 }},
		{wire.OwnAdvert, nil, func(p *packet) {
			p.src = netip.MustParseAddr(own)
			a := good2()
			p.payload = wire.AppendAdvert(nil, &a, p.src, p.dst)
		}},
		{wire.AuthMismatch, func(a *wire.Advert) { a.AuthType = wire.AuthNone }, nil},
		{wire.AuthFailure, func(a *wire.Advert) { a.AuthData = pass("guess") }, nil},
		{wire.BadInterval, func(a *wire.Advert) { a.Interval = 2 * time.Second }, nil},
		{wire.BadVersion, func(a *wire.Advert) { a.Version = 3 }, nil},
		{wire.BadChecksum, nil, func(p *packet) { p.payload[6]++ }},
		{wire.Length, nil, func(p *packet) { p.payload = append(p.payload, 0) }},
	} {
		b := start(t, config(v2()))
		a := good2()
		if c.advert != nil {
			c.advert(&a)
		}
		b.receive(a, wire.Group4, c.packet)
		for f := wire.Good; f < wire.NumFaults; f++ {
			want := uint64(0)
			if f == c.fault {
				want = 1
			}
			if got := b.edges[0].counters.faults[f]; got != want {
				t.Errorf("%s: %s is %d", c.fault, f, got)
			}
		}
		if b.node.Router(0).Master.IsValid() {
			t.Errorf("%s: the machine was told", c.fault)
		}
		if name := c.fault.String(); b.survey(false).status().Instances[0].Counters[name] != 1 {
			t.Errorf("%s: not in the status", name)
		}
		for range 100 {
			b.receive(a, wire.Group4, c.packet)
		}
		if lines := strings.Count(b.said(), "ignoring"); lines > 1 {
			t.Errorf("%s: %d lines", c.fault, lines)
		}
	}
}

func TestWhatIsBelieved(t *testing.T) {
	b := start(t, config(v2()))
	b.receive(good2(), wire.Group4, nil)
	if v := b.node.Router(0); v.Master != peer || v.MasterPriority != 200 {
		t.Errorf("got %+v", v)
	}
	if n := b.edges[0].counters.faults[wire.Good]; n != 1 {
		t.Errorf("counted %d", n)
	}
}

// A password stays out of the log, ours and theirs.
func TestPasswordsAreNotLogged(t *testing.T) {
	b := start(t, config(v2()))
	a := good2()
	a.AuthData = pass("guess")
	b.receive(a, wire.Group4, nil)
	if s := b.said(); strings.Contains(s, "secret") || strings.Contains(s, "guess") || !strings.Contains(s, "password") {
		t.Errorf("lines: %s", s)
	}
}

func TestStrays(t *testing.T) {
	b := start(t, config(v2()))
	b.said()
	a := good2()
	a.VRID, a.Addresses = 77, []netip.Addr{netip.MustParseAddr("192.0.2.177")}
	b.receive(a, wire.Group4, nil)                                                 // somebody else's
	b.receive(good2(), wire.Group4, func(p *packet) { p.link = 2 })                // on another link
	b.receive(good2(), wire.Group4, func(p *packet) { p.payload = p.payload[:5] }) // too short for a VRID
	b.receive(good2(), wire.Group4, func(p *packet) { p.payload = nil })
	b.receive(good2(), wire.Group4, func(p *packet) { p.fault = wire.BadIPHeader })
	if v := b.node.Router(0); v.Master.IsValid() {
		t.Error("the machine was told")
	}
	c := b.survey(false).status().Instances[0].Counters
	if c["interface_vrid_err"] != 1 || c["interface_packet_len_err"] != 2 || c["interface_ip_header_err"] != 1 {
		t.Errorf("counters %v", c)
	}
	if s := b.said(); strings.Contains(s, "77") || strings.Count(s, "\n") != 1 {
		t.Errorf("lines: %s", s)
	}
}

func unicastTo(peers ...conf.Peer) *conf.VRRPInstance {
	i := v2()
	i.Unicast, i.Peers = true, peers
	return i
}

func TestUnicast(t *testing.T) {
	any12 := conf.Peer{Addr: peer, MinTTL: -1, MaxTTL: -1}
	other := conf.Peer{Addr: netip.MustParseAddr("192.0.2.13"), MinTTL: -1, MaxTTL: -1}
	near := conf.Peer{Addr: peer, MinTTL: 250, MaxTTL: 254}
	checked := unicastTo(other)
	checked.CheckUnicastSrc = true
	local := netip.MustParseAddr(own)
	for _, c := range []struct {
		name string
		i    *conf.VRRPInstance
		ttl  int
		want wire.Fault
	}{
		{"any TTL", unicastTo(any12), 3, wire.Good},
		{"not a peer, not checked", unicastTo(other), 3, wire.Good},
		{"not a peer, checked", checked, 255, wire.UnknownSource},
		{"too far", unicastTo(near), 249, wire.HopLimit},
		{"too near", unicastTo(near), 255, wire.HopLimit},
		{"in range", unicastTo(near), 252, wire.Good},
		{"TTL not known", unicastTo(near), -1, wire.Good},
	} {
		b := start(t, config(c.i))
		b.receive(good2(), local, func(p *packet) { p.ttl = c.ttl })
		if b.edges[0].counters.faults[c.want] != 1 {
			t.Errorf("%s: counters %v", c.name, b.edges[0].counters.faults)
		}
		// Multicast is not for a unicast router.
		b.receive(good2(), wire.Group4, nil)
		if n := b.strays[place{1, 4}].faults[wire.BadVRID]; n != 1 {
			t.Errorf("%s: multicast was taken", c.name)
		}
	}
	i := unicastTo(any12, other)
	i.UnicastTTL = 64
	b := start(t, config(i))
	b.pass(5 * time.Second)
	b.want("adverts", b.net.take(), "VI_1 100 to 192.0.2.12; VI_1 100 to 192.0.2.13; VI_1 100 to 192.0.2.12; VI_1 100 to 192.0.2.13")
}

// crowd is a configuration of a thousand routers on four interfaces.
func crowd() *conf.Config {
	c := &conf.Config{}
	for n := range 1000 {
		i := instance(fmt.Sprintf("VI_%d", n), 1+n%250, 100, fmt.Sprintf("10.%d.%d.1/24", n/250, n%250))
		i.Interface = fmt.Sprintf("eth%d", n/250)
		c.Instances = append(c.Instances, i)
	}
	return c
}

// thousand is a daemon with as many routers, fed and drained without a network.
func thousand(b *testing.B) (*bench, [][]byte) {
	b.Helper()
	d := newBench(b)
	d.speaker = mute{}
	for n := range 4 {
		l, _ := d.mirror.Link("eth0")
		l.Index, l.Name = n+1, fmt.Sprintf("eth%d", n)
		d.kernel.SetLink(l)
		p := netip.MustParsePrefix(fmt.Sprintf("192.0.%d.11/24", n+2))
		d.kernel.Put(kernel.Key(n+1, p), kernel.Address{Bits: 24})
	}
	d.begin(build.FromVRRP(crowd()))
	var adverts [][]byte
	for _, e := range d.edges {
		a := wire.Advert{Version: 3, VRID: e.VRID, Priority: 200, Interval: time.Second, Addresses: e.Advertised}
		adverts = append(adverts, wire.AppendAdvert(nil, &a, peer, wire.Group4))
	}
	return d, adverts
}

// BenchmarkHeard is one advert to a backup, from the socket's memory on.
func BenchmarkHeard(b *testing.B) {
	d, adverts := thousand(b)
	p := &packet{family: 4, src: peer, dst: wire.Group4, ttl: 255}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		p.link, p.at, p.payload = d.edges[n].link.Index, d.at, adverts[n]
		d.heard(p)
		if n++; n == len(adverts) {
			n = 0
			d.at += 1000
		}
	}
	if d.edges[0].counters.faults[wire.Good] == 0 {
		b.Fatal("nobody heard")
	}
}

// BenchmarkTick is one advert of a master, up to the socket.
func BenchmarkTick(b *testing.B) {
	d, _ := thousand(b)
	d.at += 10 * clock.Instant(time.Second)
	d.step(vrrp.Tick{})
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += len(d.edges) {
		d.at += clock.Instant(time.Second)
		d.step(vrrp.Tick{})
	}
	if d.edges[0].counters.sent < 2 {
		b.Fatal("nobody spoke")
	}
}

// BenchmarkAdopt is how long a reload of a thousand routers, one of them
// changed, keeps the loop.
func BenchmarkAdopt(b *testing.B) {
	d, _ := thousand(b)
	d.at += 10 * clock.Instant(time.Second)
	d.step(vrrp.Tick{})
	next := [2]build.VRRP{}
	for i := range next {
		c := crowd()
		c.Instances[500].Priority = 100 + i
		next[i] = build.FromVRRP(c)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		d.at++
		d.adopt(next[i%2])
	}
}

// BenchmarkBuild is what comes before it, beside the loop.
func BenchmarkBuild(b *testing.B) {
	c := crowd()
	for b.Loop() {
		build.FromVRRP(c)
	}
}

// mute is a speaker that says nothing.
type mute struct{}

func (mute) Want([]*edge) map[*edge]error     { return nil }
func (mute) Advert(*edge, netip.Addr, []byte) {}
func (mute) Flush()                           {}
func (mute) Announce(*edge, *holding)         {}
func (mute) Hear()                            {}
func (mute) Warm()                            {}
func (mute) Drain() string                    { return "" }
func (mute) Close()                           {}
