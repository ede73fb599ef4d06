package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	host1 = netip.MustParseAddr("192.0.2.1")
	host2 = netip.MustParseAddr("192.0.2.2")
	link6 = netip.MustParseAddr("fe80::a877:a9ff:feeb:7d81")
)

func addrs(s ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range s {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

// frames reads what keepalived sent.
func frames(t testing.TB) map[string][]byte {
	t.Helper()
	return framesOf(t, "testdata/keepalived-2.2.7.txt")
}

func framesOf(t testing.TB, file string) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for line := range strings.Lines(string(text)) {
		name, digits, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || name == "#" {
			continue
		}
		if out[name], err = hex.DecodeString(digits); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// payload takes an Ethernet frame's headers off.
func payload(t testing.TB, frame []byte) (p []byte, src, dst netip.Addr) {
	t.Helper()
	if binary.BigEndian.Uint16(frame[12:]) == EtherIPv4 {
		ip, fault := ParseIPv4(frame[14:])
		if fault != Good || ip.TTL != TTL || ip.Protocol != Protocol {
			t.Fatalf("IPv4 header: %v %+v", fault, ip)
		}
		return ip.Payload, ip.Src, ip.Dst
	}
	return frame[54:], netip.AddrFrom16([16]byte(frame[22:])), netip.AddrFrom16([16]byte(frame[38:]))
}

func secret() (b [8]byte) {
	copy(b[:], "secret12")
	return b
}

// What keepalived sends is read as it was configured, and written again it is
// the same bytes.
func TestKeepalivedAdverts(t *testing.T) {
	pass := Advert{Version: 2, VRID: 51, Priority: 150, Interval: time.Second, AuthType: AuthPass, AuthData: secret(),
		Addresses: addrs("192.0.2.100", "192.0.2.101")}
	resign := pass
	resign.Priority = 0
	uni := Advert{Version: 3, VRID: 54, Priority: 150, Interval: time.Second, Addresses: addrs("192.0.2.103")}
	old := uni
	old.Checksum = OldUnicast
	want := map[string]Advert{
		"v2-pass": pass, "v2-pass-resign": resign, "v3-unicast": uni, "v3-unicast-old": old,
		"v2-unicast": {Version: 2, VRID: 55, Priority: 150, Interval: time.Second, Addresses: addrs("192.0.2.104")},
		"v3-ipv4":    {Version: 3, VRID: 52, Priority: 150, Interval: 250 * time.Millisecond, Addresses: addrs("192.0.2.102")},
		"v3-ipv6":    {Version: 3, VRID: 53, Priority: 150, Interval: time.Second, Addresses: addrs("fe80::53", "fd00::100")},
		"v3-ipv6-unicast": {Version: 3, VRID: 58, Priority: 150, Interval: time.Second,
			Addresses: addrs("fe80::58", "fd00::158")},
	}
	sent := frames(t)
	for name, w := range want {
		p, src, dst := payload(t, sent[name])
		var got Advert
		if fault := ParseAdvert(&got, p, src, dst); fault != Good {
			t.Errorf("%s: %v", name, fault)
			continue
		}
		if !reflect.DeepEqual(got, w) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, w)
		}
		if again := AppendAdvert(nil, &got, src, dst); !bytes.Equal(again, p) {
			t.Errorf("%s:\n  sent %x\nit was %x", name, again, p)
		}
	}
}

func TestKeepalivedAnnouncements(t *testing.T) {
	hw := HardwareAddr{0xaa, 0x77, 0xa9, 0xeb, 0x7d, 0x81}
	b := AppendGratuitousARP(nil, hw, netip.MustParseAddr("192.0.2.102"))
	if want := frames(t)["arp"]; !bytes.Equal(b, want) {
		t.Errorf("gratuitous ARP\n got %x\nwant %x", b, want)
	}
	b = AppendUnsolicitedNA(nil, hw, netip.MustParseAddr("fd00::100"), false)
	if want := frames(t)["na"]; !bytes.Equal(b, want) {
		t.Errorf("unsolicited NA\n got %x\nwant %x", b, want)
	}
	if got := MulticastHardware(Group4); got != (HardwareAddr{0x01, 0x00, 0x5e, 0, 0, 0x12}) {
		t.Errorf("group %v is at %x", Group4, got)
	}
}

func TestNARouterFlagIsInTheChecksum(t *testing.T) {
	b := AppendNA(nil, HardwareAddr{1, 2, 3, 4, 5, 6}, link6, link6, AllNodes, true)
	if b[4] != 0xa0 || checksum(pseudoSum(ICMPv6, len(b), link6, AllNodes), b) != 0 {
		t.Errorf("flags %#x, bytes %x", b[4], b)
	}
}

// Each way of being wrong has its name.
func TestFaults(t *testing.T) {
	good := func(v int) []byte {
		a := Advert{Version: v, VRID: 51, Priority: 100, Interval: time.Second, Addresses: addrs("192.0.2.100")}
		return AppendAdvert(nil, &a, host1, Group4)
	}
	// change alters one byte and mends the checksum.
	change := func(v, i int, to byte) []byte {
		b := good(v)
		b[i], b[6], b[7] = to, 0, 0
		binary.BigEndian.PutUint16(b[6:], checksum(pseudo(v, len(b), host1, Group4), b))
		return b
	}
	broken := good(3)
	broken[6] ^= 1
	for _, c := range []struct {
		name string
		b    []byte
		want Fault
	}{
		{"as it should be", good(2), Good},
		{"as it should be", good(3), Good},
		{"empty", nil, Length},
		{"seven bytes", good(2)[:7], Length},
		{"version 2 without authentication data", good(2)[:12], Length},
		{"one byte more", append(good(3), 0), Length},
		{"count beyond the end", change(3, 3, 2), Length},
		{"count too small", change(2, 3, 0), Length},
		{"version 1", change(2, 0, 0x11), BadVersion},
		{"version 4", change(3, 0, 0x41), BadVersion},
		{"type 2", change(3, 0, 0x32), BadType},
		{"VRID 0", change(3, 1, 0), BadVRID},
		{"checksum", broken, BadChecksum},
		{"authentication type 3", change(2, 4, 3), BadAuthType},
	} {
		var a Advert
		if got := ParseAdvert(&a, c.b, host1, Group4); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	var a Advert
	b := AppendAdvert(nil, &Advert{Version: 2, VRID: 1, Addresses: addrs("fe80::1")}, link6, Group6)
	if got := ParseAdvert(&a, b, link6, Group6); got != BadVersion {
		t.Errorf("version 2 over IPv6: %v, want %v", got, BadVersion)
	}
}

func TestEveryFaultHasAName(t *testing.T) {
	seen := map[string]bool{}
	for f := range NumFaults {
		if f.String() == "" || seen[f.String()] {
			t.Errorf("fault %d is called %q", f, f)
		}
		seen[f.String()] = true
	}
	if got := NumFaults.String(); got != "unknown_err" {
		t.Errorf("beyond the last: %q", got)
	}
}

func TestIPv4Header(t *testing.T) {
	sent := frames(t)["v2-pass"][14:]
	alter := func(i int, to byte) []byte {
		b := bytes.Clone(sent)
		b[i] = to
		return b
	}
	for _, c := range []struct {
		name string
		b    []byte
		want Fault
	}{
		{"as sent", sent, Good},
		{"padded", append(bytes.Clone(sent), make([]byte, 6)...), Good},
		{"cut", sent[:19], Length},
		{"payload cut", sent[:30], Length},
		{"version 6", alter(0, 0x65), BadIPHeader},
		{"header of 16", alter(0, 0x44), BadIPHeader},
		{"total below header", alter(3, 19), BadIPHeader},
	} {
		ip, got := ParseIPv4(c.b)
		if got != c.want || got == Good && len(ip.Payload) != 24 {
			t.Errorf("%s: %v with %d bytes, want %v", c.name, got, len(ip.Payload), c.want)
		}
	}
	options := append([]byte{0x46, 0, 0, 28, 0, 0, 0, 0, 255, 112, 0, 0, 192, 0, 2, 1, 224, 0, 0, 18, 1, 1, 1, 1}, "abcd"...)
	if ip, fault := ParseIPv4(options); fault != Good || string(ip.Payload) != "abcd" || ip.Src != host1 || ip.Dst != Group4 {
		t.Errorf("options: %v %+v", fault, ip)
	}
}

// Whatever we send, we read again.
func TestThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		is6 := rapid.Bool().Draw(t, "is6")
		a := Advert{Version: 3, VRID: rapid.Uint8Min(1).Draw(t, "vrid"), Priority: rapid.Byte().Draw(t, "priority")}
		src, dst := host1, rapid.SampledFrom([]netip.Addr{Group4, host2}).Draw(t, "dst")
		switch {
		case is6:
			src, dst = link6, Group6
		case rapid.Bool().Draw(t, "version 2"):
			a.Version, a.AuthType = 2, rapid.Uint8Range(0, 2).Draw(t, "auth")
			copy(a.AuthData[:], rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "password"))
		default:
			if dst == host2 && rapid.Bool().Draw(t, "old checksum") {
				a.Checksum = OldUnicast
			}
		}
		if a.Version == 2 {
			a.Interval = time.Duration(rapid.IntRange(0, 255).Draw(t, "s")) * time.Second
		} else {
			a.Interval = time.Duration(rapid.IntRange(0, 4095).Draw(t, "cs")) * centisecond
		}
		for range rapid.IntRange(0, 255).Draw(t, "count") {
			raw := [16]byte{0: 0xfd, 15: rapid.Byte().Draw(t, "address")}
			if is6 {
				a.Addresses = append(a.Addresses, netip.AddrFrom16(raw))
			} else {
				a.Addresses = append(a.Addresses, netip.AddrFrom4([4]byte(raw[12:])))
			}
		}
		b := AppendAdvert(nil, &a, src, dst)
		if len(b) > MaxAdvert {
			t.Fatalf("%d bytes, more than MaxAdvert", len(b))
		}
		var got Advert
		if fault := ParseAdvert(&got, b, src, dst); fault != Good {
			t.Fatalf("%x: %v", b, fault)
		}
		if !reflect.DeepEqual(got, a) {
			t.Fatalf("sent %+v, read %+v", a, got)
		}
	})
}

