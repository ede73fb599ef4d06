package netns_test

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
	"github.com/holdfast-ha/holdfast/internal/socket"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// floodFor is how long forged adverts are sent as fast as they go.
const floodFor = 2 * time.Second

// ear hears the adverts of one router, with the instants at which the kernel got
// them.
type ear struct {
	socket *socket.VRRP
	from   netip.Addr
	last   clock.Instant
	gaps   []time.Duration
}

func newEar(t *testing.T, n *lab.Node, from string) *ear {
	t.Helper()
	e := &ear{from: netip.MustParseAddr(from)}
	Must(t, n.Do(func() (err error) {
		if e.socket, err = socket.OpenVRRP(4, socket.Options{}); err != nil {
			return err
		}
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		return e.socket.Join(eth0.Index, wire.Group4)
	}))
	t.Cleanup(e.socket.Close)
	return e
}

// listen notes the gaps between adverts until the time is over.
func (e *ear) listen(d time.Duration) error {
	e.last, e.gaps = 0, nil
	for end := time.Now().Add(d); time.Now().Before(end); {
		fds := []unix.PollFd{{Fd: int32(e.socket.FD()), Events: unix.POLLIN}} // a descriptor
		if _, err := unix.Poll(fds, 50); err != nil {
			continue
		}
		var mono, boot unix.Timespec
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono)
		_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot)
		now := clock.Reading{Mono: clock.Instant(mono.Nano()), Boot: boot.Nano(), Wall: time.Now().UnixNano()}
		if err := e.socket.Read(now, e.take); err != nil {
			return err
		}
	}
	return nil
}

func (e *ear) take(p *socket.Packet) {
	if p.Src != e.from {
		return
	}
	if e.last != 0 {
		e.gaps = append(e.gaps, p.At.Sub(e.last))
	}
	e.last = p.At
}

// late is how much the longest gap exceeds the interval.
func (e *ear) late(interval time.Duration) (worst time.Duration) {
	for _, g := range e.gaps {
		worst = max(worst, g-interval)
	}
	return worst
}

// flood sends packets in turn, as fast as they go, until done; it returns how many.
func flood(t *testing.T, n *lab.Node, done <-chan struct{}, packets [][]byte) func() uint64 {
	t.Helper()
	send := sender(t, n)
	send(packets[0], 255) // sets the TTL
	var sent atomic.Uint64
	var busy sync.WaitGroup
	busy.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
				send(packets[i%len(packets)], 255)
				sent.Add(1)
			}
		}
	})
	return func() uint64 {
		busy.Wait()
		return sent.Load()
	}
}

// A flood of forged adverts, of our virtual router and of others, broken and not
// signed: the master stays, and its own adverts go out. How late they are is
// reported.
func TestFloodOfForgedAdverts(t *testing.T) {
	const interval = 100 * time.Millisecond
	l := New(t)
	conf := Instance{Priority: 150, Advert: "0.1", Extra: "auth_hmac {\n key 1 abcdefghijklmnopqrstuvwxyz-0123456789\n }"}
	// With a real-time priority, or this would tell of the machine's other work.
	h := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), "global_defs {\n vrrp_rt_priority 50\n}\n"+conf.String())
	WaitMaster(t, Virtual, h)
	forger := Node(t, l, "forger", stranger+"/24")
	ear := newEar(t, Node(t, l, "ear", "192.0.2.77/24"), "192.0.2.11")
	Must(t, ear.listen(floodFor))
	quiet := ear.late(interval)

	broken, cut := advert(51, 255), advert(51, 255)[:9]
	broken[6] ^= 0x55
	signed := append(advert(51, 255), make([]byte, wire.TrailerLen)...)
	signed[12], signed[13] = 1, 1 // of a time long ago
	done := make(chan struct{})
	sent := flood(t, forger, done, [][]byte{advert(51, 255), broken, cut, signed, advert(77, 255)})
	Must(t, ear.listen(floodFor))
	close(done)
	total := sent()
	t.Logf("adverts are at most %v late without, %v with a flood of %d forged ones a second; %d and more were heard",
		quiet, ear.late(interval), uint64(float64(total)/floodFor.Seconds()), len(ear.gaps))
	if len(ear.gaps) == 0 {
		t.Error("no advert was heard during the flood")
	}
	i := h.Instance("VI_1")
	if i == nil || i.State != "MASTER" || i.Counters["become_master"] != 1 {
		t.Fatalf("%+v", i)
	}
	for _, name := range []string{"auth_ext_missing", "auth_ext_stale", "chk_err", "packet_len_err"} {
		if i.Counters[name] == 0 {
			t.Errorf("%s is not counted: %v", name, i.Counters)
		}
	}
}
