package sim

import (
	"net/netip"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
)

func peer(end byte) conf.Peer { return conf.Peer{Addr: netip.AddrFrom4([4]byte{10, 0, 0, end})} }

func member(name string, routers ...build.Router) Member {
	m := Member{Name: name}
	for i := range routers {
		routers[i].Family = 4
	}
	m.VRRP.Routers = routers
	return m
}

// Interfaces that carry the same virtual router are one link, whatever they
// are called; a VRID that a node has twice tells links apart by their names.
func TestConnect(t *testing.T) {
	got := connect([]Member{
		member("a", build.Router{Base: "eth0", VRID: 1}, build.Router{Base: "eth1", VRID: 1}, build.Router{Base: "eth1", VRID: 2}),
		member("b", build.Router{Base: "eth1", VRID: 1}, build.Router{Base: "eth0", VRID: 1}, build.Router{Base: "eth0", VRID: 9}),
		member("c", build.Router{Base: "ens3", VRID: 2}, build.Router{Base: "ens4", VRID: 3}),
	})
	for place, want := range map[place]string{
		{0, 0}: "a.eth0", {0, 1}: "a.eth1", {0, 2}: "a.eth1",
		{1, 0}: "a.eth1", {1, 1}: "a.eth0", {1, 2}: "a.eth0",
		{2, 0}: "a.eth1", {2, 1}: "c.ens4",
	} {
		if got[place] != want {
			t.Errorf("router %v is on %s, want %s", place, got[place], want)
		}
	}
}

// Of three nodes that list each other, each is whom both others list; where
// two addresses are possible, none is guessed.
func TestSpeakers(t *testing.T) {
	peers := func(ends ...byte) build.Router {
		r := build.Router{Base: "eth0", VRID: 1, Unicast: true}
		for _, e := range ends {
			r.Peers = append(r.Peers, peer(e))
		}
		return r
	}
	got := speakers([]Member{member("a", peers(2, 3)), member("b", peers(1, 3)), member("c", peers(1, 2))})
	for i := range 3 {
		if want := peer(byte(i + 1)).Addr; got[place{i, 0}] != want {
			t.Errorf("node %d sends from %s, want %s", i, got[place{i, 0}], want)
		}
	}
	got = speakers([]Member{member("a", peers(2)), member("b", peers(1, 3))})
	if a := got[place{0, 0}]; a.IsValid() {
		t.Errorf("a could be .1 or .3, and is said to be %s", a)
	}
	if got[place{1, 0}] != netip.AddrFrom4([4]byte{10, 0, 0, 2}) {
		t.Errorf("b is %s", got[place{1, 0}])
	}
}