func TestIntervalsAreCutToWhatFits(t *testing.T) {
	for _, c := range []struct {
		version    int
		send, want time.Duration
	}{
		{2, 300 * time.Second, 255 * time.Second}, {2, 1900 * time.Millisecond, time.Second}, {2, -1, 0},
		{3, time.Minute, 40950 * time.Millisecond}, {3, 255 * time.Millisecond, 250 * time.Millisecond}, {3, -1, 0},
	} {
		b := AppendAdvert(nil, &Advert{Version: c.version, VRID: 1, Interval: c.send}, host1, Group4)
		var a Advert
		if fault := ParseAdvert(&a, b, host1, Group4); fault != Good || a.Interval != c.want {
			t.Errorf("version %d, %v: read %v %v, want %v", c.version, c.send, fault, a.Interval, c.want)
		}
	}
}

// Packets come from anybody on the link, and a thousand routers' come fast.
func TestParsingAllocatesNothing(t *testing.T) {
	b := AppendAdvert(nil, &Advert{Version: 3, VRID: 1, Addresses: addrs("192.0.2.100", "192.0.2.101")}, host1, Group4)
	a := Advert{Addresses: make([]netip.Addr, 0, 255)}
	buf := make([]byte, 0, MaxAdvert)
	if got := testing.AllocsPerRun(100, func() {
		ParseAdvert(&a, b, host1, Group4)
		buf = AppendAdvert(buf[:0], &a, host1, Group4)
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}
