package ipvs

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/director/directortest"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// soakEnv is how long a time, in hours of the machines, TestSoak goes on.
const soakEnv = "HOLDFAST_SOAK"

// soaked is a service with its machines, on the clock of the test.
type soaked struct {
	pool   *lvs.Pool
	cfg    lvs.PoolConfig
	checks map[lvs.ServerKey]*soakedCheck
}

type soakedCheck struct {
	machine *check.Checker
	slot    check.Slot[*soakedCheck]
	of      *soaked
	key     lvs.ServerKey
	fails   bool // the server is down
	said    lvs.Override
}

// soak is a checker daemon without sockets: the machines, a director and a
// kernel that somebody else meddles with.
type soak struct {
	t        *testing.T
	random   *rand.Rand
	now      clock.Instant
	due      check.Schedule[*soakedCheck]
	services []*soaked
	kernel   *fakeKernel
	director *Director
}

const soakServers = 20

// TestSoak lets servers fail and return at random for an hour of the machines'
// time, with reloads that bring, take away and change servers, with operators'
// overrides, and with others who change the kernel's table: it is always what the pools want, computed
// anew, and memory stays flat.
func TestSoak(t *testing.T) {
	hours := time.Hour
	if h, err := time.ParseDuration(os.Getenv(soakEnv)); err == nil {
		hours = h
	}
	s := &soak{t: t, random: rand.New(rand.NewPCG(1, 2)), kernel: newFake(t)}
	s.director = s.kernel.open()
	for i := range 10 {
		one := &soaked{checks: map[lvs.ServerKey]*soakedCheck{}}
		one.cfg = lvs.PoolConfig{
			Name: "vs", Quorum: 1 + i%4, Hysteresis: i % 2, Service: lvs.Service{Scheduler: "rr"},
			Keys: []lvs.ServiceKey{{Addr: netip.AddrFrom4([4]byte{10, 9, 0, byte(i)}), Port: 80, Protocol: lvs.TCP, Family: 4}},
		}
		if i%3 == 0 {
			one.cfg.Sorry = &lvs.SorryConfig{Key: Server(999), Server: lvs.Server{Weight: 1}, Inhibit: i%2 == 0}
		}
		s.services = append(s.services, one)
		s.reload(one)
	}
	base := s.memory()
	routines := runtime.NumGoroutine()
	for end := s.now.Add(hours); s.now < end; {
		s.turn()
	}
	if now := s.memory(); now > base+base/2+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes", base, now)
	}
	if n := runtime.NumGoroutine(); n > routines {
		t.Errorf("goroutines grew from %d to %d", routines, n)
	}
	t.Logf("%d messages to the kernel", s.kernel.messages)
}

func (s *soak) memory() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// turn is a second in which something may happen.
func (s *soak) turn() {
	s.now = s.now.Add(time.Second)
	one := s.services[s.random.IntN(len(s.services))]
	switch s.random.IntN(20) {
	case 0:
		s.reload(one)
	case 1: // somebody else
		delete(s.kernel.table, one.cfg.Keys[0])
		if _, _, err := s.director.Audit(ctx); err != nil {
			s.t.Fatal(err)
		}
	case 2: // an operator
		c := one.checks[Server(s.random.IntN(soakServers))]
		if c == nil {
			break
		}
		kind := []lvs.OverrideKind{lvs.NoOverride, lvs.Drained, lvs.Disabled, lvs.Weighted}[s.random.IntN(4)]
		if c.said = (lvs.Override{Kind: kind}); kind == lvs.Weighted {
			c.said.Weight = s.random.IntN(9)
		}
		one.pool.Step(s.now, lvs.Overridden{Server: c.key, Override: c.said})
	default:
		for n := range soakServers { // in order: the same seed is the same history
			if c := one.checks[Server(n)]; s.random.IntN(10) == 0 && c != nil {
				c.fails = !c.fails
			}
		}
	}
	for {
		slot, ok := s.due.Due(s.now)
		if !ok {
			break
		}
		s.act(slot.Item, slot.Item.machine.Step(s.now, check.Tick{}))
	}
	s.compare()
}

func (s *soak) act(c *soakedCheck, actions []check.Action) {
	start := false
	for _, a := range actions {
		switch a := a.(type) {
		case check.Start:
			start = true
		case check.Verdict:
			c.of.pool.Step(s.now, lvs.Turned{Server: c.key, Up: a.Up, Cause: a.Detail})
		case check.Weigh:
			c.of.pool.Step(s.now, lvs.Weighed{Server: c.key, Weight: a.Weight})
		}
	}
	if start {
		r := check.Result{OK: !c.fails, WeightSet: s.random.IntN(4) == 0, Weight: s.random.IntN(9)}
		s.act(c, c.machine.Step(s.now, check.Finished{Result: r}))
		return
	}
	if at, ok := c.machine.Deadline(); ok {
		s.due.Set(&c.slot, at)
	}
}

