package checkd

import (
	"errors"
	"math/rand/v2"
	"os"
	"runtime/debug"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"github.com/holdfast-ha/holdfast/internal/proc"
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

// tidy gives back, beside the loop, what reading a configuration has left.
func (d *daemon) tidy() { d.beside.Go(debug.FreeOSMemory) }

// plan is a configuration made ready: what the machines are told and, beside
// it, the compiled attempts. It is made away from the loop and never changed.
type plan struct {
	services *build.Services
	attempts [][][][]attempt // pool, server, check, step
	faults   []string        // why checks are left out
}

// read makes a plan of a snapshot. What old, if any, has compiled already is
// taken from there.
func read(snapshot []byte, boot *ipc.BootInfo, old *plan) (*plan, error) {
	defer holdGarbage()()
	set, err := source.Unmarshal(snapshot)
	if err != nil {
		return nil, err
	}
	cfg, found := conf.Load(set, boot.ConfigFile, conf.Options{
		ConfigID: boot.ConfigID, Instance: boot.Instance, Env: os.Getenv, System: files.Child{},
	})
	for i := range found {
		if found[i].Severity == diag.Fatal {
			return nil, errors.New(found[i].Message)
		}
	}
	if cfg.Global.ScriptUser == "" {
		if _, err := proc.LookupUser(defaultScriptUser, ""); err == nil {
			cfg.Global.ScriptUser = defaultScriptUser
		}
	}
	return newPlan(build.FromLVS(cfg, rand.Float64()), old), nil //nolint:gosec // spreads checks, guards nothing
}

// newPlan compiles what is not compiled yet. A check that cannot be is left
// out, and told.
func newPlan(s *build.Services, old *plan) *plan {
	p := &plan{services: s, attempts: make([][][][]attempt, len(s.Pools))}
	known := old.index()
	for i := range s.Pools {
		pool := &s.Pools[i]
		p.attempts[i] = make([][][]attempt, len(pool.Servers))
		for j := range pool.Servers {
			before := known[place{pool.ID, pool.PoolConfig.Servers[j].Key}]
			p.attempts[i][j] = make([][]attempt, len(pool.Servers[j].Checks))
			for k := range pool.Servers[j].Checks {
				probe := &pool.Servers[j].Checks[k].Probe
				if p.attempts[i][j][k] = before.find(probe); p.attempts[i][j][k] != nil {
					continue
				}
				steps, err := compile(probe)
				if err != nil {
					p.faults = append(p.faults, err.Error())
					steps = []attempt{{slow: broken{err}}}
				}
				p.attempts[i][j][k] = steps
			}
		}
	}
	return p
}

// place is a real server within all of a configuration.
type place struct {
	pool   string // its ID
	server lvs.ServerKey
}

// compiled is what a server's checks were compiled to.
type compiled struct {
	checks   []build.HealthCheck
	attempts [][]attempt
}

func (c compiled) find(p *build.Probe) []attempt {
	for i := range c.checks {
		if c.checks[i].Probe.Same(p) {
			return c.attempts[i]
		}
	}
	return nil
}

func (p *plan) index() map[place]compiled {
	if p == nil {
		return nil
	}
	known := map[place]compiled{}
	for i := range p.services.Pools {
		pool := &p.services.Pools[i]
		for j := range pool.Servers {
			known[place{pool.ID, pool.PoolConfig.Servers[j].Key}] = compiled{pool.Servers[j].Checks, p.attempts[i][j]}
		}
	}
	return known
}
