package vrrpd

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/reconcile"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// bench is a daemon on a fake kernel, a network that writes down, and a clock
// that stands still until it is moved.
type bench struct {
	*daemon
	t      testing.TB
	kernel *kernel.Fake
	net    *paper
	at     clock.Instant
	lines  *bus.Reader
}

// paper is a speaker that writes down what is said.
type paper struct {
	adverts   []string // "VI_1 150 to 224.0.0.18"
	announced map[string]int
	wants     int
	heard     func() // packets that Hear and Drain find
	lost      string
	pending   int // sent, not yet flushed
	refused   map[netip.Addr]error
}

func (p *paper) Want([]*edge) map[*edge]error { p.wants++; return nil }
func (p *paper) Flush()                       { p.pending = 0 }
func (p *paper) Close()                       {}
func (p *paper) Hear()                        { p.heard() }
func (p *paper) Warm()                        {}
func (p *paper) Drain() string                { p.heard(); return p.lost }

func (p *paper) Advert(e *edge, dst netip.Addr, payload []byte) {
	var a wire.Advert
	if f := wire.ParseAdvert(&a, payload, e.source, dst); f != wire.Good {
		panic(f.String())
	}
	p.pending++
	if err := p.refused[dst]; err != nil {
		e.out.refused, e.out.err = e.out.refused+1, err
	}
	p.adverts = append(p.adverts, fmt.Sprintf("%s %d to %s", e.Name, a.Priority, dst))
}

func (p *paper) Announce(_ *edge, h *holding) {
	p.pending++
	p.announced[h.String()]++
}

func (p *paper) take() string {
	s := strings.Join(p.adverts, "; ")
	p.adverts = nil
	return s
}

func prefix(s string) conf.Address { return conf.Address{Prefix: netip.MustParsePrefix(s)} }

// instance is one as conf leaves it, with a second between adverts.
func instance(name string, vrid, priority int, addresses ...string) *conf.VRRPInstance {
	i := &conf.VRRPInstance{
		Name: name, Interface: "eth0", Version: 3, Family: 4, VRID: vrid, Priority: priority,
		AdvertInt: time.Second, DownTimerAdverts: 3, Accept: true,
		GARP: conf.GARP{MasterDelay: 5 * time.Second, MasterRepeat: 5, RefreshRepeat: 1, LowerPrioDelay: 5 * time.Second, LowerPrioRepeat: 5},
	}
	for _, a := range addresses {
		i.Addresses = append(i.Addresses, prefix(a))
	}
	return i
}

func config(instances ...*conf.VRRPInstance) *conf.Config { return &conf.Config{Instances: instances} }

const own = "192.0.2.11"

// newBench makes a daemon on eth0 and eth1 that has not begun; eth0 has own.
func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, kernel: kernel.NewFake("eth0", "eth1"), net: &paper{announced: map[string]int{}, heard: func() {}}, at: 1000 * clock.Instant(time.Second)}
	b.put("192.0.2.11/24")
	records := bus.New()
	b.lines = records.Subscribe(0)
	b.daemon = newDaemon(nil, ipc.BootInfo{}, records)
	b.now = func() clock.Instant { return b.at }
	b.read = func() clock.Reading { return clock.Reading{} } // called from script runners too
	b.post = func(fn func()) bool { fn(); return true }
	b.mirror, b.tables, b.speaker = b.kernel.Mirror(), b.kernel, b.net
	t.Cleanup(func() {
		records.Close()
		if !b.scripts.Close(20 * time.Second) {
			t.Error("scripts are left")
		}
	})
	return b
}

// start begins with a configuration.
func start(t testing.TB, c *conf.Config) *bench {
	t.Helper()
	b := newBench(t)
	b.begin(build.FromVRRP(c))
	return b
}

// adopt makes a configuration the running one.
func (b *bench) adopt(next build.VRRP) { b.daemon.adopt(b.workOut(next)) }

