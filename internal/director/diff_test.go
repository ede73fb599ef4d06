package director

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lvs"
	"pgregory.net/rapid"
)

// tables are small enough to collide often.
func tables() *rapid.Generator[lvs.Table] {
	return rapid.Custom(func(t *rapid.T) lvs.Table {
		table := lvs.Table{}
		for range rapid.IntRange(0, 4).Draw(t, "services") {
			key := lvs.ServiceKey{Addr: netip.AddrFrom4([4]byte{10, 1, 0, rapid.ByteRange(1, 3).Draw(t, "vip")}), Port: 80, Protocol: lvs.TCP}
			if rapid.IntRange(0, 3).Draw(t, "mark") == 0 {
				key = lvs.ServiceKey{FWMark: rapid.Uint32Range(1, 2).Draw(t, "fwmark"), Family: 6}
			}
			s := lvs.Service{
				Scheduler:   rapid.SampledFrom([]string{"rr", "wlc"}).Draw(t, "scheduler"),
				Persistence: rapid.SampledFrom([]time.Duration{0, time.Second}).Draw(t, "persistence"),
				Servers:     map[lvs.ServerKey]lvs.Server{},
			}
			for range rapid.IntRange(0, 4).Draw(t, "servers") {
				sk := lvs.ServerKey{Addr: netip.AddrFrom4([4]byte{10, 0, 0, rapid.ByteRange(1, 4).Draw(t, "rip")}), Port: 80}
				s.Servers[sk] = lvs.Server{Weight: rapid.IntRange(-1, 2).Draw(t, "weight")}
			}
			table[key] = s
		}
		return CanonicalTable(table)
	})
}

func TestDiffLeadsFromHaveToWant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have, want := tables().Draw(t, "have"), tables().Draw(t, "want")
		ops := Diff(have, want)
		if !slices.IsSortedFunc(ops, func(a, b Op) int { return phase(a) - phase(b) }) {
			t.Errorf("something goes before its replacement is there: %+v", ops)
		}
		got := Clone(have)
		for _, op := range ops {
			op.Apply(got)
			for key := range want {
				if usable(have[key]) && usable(want[key]) && !usable(got[key]) {
					t.Errorf("after %+v nothing serves %v", op, key)
				}
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("applied to %v gives %v, want %v", have, got, want)
		}
		if again := Diff(got, want); len(again) != 0 {
			t.Errorf("equal tables differ by %+v", again)
		}
	})
}

// usable reports whether a service has somebody for a new connection.
func usable(s lvs.Service) bool {
	for _, server := range s.Servers {
		if server.Weight > 0 {
			return true
		}
	}
	return false
}

func phase(op Op) int {
	if op.Verb == RemoveServer || op.Verb == RemoveService {
		return 1
	}
	return 0
}

func TestDiffIsTheSameEveryTime(t *testing.T) {
	have, want := many(3, 3), many(2, 9)
	first := Diff(have, want)
	for range 10 {
		if again := Diff(have, want); !reflect.DeepEqual(again, first) {
			t.Fatalf("%+v, before %+v", again, first)
		}
	}
}

func TestCanonicalIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := tables().Draw(t, "table")
		if again := CanonicalTable(table); !reflect.DeepEqual(again, table) {
			t.Errorf("%v becomes %v", table, again)
		}
	})
	key := Canonical(lvs.ServiceKey{Addr: netip.MustParseAddr("::ffff:10.0.0.1"), Port: 80, Protocol: lvs.TCP, Family: 6})
	if want := (lvs.ServiceKey{Addr: netip.MustParseAddr("10.0.0.1"), Port: 80, Protocol: lvs.TCP, Family: 4}); key != want {
		t.Errorf("a mapped address becomes %+v, want %+v", key, want)
	}
	if s := CanonicalService(key, lvs.Service{Flags: 7, Persistence: 1500 * time.Millisecond}); s.Flags != FlagOnePacket ||
		s.Persistence != time.Second || s.Netmask != 0xffffffff {
		t.Errorf("service becomes %+v", s)
	}
}

func TestNames(t *testing.T) {
	web := lvs.ServiceKey{Addr: netip.MustParseAddr("2001:db8::1"), Port: 80, Protocol: lvs.UDP}
	for _, c := range []struct{ got, want string }{
		{ServiceName(web), "[2001:db8::1]:udp:80"},
		{ServiceName(lvs.ServiceKey{FWMark: 7}), "FWM 7"},
		{ServerName(web, lvs.ServerKey{Addr: web.Addr, Port: 8080}), "[2001:db8::1]:udp:8080"},
	} {
		if c.got != c.want {
			t.Errorf("name %q, want %q", c.got, c.want)
		}
	}
}

func TestUnsupportedSaysWhatHelps(t *testing.T) {
	cause := errors.New("no such file")
	err := error(&Unsupported{Director: "ipvs", Missing: "the kernel module ip_vs", Help: "modprobe ip_vs, or lvs_director proxy", Err: cause})
	if !errors.Is(err, errors.ErrUnsupported) || !errors.Is(err, cause) {
		t.Error("errors.Is does not find it")
	}
	if want := "director ipvs needs the kernel module ip_vs (modprobe ip_vs, or lvs_director proxy): no such file"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

func many(services, servers int) lvs.Table {
	t := lvs.Table{}
	for v := range services {
		s := lvs.Service{Scheduler: "rr", Servers: make(map[lvs.ServerKey]lvs.Server, servers)}
		for r := range servers {
			s.Servers[lvs.ServerKey{Addr: netip.AddrFrom4([4]byte{10, 0, byte(r >> 8), byte(r)}), Port: 8080}] = lvs.Server{Weight: 1}
		}
		t[lvs.ServiceKey{Addr: netip.AddrFrom4([4]byte{10, 1, byte(v >> 8), byte(v)}), Port: 80, Protocol: lvs.TCP, Family: 4}] = s
	}
	return t
}

func BenchmarkDiffNew(b *testing.B) {
	want := many(100, 100)
	b.ReportAllocs()
	for b.Loop() {
		Diff(lvs.Table{}, want)
	}
}

func BenchmarkDiffSame(b *testing.B) {
	want := many(100, 100)
	b.ReportAllocs()
	for b.Loop() {
		Diff(want, want)
	}
}

// TestKernelsTableHasNothingOfTheProxy: or an audit would find it missing, time
// and again.
func TestKernelsTableHasNothingOfTheProxy(t *testing.T) {
	key := lvs.ServiceKey{Addr: netip.MustParseAddr("192.0.2.1"), Port: 80, Protocol: lvs.TCP, Family: 4}
	server := lvs.ServerKey{Addr: netip.MustParseAddr("192.0.2.2"), Port: 80}
	t1 := lvs.Table{key: {Scheduler: "rr", Proxy: lvs.ProxyService{Transparent: true}, Servers: map[lvs.ServerKey]lvs.Server{server: {Weight: 1, SendProxy: 2}}}}
	b := Book{Kernel: true}
	b.Take(lvs.Whole(t1))
	b.Done()
	kernel := b.Have()[key]
	if kernel.Proxy != (lvs.ProxyService{}) || kernel.Servers[server] != (lvs.Server{Weight: 1}) {
		t.Errorf("%+v", kernel)
	}
	if own := CanonicalTable(t1)[key]; !own.Proxy.Transparent || own.Servers[server].SendProxy != 2 {
		t.Errorf("the proxy gets %+v", own)
	}
}
