package vrrpd

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/dump"
	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// deaf is a loop that tells of nothing.
type deaf struct{}

func (deaf) Watch(int, uint32, func(uint32)) error { return nil }
func (deaf) Unwatch(int)                           {}

// listener is an outlet child at the other end of a link.
func (b *bench) listener() *ipc.Conn {
	b.t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	o, theirs := &b.outlets, ipc.FromFD(fds[1])
	if err := o.link.Attach(deaf{}, fds[0], 0, nil, nil); err != nil {
		b.t.Fatal(err)
	}
	o.feeder = ipc.NewFeeder(o.link.Conn(), func() bool { return false })
	b.t.Cleanup(func() { b.outlets.feeder.Close(0); _ = theirs.Close() })
	b.feed(b.everything(feed.Began))
	return theirs
}

// hears is the next message, for people.
func (b *bench) hears(c *ipc.Conn) string {
	b.t.Helper()
	m, _, err := c.Recv()
	if err != nil {
		b.t.Fatal(err)
	}
	var n feed.VRRP
	if err := json.Unmarshal(m.Body, &n); err != nil || m.Kind != ipc.Routers {
		b.t.Fatalf("%s: %v", m.Kind, err)
	}
	out := []string{string(n.Why)}
	for _, r := range n.Routers {
		out = append(out, fmt.Sprintf("%s/%d/%d:%s %d", r.Interface, r.VRID, r.Family, r.State, r.Priority))
	}
	for _, r := range n.Gone {
		out = append(out, fmt.Sprintf("gone %s:%s", r.Name, r.State))
	}
	for _, g := range n.Groups {
		out = append(out, g.Name+":"+g.State)
	}
	return strings.Join(out, ", ")
}

func TestOutletsHearOfEverything(t *testing.T) {
	one, two := instance("VI_1", 51, 100, "192.0.2.100/24"), instance("VI_2", 52, 90, "192.0.2.101/24")
	c := config(one, two)
	c.Groups = []*conf.SyncGroup{{Name: "G", Members: []string{"VI_1", "VI_2"}}}
	b := start(t, c)
	l := b.listener()
	b.want("at first", b.hears(l), "began, eth0/51/4:BACKUP 100, eth0/52/4:BACKUP 90, G:BACKUP")
	b.pass(4 * time.Second)
	b.want("a takeover", b.hears(l), "changed, eth0/52/4:MASTER 90, eth0/51/4:MASTER 100, G:MASTER")

	deleted := instance("VI_3", 53, 80, "192.0.2.103/24")
	deleted.Notify.Deleted = &conf.Command{Argv: []string{"/bin/true"}}
	b.adopt(build.FromVRRP(config(one, deleted)))
	b.want("a reload", b.hears(l), "reloaded, eth0/51/4:MASTER 100, eth0/53/4:BACKUP 80, gone VI_2:FAULT")
	b.adopt(build.FromVRRP(config(one)))
	b.want("another", b.hears(l), "reloaded, eth0/51/4:MASTER 100, gone VI_3:DELETED")

	b.endOperation("a test")
	b.want("the end", b.hears(l), "stopped, eth0/51/4:INIT 100")
}

func TestOutletsAsk(t *testing.T) {
	b := start(t, config(instance("VI_1", 51, 100, "192.0.2.100/24")))
	l := b.listener()
	b.hears(l)
	ask := func(m ipc.Message) {
		t.Helper()
		if err := l.Send(m); err != nil {
			t.Fatal(err)
		}
		if err := b.readOutlets(b.outlets.link.Conn()); err != nil {
			t.Fatal(err)
		}
	}
	ask(ipc.Message{Kind: ipc.Garp, Topic: "VI_1"})
	if n := b.net.announced["192.0.2.100/24"]; n != 0 {
		t.Errorf("a backup announced %d times", n)
	}
	b.pass(4 * time.Second)
	b.hears(l)
	for b.pace.next != 0 && len(b.pace.fresh)+len(b.pace.rest) > 0 { // the repetitions
		b.at = max(b.at, b.pace.next)
		b.pace.burst(b.at)
	}
	before := b.net.announced["192.0.2.100/24"]
	ask(ipc.Message{Kind: ipc.Garp, Topic: "VI_1"})
	ask(ipc.Message{Kind: ipc.Garp, Topic: "nobody"})
	if n := b.net.announced["192.0.2.100/24"]; n != before+1 {
		t.Errorf("announced %d times more", n-before)
	}
	ask(ipc.Message{Kind: ipc.Query, Seq: 7, Topic: ipc.TopicDump})
	m, _, err := l.Recv()
	var state dump.VRRP
	if err != nil || m.Seq != 7 || json.Unmarshal(m.Body, &state) != nil || len(state.Routers) != 1 || state.Routers[0].State != "MASTER" {
		t.Errorf("%+v, %v", m, err)
	}
}

// Of refused adverts the outlet child hears one per instance and kind in a
// second, however many are forged.
func TestOutletsHearOfRefused(t *testing.T) {
	b := start(t, config(v2()))
	l := b.listener()
	b.hears(l)
	forge := func(password string, ttl int) {
		a := good2()
		a.AuthData = pass(password)
		b.receive(a, b.edges[0].Group, func(p *packet) { p.ttl = ttl })
	}
	next := func(want string) {
		t.Helper()
		m, _, err := l.Recv()
		var n feed.VRRP
		if err != nil || json.Unmarshal(m.Body, &n) != nil || n.Why != feed.Changed || len(n.Refused) != 1 || n.Refused[0].Name != "VI_1" {
			t.Fatalf("%+v, %v", n, err)
		}
		b.want("refused", n.Refused[0].Source+" "+n.Refused[0].Cause, want)
	}
	for range 1000 {
		forge("guess", 255)
		forge("secret", 9)
	}
	b.at = b.at.Add(refusedEvery)
	forge("guess", 255)
	for _, want := range []string{"192.0.2.12 auth_failure", "192.0.2.12 ip_ttl_err", "192.0.2.12 auth_failure"} {
		next(want)
	}
	if n := b.edges[0].counters.faults; n[wire.AuthFailure] != 1001 || n[wire.HopLimit] != 1000 {
		t.Errorf("counted %v", n)
	}
}

// Nor does it hear of more than maxRefused in a second of all instances.
func TestOutletsHearOfSoManyRefused(t *testing.T) {
	var many []*conf.VRRPInstance
	for i := range 2 * maxRefused {
		many = append(many, instance(fmt.Sprintf("VI_%d", i), 1+i, 100, fmt.Sprintf("192.0.2.%d/24", 100+i)))
	}
	b := start(t, config(many...))
	l := b.listener()
	b.hears(l)
	for _, e := range b.edges {
		b.outlets.refuse(e, wire.BadChecksum, peer, b.at)
	}
	b.outlets.refuse(b.edges[0], wire.Replayed, peer, b.at.Add(refusedEvery)) // is no news
	b.outlets.refuse(b.edges[2*maxRefused-1], wire.BadChecksum, peer, b.at.Add(refusedEvery))
	for i := range maxRefused + 1 {
		m, _, err := l.Recv()
		var n feed.VRRP
		if err != nil || json.Unmarshal(m.Body, &n) != nil || len(n.Refused) != 1 {
			t.Fatalf("%+v, %v", n, err)
		}
		if i == maxRefused {
			i = 2*maxRefused - 1
		}
		b.want("refused", n.Refused[0].Name, fmt.Sprintf("VI_%d", i))
	}
}
