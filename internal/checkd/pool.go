package checkd

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

const (
	// countEvery is how often the connections of servers that leave are
	// counted; countShare bounds the part of the time that this takes.
	countEvery = time.Second
	countShare = 20
	// quietTimes is how often in a row none must be found: one that is just
	// being made does not count as active.
	quietTimes = 2
)

// step tells a pool's machine, and what it says.
func (d *daemon) step(p *pool, ev lvs.Event) {
	d.changed(p, p.machine.Step(d.loop.Now(), ev))
	d.await(p)
}

// await has a pool served when its machine wants it.
func (d *daemon) await(p *pool) {
	if _, ok := p.machine.Deadline(); ok {
		d.timed[p] = true
	} else {
		delete(d.timed, p)
	}
}

// nextPool is when the first pool wants its Tick, or connections are counted.
func (d *daemon) nextPool() (first clock.Instant, any bool) {
	first, any = d.counting, d.counting != 0
	for p := range d.timed {
		if at, ok := p.machine.Deadline(); ok && (!any || at.Before(first)) {
			first, any = at, true
		}
	}
	return d.roundUp(first), any
}

func (d *daemon) tickPools(now clock.Instant, _ time.Duration) {
	for p := range d.timed {
		if at, ok := p.machine.Deadline(); ok && !now.Before(at) {
			d.step(p, lvs.Tick{})
		}
	}
	if d.counting != 0 && !now.Before(d.counting) {
		d.counting = now.Add(countEvery)
		if !d.anyLeaves() {
			d.counting = 0
		}
		d.writer.ask()
	}
	d.swept()
	d.settle()
}

// everyPool gives the pools that run and those on their way out.
func (d *daemon) everyPool() []*pool { return slices.Concat(d.order, d.lingering) }

func (d *daemon) anyLeaves() bool {
	return slices.ContainsFunc(d.everyPool(), func(p *pool) bool { return len(p.machine.Leaving()) > 0 })
}

// connections takes what the director counted: who leaves and has none any
// more may go.
func (d *daemon) connections(found map[lvs.ServiceKey]director.ServiceCounters, took time.Duration) {
	if d.counting != 0 {
		d.counting = d.loop.Now().Add(max(countEvery, countShare*took))
	}
	for _, p := range d.everyPool() {
		quiet := map[lvs.ServerKey]int{}
		for _, key := range p.machine.Leaving() {
			if p.busy(key, found) {
				continue
			}
			if quiet[key] = p.quiet[key] + 1; quiet[key] >= quietTimes {
				d.step(p, lvs.Ended{Server: key})
			}
		}
		p.quiet = quiet
	}
	d.swept()
	d.settle()
}

// busy reports whether a server has connections. Of TCP those that have ended
// and are only remembered (TIME_WAIT) do not count; of other protocols IPVS
// knows no better.
func (p *pool) busy(key lvs.ServerKey, found map[lvs.ServiceKey]director.ServiceCounters) bool {
	for _, k := range p.machine.Config().Keys {
		c := found[director.Canonical(k)].Servers[key]
		if c.Active > 0 || c.Inactive > 0 && k.Protocol != lvs.TCP {
			return true
		}
	}
	return false
}

// linger keeps the services of pools that are on their way out in the table,
// unless others offer them already.
func (d *daemon) linger(offered map[lvs.ServiceKey]bool) {
	d.lingering = slices.DeleteFunc(d.lingering, func(p *pool) bool {
		taken := slices.ContainsFunc(p.machine.Config().Keys, func(k lvs.ServiceKey) bool { return offered[k] })
		if taken || len(p.machine.Leaving()) == 0 {
			delete(d.timed, p)
			return true
		}
		return false
	})
	for _, p := range d.lingering {
		for _, k := range p.machine.Config().Keys {
			offered[k] = true
		}
	}
}

// swept takes away what has gone by now.
func (d *daemon) swept() {
	if slices.ContainsFunc(d.lingering, func(p *pool) bool { return len(p.machine.Leaving()) == 0 }) {
		d.prune()
	}
	if d.leaving != "" && !d.anyLeaves() {
		d.stop(d.leaving)
	}
}

// leave begins the end: servers that may drain do, and a second time says to
// wait no longer.
func (d *daemon) leave(why string) {
	drains := func(p *pool) bool {
		return !p.plan.Moves && slices.ContainsFunc(p.machine.Config().Servers, func(s lvs.ServerConfig) bool { return s.Drain > 0 })
	}
	keep := d.boot.KeepIPVS && !d.plan.services.FlushOnStop
	if d.leaving != "" || keep || !slices.ContainsFunc(d.order, drains) {
		d.stop(why)
		return
	}
	d.leaving = why
	for _, p := range d.order {
		d.step(p, lvs.Leave{AtOnce: p.plan.Moves})
	}
	d.swept()
	d.settle()
}

// moved tells of what tiers, panic, ejection, drain and slow start brought.
func (d *daemon) moved(p *pool, c lvs.Change) {
	vs := p.name()
	switch c := c.(type) {
	case lvs.TierChanged:
		d.alarm(vs, "VS %s is served by %s instead of %s", vs, tierName(c.To), tierName(c.From))
	case lvs.PanicBegan:
		d.alarm(vs, "PANIC: only %d of %d servers of VS %s are up, which is less than %d%%: all of them get traffic (panic_threshold)", c.Up, c.Of, vs, c.Threshold)
	case lvs.PanicEnded:
		d.alarm(vs, "Panic is over: %d of %d servers of VS %s are up (panic_threshold %d)", c.Up, c.Of, vs, c.Threshold)
	case lvs.ServerHeld:
		p.note(c.Server.Key, c.Cause, d.loop.Read().Wall)
		d.alarm(c.Server.Name, "Service %s stays in VS %s though it fails, for %s out already (max_eject): %s", c.Server.Name, vs, verb(c.Allowed == 1, "1 is", fmt.Sprintf("%d are", c.Allowed)), c.Cause)
	case lvs.HeldRecovered:
		p.note(c.Server.Key, "its checks succeed again", d.loop.Read().Wall)
		d.say(c.Server.Name, "", "Service %s, which stayed in VS %s (max_eject), is well again", c.Server.Name, vs)
	case lvs.DrainBegan:
		if d.counting == 0 {
			d.counting = d.loop.Now().Add(countEvery)
		}
		d.say(c.Name, "", "Draining service %s of VS %s for %v at most", c.Name, vs, c.For)
	case lvs.DrainEnded:
		d.say(c.Name, verb(c.Empty, "it has no connections any more", "its time is up"), "Service %s of VS %s has drained", c.Name, vs)
	case lvs.RampBegan:
		d.say(c.Server.Name, "", "Service %s of VS %s starts slowly: its whole weight comes in %v", c.Server.Name, vs, c.Server.SlowStart)
	case lvs.RampEnded:
		d.say(c.Server.Name, "", "Service %s of VS %s has its whole weight of %d", c.Server.Name, vs, c.Weight)
	}
}

// note remembers for the status why a server is as it is.
func (p *pool) note(key lvs.ServerKey, cause string, wall int64) {
	if s := p.server(key); s != nil {
		s.since, s.cause = wall, cause
	}
}

func (d *daemon) alarm(object, format string, args ...any) {
	d.tell(record{level: slog.LevelWarn, object: object, what: fmt.Sprintf(format, args...)})
}

func tierName(n int) string {
	if n < 0 {
		return "all tiers together"
	}
	return "tier " + strconv.Itoa(n)
}