// put adds an address to eth0 as somebody else would.
func (b *bench) put(s string) kernel.Change {
	p := netip.MustParsePrefix(s)
	return b.kernel.Put(kernel.Key(1, p), kernel.Address{Bits: p.Bits()})
}

// has reports whether eth0 has an address.
func (b *bench) has(s string) bool {
	_, ok := b.mirror.Address(kernel.Key(1, netip.MustParsePrefix(s)))
	return ok
}

// pass lets time go by, serving the machine's deadlines as they come.
func (b *bench) pass(d time.Duration) {
	b.t.Helper()
	end := b.at.Add(d)
	for {
		at, ok := b.node.Deadline()
		if !ok || at > end {
			break
		}
		b.at = max(at, b.at)
		b.step(vrrp.Tick{})
	}
	b.at = end
}

// hear takes an advert from the wire.
func (b *bench) hear(from string, vrid, priority uint8, addresses ...string) {
	b.t.Helper()
	a := wire.Advert{Version: 3, VRID: vrid, Priority: priority, Interval: time.Second}
	for _, s := range addresses {
		a.Addresses = append(a.Addresses, netip.MustParseAddr(s))
	}
	src := netip.MustParseAddr(from)
	b.heard(&packet{link: 1, family: 4, src: src, dst: wire.Group4, ttl: 255, at: b.at, payload: wire.AppendAdvert(nil, &a, src, wire.Group4)})
}

// said returns the log lines since the last call.
func (b *bench) said() string {
	b.lines.Close()
	var text []string
	for {
		records, _, ok := b.lines.Next()
		if !ok {
			break
		}
		for _, r := range records {
			text = append(text, r.What)
		}
	}
	b.lines = b.log.Subscribe(0)
	return strings.Join(text, "\n")
}

func (b *bench) want(what, got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("%s: got\n\t%s\nwant\n\t%s", what, got, want)
	}
}

func (b *bench) state() string { return b.node.Router(0).State.String() }

func TestTakeoverAndStop(t *testing.T) {
	b := start(t, config(instance("VI_1", 51, 100, "192.0.2.100/24", "192.0.2.101/32")))
	b.want("state", b.state(), "BACKUP")
	b.want("written at start", b.kernel.Told(), "")
	b.pass(4 * time.Second)
	b.want("state", b.state(), "MASTER")
	b.want("adverts", b.net.take(), "VI_1 100 to 224.0.0.18")
	b.want("written", b.kernel.Told(), "ip addr add 192.0.2.100/24 dev eth0\nip addr add 192.0.2.101/32 dev eth0")
	if n := b.net.announced["192.0.2.100/24"]; n == 0 {
		t.Error("nothing was announced at once")
	}
	if b.net.pending > 0 {
		t.Errorf("%d packets still wait in the speaker", b.net.pending)
	}
	b.want("lines", b.said(), "(VI_1) Entering BACKUP STATE: started\n(VI_1) Entering MASTER STATE: heard nobody for 3.609s")
	b.endOperation("a test")
	b.want("adverts", b.net.take(), "VI_1 0 to 224.0.0.18")
	b.want("written", b.kernel.Told(), "ip addr del 192.0.2.100/24 dev eth0\nip addr del 192.0.2.101/32 dev eth0")
}

func TestKeepVRRP(t *testing.T) {
	b := start(t, config(instance("VI_1", 51, 100, "192.0.2.100/24")))
	b.boot.KeepVRRP = true
	b.pass(4 * time.Second)
	b.net.take()
	b.endOperation("a test")
	b.want("adverts", b.net.take(), "VI_1 0 to 224.0.0.18")
	if !b.has("192.0.2.100/24") {
		t.Error("the address went")
	}
}

func TestHigherPriorityTakesTheAddressAway(t *testing.T) {
	b := start(t, config(instance("VI_1", 51, 100, "192.0.2.100/24")))
	b.pass(4 * time.Second)
	b.kernel.Told()
	b.hear("192.0.2.12", 51, 200, "192.0.2.100")
	b.want("state", b.state(), "BACKUP")
	b.want("written", b.kernel.Told(), "ip addr del 192.0.2.100/24 dev eth0")
	if i := b.survey(false).status().Instances[0]; i.Master != "192.0.2.12" || i.MasterPrio != 200 || i.Cause != "192.0.2.12 has higher priority 200" {
		t.Errorf("status %+v", i)
	}
}

