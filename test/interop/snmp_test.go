package interop_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

const snmpConfig = `
global_defs {
    router_id test
    enable_traps
    enable_snmp_vrrp
    enable_snmp_rfc
    script_user root
    enable_script_security
}
vrrp_script always {
    script "/usr/bin/true"
    interval 1
    rise 1
}
vrrp_sync_group G1 {
    group {
        VI_1
    }
    notify_master "/usr/bin/true master"
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 100
    authentication {
        auth_type PASS
        auth_pass secret
    }
    track_script {
        always
    }
    virtual_ipaddress {
        192.0.2.10/24 label eth0:1
        192.0.2.20/32 scope link
    }
    virtual_routes {
        198.51.100.0/24 via 192.0.2.254 dev eth0 metric 7
    }
    virtual_rules {
        from 203.0.113.0/24 table 100 priority 900
    }
}
`

// changedTrap is the identifier of vrrpInstanceStateChange as a trap has it.
var changedTrap = []byte{0x2b, 6, 1, 4, 1, 0xca, 0x72, 100, 5, 2, 10, 0, 2}

// refusedTraps are those of vrrpTrapAuthFailure and vrrpv3ProtoError.
var refusedTraps = [][]byte{{0x2b, 6, 1, 2, 1, 68, 0, 2}, {0x2b, 6, 1, 2, 1, 0x81, 0x4f, 0, 2}}

// snmpSide is a daemon beside an snmpd of its own, and what traps came.
type snmpSide struct {
	*lab.Daemon
	traps atomic.Int32

	mu      sync.Mutex
	refused []string // from which one it is to the end
}

func newSNMP(t *testing.T, l *lab.Lab, name string, command []string) *snmpSide {
	t.Helper()
	n := Node(t, l, name, "192.0.2.11/24")
	socket, file := l.Path(name+".agentx"), l.Path(name+".snmpd")
	Must(t, os.WriteFile(file, []byte("agentaddress udp:127.0.0.1:16100\nrocommunity public 127.0.0.1\nrwcommunity private 127.0.0.1\nmaster agentx\n"+
		"agentXSocket unix:"+socket+"\ntrap2sink 127.0.0.1:16200 public\n"), 0o600))
	s := &snmpSide{}
	sink, err := n.ListenPacket("udp", "127.0.0.1:16200")
	Must(t, err)
	t.Cleanup(func() { _ = sink.Close() })
	go s.count(sink)
	_, err = n.Start(Program(t, "snmpd"), "-C", "-c", file, "-f", "-Lf", l.Path(name+".snmpd.log"))
	Must(t, err)
	Wait(t, "snmpd listens", func() bool { _, err := os.Stat(socket); return err == nil })
	s.Daemon = Start(t, n, command, strings.Replace(snmpConfig, "enable_traps", "enable_traps\n    snmp_socket unix:"+socket, 1))
	return s
}

func (s *snmpSide) count(sink net.PacketConn) {
	b := make([]byte, 64<<10)
	for {
		n, _, err := sink.ReadFrom(b)
		if err != nil {
			return
		}
		for _, id := range refusedTraps {
			if at := bytes.Index(b[:n], id); at >= 0 {
				s.mu.Lock()
				s.refused = append(s.refused, fmt.Sprintf("%x", b[at:n]))
				s.mu.Unlock()
			}
		}
		if bytes.Contains(b[:n], changedTrap) && bytes.Contains(b[:n], []byte("VI_1")) {
			s.traps.Add(1)
		}
	}
}

// told are the traps about adverts that it refused.
func (s *snmpSide) told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refused)
}

// forge returns what sends an advert for VI_1 with an authentication of that
// type and that password to everybody.
func forge(t *testing.T, l *lab.Lab) func(kind byte, password string, ttl int) {
	t.Helper()
	n := Node(t, l, "forger", "192.0.2.66/24")
	c, err := n.ListenPacket("ip4:112", "192.0.2.66")
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
	return func(kind byte, password string, ttl int) {
		t.Helper()
		a := wire.Advert{
			Version: 2, VRID: 51, Priority: 1, Interval: time.Second, AuthType: kind,
			Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("192.0.2.20")},
		}
		copy(a.AuthData[:], password)
		src, dst := netip.MustParseAddr("192.0.2.66"), netip.MustParseAddr("224.0.0.18")
		Must(t, p.SetMulticastTTL(ttl))
		_, err := c.WriteTo(wire.AppendAdvert(nil, &a, src, dst), &net.IPAddr{IP: dst.AsSlice()})
		Must(t, err)
	}
}

// own is what differs because the daemons do, or their clocks and interfaces:
// the version, hardware addresses, times, and the master's address
// that keepalived 2.2.7 leaves out.
var own = regexp.MustCompile(`^\.1\.3\.6\.1\.(4\.1\.9586\.100\.5\.1\.1\.0|2\.1\.68\.1\.3\.1\.(2|7|13)\.|2\.1\.207\.1\.1\.1\.1\.(5|12)\.)`)

