package checkd

import (
	"runtime"
	"runtime/debug"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"github.com/holdfast-ha/holdfast/internal/probe/file"
)

// defaultScriptUser runs scripts, if there is such a user, unless the
// configuration names another (keepalived.conf(5), script_user).
const defaultScriptUser = "keepalived_script"

// readMemory is the heap, in bytes, up to which no garbage is collected while
// a configuration is read: most of what that leaves is needed until its end.
const readMemory = 1 << 30

// holdGarbage lets it lie until the function that it returns is called.
func holdGarbage() (collect func()) {
	limit, percent := debug.SetMemoryLimit(readMemory), debug.SetGCPercent(-1)
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}

// manyServers is how many servers leave so much garbage that it is collected at
// once. With fewer the collection itself would take more: for the first one the
// runtime touches a megabyte of its own.
const manyServers = 2000

// tidy frees, beside the loop, what reading a configuration has left. It is kept
// for the next one, as far as the runtime finds it worth it. Before that it
// learns the text, while that is at hand.
func (d *daemon) tidy() {
	if text := d.plan.text; d.plan.many {
		d.beside.Go(func() { text.known() })
		d.beside.Go(runtime.GC)
	}
}

// plan is a configuration made ready: what the machines are told and, beside
// it, the compiled attempts. It is made away from the loop and never changed,
// but that one of a few virtual servers is completed when it is taken over.
type plan struct {
	services *build.Services // but for the pools
	pools    []*planned      // as the configuration has them
	byID     map[string]*planned
	faults   []string // why checks are left out
	many     bool     // manyServers
	before   *plan    // what has the other virtual servers; nil: there are none
	text     *origin

	ready map[build.Kin]*compiled // while it is made
}

// compiled is a check that several real servers may have.
type compiled struct {
	probe *build.Probe
	steps []attempt
	next  *compiled // of the same kin
}

// planned is a virtual server made ready. Where a reload changes nothing of
// it, the next plan has the very same.
type planned struct {
	*build.Pool
	attempts [][][]attempt // server, check, step; nil: all of them are connects
}

// initFiles writes the files of FILE_CHECKs that are to be there [init_file];
// what they hold already is overwritten at the very start only.
func initFiles(s *build.Services, start bool) (faults []string) {
	seen := map[string]bool{}
	for i := range s.Pools {
		for _, rs := range s.Pools[i].Servers {
			for _, c := range rs.Checks {
				f := c.Probe.File
				if f == nil || !f.Init || seen[f.Path] {
					continue
				}
				seen[f.Path] = true
				if err := file.Init(f.Path, f.Value, f.Overwrite && start); err != nil {
					faults = append(faults, err.Error())
				}
			}
		}
	}
	return faults
}

// newPlan compiles what is not compiled yet. A check that cannot be made ready
// fails, and that is told.
func newPlan(s *build.Services, old *plan) *plan {
	p := &plan{services: s, pools: make([]*planned, len(s.Pools)), byID: make(map[string]*planned, len(s.Pools)), ready: map[build.Kin]*compiled{}}
	for i := range s.Pools {
		var one, before *planned
		if old != nil {
			before = old.byID[s.Pools[i].ID]
		}
		if before != nil && (before.Pool == s.Pools[i] || before.Same(s.Pools[i])) {
			one = before
		} else {
			one = &planned{Pool: s.Pools[i]}
			p.compile(one, before)
		}
		p.pools[i], p.byID[one.ID] = one, one
	}
	s.Pools = nil // each is freed by itself
	p.ready = nil
	return p
}

// pool is a virtual server as it is planned, nil if it is not.
func (p *plan) pool(id string) *build.Pool {
	if p != nil {
		if one := p.byID[id]; one != nil {
			return one.Pool
		}
	}
	return nil
}

// checks is how many there are.
func (p *plan) checks() (n int) {
	for _, one := range p.pools {
		for i := range one.Servers {
			n += len(one.Servers[i].Checks)
		}
	}
	return n
}

// grain is what deadlines may be rounded up to.
func (p *plan) grain() time.Duration {
	grain := maxGrain
	var last *check.Config // mostly they share one
	for _, one := range p.pools {
		for i := range one.Servers {
			for k := range one.Servers[i].Checks {
				s := one.Servers[i].Checks[k].Schedule
				if s == last {
					continue
				}
				last = s
				grain = min(grain, s.Interval/grains)
				if s.Retry > 0 && s.RetryDelay > 0 {
					grain = min(grain, s.RetryDelay/grains)
				}
			}
		}
	}
	return max(grain, minGrain)
}

// compile makes a pool's attempts, or takes them from before, which may be nil.
func (p *plan) compile(one, before *planned) {
	if one.attempts = nil; one.connects() {
		return
	}
	one.attempts = make([][][]attempt, len(one.Servers))
	place := before.places()
	for i := range one.Servers {
		checks := one.Servers[i].Checks
		one.attempts[i] = make([][]attempt, len(checks))
		at, known := place[one.PoolConfig.Servers[i].Key]
		for k := range checks {
			if known {
				one.attempts[i][k] = before.find(at, &checks[k].Probe)
			}
			if one.attempts[i][k] == nil {
				one.attempts[i][k] = p.steps(&checks[k])
			}
		}
	}
}

// connects reports whether all checks of a virtual server only connect.
func (one *planned) connects() bool {
	for i := range one.Servers {
		for k := range one.Servers[i].Checks {
			if !onlyConnects(&one.Servers[i].Checks[k].Probe) {
				return false
			}
		}
	}
	return true
}

// steps are those of check k of server i.
func (one *planned) steps(i, k int) []attempt {
	if one.attempts == nil {
		return connects
	}
	return one.attempts[i][k]
}

// steps compiles a check, once for all who have it.
func (p *plan) steps(h *build.HealthCheck) []attempt {
	if onlyConnects(&h.Probe) {
		return connects
	}
	kin, shares := h.Kin()
	if shares {
		for c := p.ready[kin]; c != nil; c = c.next {
			if c.probe.Same(&h.Probe) {
				return c.steps
			}
		}
	}
	steps, err := compile(&h.Probe)
	if err != nil {
		p.faults = append(p.faults, err.Error())
		steps = []attempt{{slow: broken{err}}}
	}
	if shares {
		p.ready[kin] = &compiled{&h.Probe, steps, p.ready[kin]}
	}
	return steps
}

// places says which server is where.
func (one *planned) places() map[lvs.ServerKey]int {
	if one == nil {
		return nil
	}
	at := make(map[lvs.ServerKey]int, len(one.Servers))
	for i := range one.PoolConfig.Servers {
		at[one.PoolConfig.Servers[i].Key] = i
	}
	return at
}

// find returns what a check of server i that does the same was compiled to.
func (one *planned) find(i int, p *build.Probe) []attempt {
	for k := range one.Servers[i].Checks {
		if one.Servers[i].Checks[k].Probe.Same(p) {
			return one.steps(i, k)
		}
	}
	return nil
}
