package checkd

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/loop"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	match "github.com/holdfast-ha/holdfast/internal/plan"
)

// begin opens the director and starts with the first plan.
func (d *daemon) begin(p *plan) error {
	if err := d.direct(p, d.serving); err != nil {
		if errors.Is(err, errors.ErrUnsupported) {
			err = fmt.Errorf("%w: %w", err, ipc.ErrPermanent)
		}
		return err
	}
	d.overrides.load(d)
	d.inherit()
	d.adopt(p)
	d.found = nil
	d.tell(record{kind: "config", what: "Checking " + d.census()})
	d.changedTable = true // also an empty one: it is the first
	d.settle()
	return nil
}

// precedence asks for what the configuration wants of the scheduler.
func (d *daemon) precedence() {
	if err := d.keeper.Set(d.loop, loop.Precedence(d.plan.services.Process.Precedence)); err != nil {
		d.tell(record{level: slog.LevelWarn, kind: "process", what: err.Error()})
	}
}

// serving tells the parent, once the director has been told, that we serve.
func (d *daemon) serving() {
	d.post(d.alive, func() {
		d.answer(ipc.Message{Kind: ipc.Ready})
		if d.garbage != nil {
			d.garbage()
			d.garbage = nil
		}
		d.tidy()
	})
}

// direct opens the director that a plan wants.
func (d *daemon) direct(p *plan, first func()) error {
	s := p.services
	dir, why, err := d.open(s, &d.boot)
	if err != nil {
		return err
	}
	d.tell(record{kind: "director", what: fmt.Sprintf("Director is %s (%s)", dir.Name(), why)})
	if s.Flush && d.plan == nil && d.boot.Restarts == 0 {
		if err := empty(dir); err != nil {
			d.tell(record{level: slog.LevelError, kind: "director", what: err.Error()})
		}
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

func readFile(fd int, boot *ipc.BootInfo, old *plan) (*plan, error) {
	sheet, err := ipc.OpenSheet(fd)
	if err != nil {
		return nil, err
	}
	return read(paper{sheet.Data, sheet, sheet.Close}, boot, old)
}

func (d *daemon) reloaded(p *plan, err error) {
	d.loading = false
	if now := d.plan.services; err == nil && (p.services.Director != now.Director || p.services.Namespace != now.Namespace) {
		err = d.redirect(p)
	}
	answer := ipc.Message{Kind: ipc.Reloaded}
	if err != nil {
		p.discard()
		answer.Error = err.Error()
	} else {
		whole := p.before == nil
		d.plan.discard()
		d.adopt(p)
		d.settle()
		d.writer.doubt()
		if whole {
			d.tidy()
		}
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
	err := d.direct(p, func() { d.beside.Go(func() { old.close(false, false) }) })
	if err == nil {
		d.restate()
	}
	return err
}

// adopt makes a plan the running one. What it says of a check that was there
// before only changes the settings: verdict, schedule and a running attempt
// stay.
func (d *daemon) adopt(p *plan) {
	d.adopting = d.loop.Read()
	defer func() { d.adopting = clock.Reading{} }()
	a := adoption{first: d.plan == nil, at: d.adopting.Wall}
	if _, able := d.writer.dir.(director.Hearer); len(p.services.Paths) > 0 && (!able || p.services.Namespace != "") {
		p.straighten(cmp.Or(p.services.Namespace, d.writer.dir.Name()))
	}
	some := p.before != nil
	fresh := p.complete()
	d.plan, d.grain = p, p.grain()
	d.precedence()
	d.notifier.use(p.services.FIFOs)
	d.notifier.openMail(p.services.Mail)
	for _, why := range append(slices.Clone(p.services.Ignored), p.faults...) {
		d.tell(record{level: slog.LevelWarn, kind: "config", what: why})
	}
	marks := d.marks
	d.marks = d.number(p)
	if some && len(marks)+len(d.marks) == 0 {
		d.adoptSome(fresh, a)
	} else {
		d.adoptAll(p, a)
	}
	hear, set := hearOn(p.services.Paths), settings{timeouts: p.services.Timeouts, limit: p.services.ProxyLimit}
	d.changedTable = d.changedTable || d.writer.expire != p.services.Expire || d.writer.set != set || !slices.Equal(d.writer.hear, hear)
	d.writer.expire, d.writer.hear, d.writer.set = p.services.Expire, hear, set
	d.engine.Expect(d.monitors.count)
	d.remark()
	d.watchAddresses()
	d.suspend()
}

// adoptSome takes over virtual servers that are there already, in the same place
// and with the same services.
func (d *daemon) adoptSome(fresh []*planned, a adoption) {
	for _, cfg := range fresh {
		if one := d.pools[cfg.ID]; one.plan != cfg {
			d.entries -= len(one.order) * len(cfg.Keys)
			d.configure(one, cfg, a)
			d.entries += len(one.order) * len(cfg.Keys)
		}
	}
}

// adoptAll takes over the virtual servers of a plan, and lets go of the others.
func (d *daemon) adoptAll(p *plan, a adoption) {
	was := d.pools
	if a.first {
		d.monitors.reserve(p.checks())
		d.due.Grow(d.monitors.free())
		d.stale = make([]*pool, 0, len(p.pools))
	}
	d.pools, d.order = make(map[string]*pool, len(p.pools)), slices.Grow(d.order[:0], len(p.pools))
	for _, cfg := range p.pools {
		one := was[cfg.ID]
		delete(was, cfg.ID)
		if one == nil {
			one = &pool{}
		}
		d.pools[cfg.ID] = one
		d.order = append(d.order, one)
		if mark := d.marks[cfg.ID]; one.plan != cfg || one.mark != mark {
			one.mark = mark
			d.configure(one, cfg, a)
		}
	}
	for _, gone := range was {
		d.drop(gone)
	}
	d.prune()
}

// prune takes the services that nobody offers any more out of the table.
func (d *daemon) prune() {
	offered := make(map[lvs.ServiceKey]bool, max(len(d.offered), len(d.order)))
	d.entries = 0
	for _, p := range d.order {
		for _, k := range p.machine.Config().Keys {
			offered[k] = true
			d.entries += 1 + len(p.order)
		}
	}
	d.linger(offered)
	d.lead(offered)
	for k := range d.offered {
		if !offered[k] {
			d.delta.Put(k, lvs.ServiceDelta{Gone: true})
		}
	}
	d.offered = offered
}

// drop forgets a virtual server.
func (d *daemon) drop(p *pool) {
	for _, s := range p.order {
		s.forget(d)
	}
	d.say(p.name(), "it is no longer in the configuration", "Removing VS %s", p.name())
	d.step(p, lvs.Leave{})
	d.lingering = append(d.lingering, p)
}

// adoption is a plan being taken over.
type adoption struct {
	first bool  // nothing ran before
	at    int64 // nanoseconds since 1970; one look at the clock is enough for all
}

// configure gives a pool its configuration, with the states of its checks as
// they are.
func (d *daemon) configure(p *pool, cfg *planned, a adoption) {
	p.plan = cfg
	was := p.byKey()
	room := newRoom(cfg, was)
	p.order = make([]*server, 0, len(cfg.Servers))
	for i := range cfg.Servers {
		key := cfg.PoolConfig.Servers[i].Key
		s := was[key]
		delete(was, key)
		p.order = append(p.order, d.server(p, s, i, a, room))
	}
	for _, s := range was {
		s.forget(d)
	}
	p.leaving = was
	machine := cfg.PoolConfig
	machine.Keys = cfg.offered(p.mark)
	if p.machine != nil {
		d.step(p, lvs.Reconfigure{Config: machine})
		p.leaving = nil
		return
	}
	var changes []lvs.Change
	p.machine, changes = lvs.NewPool(d.loop.Now(), machine)
	d.changed(p, changes)
	d.await(p)
	if d.plan.services.InitNotifies {
		for _, s := range p.order {
			if up, _ := p.machine.Server(s.key()); up {
				d.notifyServer(s, true, "it is up from the start")
			}
		}
	}
}

// byKey are the pool's servers as they are; nil if it has none yet.
func (p *pool) byKey() map[lvs.ServerKey]*server {
	if len(p.order) == 0 {
		return nil
	}
	all := make(map[lvs.ServerKey]*server, len(p.order))
	for _, s := range p.order {
		all[s.key()] = s
	}
	return all
}

// room is memory for what a virtual server brings, in one piece of each kind.
type room struct {
	servers  []server
	checkers []checker
	refs     []*checker
}

// newRoom makes it for the servers that are not there yet.
func newRoom(cfg *planned, was map[lvs.ServerKey]*server) *room {
	servers, checks := 0, 0
	for i := range cfg.Servers {
		if was[cfg.PoolConfig.Servers[i].Key] == nil {
			servers++
			checks += len(cfg.Servers[i].Checks)
		}
	}
	return &room{make([]server, servers), make([]checker, checks), make([]*checker, checks)}
}

func (r *room) server() *server {
	s := &r.servers[0]
	r.servers = r.servers[1:]
	return s
}

// checks gives a new server the list of its checks.
func (r *room) checks(n int) []*checker {
	list := r.refs[:n:n]
	r.refs = r.refs[n:]
	for i := range list {
		list[i] = &r.checkers[i]
	}
	r.checkers = r.checkers[n:]
	return list
}

// server gives the pool's server number i its configuration; s is nil if it
// is new.
func (d *daemon) server(p *pool, s *server, i int, a adoption, r *room) *server {
	cfg := &p.plan.PoolConfig.Servers[i]
	up, fresh := false, s == nil
	switch {
	case s != nil:
		up, _ = p.machine.Server(cfg.Key)
	case a.first:
		s = r.server()
		*s = server{pool: p, since: a.at, cause: "start"}
	default:
		s = r.server()
		*s = server{pool: p, since: a.at, cause: "new in the configuration"}
	}
	s.plan, s.config = &p.plan.Servers[i], cfg
	out := a.first && d.wasOut(p, cfg)
	if out {
		s.cause = "was out when the checker before died"
	}
	if fresh {
		d.freshChecks(s, i, out, r)
	} else {
		d.checks(s, i, up)
	}
	cfg.Override = d.overrides.of(p.plan.ID, cfg.Name)
	for k, c := range s.checks {
		state := &cfg.Checks[k]
		state.Up, state.Unknown = c.view.Up(), c.view.Waits()
		state.Weight, state.WeightSet = c.monitor.machine.Weight()
		if state.Cause = ""; !state.Up && !state.Unknown {
			state.Cause = c.why()
		}
		if fresh && state.Cause != "" {
			s.cause = state.Cause
			d.say(s.name(), s.cause, "Service %s of VS %s is new in the configuration, and down", s.name(), p.name())
		}
	}
	return s
}

// freshChecks gives a new server, number i of its pool, its checks; out says
// that a predecessor had the server out.
func (d *daemon) freshChecks(s *server, i int, out bool, r *room) {
	s.checks = r.checks(len(s.plan.Checks))
	for k, c := range s.checks {
		cfg := &s.plan.Checks[k]
		c.server, c.index = s, k
		d.monitor(c, cfg, s.pool.plan.steps(i, k), cfg.Schedule.Alpha || out)
	}
}

// checks gives a server, number n of its pool, its checks. One that does the
// same as before goes on; a new one of a server that is up starts up, as in
// keepalived, even with alpha.
func (d *daemon) checks(s *server, n int, up bool) {
	was := s.checks
	running := make([]*build.HealthCheck, len(was))
	for i, c := range was {
		running[i] = c.plan
	}
	s.checks = make([]*checker, len(s.plan.Checks))
	for i, at := range match.Checks(running, s.plan.Checks) {
		cfg := &s.plan.Checks[i]
		var c *checker
		if at >= 0 {
			c, was[at] = was[at], nil
		} else {
			c = &checker{}
		}
		c.server, c.index = s, i
		d.monitor(c, cfg, s.pool.plan.steps(n, i), cfg.Schedule.Alpha && !up)
		s.checks[i] = c
	}
	for _, c := range was {
		if c != nil {
			d.leaveMonitor(c)
		}
	}
}

func (s *server) forget(d *daemon) {
	for _, c := range s.checks {
		d.leaveMonitor(c)
	}
}
