package socket

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/lab"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// side is one machine on a segment.
type side struct {
	node   *lab.Node
	s      *VRRP
	frames *Frames
	link   int
}

// pair makes two machines on a segment, each with a socket of that family, or
// skips the test where it may not.
func pair(t testing.TB, family int) (a, b side) {
	t.Helper()
	l, err := lab.New(lab.Options{})
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	machine := func(name, addr string) side {
		n, err := l.Node(name, lab.Port{Name: "eth0", LAN: "lan", Addresses: []string{addr}})
		if err != nil {
			t.Fatal(err)
		}
		return open(t, n, family)
	}
	if family == 6 {
		a, b = machine("a", "fe80::a/64"), machine("b", "fe80::b/64")
		meet(t, a, b, netip.MustParseAddr("fe80::a"), netip.MustParseAddr("ff02::abcd"))
	} else {
		a, b = machine("a", "192.0.2.1/24"), machine("b", "192.0.2.2/24")
		meet(t, a, b, netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("224.0.0.200"))
	}
	return a, b
}

// meet waits until packets get through: a new segment loses the first ones.
func meet(t testing.TB, a, b side, src, group netip.Addr) {
	t.Helper()
	b.join(t, group)
	defer b.s.Leave(b.link, group)
	met := false
	for range 200 {
		a.s.Send(&Datagram{Link: a.link, Src: src, Dst: group, Data: []byte("hello")})
		a.s.Flush()
		wait(b.s.FD(), 50)
		if err := b.s.Read(reading(), func(*Packet) { met = true }); err != nil {
			t.Fatal(err)
		}
		if met {
			break
		}
	}
	if !met {
		t.Fatal("nothing gets through")
	}
	for wait(b.s.FD(), 20) { // stragglers
		_ = b.s.Read(reading(), func(*Packet) {})
	}
}

