package checkd

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/loop"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// A table that the director does not take is tried again, ever more slowly,
// and told once.
func TestRefusedTableIsTriedAgain(t *testing.T) {
	l, err := loop.New()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		log := bus.New()
		reader := log.Subscribe(100)
		d := &daemon{loop: l, bus: log}
		r := &recorder{fail: errors.New("no such device")}
		w := d.newWriter(r, nil)
		w.put(wanted{})
		sets := func(after time.Duration, want int) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.sets != want {
				t.Errorf("%d attempts, want %d", r.sets, want)
			}
		}
		sets(0, 1)
		sets(retryMin, 2)
		sets(retryMin, 2) // the pause has doubled
		sets(retryMin, 3)
		sets(10*retryMax, 3+3+9) // after 4, 8 and 16, then 30 seconds each
		w.put(wanted{delta: service(1)})
		sets(0, 16) // what is new is tried at once
		r.mu.Lock()
		r.fail = nil
		r.mu.Unlock()
		sets(retryMax, 17)
		sets(10*retryMax, 17)
		w.close(false, false)
		log.Close()
		records, _, _ := reader.Next()
		if len(records) != 3 || records[0].Cause != "" ||
			records[0].What != "the director recorder: no such device; the next attempt is in 1s at the latest" ||
			records[1].What != "the director recorder has taken everything now" && records[2].What != "the director recorder has taken everything now" {
			t.Errorf("told %+v", records)
		}
	})
}

// slowpoke is a director that waits until it is allowed to go on.
type slowpoke struct {
	recorder
	begun chan struct{}
	goOn  chan struct{}
}

func (s *slowpoke) Set(ctx context.Context, d lvs.Delta) (director.Changes, error) {
	s.begun <- struct{}{}
	<-s.goOn
	return s.recorder.Set(ctx, d)
}

// service is a change that brings a service.
func service(port uint16) lvs.Delta {
	return lvs.Delta{Services: map[lvs.ServiceKey]lvs.ServiceDelta{{Port: port}: {Service: &lvs.Service{Scheduler: "rr"}}}}
}

// What comes while the director is busy is one change.
func TestWhatWaitsIsOneChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &daemon{}
		s := &slowpoke{begun: make(chan struct{}), goOn: make(chan struct{})}
		w := d.newWriter(s, nil)
		w.daemon.bus = nil // swallows
		w.daemon.loop, _ = loop.New()
		w.put(wanted{delta: service(1)})
		<-s.begun
		for port := uint16(2); port < 9; port++ {
			w.put(wanted{delta: service(port)}) // never waits
		}
		w.put(wanted{delta: lvs.Delta{Services: map[lvs.ServiceKey]lvs.ServiceDelta{{Port: 7}: {Gone: true}}}})
		s.goOn <- struct{}{}
		<-s.begun
		s.goOn <- struct{}{}
		synctest.Wait()
		if _, gone := s.table()[lvs.ServiceKey{Port: 7}]; gone || len(s.table()) != 7 || s.sets != 2 {
			t.Errorf("after %d sets the table is %v", s.sets, s.table())
		}
		w.close(true, false)
		if !s.keep {
			t.Error("did not keep")
		}
	})
}

// A reload that names another director goes over to it with everything.
func TestReloadToAnotherDirector(t *testing.T) {
	b := newBackend(t, "127.0.0.2")
	w := start(t, config(realServer(b.addr, tcpCheck())))
	w.table("[127.0.0.2=1]")
	old, fresh := w.dir, &recorder{}
	cfg := config(realServer(b.addr, tcpCheck()))
	cfg.Global.Director = "none"
	w.d.loop.Post(func() {
		w.d.open = func(*build.Services, *ipc.BootInfo) (director.Director, string, error) {
			return fresh, "for the test", nil
		}
		w.d.reloaded(newPlan(build.FromLVS(cfg), w.d.plan), nil)
	})
	w.receive(ipc.Reloaded)
	w.dir = fresh
	w.table("[127.0.0.2=1]")
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		old.mu.Lock()
		closed := old.closed && !old.keep
		old.mu.Unlock()
		if closed {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the old director was not closed")
		}
	}
	w.d.loop.Post(func() {
		w.d.open = func(*build.Services, *ipc.BootInfo) (director.Director, string, error) {
			return nil, "", &director.Unsupported{Director: "ipvs", Missing: "the kernel module ip_vs", Help: "modprobe ip_vs"}
		}
		other := *cfg
		other.Global.Director = "ipvs"
		w.d.reloaded(newPlan(build.FromLVS(&other), w.d.plan), nil)
	})
	if m := w.receive(ipc.Reloaded); m.Error == "" {
		t.Error("went over to a director that cannot work")
	}
	b.down()
	w.hear("^Removing service") // goes on with the one before
	w.table("[]")
}

func TestDirectorThatCannotWorkIsPermanent(t *testing.T) {
	d, err := newDaemon(ipc.FromFD(dup(t)), ipc.BootInfo{}, bus.New())
	if err != nil {
		t.Fatal(err)
	}
	d.open = func(*build.Services, *ipc.BootInfo) (director.Director, string, error) {
		return nil, "", &director.Unsupported{Director: "ipvs", Missing: "x", Help: "y"}
	}
	if err := d.run(newPlan(build.FromLVS(&conf.Config{}), nil)); !errors.Is(err, ipc.ErrPermanent) {
		t.Errorf("got %v", err)
	}
}

// adjustable is a director that has settings.
type adjustable struct {
	recorder
	limit []int
	udp   []time.Duration
}

func (a *adjustable) SetLimit(_ context.Context, n int) error {
	a.limit = append(a.limit, n)
	return nil
}

func (a *adjustable) SetTimeouts(_ context.Context, t director.Timeouts) error {
	a.udp = append(a.udp, t.UDP)
	return nil
}

// Settings are told before the table, when they change, and once.
func TestSettingsAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &adjustable{}
		d := &daemon{}
		w := d.newWriter(a, nil)
		w.daemon.bus = nil // swallows
		w.daemon.loop, _ = loop.New()
		for _, s := range []settings{{}, {limit: 7}, {limit: 7}, {limit: 7, timeouts: conf.LVSTimeouts{UDP: time.Second}}, {}} {
			w.put(wanted{settings: s})
			synctest.Wait()
		}
		w.close(true, false)
		if !slices.Equal(a.limit, []int{0, 7, 0}) || !slices.Equal(a.udp, []time.Duration{time.Second, 0}) {
			t.Errorf("told the limits %v and timeouts %v, want none, 7 and none, 1s and none", a.limit, a.udp)
		}
	})
}

// A reload that changes a setting and nothing else tells the director.
func TestReloadTellsSettings(t *testing.T) {
	b := newBackend(t, "127.0.0.2")
	w := start(t, config(realServer(b.addr, tcpCheck())))
	w.table("[127.0.0.2=1]")
	cfg := config(realServer(b.addr, tcpCheck()))
	cfg.Global.ProxyMaxConnections = 7
	w.d.loop.Post(func() {
		w.d.reloaded(newPlan(build.FromLVS(cfg), w.d.plan), nil)
		if w.d.writer.set.limit != 7 {
			t.Errorf("the writer is to tell %+v, want a limit of 7", w.d.writer.set)
		}
	})
	w.receive(ipc.Reloaded)
}