func TestLeftOverIsRemovedAtStart(t *testing.T) {
	b := newBench(t)
	b.put("192.0.2.100/24")
	b.put("192.0.2.99/24")
	b.begin(build.FromVRRP(config(instance("VI_1", 51, 100, "192.0.2.100/24"))))
	b.want("written", b.kernel.Told(), "ip addr del 192.0.2.100/24 dev eth0")
	if s := b.said(); !strings.Contains(s, "192.0.2.100/24 was on eth0 from an earlier run") {
		t.Errorf("lines: %s", s)
	}
}

// Who flushes an interface takes several things away, one after the other:
// each of them is told.
func TestEachThatIsPutBackIsTold(t *testing.T) {
	all := []string{"192.0.2.100/24", "192.0.2.101/24", "192.0.2.102/24"}
	b := start(t, config(instance("VI_1", 51, 100, all...)))
	b.pass(4 * time.Second)
	b.said()
	for _, a := range all {
		b.at = b.at.Add(100 * time.Millisecond)
		b.changed(b.kernel.Take(kernel.Key(1, netip.MustParsePrefix(a))))
		b.settle()
		b.want("lines", b.said(), "(VI_1) "+a+" was removed from eth0 by somebody else: it is put back")
	}
}

func TestPutBack(t *testing.T) {
	i := instance("VI_1", 51, 100, "192.0.2.100/24", "192.0.2.101/24")
	i.Addresses[1].NoTrack = true
	b := start(t, config(i))
	b.pass(4 * time.Second)
	b.kernel.Told()
	b.said()
	before := b.net.announced["192.0.2.100/24"]
	b.changed(b.kernel.Take(kernel.Key(1, netip.MustParsePrefix("192.0.2.100/24"))))
	b.settle()
	b.want("written", b.kernel.Told(), "ip addr add 192.0.2.100/24 dev eth0")
	b.want("lines", b.said(), "(VI_1) 192.0.2.100/24 was removed from eth0 by somebody else: it is put back")
	if b.net.announced["192.0.2.100/24"] <= before {
		t.Error("not announced again")
	}
	// "the address … will not be reinstated until the vrrp instance next transitions to master"
	b.changed(b.kernel.Take(kernel.Key(1, netip.MustParsePrefix("192.0.2.101/24"))))
	b.settle()
	b.compareAll()
	b.want("written", b.kernel.Told(), "")

	// Somebody insists: so do we for a while, but we do not run in circles.
	again := func() {
		b.at = b.at.Add(time.Millisecond)
		b.changed(b.kernel.Take(kernel.Key(1, netip.MustParsePrefix("192.0.2.100/24"))))
		b.settle()
	}
	for range rounds {
		again()
		b.want("written", b.kernel.Told(), "ip addr add 192.0.2.100/24 dev eth0")
	}
	for range 10 {
		again()
	}
	b.kernel.Told()
	again()
	b.want("written", b.kernel.Told(), "")
	if at, ok := b.nextRetry(); !ok || at <= b.at {
		t.Error("no later attempt")
	}
	b.tickRetry(b.at, 0)
	b.want("written", b.kernel.Told(), "ip addr add 192.0.2.100/24 dev eth0")
}

func TestAddedToABackup(t *testing.T) {
	b := start(t, config(instance("VI_1", 51, 100, "192.0.2.100/24")))
	b.changed(b.put("192.0.2.100/24"))
	b.settle()
	b.want("written", b.kernel.Told(), "ip addr del 192.0.2.100/24 dev eth0")
}

