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
)

// listener is an outlet child at the other end of a link.
func (b *bench) listener() *ipc.Conn {
	b.t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	ours, theirs := ipc.FromFD(fds[0]), ipc.FromFD(fds[1])
	b.outlets = outlets{link: ours, feeder: ipc.NewFeeder(ours, func() bool { return false })}
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
		b.readOutlets(b.outlets.link)
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
