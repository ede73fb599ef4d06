package director

import (
	"net/netip"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

func numbered(i int) lvs.ServerKey {
	return lvs.ServerKey{Addr: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), Port: 80}
}

// Of two versions with a common past only what was touched since is looked at:
// a difference elsewhere, which cannot be, is not even found.
func TestDiffLooksOnlyAtWhatWasTouched(t *testing.T) {
	key := lvs.ServiceKey{Addr: netip.AddrFrom4([4]byte{10, 9, 0, 1}), Port: 80, Protocol: lvs.TCP, Family: 4}
	had := lvs.Service{Version: 1, Base: 1, Servers: map[lvs.ServerKey]lvs.Server{}}
	is := lvs.Service{Version: 3, Base: 1, Servers: map[lvs.ServerKey]lvs.Server{}}
	for i := range 1000 {
		had.Servers[numbered(i)] = lvs.Server{Weight: 1}
		is.Servers[numbered(i)] = lvs.Server{Weight: 2}
	}
	is.Touched = []lvs.ServerKey{numbered(7), numbered(5), numbered(7), numbered(1000)}
	delete(is.Servers, numbered(5))
	got := Diff(lvs.Table{key: had}, Wanted(lvs.Table{key: is}, lvs.Table{key: had}))
	want := []Op{
		{Verb: ChangeServer, Service: key, Server: numbered(7), WantServer: lvs.Server{Weight: 2}},
		{Verb: RemoveServer, Service: key, Server: numbered(5)},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d steps %+v, want %+v", len(got), got, want)
	}
	is.Base = 2 // nothing is known of it
	if got := Diff(lvs.Table{key: had}, lvs.Table{key: is}); len(got) != 1000 {
		t.Errorf("%d steps without a common past, want 1000", len(got))
	}
}

// What a director writes who knows what was touched is what it would write
// without, also where it skips versions or has to make the servers canonical.
func TestDiffIsTheSameWithAPast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := []lvs.ServiceKey{{Addr: netip.AddrFrom4([4]byte{10, 9, 0, 1}), Port: 80, Protocol: lvs.TCP}, {FWMark: 7}}
		cfg := lvs.PoolConfig{Keys: keys, Quorum: 1}
		for i := range 40 {
			s := lvs.Server{Weight: 1}
			if i > 37 && rapid.Bool().Draw(t, "direct") {
				s.Forward = lvs.DirectRoute // has no port behind a mark
			}
			cfg.Servers = append(cfg.Servers, lvs.ServerConfig{Key: numbered(i), Server: s, Checks: []lvs.CheckState{{Up: i < 37}}})
		}
		p, _ := lvs.NewPool(1, cfg)
		var v lvs.Versions
		table, known := lvs.Table{}, lvs.Table{}
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			p.Step(1, lvs.Turned{Server: numbered(rapid.IntRange(0, 39).Draw(t, "server")), Up: rapid.Bool().Draw(t, "up")})
			p.Update(table, &v)
			if rapid.Bool().Draw(t, "skips") {
				continue
			}
			want := Wanted(table, known)
			if got, whole := Diff(known, want), Diff(pastless(known), pastless(Wanted(table, nil))); !sameOps(got, whole) {
				t.Fatalf("%+v, want %+v", got, whole)
			}
			if rapid.IntRange(0, 9).Draw(t, "fails") == 0 { // half of it is written
				ops := Diff(known, want)
				for _, op := range ops[:len(ops)/2] {
					op.Apply(known)
				}
				continue
			}
			known = Owned(want)
		}
	})
}

func pastless(t lvs.Table) lvs.Table {
	out := Clone(t)
	for key, s := range out {
		s.Alone()
		out[key] = s
	}
	return out
}

// sameOps compares all but what is said of versions.
func sameOps(a, b []Op) bool {
	for _, ops := range [][]Op{a, b} {
		for i := range ops {
			ops[i].Want = nil
		}
	}
	return reflect.DeepEqual(a, b)
}
