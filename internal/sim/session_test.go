package sim

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/bfd"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// end is a node of a cluster with one router and one session.
func end(name, source, neighbour string, priority vrrp.Priority) Member {
	m := member(name, build.Router{Name: "web", Base: "eth0", VRID: 1})
	m.VRRP.Node.Routers = []vrrp.RouterConfig{{
		Name: "web", Interface: "eth0", Version: 3, VRID: 1, Priority: priority, Advert: time.Second, DownAdverts: 3, Preempt: true,
		Tracks: []vrrp.TrackRef{{Name: "interface eth0"}, {Name: "bfd path"}},
	}}
	s := build.BFDSession{Name: "path", Neighbour: netip.MustParseAddr(neighbour), Machine: bfd.Config{
		MinTx: 100 * time.Millisecond, MinRx: 100 * time.Millisecond, IdleTx: time.Second, Multiplier: 3,
	}}
	if source != "" {
		s.Source = netip.MustParseAddr(source)
	}
	m.BFD.Sessions = []build.BFDSession{s}
	return m
}

// Sessions between nodes of a cluster run on its network; one whose neighbour
// is nobody's, or has none back, is up until the script says otherwise.
func TestSessionsOfClusters(t *testing.T) {
	for _, c := range []struct {
		name, source, neighbour string
		state                   string // of a after the cut
	}{
		{"both", "10.0.0.1", "10.0.0.2", "fault"},
		{"to a stranger", "10.0.0.1", "10.0.0.9", "active"},
		{"of another address", "10.0.0.3", "10.0.0.2", "active"},
	} {
		w := New(1)
		if err := w.Join([]Member{end("a", c.source, c.neighbour, 150), end("b", "10.0.0.2", "10.0.0.1", 100)}); err != nil {
			t.Fatal(err)
		}
		err := w.Play("run 10s\nexpect a active\ncut a b\nrun 1s\nexpect a " + c.state)
		if err != nil || w.Broken() != 0 {
			t.Errorf("%s: %v\n%s", c.name, err, w.Transcript())
		}
	}
}

// A session that a script takes down stays down, whatever its packets say.
func TestSessionsAreForcedDown(t *testing.T) {
	w := New(1)
	if err := w.Join([]Member{end("a", "10.0.0.1", "10.0.0.2", 150), end("b", "10.0.0.2", "10.0.0.1", 100)}); err != nil {
		t.Fatal(err)
	}
	err := w.Play("run 10s\ndown a bfd path by hand\nrun 9s\nexpect a fault\nup a bfd path\nrun 9s\nexpect a active\nexpect b backup")
	if out := w.Transcript(); err != nil || w.Broken() != 0 || !strings.Contains(out, "BFD session path went down: by hand") {
		t.Errorf("%v\n%s", err, out)
	}
}
