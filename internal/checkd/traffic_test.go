package checkd

import (
	"context"
	"net/netip"
	"testing"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// counting is a director that only counts, and how often it was asked to.
type counting struct {
	recorder
	found figures
	asked int
}

func (c *counting) Counters(context.Context) (map[lvs.ServiceKey]director.ServiceCounters, error) {
	c.asked++
	return c.found, nil
}

func TestTrafficOfAGroupIsAddedUp(t *testing.T) {
	server := lvs.ServerKey{Addr: netip.MustParseAddr("192.0.2.7"), Port: 80}
	keys := make([]lvs.ServiceKey, 2)
	dir := &counting{found: figures{}}
	for i := range keys {
		keys[i] = lvs.ServiceKey{Addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), Port: 80, Protocol: lvs.TCP, Family: 4}
		c := director.Counters{Connections: 3, Active: 2, InBytes: 10, Refused: 1}
		dir.found[keys[i]] = director.ServiceCounters{Counters: c, Servers: map[lvs.ServerKey]director.Counters{server: c}}
	}
	w := (&daemon{}).newWriter(dir, nil)
	pools := pooled{services: keys, servers: []lvs.ServerKey{server, {Addr: server.Addr, Port: 81}}}
	s := api.Service{Servers: make([]api.Server, 2)}
	pools.traffic(w.figures(), &s)
	want := api.Traffic{Connections: 6, Active: 4, InBytes: 20, Refused: 2}
	if *s.Traffic != want || *s.Servers[0].Traffic != want || *s.Servers[1].Traffic != (api.Traffic{}) {
		t.Errorf("got %+v and %+v, %+v; want %+v, the same, and nothing", *s.Traffic, *s.Servers[0].Traffic, *s.Servers[1].Traffic, want)
	}
	w.figures()
	w.quit()
	<-w.ended
	if dir.asked != 1 {
		t.Errorf("counted %d times for two questions at once, want 1", dir.asked)
	}
	if w.figures() != nil {
		t.Error("figures of a writer that has ended")
	}
}
