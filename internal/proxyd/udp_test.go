package proxyd

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

func TestDatagramsGoThereAndBack(t *testing.T) {
	a, b := udpBackend(t, "a"), udpBackend(t, "b")
	key := serviceAt(free(t, "udp"), lvs.UDP)
	bal := balancer(t)
	apply1(t, bal, key, "rr", weights{a: {Weight: 1}, b: {Weight: 1}})
	got := map[string]int{}
	for range 4 {
		c := dialTo(t, key)
		first := c.ask()
		got[first]++
		if again := c.ask(); again != first {
			t.Errorf("a session went from %s to %s", first, again)
		}
	}
	if got["a"] != 2 || got["b"] != 2 {
		t.Errorf("sessions %v, want 2 each", got)
	}
	eventually(t, "counted", func() bool {
		c := bal.Counters()[key]
		return c.Connections == 4 && c.InPackets == 8 && c.OutPackets == 8 && c.Active == 4
	})
}

func TestSessionLeavesRemovedServer(t *testing.T) {
	a, b := udpBackend(t, "a"), udpBackend(t, "b")
	key := serviceAt(free(t, "udp"), lvs.UDP)
	bal := balancer(t)
	apply1(t, bal, key, "rr", weights{a: {Weight: 1}})
	c := dialTo(t, key)
	if got := c.ask(); got != "a" {
		t.Fatalf("answer of %q, want a", got)
	}
	apply1(t, bal, key, "rr", weights{a: {Weight: 0}, b: {Weight: 1}})
	if got := c.ask(); got != "a" {
		t.Errorf("a session of a draining server went to %q", got)
	}
	apply1(t, bal, key, "rr", weights{b: {Weight: 1}})
	if got := c.ask(); got != "b" {
		t.Errorf("a session of a removed server went to %q, want b", got)
	}
}

func TestRefusedDatagramGoesElsewhere(t *testing.T) {
	a, dead := udpBackend(t, "a"), serverAt(free(t, "udp"))
	key := serviceAt(free(t, "udp"), lvs.UDP)
	bal := balancer(t)
	apply1(t, bal, key, "rr", weights{dead: {Weight: 1}})
	c := dialTo(t, key)
	_, _ = c.Write([]byte("hello\n")) // is refused, and ends the session
	eventually(t, "refusal noticed", func() bool { return bal.Counters()[key].Active == 0 })
	apply1(t, bal, key, "rr", weights{a: {Weight: 1}, dead: {Weight: 0}})
	if got := c.ask(); got != "a" {
		t.Errorf("answer of %q, want a", got)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	a := udpBackend(t, "a")
	key := serviceAt(free(t, "udp"), lvs.UDP)
	bal := balancer(t)
	bal.sessions = newBudget(2)
	apply1(t, bal, key, "rr", weights{a: {Weight: 1}})
	for range 5 {
		if got := dialTo(t, key).ask(); got != "a" {
			t.Errorf("answer of %q, want a", got)
		}
	}
	if c := bal.Counters()[key]; c.Active != 2 || c.Connections != 5 || c.Evicted != 3 {
		t.Errorf("%d of %d sessions are active, want 2 of 5", c.Active, c.Connections)
	}
}

// TestFloodCostsOthersNothing: the service with the most sessions makes room.
func TestFloodCostsOthersNothing(t *testing.T) {
	a := udpBackend(t, "a")
	flooded, quiet := serviceAt(free(t, "udp"), lvs.UDP), serviceAt(free(t, "udp"), lvs.UDP)
	bal := balancer(t)
	bal.sessions = newBudget(4)
	servers := weights{a: {Weight: 1}}
	if _, err := bal.Apply(lvs.Table{flooded: {Scheduler: "rr", Servers: servers}, quiet: {Scheduler: "rr", Servers: servers}}); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		dialTo(t, flooded).ask()
	}
	for range 2 {
		dialTo(t, quiet).ask()
	}
	for range 3 {
		dialTo(t, flooded).ask()
	}
	c := bal.Counters()
	if f, q := c[flooded], c[quiet]; f.Active != 2 || q.Active != 2 || q.Evicted != 0 || f.Evicted != 7 {
		t.Errorf("active %d and %d, want 2 and 2; %d of the quiet service's made room", f.Active, q.Active, q.Evicted)
	}
}

// TestOnePacket: each datagram of a client is scheduled by itself.
func TestOnePacket(t *testing.T) {
	a, b := udpBackend(t, "a"), udpBackend(t, "b")
	key := serviceAt(free(t, "udp"), lvs.UDP)
	bal := balancer(t)
	if _, err := bal.Apply(lvs.Table{key: {Scheduler: "rr", Flags: director.FlagOnePacket, Servers: weights{a: {Weight: 1}, b: {Weight: 1}}}}); err != nil {
		t.Fatal(err)
	}
	c, got := dialTo(t, key), map[string]int{}
	for range 6 {
		got[c.ask()]++
	}
	if got["a"] != 3 || got["b"] != 3 {
		t.Errorf("answers %v, want 3 of each", got)
	}
	if n := bal.Counters()[key]; n.Connections != 6 || n.Active != 2 {
		t.Errorf("%d connections, %d active; want 6 and 2", n.Connections, n.Active)
	}
}

// TestSessionsEnd: after the time of lvs_timeouts udp.
func TestSessionsEnd(t *testing.T) {
	a := udpBackend(t, "a")
	key := serviceAt(free(t, "udp"), lvs.UDP)
	bal := balancer(t)
	bal.SetTimeouts(director.Timeouts{UDP: time.Millisecond})
	apply1(t, bal, key, "rr", weights{a: {Weight: 1}})
	_, _ = fmt.Fprintln(dialTo(t, key), "hello") // the answer may come too late
	eventually(t, "the session ended", func() bool { n := bal.Counters()[key]; return n.Connections == 1 && n.Active == 0 })
}
