package netns_test

import (
	"encoding/binary"
	"maps"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/net/ipv4"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
	"github.com/holdfast-ha/holdfast/internal/socket"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

const stranger = "192.0.2.66"

// advert writes a VRRPv3 advertisement of 192.0.2.100 by hand (RFC 9568 §5.2),
// so that the test does not believe the code it tests.
func advert(vrid, priority byte) []byte {
	p := []byte{0x31, vrid, priority, 1, 0, 30, 0, 0, 192, 0, 2, 100}
	return sum(p)
}

// sum fills in the checksum, over the pseudo-header too.
func sum(p []byte) []byte {
	binary.BigEndian.PutUint16(p[6:], 0)
	src, dst := netip.MustParseAddr(stranger).As4(), netip.MustParseAddr("224.0.0.18").As4()
	whole := append(append(src[:], dst[:]...), 0, 112, byte(len(p)>>8), byte(len(p)))
	whole = append(whole, p...)
	if len(whole)%2 == 1 {
		whole = append(whole, 0)
	}
	var total uint32
	for i := 0; i < len(whole); i += 2 {
		total += uint32(binary.BigEndian.Uint16(whole[i:]))
	}
	for total>>16 != 0 {
		total = total&0xffff + total>>16
	}
	binary.BigEndian.PutUint16(p[6:], ^uint16(total))
	return p
}

// sender sends VRRP packets to everybody on the node's segment.
func sender(t *testing.T, n *lab.Node) func(packet []byte, ttl int) {
	t.Helper()
	c, err := n.ListenPacket("ip4:112", stranger)
	Must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	p := ipv4.NewPacketConn(c)
	Must(t, n.Do(func() error {
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		return p.SetMulticastInterface(eth0)
	}))
	return func(packet []byte, ttl int) {
		t.Helper()
		Must(t, p.SetMulticastTTL(ttl))
		_, err := c.WriteTo(packet, &net.IPAddr{IP: net.IPv4(224, 0, 0, 18)})
		Must(t, err)
	}
}

// faults adds up what an instance has counted, adverts that are in order left out.
func faults(d *lab.Daemon) map[string]uint64 {
	i := d.Instance("VI_1")
	if i == nil {
		return nil
	}
	out := maps.Clone(i.Counters)
	for _, fine := range []string{"advert_rcvd", "advert_sent", "become_master", "release_master", "pri_zero_rcvd", "pri_zero_sent"} {
		delete(out, fine)
	}
	return out
}

func TestMalformedPacketsAreCountedAndChangeNothing(t *testing.T) {
	l, a, b := pair(t)
	send := sender(t, Node(t, l, "stranger", stranger+"/24"))
	with := func(change func([]byte) []byte) []byte { return change(advert(51, 255)) }
	for _, c := range []struct {
		name   string
		packet []byte
		ttl    int
	}{
		{"TTL 64", advert(51, 255), 64},
		{"wrong checksum", with(func(p []byte) []byte { p[6] ^= 0x55; return p }), 255},
		{"truncated header", with(func(p []byte) []byte { return p[:5] }), 255},
		{"truncated addresses", with(func(p []byte) []byte { p[3] = 9; return sum(p) }), 255},
		{"type 2", with(func(p []byte) []byte { p[0] = 0x32; return sum(p) }), 255},
		{"version 7", with(func(p []byte) []byte { p[0] = 0x71; return sum(p) }), 255},
		{"empty", []byte{}, 255},
		{"oversized", with(func(p []byte) []byte { return append(p, make([]byte, 1300)...) }), 255},
	} {
		before := faults(b)
		send(c.packet, c.ttl)
		Wait(t, c.name+" is counted", func() bool {
			now := faults(b)
			return now != nil && !maps.Equal(before, now)
		})
	}
	send(advert(77, 255), 255) // not ours: nobody's business

	// The last two show that what came before could have done harm: the same
	// sender is believed when its packet is in order.
	for _, d := range []*lab.Daemon{a, b} {
		i := d.Instance("VI_1")
		if i == nil || i.Priority == 0 || (i.State == "MASTER") != (d == a) {
			t.Fatalf("%s is %+v", d.Name, i)
		}
	}
	if n := Logged(a, enteringBackup); n != 1 {
		t.Errorf("a became backup %d times, want once, at its start", n)
	}
	send(advert(51, 254), 255)
	WaitLog(t, a, "(VI_1) "+enteringBackup, 2)
	WaitMaster(t, Virtual, a, b)
}

// An Ethernet frame has at least 60 bytes, so a short advert comes with padding,
// whatever that has in it.
func TestPaddingIsNoPartOfAnAdvert(t *testing.T) {
	l, a, b := pair(t)
	n := Node(t, l, "stranger", stranger+"/24")
	p := advert(51, 254)
	src, dst := netip.MustParseAddr(stranger).As4(), netip.MustParseAddr("224.0.0.18").As4()
	ip := append([]byte{0x45, 0xc0, 0, byte(20 + len(p)), 0, 0, 0, 0, 255, 112, 0, 0}, src[:]...)
	ip = append(ip, dst[:]...)
	var total uint32
	for i := 0; i < len(ip); i += 2 {
		total += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	binary.BigEndian.PutUint16(ip[10:], ^uint16(total&0xffff+total>>16))
	Must(t, n.Do(func() error {
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		frames, err := socket.OpenFrames()
		if err != nil {
			return err
		}
		defer frames.Close()
		f := wire.AppendEthernet(nil, wire.MulticastHardware(wire.Group4), wire.HardwareAddr(eth0.HardwareAddr), wire.EtherIPv4)
		f = append(append(f, ip...), p...)
		for len(f) < 60 {
			f = append(f, 0xaa)
		}
		frames.Send(eth0.Index, f)
		frames.Flush()
		return nil
	}))
	WaitLog(t, a, "(VI_1) "+enteringBackup, 2)
	WaitMaster(t, Virtual, a, b)
	if i := a.Instance("VI_1"); i == nil || i.Counters["packet_len_err"] != 0 {
		t.Errorf("%+v", i)
	}
}
