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

// deltas change the services of a table, of which they name few.
func deltas(t *rapid.T, told lvs.Table) lvs.Delta {
	table := tables().Draw(t, "new")
	if rapid.IntRange(0, 5).Draw(t, "whole") == 0 {
		return lvs.Whole(table)
	}
	var d lvs.Delta
	for key, s := range table {
		c := lvs.ServiceDelta{Servers: map[lvs.ServerKey]lvs.Placed{}}
		_, there := told[key]
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			c = lvs.ServiceDelta{Gone: true}
		case 1:
			c = lvs.ServiceDelta{Service: &s}
		default:
			if !there {
				continue
			}
			for sk, server := range s.Servers {
				c.Servers[sk] = lvs.Placed{Server: server, In: rapid.Bool().Draw(t, "in")}
			}
		}
		d.Put(key, c)
	}
	return d
}

// TestUpdateLeadsToWant: an update makes of a table what the change does.
func TestUpdateLeadsToWant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		told := tables().Draw(t, "told")
		d := deltas(t, told)
		var u Update
		if err := json.Unmarshal(ipc.Marshal(newUpdate(d)), &u); err != nil {
			t.Fatal(err)
		}
		got, want := director.Clone(told), director.Clone(told)
		got.Apply(u.Delta())
		if want.Apply(d); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v leads to %v, want %v", u, got, want)
		}
	})
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
