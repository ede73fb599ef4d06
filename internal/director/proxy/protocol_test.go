package proxy

import (
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// tables hold every field; services of the same version are the same.
func tables() *rapid.Generator[lvs.Table] {
	return rapid.Custom(func(t *rapid.T) lvs.Table {
		table := lvs.Table{}
		for range rapid.IntRange(0, 4).Draw(t, "services") {
			key := lvs.ServiceKey{Addr: netip.AddrFrom4([4]byte{10, 1, 0, rapid.ByteRange(1, 3).Draw(t, "vip")}), Port: 80,
				Protocol: rapid.SampledFrom([]lvs.Protocol{lvs.TCP, lvs.UDP}).Draw(t, "protocol")}
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				key = lvs.ServiceKey{FWMark: rapid.Uint32Range(1, 2).Draw(t, "fwmark"), Family: 6}
			case 1:
				key.Addr = netip.MustParseAddr("2001:db8::1")
			}
			s := lvs.Service{
				Scheduler: rapid.SampledFrom([]string{"rr", "wlc"}).Draw(t, "scheduler"), Flags: director.FlagOnePacket,
				Persistence: time.Duration(rapid.IntRange(0, 2).Draw(t, "persistence")) * time.Second,
				Netmask:     64, PersistenceEngine: "sip", Proxy: lvs.ProxyService{Transparent: true, MaxConnections: 7}, Servers: map[lvs.ServerKey]lvs.Server{},
			}
			for range rapid.IntRange(0, 4).Draw(t, "servers") {
				sk := lvs.ServerKey{Addr: netip.AddrFrom4([4]byte{10, 0, 0, rapid.ByteRange(1, 4).Draw(t, "rip")}), Port: 8080}
				s.Servers[sk] = lvs.Server{Forward: lvs.Tunnel, Weight: rapid.IntRange(0, 2).Draw(t, "weight"), Upper: 9, Lower: 3, SendProxy: 2}
			}
			table[key] = s
		}
		return director.CanonicalTable(table)
	})
}

func TestTablesTravel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := tables().Draw(t, "table")
		var in []Service
		if err := json.Unmarshal(ipc.Marshal(Encode(want)), &in); err != nil {
			t.Fatal(err)
		}
		if got := Decode(in); !reflect.DeepEqual(got, want) {
			t.Errorf("%v arrives as %v", want, got)
		}
	})
}

// TestUpdateLeadsToWant: what is known and an update give what is wanted, and
// a service of an equal version is not told again.
func TestUpdateLeadsToWant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		told, want := tables().Draw(t, "told"), tables().Draw(t, "want")
		for key, s := range want { // some did not change
			if old, ok := told[key]; ok && rapid.Bool().Draw(t, "same") {
				old.Version, s = 7, old
				s.Version = 7
				told[key], want[key] = old, s
			}
		}
		var u Update
		if err := json.Unmarshal(ipc.Marshal(newUpdate(told, want)), &u); err != nil {
			t.Fatal(err)
		}
		got := director.Clone(told)
		for key, s := range Decode(u.Services) {
			if got[key].Version == 7 && want[key].Version == 7 {
				t.Errorf("%v is told again", key)
			}
			got[key] = s
		}
		for _, key := range u.Gone {
			delete(got, key)
		}
		if diff := director.Diff(unversioned(got), unversioned(want)); len(diff) > 0 || u.Whole {
			t.Errorf("whole %v, missing: %+v", u.Whole, diff)
		}
		if first := newUpdate(nil, want); !first.Whole || len(first.Services) != len(want) {
			t.Errorf("the first update is %+v", first)
		}
	})
}

func unversioned(t lvs.Table) lvs.Table {
	for key, s := range t {
		s.Version = 0
		t[key] = s
	}
	return t
}

func TestCountersTravel(t *testing.T) {
	key := lvs.ServiceKey{Addr: netip.MustParseAddr("10.1.0.1"), Port: 80, Protocol: lvs.TCP, Family: 4}
	c := director.Counters{Connections: 1, InPackets: 2, InBytes: 3, OutPackets: 4, OutBytes: 5, Active: 6, Inactive: 7, Persistent: 8, Refused: 9, Overloaded: 10, Evicted: 11}
	want := map[lvs.ServiceKey]director.ServiceCounters{key: {Counters: c, Servers: map[lvs.ServerKey]director.Counters{{Addr: key.Addr, Port: 1}: c}}}
	got, err := DecodeCounters(EncodeCounters(want))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
	if _, err := DecodeCounters([]byte("{")); err == nil {
		t.Error("half an answer is taken")
	}
}

// TestPeer: a socket that another user made under our name is refused.
func TestPeer(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fds[0]); _ = unix.Close(fds[1]) }()
	if err := CheckPeer(fds[0]); err != nil {
		t.Errorf("we ourselves are refused: %v", err)
	}
	if err := refuse(&unix.Ucred{Uid: 4711}, 1000); !errors.Is(err, os.ErrPermission) {
		t.Errorf("another user: %v", err)
	}
	if err := refuse(&unix.Ucred{Uid: 0}, 1000); err != nil {
		t.Errorf("root: %v", err)
	}
}