// RFC 9568 §6.1: the owner (priority 255) has the addresses as its interface's
// own. They are a source, and stay when it stops.
func TestOwnersAddressStays(t *testing.T) {
	b := newBench(t)
	b.kernel.Take(kernel.Key(1, netip.MustParsePrefix(own+"/24")))
	b.put("192.0.2.100/24")
	i := instance("VI_1", 51, 255, "192.0.2.100/24", "192.0.2.101/24")
	i.StateMaster = true
	b.begin(build.FromVRRP(config(i)))
	b.want("state", b.state(), "MASTER")
	b.want("written", b.kernel.Told(), "ip addr add 192.0.2.101/24 dev eth0")
	if s := b.edges[0].source.String(); s != "192.0.2.100" {
		t.Errorf("adverts come from %s", s)
	}
	// What is ours goes, also at a reload; what was there before stays.
	j := instance("VI_1", 51, 255, "192.0.2.102/24")
	j.StateMaster = true
	b.adopt(build.FromVRRP(config(j)))
	b.want("written", b.kernel.Told(), "ip addr add 192.0.2.102/24 dev eth0\nip addr del 192.0.2.101/24 dev eth0")
	b.endOperation("a test")
	b.want("written", b.kernel.Told(), "ip addr del 192.0.2.102/24 dev eth0")
}

// Priority 255 does not make the addresses that a predecessor left its own.
func TestOwnersPredecessorIsRecognised(t *testing.T) {
	b := newBench(t)
	p := netip.MustParsePrefix("192.0.2.100/24")
	b.kernel.Put(kernel.Key(1, p), kernel.Address{Bits: 24, Protocol: kernel.Protocol})
	i := instance("VI_1", 51, 255, "192.0.2.100/24")
	b.begin(build.FromVRRP(config(i)))
	b.want("written", b.kernel.Told(), "ip addr del 192.0.2.100/24 dev eth0")
}

func TestInterfaceAndSource(t *testing.T) {
	b := start(t, config(instance("VI_1", 51, 100, "192.0.2.100/24")))
	b.pass(4 * time.Second)
	b.said()
	link, _ := b.mirror.Link("eth0")
	down := link
	down.Flags = 0
	b.changed(b.kernel.SetLink(down))
	b.settle()
	b.want("state", b.state(), "FAULT")
	b.want("lines", b.said(), "Netlink reports eth0 down: it is not set up\n(VI_1) Entering FAULT STATE: interface eth0 is down: it is not set up\n(VI_1) no advert with priority 0 was sent: interface eth0 is down")
	b.changed(b.kernel.SetLink(link))
	b.settle()
	b.want("state", b.state(), "BACKUP")
	b.changed(b.kernel.Take(kernel.Key(1, netip.MustParsePrefix(own+"/24"))))
	b.settle()
	b.want("state", b.state(), "FAULT")
	if s := b.said(); !strings.Contains(s, "interface eth0 has no IPv4 address to send from") {
		t.Errorf("lines: %s", s)
	}
	b.changed(b.kernel.RemoveLink(1))
	b.settle()
	b.changed(b.kernel.SetLink(link))
	b.changed(b.put(own + "/24"))
	b.settle()
	b.want("state", b.state(), "BACKUP")
}

// A virtual address is no source: it goes when we do.
func TestSourceIsNeverVirtual(t *testing.T) {
	b := newBench(t)
	b.kernel.Take(kernel.Key(1, netip.MustParsePrefix(own+"/24")))
	b.put("192.0.2.100/24")
	b.begin(build.FromVRRP(config(instance("VI_1", 51, 100, "192.0.2.100/24"))))
	b.want("state", b.state(), "FAULT")
}

