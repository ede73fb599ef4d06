package checkd

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"github.com/holdfast-ha/holdfast/internal/proc"
)

// defaultScriptUser runs scripts, if there is such a user, unless the
// configuration names another (keepalived.conf(5), script_user).
const defaultScriptUser = "keepalived_script"

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
	set, err := source.Unmarshal(snapshot)
	if err != nil {
		return nil, err
	}
	cfg, found := conf.Load(set, boot.ConfigFile, conf.Options{
		ConfigID: boot.ConfigID, Instance: boot.Instance, Env: os.Getenv,
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

// begin opens the director and starts with the first plan.
func (d *daemon) begin(p *plan) error {
	if err := d.direct(p, d.serving); err != nil {
		if errors.Is(err, errors.ErrUnsupported) {
			err = fmt.Errorf("%w: %w", err, ipc.ErrPermanent)
		}
		return err
	}
	d.adopt(p)
	d.tell(record{kind: "config", what: "Checking " + d.census()})
	d.settle()
	d.writer.set(d.tableCopy()) // also an empty one: it is the first
	return nil
}

// serving tells the parent, once the director has been told, that we serve.
func (d *daemon) serving() {
	d.post(d.alive, func() { d.answer(ipc.Message{Kind: ipc.Ready}) })
}

// direct opens the director that a plan wants.
func (d *daemon) direct(p *plan, first func()) error {
	s := p.services
	dir, why, err := d.open(s.Director, &d.boot)
	if err != nil {
		return err
	}
	d.tell(record{kind: "director", what: fmt.Sprintf("Director is %s (%s)", dir.Name(), why)})
	if err := prepare(dir, s.Flush, s.Timeouts); err != nil {
		d.tell(record{level: slog.LevelError, kind: "director", what: err.Error()})
	}
	d.writer = d.newWriter(dir, first)
	return nil
}

// reload begins to read a snapshot away from the loop; of several that come
// meanwhile only the last counts.
func (d *daemon) reload(fd int) {
	if d.loading {
		if d.next != nil {
			_ = unix.Close(*d.next)
			d.answer(ipc.Message{Kind: ipc.Reloaded})
		}
		d.next = &fd
		return
	}
	d.loading = true
	boot, old := d.boot, d.plan
	d.beside.Go(func() {
		p, err := readFile(fd, &boot, old)
		d.post(d.alive, func() { d.reloaded(p, err) })
	})
}

// readFile copies the snapshot, so that its memory file does not outlive it.
func readFile(fd int, boot *ipc.BootInfo, old *plan) (*plan, error) {
	data, err := ipc.Map(fd)
	if err != nil {
		return nil, err
	}
	snapshot := bytes.Clone(data)
	ipc.Unmap(data)
	return read(snapshot, boot, old)
}

func (d *daemon) reloaded(p *plan, err error) {
	d.loading = false
	if err == nil && p.services.Director != d.plan.services.Director {
		err = d.redirect(p)
	}
	answer := ipc.Message{Kind: ipc.Reloaded}
	if err != nil {
		answer.Error = err.Error()
	} else {
		d.adopt(p)
		d.settle()
		d.tell(record{kind: "config", what: "Reloaded; checking " + d.census()})
	}
	d.answer(answer)
	if d.next != nil {
		fd := *d.next
		d.next = nil
		d.reload(fd)
	}
}

// redirect goes over to another director: the new one has everything before
// the old one lets go.
func (d *daemon) redirect(p *plan) error {
	old := d.writer
	if err := d.direct(p, nil); err != nil {
		return err
	}
	d.writer.set(d.tableCopy())
	d.beside.Go(func() { old.close(false, false) })
	return nil
}

// adopt makes a plan the running one. What it says of a check that was there
// before only changes the settings: verdict, schedule and a running attempt
// stay.
func (d *daemon) adopt(p *plan) {
	first := d.plan == nil
	d.plan = p
	d.notifier.use(p.services.FIFOs)
	for _, why := range append(slices.Clone(p.services.Ignored), p.faults...) {
		d.tell(record{level: slog.LevelWarn, kind: "config", what: why})
	}
	was := d.pools
	d.pools, d.order = make(map[string]*pool, len(p.services.Pools)), d.order[:0]
	for i := range p.services.Pools {
		cfg := &p.services.Pools[i]
		one := was[cfg.ID]
		delete(was, cfg.ID)
		if one == nil {
			one = &pool{servers: map[lvs.ServerKey]*server{}}
		}
		d.pools[cfg.ID] = one
		d.order = append(d.order, one)
		d.configure(one, cfg, p.attempts[i], first)
	}
	for _, gone := range was {
		d.drop(gone)
	}
	d.prune()
}

// prune takes the services that nobody offers any more out of the table.
func (d *daemon) prune() {
	offered := make(map[lvs.ServiceKey]bool, len(d.table))
	for _, p := range d.order {
		for _, k := range p.plan.Keys {
			offered[k] = true
		}
	}
	was := len(d.table)
	maps.DeleteFunc(d.table, func(k lvs.ServiceKey, _ lvs.Service) bool { return !offered[k] })
	d.changedTable = d.changedTable || len(d.table) != was
}

// drop forgets a virtual server.
func (d *daemon) drop(p *pool) {
	for _, s := range p.order {
		s.forget(d)
	}
	d.say(p.name(), "it is no longer in the configuration", "Removing VS %s", p.name())
}

// configure gives a pool its configuration, with the states of its checks as
// they are.
func (d *daemon) configure(p *pool, cfg *build.Pool, attempts [][][]attempt, start bool) {
	fresh := p.machine == nil
	p.plan = cfg
	was := p.servers
	p.servers, p.order = make(map[lvs.ServerKey]*server, len(cfg.Servers)), p.order[:0]
	for i := range cfg.Servers {
		sc := &cfg.PoolConfig.Servers[i]
		s := was[sc.Key]
		delete(was, sc.Key)
		up := true
		if s == nil {
			s = &server{pool: p, key: sc.Key, name: sc.Name, since: time.Unix(0, d.loop.Read().Wall), cause: "new in the configuration"}
			if start {
				s.cause = "start"
			}
			up = false
		} else if p.machine != nil {
			up, _ = p.machine.Server(sc.Key)
		}
		s.plan = &cfg.Servers[i]
		d.checks(s, attempts[i], up)
		for k, c := range s.checks {
			state := &sc.Checks[k]
			state.Up = c.machine.Up()
			state.Weight, state.WeightSet = c.machine.Weight()
		}
		p.servers[sc.Key] = s
		p.order = append(p.order, s)
	}
	for _, s := range was {
		s.forget(d)
	}
	if !fresh {
		d.changed(p, p.machine.Step(lvs.Reconfigure{Config: cfg.PoolConfig}))
		return
	}
	var changes []lvs.Change
	p.machine, changes = lvs.NewPool(cfg.PoolConfig)
	d.changed(p, changes)
	if d.plan.services.InitNotifies {
		for _, s := range p.order {
			if up, _ := p.machine.Server(s.key); up {
				d.notifyServer(s, true)
			}
		}
	}
}

// checks gives a server its checks. One that does the same as before goes on;
// a new one of a server that is up starts up, as in keepalived, even with alpha.
func (d *daemon) checks(s *server, attempts [][]attempt, up bool) {
	now := d.loop.Now()
	was := s.checks
	s.checks = make([]*checker, len(s.plan.Checks))
	for i := range s.plan.Checks {
		cfg := &s.plan.Checks[i]
		c := take(was, &cfg.Probe)
		if c == nil {
			schedule := cfg.Schedule
			schedule.Alpha = schedule.Alpha && !up
			c = &checker{machine: check.New(now, schedule)}
			c.slot.Item = c
		} else if c.plan.Schedule != cfg.Schedule {
			d.act(c, c.machine.Step(now, check.Reconfigure{Config: cfg.Schedule}))
		}
		c.server, c.index, c.plan, c.attempts = s, i, cfg, attempts[i]
		s.checks[i] = c
		d.schedule(c)
	}
	for _, c := range was {
		if c != nil {
			c.forget(d)
		}
	}
}

// take takes the check that does the same out of was.
func take(was []*checker, p *build.Probe) *checker {
	for i, c := range was {
		if c != nil && c.plan.Probe.Same(p) {
			was[i] = nil
			return c
		}
	}
	return nil
}

func (s *server) forget(d *daemon) {
	for _, c := range s.checks {
		c.forget(d)
	}
}

func (c *checker) forget(d *daemon) {
	c.gone = true
	d.due.Remove(&c.slot)
}
