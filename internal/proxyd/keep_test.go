package proxyd

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"golang.org/x/sys/unix"
)

// name is what a service is kept by.
func name(key lvs.ServiceKey) string { return director.ServiceName(key) }

// holder is a parent that may have no room.
type holder struct {
	heard []string
	full  bool
	last  int // a copy of what came last
}

func (h *holder) send(m ipc.Message, files ...int) error {
	if h.full {
		return ipc.ErrFull
	}
	h.heard = append(h.heard, string(m.Kind)+" "+m.Topic)
	for _, fd := range files {
		h.last, _ = unix.Dup(fd)
	}
	return nil
}

func TestKeeperSpeaksInOrder(t *testing.T) {
	h := &holder{full: true}
	k := newKeeper(h.send, nil)
	k.keep("a", 0)
	k.keep("b", 0)
	k.drop("a") // was never heard of
	k.drop("never")
	if k.flush() {
		t.Error("all is said to somebody who does not hear")
	}
	h.full = false
	k.flush()
	k.keep("b", 0) // is held
	k.drop("b")
	k.keep("b", 0)
	if want := []string{"hold b", "drop b", "hold b"}; !slices.Equal(h.heard, want) {
		t.Errorf("heard %q, want %q", h.heard, want)
	}
	_ = unix.Close(h.last)
}

// successor is a balancer that has what another one left behind.
func successor(t *testing.T, h *holder, held ...ipc.Held) *Balancer {
	b := balancer(t)
	b.kept = newKeeper(h.send, held)
	return b
}

// TestInheritedBacklogIsServed: somebody who came before we were there.
func TestInheritedBacklogIsServed(t *testing.T) {
	for _, protocol := range []lvs.Protocol{lvs.TCP, lvs.UDP} {
		t.Run(protocol.String(), func(t *testing.T) {
			key, servers := serviceAt(free(t, "tcp"), protocol), weights{newBackend(t, "a").key: {Weight: 1}}
			if protocol == lvs.UDP {
				key, servers = serviceAt(free(t, "udp"), protocol), weights{udpBackend(t, "a"): {Weight: 1}}
			}
			fd, err := listenOn(key)
			if err != nil {
				t.Fatal(err)
			}
			c := dialTo(t, key)
			b := successor(t, &holder{}, ipc.Held{Name: name(key), FD: fd})
			said := make(chan string, 1)
			go func() { said <- c.ask() }()
			apply1(t, b, key, "rr", servers)
			if got := <-said; got != "a" {
				t.Errorf("answer of %q, want a", got)
			}
		})
	}
}

// TestRetiredServiceIsNobodys: the parent's copy does not keep clients waiting,
// nor the port from us.
func TestRetiredServiceIsNobodys(t *testing.T) {
	for _, network := range []string{"tcp", "udp"} {
		t.Run(network, func(t *testing.T) {
			key := serviceAt(free(t, network), map[string]lvs.Protocol{"tcp": lvs.TCP, "udp": lvs.UDP}[network])
			h := &holder{}
			b := successor(t, h)
			apply1(t, b, key, "rr", nil)
			defer func() { _ = unix.Close(h.last) }() // slow to hear of the drop
			if _, err := b.Apply(nil); err != nil {
				t.Fatal(err)
			}
			if c, err := net.Dial("tcp", netip.AddrPortFrom(key.Addr, key.Port).String()); network == "tcp" && err == nil {
				_ = c.Close()
				t.Error("a service that is gone is connected to")
			}
			first := h.last
			apply1(t, b, key, "rr", nil)
			_ = unix.Close(first)
			if want := []string{"hold " + name(key), "drop " + name(key), "hold " + name(key)}; !slices.Equal(h.heard, want) {
				t.Errorf("heard %q, want %q", h.heard, want)
			}
		})
	}
}

// TestUnwantedInheritanceEnds: the service was removed while nobody was there.
func TestUnwantedInheritanceEnds(t *testing.T) {
	key, h := serviceAt(free(t, "tcp"), lvs.TCP), &holder{}
	fd, err := listenOn(key)
	if err != nil {
		t.Fatal(err)
	}
	b := successor(t, h, ipc.Held{Name: name(key), FD: fd})
	if _, err := b.Apply(nil); err != nil {
		t.Fatal(err)
	}
	if want := []string{"drop " + name(key)}; !slices.Equal(h.heard, want) || len(b.kept.spare) > 0 {
		t.Errorf("heard %q, want %q", h.heard, want)
	}
}

// TestLossIsCounted: what is open is noted, and told by the next.
func TestLossIsCounted(t *testing.T) {
	f, err := ipc.NewNotes("test")
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(f.Fd()))
	_ = f.Close()
	if err != nil {
		t.Fatal(err)
	}
	notes, err := ipc.OpenNotes(fd)
	if err != nil {
		t.Fatal(err)
	}
	notes.Begin(ipc.Keys(noteNames...))
	b := balancer(t)
	b.conns.notes, b.sessions.notes = notes, notes
	tcp, udp := serviceAt(free(t, "tcp"), lvs.TCP), serviceAt(free(t, "udp"), lvs.UDP)
	_, err = b.Apply(lvs.Table{
		tcp: {Scheduler: "rr", Servers: weights{newBackend(t, "a").key: {Weight: 1}}},
		udp: {Scheduler: "rr", Servers: weights{udpBackend(t, "a"): {Weight: 1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []lvs.ServiceKey{tcp, tcp, udp} {
		dialTo(t, key).ask()
	}
	if got, want := lost(notes), "Lost with the proxy child that died: 2 TCP connections, 1 UDP session"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	b.Close()
	if got := lost(notes); got != "" {
		t.Errorf("%q after an orderly end", got)
	}
}
