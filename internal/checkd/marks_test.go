package checkd

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

func (r *recorder) Mark(m lvs.Marks) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marks = m
}

// offers waits until the director has these services and marks.
func (w *world) offers(want string) {
	w.t.Helper()
	var got string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		var list []string
		for k := range w.dir.table() {
			list = append(list, fmt.Sprintf("%v/%d", k, k.Family))
		}
		slices.Sort(list)
		w.dir.mu.Lock()
		m := w.dir.marks
		w.dir.mu.Unlock()
		for _, one := range m.Each {
			for _, x := range one.Targets {
				list = append(list, fmt.Sprintf("%s:%v:%v-%v:%d-%d=%d", m.Table, one.Protocol, x.From, x.To, x.Port, x.PortTo, one.Mark))
			}
		}
		if got = strings.Join(list, " "); got == want {
			return
		}
	}
	w.t.Fatalf("the director has\n%s, want\n%s", got, want)
}

// A group is served by a mark, which it keeps over a reload that puts another
// before it; a group with marks of its own is left as it is.
func TestGroupsAreServedByMarks(t *testing.T) {
	member := func(from, to string, port uint16) conf.GroupMember {
		return conf.GroupMember{From: netip.MustParseAddr(from), To: netip.MustParseAddr(to), Port: port}
	}
	server := &conf.VirtualServer{Protocol: "TCP", Scheduler: "rr", Quorum: 1, DelayLoop: interval}
	cfg := func(table string, names ...string) *conf.Config {
		c := &conf.Config{ServerGroups: []*conf.ServerGroup{
			{Name: "a", Members: []conf.GroupMember{member("10.1.0.1", "10.1.0.3", 80), member("10.1.0.9", "10.1.0.9", 81)}},
			{Name: "b", Members: []conf.GroupMember{member("10.2.0.1", "10.2.0.1", 80)}},
			{Name: "own", Members: []conf.GroupMember{member("10.3.0.1", "10.3.0.1", 80), {FWMark: 100}}},
		}}
		c.Global.Marking = conf.Marking{Table: table, First: 100}
		for _, name := range names {
			one := *server
			one.Group = name
			one.Servers = []*conf.RealServer{realServer(netip.MustParseAddrPort("127.0.0.9:80"))}
			c.VirtualServers = append(c.VirtualServers, &one)
		}
		return c
	}
	w := start(t, cfg("hf", "a", "own"))
	w.offers("FWM 100/4 FWM 101/4 [10.3.0.1]:tcp:80/4 hf:TCP:10.1.0.1-10.1.0.3:80-80=101 hf:TCP:10.1.0.9-10.1.0.9:81-81=101")
	w.reload(cfg("hf", "b", "a"))
	w.offers("FWM 100/4 FWM 101/4 hf:TCP:10.2.0.1-10.2.0.1:80-80=100 hf:TCP:10.1.0.1-10.1.0.3:80-80=101 hf:TCP:10.1.0.9-10.1.0.9:81-81=101")
	w.reload(cfg("", "a"))
	w.offers("[10.1.0.1]:tcp:80/4 [10.1.0.2]:tcp:80/4 [10.1.0.3]:tcp:80/4 [10.1.0.9]:tcp:81/4")
	w.reload(cfg("hf", "a"))
	w.offers("FWM 100/4 hf:TCP:10.1.0.1-10.1.0.3:80-80=100 hf:TCP:10.1.0.9-10.1.0.9:81-81=100")
}
