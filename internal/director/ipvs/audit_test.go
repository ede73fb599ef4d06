package ipvs

import (
	"context"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/director/directortest"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// A change does not wait for a large table to be read: an audit goes part by
// part, and between two of them anything may be set. What others did is put back,
// what was set is not taken for it.
func TestChangesDuringAnAudit(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 30 {
		f := newFake(t)
		d := f.open()
		want := Many(3*auditPart, 2)
		if _, err := d.Set(ctx, lvs.Whole(want)); err != nil {
			t.Fatal(err)
		}
		meddled := key(random.IntN(3 * auditPart))
		f.table[meddled].Servers[Server(1)] = lvs.Server{Weight: 77}
		var undone []director.Op
		for over, parts := false, 0; !over; parts++ {
			var ops []director.Op
			var err error
			f.reads = 0
			if ops, over, err = d.Audit(ctx); err != nil || f.reads > auditPart+1 {
				t.Fatalf("%v after %d reads", err, f.reads)
			}
			undone = append(undone, ops...)
			if parts > 10 {
				t.Fatal("it does not end")
			}
			if _, err := d.Set(ctx, different(random, want, meddled)); err != nil {
				t.Fatal(err)
			}
			directortest.Same(t, "the kernel but for what others did", but(f.world(t), meddled), but(want, meddled))
		}
		directortest.Same(t, "the kernel", f.world(t), want)
		if len(undone) != 1 || undone[0].Service != meddled {
			t.Fatalf("undid %v, want a server of %v", undone, meddled)
		}
	}
}

// An audit that was called off begins anew.
func TestAuditAfterOneThatWasCalledOff(t *testing.T) {
	f := newFake(t)
	d := f.open()
	want := Many(3*auditPart, 1)
	if _, err := d.Set(ctx, lvs.Whole(want)); err != nil {
		t.Fatal(err)
	}
	if _, over, err := d.Audit(ctx); over || err != nil {
		t.Fatalf("over %v, %v", over, err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, over, err := d.Audit(gone); !over || err == nil {
		t.Fatalf("over %v, %v", over, err)
	}
	clear(f.table)
	n := 0
	for over := false; !over; {
		var ops []director.Op
		var err error
		if ops, over, err = d.Audit(ctx); err != nil {
			t.Fatal(err)
		}
		n += len(ops)
	}
	directortest.Same(t, "the kernel", f.world(t), want)
	if n != 2*len(want) {
		t.Errorf("undid %d changes, want %d", n, 2*len(want))
	}
}

// key is that of a service of Many.
func key(n int) lvs.ServiceKey {
	return lvs.ServiceKey{Addr: web.Addr, Port: uint16(n + 1), Protocol: lvs.TCP, Family: 4}
}

func but(t lvs.Table, one lvs.ServiceKey) lvs.Table {
	t = maps.Clone(t)
	delete(t, one)
	return t
}

// different makes a few services other than they are, but for one.
func different(random *rand.Rand, want lvs.Table, not lvs.ServiceKey) lvs.Delta {
	d := lvs.Delta{Services: map[lvs.ServiceKey]lvs.ServiceDelta{}}
	for range 5 {
		k := key(random.IntN(4 * auditPart))
		if k == not {
			continue
		}
		s, there := want[k]
		switch {
		case !there:
			s = lvs.Service{Scheduler: "rr", Servers: map[lvs.ServerKey]lvs.Server{Server(9): {Weight: 1}}}
		case random.IntN(3) == 0:
			d.Services[k] = lvs.ServiceDelta{Gone: true}
			delete(want, k)
			continue
		default:
			s.Scheduler = "wrr"
			s.Servers = map[lvs.ServerKey]lvs.Server{Server(random.IntN(4)): {Weight: random.IntN(9) + 1}}
		}
		want[k] = s
		told := s
		told.Servers = maps.Clone(s.Servers)
		d.Services[k] = lvs.ServiceDelta{Service: &told}
	}
	return d
}