func TestReloadTouchesNothingUnchanged(t *testing.T) {
	first := func() *conf.VRRPInstance { return instance("VI_1", 51, 100, "192.0.2.100/24", "192.0.2.101/24") }
	b := start(t, config(first(), instance("VI_2", 52, 100, "192.0.2.110/24")))
	b.pass(5 * time.Second)
	b.kernel.Told()
	b.net.take()
	since := b.node.Router(0).Since
	b.adopt(build.FromVRRP(config(first(), instance("VI_2", 52, 100, "192.0.2.110/24"))))
	b.want("written", b.kernel.Told(), "")
	b.want("adverts", b.net.take(), "")
	if b.node.Router(0).Since != since || b.edges[0].counters.becameMaster != 1 {
		t.Error("VI_1 began anew")
	}

	// Another order, one address less and one more, one router less and one more.
	b.adopt(build.FromVRRP(config(instance("VI_3", 53, 100, "192.0.2.120/24"), instance("VI_1", 51, 100, "192.0.2.100/24", "192.0.2.102/24"))))
	b.want("written", b.kernel.Told(), "ip addr del 192.0.2.110/24 dev eth0\nip addr add 192.0.2.102/24 dev eth0\nip addr del 192.0.2.101/24 dev eth0")
	if got := b.net.take(); !strings.Contains(got, "VI_2 0 to") {
		t.Errorf("adverts %s: VI_2 did not resign", got)
	}
	if b.net.announced["192.0.2.102/24"] == 0 {
		t.Error("the new address was not announced")
	}
	b.hear("192.0.2.12", 52, 200, "192.0.2.110")
	b.hear("192.0.2.12", 51, 200, "192.0.2.100", "192.0.2.102")
	b.want("written", b.kernel.Told(), "ip addr del 192.0.2.100/24 dev eth0\nip addr del 192.0.2.102/24 dev eth0")
}

func TestManyAddressesGoThroughTheWriter(t *testing.T) {
	var list []string
	for i := range kernel.NowLimit + 10 {
		list = append(list, fmt.Sprintf("192.0.2.%d/24", 100+i))
	}
	i := instance("VI_1", 51, 100, list...)
	i.SkipCheckAddr = true
	b := start(t, config(i))
	b.kernel.Slow = true
	b.pass(4 * time.Second)
	b.want("written", b.kernel.Told(), "")
	b.hear("192.0.2.12", 51, 200) // yields before the writer has done anything
	b.kernel.Slow = false
	b.kernel.Finish()
	for _, a := range list {
		if b.has(a) {
			t.Fatalf("%s is left", a)
		}
	}
}

func TestWhatFailsIsTriedAgain(t *testing.T) {
	b := start(t, config(instance("VI_1", 51, 100, "192.0.2.100/24")))
	b.kernel.Fail = func(string) error { return fmt.Errorf("no buffer space") }
	b.pass(4 * time.Second)
	if s := b.said(); !strings.Contains(s, "add 192.0.2.100/24 to eth0: no buffer space") {
		t.Errorf("lines: %s", s)
	}
	b.kernel.Fail = nil
	b.kernel.Told()
	at, ok := b.nextRetry()
	if !ok {
		t.Fatal("no later attempt")
	}
	b.at = at
	b.tickRetry(at, 0)
	b.want("written", b.kernel.Told(), "ip addr add 192.0.2.100/24 dev eth0")
	if _, ok := b.nextRetry(); ok {
		t.Error("yet another attempt")
	}
}

func TestRoutesFollowAddresses(t *testing.T) {
	i := instance("VI_1", 51, 100, "192.0.2.100/24")
	i.Routes = []conf.Route{{Words: strings.Fields("198.51.100.0/24 via 192.0.2.1 dev eth0")}}
	b := start(t, config(i))
	b.pass(4 * time.Second)
	b.want("written", b.kernel.Told(), "ip addr add 192.0.2.100/24 dev eth0\nip route add 198.51.100.0/24 via 192.0.2.1 dev eth0")
	b.hear("192.0.2.12", 51, 200, "192.0.2.100")
	b.want("written", b.kernel.Told(), "ip route del 198.51.100.0/24 via 192.0.2.1 dev eth0\nip addr del 192.0.2.100/24 dev eth0")
}