// reload gives a service other servers and settings; who stays keeps state.
func (s *soak) reload(one *soaked) {
	was := one.checks
	one.checks = map[lvs.ServerKey]*soakedCheck{}
	one.cfg.Servers = nil
	one.cfg.Service.Scheduler = []string{"rr", "wrr", "wlc"}[s.random.IntN(3)]
	for n := range soakServers {
		if s.random.IntN(4) == 0 {
			continue
		}
		key := Server(n)
		c := was[key]
		if delete(was, key); c == nil {
			c = &soakedCheck{of: one, key: key, machine: check.New(s.now, check.Config{
				Interval: 5 * time.Second, Retry: n % 3, RetryDelay: time.Second, Warmup: 5 * time.Second, Spread: float64(n) / soakServers, Alpha: n%2 == 0, Steps: 1,
			})}
			c.slot.Item = c
			if at, ok := c.machine.Deadline(); ok {
				s.due.Set(&c.slot, at)
			}
		}
		one.checks[key] = c
		state := lvs.CheckState{Up: c.machine.Up()}
		state.Weight, state.WeightSet = c.machine.Weight()
		one.cfg.Servers = append(one.cfg.Servers, lvs.ServerConfig{
			Key: key, Server: lvs.Server{Weight: 1 + s.random.IntN(3)}, Inhibit: n%5 == 0, Checks: []lvs.CheckState{state}, Override: c.said,
		})
	}
	for _, gone := range was {
		s.due.Remove(&gone.slot)
	}
	if one.pool == nil {
		one.pool, _ = lvs.NewPool(s.now, one.cfg)
	} else {
		one.pool.Step(s.now, lvs.Reconfigure{Config: one.cfg})
	}
}

// compare writes what has changed and holds the kernel's table against the model.
func (s *soak) compare() {
	var d lvs.Delta
	for _, one := range s.services {
		one.pool.Update(&d)
	}
	if _, err := s.director.Set(ctx, d); err != nil {
		s.t.Fatal(err)
	}
	model := lvs.Table{}
	for _, one := range s.services {
		model[one.cfg.Keys[0]] = one.model()
	}
	if have := s.kernel.table; len(director.Diff(director.CanonicalTable(have), director.CanonicalTable(model))) > 0 {
		directortest.Same(s.t, "the kernel", director.Clone(have), model)
		s.t.FailNow()
	}
}

// model is what ought to be offered, from what the checks say now and whether
// there is quorum, which has a history.
func (one *soaked) model() lvs.Service {
	out := one.cfg.Service
	out.Servers = map[lvs.ServerKey]lvs.Server{}
	quorum := one.pool.HasQuorum()
	sorry := one.cfg.Sorry != nil && !quorum
	total := 0
	for _, cfg := range one.cfg.Servers {
		c, weight := one.checks[cfg.Key], cfg.Server.Weight
		if w, asked := c.machine.Weight(); asked {
			weight = w
		}
		if c.said.Kind == lvs.Weighted {
			weight = c.said.Weight
		}
		in := c.machine.Up() && c.said.Kind != lvs.Disabled && c.said.Kind != lvs.Drained
		if in {
			total += weight
		}
		switch {
		case c.said.Kind == lvs.Disabled:
		case c.said.Kind == lvs.Drained && c.machine.Up(): // its connections go on, whoever serves
			out.Servers[cfg.Key] = lvs.Server{}
		case in && !sorry:
			out.Servers[cfg.Key] = lvs.Server{Weight: weight}
		case cfg.Inhibit:
			out.Servers[cfg.Key] = lvs.Server{}
		}
	}
	if q, h := one.cfg.Quorum, one.cfg.Hysteresis; total >= q+h && !quorum || total < max(q-h, 1) && quorum {
		out.Scheduler = "quorum is wrong"
	}
	if sorry {
		out.Servers[one.cfg.Sorry.Key] = lvs.Server{Weight: 1}
	} else if one.cfg.Sorry != nil && one.cfg.Sorry.Inhibit {
		out.Servers[one.cfg.Sorry.Key] = lvs.Server{}
	}
	return out
}

// A hundred thousand servers are written once each, and one change among them
// is one message.
func TestHundredThousandServers(t *testing.T) {
	f := newFake(t)
	d := f.open()
	const n = 100_000
	s := lvs.Service{Scheduler: "rr", Servers: make(map[lvs.ServerKey]lvs.Server, n)}
	for r := range n {
		s.Servers[lvs.ServerKey{Addr: netip.AddrFrom4([4]byte{10, byte(r >> 16), byte(r >> 8), byte(r)}), Port: 80}] = lvs.Server{Weight: 1}
	}
	if _, err := d.Set(ctx, lvs.Whole(lvs.Table{web: s})); err != nil || f.messages != n+1 || len(f.table[web].Servers) != n {
		t.Fatalf("%d messages, %d servers, %v", f.messages, len(f.table[web].Servers), err)
	}
	f.messages = 0
	less := lvs.ServiceDelta{Servers: map[lvs.ServerKey]lvs.Placed{{Addr: netip.AddrFrom4([4]byte{10, 0, 0, 7}), Port: 80}: {}}}
	if _, err := d.Set(ctx, lvs.Delta{Services: map[lvs.ServiceKey]lvs.ServiceDelta{web: less}}); err != nil || f.messages != 1 || len(f.table[web].Servers) != n-1 {
		t.Errorf("one less: %d messages, %d servers, %v", f.messages, len(f.table[web].Servers), err)
	}
}