// walk is everything that snmpd has of a daemon.
func (s *snmpSide) walk(t *testing.T) (out []string) {
	t.Helper()
	for _, root := range []string{".1.3.6.1.4.1.9586.100.5", ".1.3.6.1.2.1.68", ".1.3.6.1.2.1.207"} {
		text, _ := s.Node.Run("snmpbulkwalk", "-v2c", "-cpublic", "-On", "-Oe", "-Ot", "-m", "", "-t", "5", "127.0.0.1:16100", root)
		for line := range strings.Lines(text) {
			if !own.MatchString(line) {
				out = append(out, strings.TrimSpace(line))
			}
		}
	}
	return out
}

// A walk gives the same with either daemon, and traps come.
func TestSameOverSNMP(t *testing.T) {
	keepalived := Keepalived(t)
	Program(t, "snmpbulkwalk")
	l := New(t)
	sides := []*snmpSide{newSNMP(t, l, "keepalived", keepalived), newSNMP(t, l, "holdfast", Holdfast())}
	for _, s := range sides {
		WaitMaster(t, "192.0.2.10", s.Daemon)
		Wait(t, "traps of two states", func() bool { return s.traps.Load() == 2 })
		Wait(t, "the script has succeeded", func() bool {
			return strings.Contains(strings.Join(s.walk(t), "\n"), ".1.3.6.1.4.1.9586.100.5.2.9.1.6.1 = INTEGER: 3")
		})
	}
	want, got := sides[0].walk(t), sides[1].walk(t)
	if len(want) < 150 {
		t.Errorf("keepalived has %d objects", len(want))
	}
	has := func(all []string) map[string]bool {
		m := map[string]bool{}
		for _, line := range all {
			m[line] = true
		}
		return m
	}
	wants, gots := has(want), has(got)
	for _, line := range want {
		if !gots[line] {
			t.Errorf("only keepalived has %s", line)
		}
	}
	for _, line := range got {
		if !wants[line] {
			t.Errorf("only holdfast has %s", line)
		}
	}
	send := forge(t, l)
	for n, bad := range []func(){
		func() { send(wire.AuthPass, "guess", 255) }, func() { send(wire.AuthNone, "", 255) },
		func() { send(7, "", 255) }, func() { send(wire.AuthPass, "secret", 9) },
	} {
		bad()
		for _, s := range sides {
			Wait(t, fmt.Sprintf("trap %d of %s about a refused advert", n+1, s.Node.Name()), func() bool { return len(s.told()) == n+1 })
		}
	}
	if want, got := sides[0].told(), sides[1].told(); !slices.Equal(want, got) {
		t.Errorf("of adverts that are refused keepalived tells\n%s\nand holdfast\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
	sameSets(t, sides)
}

// sameSets: priority and preemption can be set, with the same outcome, and a
// reload takes that back.
func sameSets(t *testing.T, sides []*snmpSide) {
	t.Helper()
	const instance = ".1.3.6.1.4.1.9586.100.5.2.3.1."
	set := func(s *snmpSide, what ...string) string {
		args := append([]string{"-v2c", "-cprivate", "-On", "-m", "", "-t", "5", "127.0.0.1:16100"}, what...)
		text, _ := s.Node.Run("snmpset", args...) // refusals are compared, too
		return text
	}
	for _, what := range [][]string{
		{instance + "7.1", "i", "7"}, {instance + "7.1", "i", "0"}, {instance + "7.1", "u", "9"}, {instance + "7.9", "i", "9"},
		{instance + "13.1", "i", "2"}, {instance + "13.1", "i", "3"}, {instance + "14.1", "u", "9"},
	} {
		if want, got := set(sides[0], what...), set(sides[1], what...); want != got {
			t.Errorf("setting %v gives\n%s\nwith keepalived, and\n%s", what, want, got)
		}
	}
	for _, s := range sides {
		has := func(objects ...string) func() bool {
			return func() bool {
				text := strings.Join(s.walk(t), "\n")
				return !slices.ContainsFunc(objects, func(o string) bool { return !strings.Contains(text, instance+o) })
			}
		}
		Wait(t, "the priority and preemption that were set", has("7.1 = INTEGER: 7", "8.1 = INTEGER: 7", "13.1 = INTEGER: 2"))
		WaitLog(t, s.Daemon, "(VI_1) base priority changed from 100 to 7 via SNMP", 1)
		WaitLog(t, s.Daemon, "(VI_1) preemption disabled with SNMP", 1)
		Must(t, s.Signal(syscall.SIGHUP))
		Wait(t, "a reload has taken it back", has("7.1 = INTEGER: 100", "8.1 = INTEGER: 100", "13.1 = INTEGER: 1"))
	}
}