// What the writer's thread still had to add when we were told to stop goes too.
func TestStopWhileAWriteIsInFlight(t *testing.T) {
	var list []string
	for i := range kernel.NowLimit + 10 {
		list = append(list, fmt.Sprintf("192.0.2.%d/24", 100+i))
	}
	b := start(t, config(instance("VI_1", 51, 100, list...)))
	b.kernel.Slow = true
	b.pass(4 * time.Second)
	b.endOperation("a test")
	if b.flying == 0 {
		t.Fatal("nothing was in flight")
	}
	b.kernel.Slow = false
	b.kernel.Finish()
	for _, a := range list {
		if b.has(a) {
			t.Fatalf("%s is left", a)
		}
	}
	if b.flying != 0 {
		t.Error("the end never comes")
	}
}

// A host of containers has links and addresses that are none of our business.
func TestOtherLinksDoNotConcernUs(t *testing.T) {
	b := start(t, config(instance("VI_1", 51, 100, "192.0.2.100/24")))
	wants := b.net.wants
	veth := kernel.Link{Index: 77, Name: "veth77"}
	b.changed(b.kernel.SetLink(veth))
	b.changed(b.kernel.Put(kernel.Key(77, netip.MustParsePrefix("10.0.0.1/24")), kernel.Address{Bits: 24}))
	b.settle()
	b.changed(b.kernel.RemoveLink(77))
	b.settle()
	if b.net.wants != wants {
		t.Error("everything was looked at anew")
	}
	link, _ := b.mirror.Link("eth0")
	link.Index = 78
	b.changed(b.kernel.RemoveLink(1))
	b.settle()
	b.changed(b.kernel.SetLink(link))
	b.settle()
	if b.net.wants != wants+2 || b.edges[0].link.Index != 78 {
		t.Error("the new eth0 was missed")
	}
}

func TestRouteIsPutBack(t *testing.T) {
	i := instance("VI_1", 51, 100, "192.0.2.100/24")
	i.Routes = []conf.Route{{Words: strings.Fields("198.51.100.0/24 via 192.0.2.1 dev eth0")}}
	b := start(t, config(i))
	b.pass(4 * time.Second)
	b.kernel.Told()
	key, route, err := b.edges[0].routes[0].Resolve(b.mirror)
	if err != nil {
		t.Fatal(err)
	}
	b.kernel.ApplyNow(kernel.RouteOps([]kernel.RouteOp{{Verb: reconcile.Remove, Key: key, Have: route}}))
	b.kernel.Told()
	b.changed(kernel.Change{Kind: kernel.RouteChanged, Route: key, Gone: true})
	b.settle()
	b.want("written", b.kernel.Told(), "ip route add 198.51.100.0/24 via 192.0.2.1 dev eth0")
	if s := b.said(); !strings.Contains(s, "route 198.51.100.0/24 was removed by somebody else: it is put back") {
		t.Errorf("lines: %s", s)
	}
}

// Master_Down_Timer runs from when the kernel got the advert, not from when we
// came to read it; and the machine's time never goes back.
func TestTimersRunFromArrival(t *testing.T) {
	b := start(t, config(instance("VI_1", 51, 100, "192.0.2.100/24")))
	b.at += clock.Instant(time.Second)
	arrived := b.at
	b.at += clock.Instant(30 * time.Millisecond)
	a := wire.Advert{Version: 3, VRID: 51, Priority: 200, Interval: time.Second, Addresses: b.edges[0].Advertised}
	p := &packet{link: 1, family: 4, src: peer, dst: wire.Group4, ttl: 255, at: arrived, payload: wire.AppendAdvert(nil, &a, peer, wire.Group4)}
	b.heard(p)
	v := b.node.Router(0)
	if got := v.Deadline.Sub(arrived); got != v.Down {
		t.Errorf("takes over %v after the advert, want %v", got, v.Down)
	}
	b.step(vrrp.Woke{})
	p.at = arrived - 5
	b.heard(p)
	if v := b.node.Router(0); v.Heard != b.at {
		t.Errorf("heard %v before the step before", b.at.Sub(v.Heard))
	}
}