func open(t testing.TB, n *lab.Node, family int) side {
	t.Helper()
	sd := side{node: n}
	err := n.Do(func() (err error) {
		if sd.s, err = OpenVRRP(family, Options{}); err != nil {
			return err
		}
		if sd.frames, err = OpenFrames(); err != nil {
			return err
		}
		i, err := net.InterfaceByName("eth0")
		if err == nil {
			sd.link = i.Index
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sd.s.Close)
	t.Cleanup(sd.frames.Close)
	sd.s.OnFailed(func(tag int, err error) { t.Errorf("packet %d: %v", tag, err) })
	sd.frames.OnFailed(func(link int, err error) { t.Errorf("frame on %d: %v", link, err) })
	return sd
}

func reading() clock.Reading {
	var mono unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono)
	return clock.Reading{Mono: clock.Instant(mono.Nano()), Wall: time.Now().UnixNano()}
}

// receive waits for n packets; their data is copied.
func (sd side) receive(t testing.TB, n int) []Packet {
	t.Helper()
	var got []Packet
	for range 100 {
		err := sd.s.Read(reading(), func(p *Packet) {
			q := *p
			q.Data = bytes.Clone(p.Data)
			got = append(got, q)
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) >= n {
			return got
		}
		wait(sd.s.FD(), 100)
	}
	t.Fatalf("got %d packets of %d", len(got), n)
	return nil
}

// wait waits until fd can be read, or some milliseconds.
func wait(fd, ms int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, _ := unix.Poll(fds, ms)
	return n > 0
}

func (sd side) join(t testing.TB, group netip.Addr) {
	t.Helper()
	if err := sd.node.Do(func() error { return sd.s.Join(sd.link, group) }); err != nil {
		t.Fatal(err)
	}
}

func TestMulticastArrives(t *testing.T) {
	for _, c := range []struct {
		family     int
		src, group netip.Addr
	}{
		{4, netip.MustParseAddr("192.0.2.1"), wire.Group4},
		{4, netip.MustParseAddr("203.0.113.9"), wire.Group4}, // mcast_src_ip that is nowhere
		{4, netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("239.1.2.3")},
		{6, netip.MustParseAddr("fe80::a"), wire.Group6},
		{6, netip.MustParseAddr("fe80::1234"), wire.Group6},
	} {
		t.Run(fmt.Sprintf("%s to %s", c.src, c.group), func(t *testing.T) {
			a, b := pair(t, c.family)
			b.join(t, c.group)
			a.s.Send(&Datagram{Link: a.link, Src: c.src, Dst: c.group, Data: []byte("one")})
			a.s.Send(&Datagram{Link: a.link, Src: c.src, Dst: c.group, Data: []byte("another"), TTL: 17})
			a.s.Flush()
			got := b.receive(t, 2)
			after := reading().Mono
			for i, want := range []Packet{{TTL: 255, Data: []byte("one")}, {TTL: 17, Data: []byte("another")}} {
				p := got[i]
				if p.Link != b.link || p.Src != c.src || p.Dst != c.group || p.TTL != want.TTL ||
					!bytes.Equal(p.Data, want.Data) || p.Fault != wire.Good {
					t.Errorf("got %+v", p)
				}
				// The wall clock may have been set meanwhile; this holds anyway.
				if p.At > after {
					t.Errorf("stamped %v after it was read", p.At.Sub(after))
				}
			}
			// Our own multicast does not come back.
			if err := a.s.Read(reading(), func(p *Packet) { t.Errorf("came back: %+v", *p) }); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestUnicastArrives(t *testing.T) {
	for family, ends := range map[int][2]string{4: {"192.0.2.1", "192.0.2.2"}, 6: {"fe80::a", "fe80::b"}} {
		t.Run(fmt.Sprint("IPv", family), func(t *testing.T) {
			a, b := pair(t, family)
			src, dst := netip.MustParseAddr(ends[0]), netip.MustParseAddr(ends[1])
			link := 0
			if family == 6 {
				link = a.link
			}
			long := bytes.Repeat([]byte{7}, 8+255*4)
			a.s.Send(&Datagram{Link: link, Src: src, Dst: dst, TTL: 64, Data: long})
			a.s.Flush()
			p := b.receive(t, 1)[0]
			if p.Link != b.link || p.Src != src || p.Dst != dst || p.TTL != 64 || !bytes.Equal(p.Data, long) {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func TestManyPacketsKeepTheirOrder(t *testing.T) {
	const count = 3*sendBatch + 5
	a, b := pair(t, 4)
	b.join(t, wire.Group4)
	for i := range count {
		a.s.Send(&Datagram{Link: a.link, Src: netip.MustParseAddr("192.0.2.1"), Dst: wire.Group4, Data: []byte{byte(i)}, Tag: i})
	}
	a.s.Flush()
	for i, p := range b.receive(t, count) {
		if len(p.Data) != 1 || p.Data[0] != byte(i) {
			t.Fatalf("packet %d: %v", i, p.Data)
		}
	}
}

// A socket may join 20 groups (net.ipv4.igmp_max_memberships); a machine has
// more interfaces.
func TestMoreMembershipsThanASocketHas(t *testing.T) {
	a, b := pair(t, 4)
	var groups []netip.Addr
	for i := range 70 {
		groups = append(groups, netip.AddrFrom4([4]byte{239, 0, 1, byte(i)}))
	}
	for _, g := range groups {
		b.join(t, g)
		b.join(t, g)
	}
	if len(b.s.members.holders) < 2 {
		t.Errorf("%d sockets hold %d groups", len(b.s.members.holders), len(groups))
	}
	b.s.Leave(b.link, groups[3])
	for _, g := range groups {
		a.s.Send(&Datagram{Link: a.link, Src: netip.MustParseAddr("192.0.2.1"), Dst: g, Data: []byte("x")})
	}
	a.s.Flush()
	b.receive(t, len(groups))

	b.s.Leave(b.link, groups[3])
	b.s.Leave(b.link, groups[3]) // once too often
	for _, g := range []netip.Addr{groups[3], groups[4]} {
		a.s.Send(&Datagram{Link: a.link, Src: netip.MustParseAddr("192.0.2.1"), Dst: g, Data: []byte("y")})
	}
	a.s.Flush()
	if p := b.receive(t, 1)[0]; p.Dst != groups[4] {
		t.Errorf("got a packet to %s, which was left", p.Dst)
	}
}

func TestRefusedPacketsAreToldByTag(t *testing.T) {
	a, b := pair(t, 4)
	b.join(t, wire.Group4)
	told := map[int]error{}
	a.s.OnFailed(func(tag int, err error) { told[tag] = err })
	src := netip.MustParseAddr("192.0.2.1")
	for _, d := range []Datagram{
		{Tag: 1, Link: a.link, Src: src, Dst: wire.Group4, Data: []byte("first")},
		{Tag: 2, Link: 4711, Src: src, Dst: wire.Group4, Data: []byte("nowhere")},
		{Tag: 3, Link: a.link, Src: src, Dst: wire.Group6, Data: []byte("other family")},
		{Tag: 4, Link: a.link, Dst: wire.Group4, Data: []byte("no source")},
		{Tag: 5, Link: a.link, Src: src, Dst: wire.Group4, Data: make([]byte, 4000)},
		{Tag: 6, Link: a.link, Src: src, Dst: wire.Group4, Data: []byte("last")},
	} {
		a.s.Send(&d)
	}
	a.s.Flush()
	for tag := 1; tag <= 6; tag++ {
		if bad := tag >= 2 && tag <= 5; (told[tag] != nil) != bad {
			t.Errorf("packet %d: %v", tag, told[tag])
		}
	}
	got := b.receive(t, 2)
	if string(got[0].Data) != "first" || string(got[1].Data) != "last" {
		t.Errorf("got %q and %q", got[0].Data, got[1].Data)
	}
}

func TestFramesLeaveAsTheyAre(t *testing.T) {
	a, b := pair(t, 4)
	fd, err := -1, error(nil)
	if err = b.node.Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0x0608) // ETH_P_ARP in network order
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	frame := append(bytes.Repeat([]byte{0xff}, 6), 2, 0, 0, 0, 0, 1, 8, 6)
	frame = append(frame, bytes.Repeat([]byte{9}, 46)...)
	a.frames.Send(a.link, frame)
	a.frames.Flush()
	buf := make([]byte, 2000)
	for range 50 {
		wait(fd, 100)
		n, err := unix.Read(fd, buf)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(buf[:n], frame) {
			return
		}
	}
	t.Error("the frame never came")
}

// What finds the buffer full is counted, and what came before is not lost.
func TestDroppedPacketsAreCounted(t *testing.T) {
	a, b := pair(t, 4)
	b.join(t, wire.Group4)
	if err := unix.SetsockoptInt(b.s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 16<<10); err != nil {
		t.Fatal(err)
	}
	send := func(count int) {
		for range count {
			a.s.Send(&Datagram{Link: a.link, Src: netip.MustParseAddr("192.0.2.1"), Dst: wire.Group4, Data: []byte("x")})
		}
		a.s.Flush()
	}
	send(200)
	got := len(b.receive(t, 1))
	send(1) // the count comes with the next packet
	got += len(b.receive(t, 1))
	if b.s.Dropped() == 0 || got+int(b.s.Dropped()) != 201 {
		t.Errorf("%d received, %d dropped of 201", got, b.s.Dropped())
	}
}

func TestStampsCannotLieFar(t *testing.T) {
	s := &VRRP{emptied: 1000}
	now := clock.Reading{Mono: 5000, Wall: 1_000_000}
	for _, c := range []struct{ wall, want int64 }{
		{1_000_000, 5000}, {999_000, 4000},
		{1_000_500, 5000}, // the future
		{900_000, 1000},   // the clock was set: not before everything had been read
	} {
		if got := s.instant(c.wall, now); int64(got) != c.want {
			t.Errorf("stamp %d: %d, want %d", c.wall, got, c.want)
		}
	}
}

func BenchmarkSend(b *testing.B) {
	for _, family := range []int{4, 6} {
		b.Run(fmt.Sprint("IPv", family), func(b *testing.B) {
			from, _ := pair(b, family)
			d := Datagram{Link: from.link, Src: netip.MustParseAddr("192.0.2.1"), Dst: wire.Group4, Data: make([]byte, 20)}
			if family == 6 {
				d.Src, d.Dst = netip.MustParseAddr("fe80::a"), wire.Group6
			}
			b.ReportAllocs()
			for b.Loop() {
				from.s.Send(&d)
			}
			from.s.Flush()
		})
	}
}

func BenchmarkReceive(b *testing.B) {
	for _, family := range []int{4, 6} {
		b.Run(fmt.Sprint("IPv", family), func(b *testing.B) {
			from, to := pair(b, family)
			d := Datagram{Link: from.link, Src: netip.MustParseAddr("192.0.2.1"), Dst: wire.Group4, Data: make([]byte, 20)}
			if family == 6 {
				d.Src, d.Dst = netip.MustParseAddr("fe80::a"), wire.Group6
			}
			to.join(b, d.Dst)
			got := 0
			count := func(*Packet) { got++ }
			b.ReportAllocs()
			for b.Loop() {
				if got == 0 {
					b.StopTimer()
					for range sendBatch {
						from.s.Send(&d)
					}
					b.StartTimer()
					for range 100 {
						if _ = to.s.Read(reading(), count); got >= sendBatch {
							break
						}
					}
				}
				got--
			}
		})
	}
}

// Who has not read for long knows whether it has everything, also when nothing
// came after what was dropped.
func TestDrain(t *testing.T) {
	a, b := pair(t, 4)
	b.join(t, wire.Group4)
	send := func(count int) {
		for range count {
			a.s.Send(&Datagram{Link: a.link, Src: netip.MustParseAddr("192.0.2.1"), Dst: wire.Group4, Data: []byte("x")})
		}
		a.s.Flush()
	}
	drain := func() (got int, lost string) {
		lost, err := b.s.Drain(clock.Reading{}, func(*Packet) { got++ })
		if err != nil {
			t.Fatal(err)
		}
		return got, lost
	}
	const all = receiveBatch*receiveTurn + 100 // more than one Read
	send(all)
	if got, lost := drain(); got != all || lost != "" {
		t.Errorf("%d of %d received, lost: %q", got, all, lost)
	}
	if err := unix.SetsockoptInt(b.s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 16<<10); err != nil {
		t.Fatal(err)
	}
	send(200)
	if got, lost := drain(); got == 0 || got == 200 || lost != "the receive buffer overflowed" {
		t.Errorf("%d of 200 received, lost: %q", got, lost)
	}
	send(1)
	if got, lost := drain(); got != 1 || lost != "" {
		t.Errorf("%d of 1 received, lost: %q", got, lost)
	}
}
