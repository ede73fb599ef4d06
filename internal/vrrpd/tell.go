package vrrpd

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/event"
	"github.com/holdfast-ha/holdfast/internal/notify/fifo"
	"github.com/holdfast-ha/holdfast/internal/notify/script"
	"github.com/holdfast-ha/holdfast/internal/proc"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// Kinds of records.
const (
	kindTransition = "transition"
	kindAddress    = "address"
	kindConfig     = "config"
	kindProcess    = "process"
	kindPacket     = "packet"
	kindTrack      = "track"
	kindNotify     = "notify"
	kindMaster     = "master" // whom a backup hears
	kindSplit      = "split"  // two masters
)

// say publishes one line.
func (d *daemon) say(level slog.Level, kind, object, cause, what string) {
	d.log.Publish(event.Record{
		When: d.read(), Level: level, Part: "vrrp", Kind: kind, Object: object, Cause: cause, What: what,
	})
}

func (d *daemon) sayf(level slog.Level, kind, object, format string, args ...any) {
	d.say(level, kind, object, "", fmt.Sprintf(format, args...))
}

// because joins a fact and its cause; a nil cause is none.
func because(what string, cause vrrp.Cause) (line, why string) {
	if cause == nil {
		return what, ""
	}
	why = cause.String()
	return what + ": " + why, why
}

// tellBecome logs a transition of a router and notifies.
func (d *daemon) tellBecome(e *edge, a *vrrp.Become) {
	what, why := because(fmt.Sprintf("(%s) Entering %s STATE", e.Name, a.To), a.Cause)
	level := slog.LevelInfo
	if a.To == vrrp.Fault {
		level = slog.LevelWarn
	}
	if a.To != vrrp.Init {
		d.say(level, kindTransition, e.Name, why, what)
		d.notify("INSTANCE", e.Name, a.To.String(), a.Priority, &e.Notify)
	}
	switch {
	case a.To == vrrp.Active:
		d.tellMissing(e)
	case a.From == vrrp.Active && a.To != vrrp.Backup:
		d.sayf(slog.LevelInfo, kindTransition, e.Name, "(%s) sent 0 priority", e.Name)
	}
}

// tellMissing tells what a master should have and cannot, for want of a link.
func (d *daemon) tellMissing(e *edge) {
	for _, a := range e.Addresses {
		if _, ok := d.mirror.Link(a.Dev); !ok {
			d.sayf(slog.LevelWarn, kindAddress, e.Name, "(%s) %s has to wait: interface %s does not exist", e.Name, a.Prefix, a.Dev)
		}
	}
	for i := range e.routes {
		if _, _, err := e.routes[i].Resolve(d.mirror); err != nil {
			d.sayf(slog.LevelWarn, kindAddress, e.Name, "(%s) a virtual route has to wait: %v", e.Name, err)
		}
	}
}

// tellGroup logs a transition of a sync group and notifies.
func (d *daemon) tellGroup(g *build.Group, a *vrrp.BecomeGroup) {
	if a.To == vrrp.Init {
		return
	}
	what, why := because(fmt.Sprintf("VRRP_Group(%s) Syncing instances to %s state", g.Name, a.To), a.Cause)
	d.say(slog.LevelInfo, kindTransition, g.Name, why, what)
	d.notify("GROUP", g.Name, a.To.String(), 0, &g.Notify) // a group has no priority; keepalived says 0
}

// tellOther takes what is no transition.
func (d *daemon) tellOther(e *edge, a *vrrp.Tell) {
	level := slog.LevelInfo
	switch a.Kind {
	case vrrp.AddressMismatch:
		e.counters.faults[wire.BadAddresses]++
		level = slog.LevelWarn
	case vrrp.IntervalMismatch, vrrp.Slept:
		level = slog.LevelWarn
	case vrrp.SplitBegan:
		d.sayf(slog.LevelError, kindSplit, e.Name, "(%s) %s", e.Name, a.Text)
		return
	case vrrp.SplitEnded:
		d.sayf(slog.LevelWarn, kindSplit, e.Name, "(%s) %s", e.Name, a.Text)
		return
	case vrrp.MasterHeard, vrrp.MasterLost:
		d.sayf(level, kindMaster, e.Name, "(%s) %s", e.Name, a.Text)
		return
	case vrrp.MasterChanged:
		if times, ok := e.masters.allow(d.now()); ok {
			d.sayf(level, kindMaster, e.Name, "(%s) %s%s", e.Name, a.Text, times)
		}
		return
	case vrrp.LowerHeard:
		if s := e.Notify.MasterRxLowerPri; s != nil {
			d.runScripts(e.Name, d.spec(s))
		}
		d.writeFIFO("INSTANCE", e.Name, "MASTER_RX_LOWER_PRI", a.Priority)
	case vrrp.PriorityChanged:
		d.tellPriority(e, a.Priority)
	}
	// What every bad advert may cause is told seldom; the counters have all.
	if a.Kind != vrrp.PriorityChanged && a.Kind != vrrp.OtherTold && a.Kind != vrrp.Slept {
		times, ok := e.tells[a.Kind].allow(d.now())
		if !ok {
			return
		}
		d.sayf(level, kindPacket, e.Name, "(%s) %s%s", e.Name, a.Text, times)
		return
	}
	d.sayf(level, kindTransition, e.Name, "(%s) %s", e.Name, a.Text)
}

// tellPriority writes the FIFO line of another priority. keepalived says BACKUP
// of whoever is not the master.
func (d *daemon) tellPriority(e *edge, p vrrp.Priority) {
	if !e.NotifyPriority {
		return
	}
	state := "BACKUP_PRIORITY"
	if e.active {
		state = "MASTER_PRIORITY"
	}
	d.writeFIFO("INSTANCE", e.Name, state, p)
}

// notify runs the script of a state and the one for any state, with the
// arguments of keepalived.conf(5), and writes the FIFO line.
func (d *daemon) notify(kind, name, state string, priority vrrp.Priority, n *conf.Notify) {
	var specs []proc.Spec
	own := map[string]*conf.Command{
		"MASTER": n.Master, "BACKUP": n.Backup, "FAULT": n.Fault, "STOP": n.Stop, "DELETED": n.Deleted,
	}[state]
	if own != nil {
		specs = append(specs, d.spec(own))
	}
	if n.Any != nil {
		s := d.spec(n.Any)
		s.Argv = append(s.Argv[:len(s.Argv):len(s.Argv)], kind, name, state, fmt.Sprint(uint8(priority)))
		specs = append(specs, s)
	}
	d.runScripts(name, specs...)
	d.writeFIFO(kind, name, state, priority)
}

func (d *daemon) runScripts(object string, specs ...proc.Spec) {
	if len(specs) > 0 {
		d.scripts.Run(script.Job{Object: object, Scripts: specs})
	}
}

// spec is how a configured command is run.
func (d *daemon) spec(c *conf.Command) proc.Spec {
	s := proc.Spec{Argv: c.Argv, User: c.User, Group: c.Group, Secure: d.cfg.Secure}
	if s.User == "" {
		s.User, s.Group = d.cfg.User, d.cfg.Group
	}
	return s
}

func (d *daemon) writeFIFO(kind, name, state string, priority vrrp.Priority) {
	for _, f := range d.fifos {
		if !f.Write(fmt.Sprintf("%s %q %s %d", kind, name, state, priority)) {
			if times, ok := d.fifoLoss.allow(d.now()); ok {
				d.sayf(slog.LevelWarn, kindNotify, name, "nobody reads %s, and a line was lost%s", f.Path(), times)
			}
		}
	}
}

// scriptEnded is told from a goroutine of the script runner.
func (d *daemon) scriptEnded(o script.Outcome) {
	line := strings.Join(o.Argv, " ")
	switch {
	case o.Dropped:
		d.sayf(slog.LevelWarn, kindNotify, o.Object, "(%s) notify script %s was not run: %d others wait", o.Object, line, script.MaxWaiting)
	case o.Result.OK():
		d.sayf(slog.LevelDebug, kindNotify, o.Object, "(%s) notify script %s: %s after %v", o.Object, line, o.Result, o.Result.Took.Round(time.Millisecond))
	default:
		d.sayf(slog.LevelWarn, kindNotify, o.Object, "(%s) notify script %s: %s%s", o.Object, line, o.Result, quote(o.Result.Output))
	}
}

// quote is the first line of a script's output, for a log line.
func quote(output []byte) string {
	first, _, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
	if first == "" {
		return ""
	}
	return fmt.Sprintf(" (it said %q)", first[:min(len(first), 200)])
}

// openFIFOs makes the set of open FIFOs that of the configuration.
func (d *daemon) openFIFOs(paths []string) {
	var keep []*fifo.FIFO
	for _, f := range d.fifos {
		if slices.Contains(paths, f.Path()) {
			keep = append(keep, f)
		} else {
			_ = f.Close()
		}
	}
	d.fifos = keep
	for _, path := range paths {
		if slices.ContainsFunc(keep, func(f *fifo.FIFO) bool { return f.Path() == path }) {
			continue
		}
		who, err := proc.LookupUser(d.cfg.User, d.cfg.Group)
		if err != nil {
			d.say(slog.LevelWarn, kindNotify, "", "", err.Error())
			continue
		}
		f, err := fifo.Open(path, int(who.UID), int(who.GID))
		if err != nil {
			d.say(slog.LevelWarn, kindNotify, "", "", err.Error())
			continue
		}
		d.fifos = append(d.fifos, f)
	}
}

// quietFor is how long after a line its like are only counted.
const quietFor = time.Minute

// quiet lets the first line of a kind through, and then one a minute.
type quiet struct {
	next clock.Instant
	held uint64
}

// allow reports whether to speak now, and how many were held back before.
func (q *quiet) allow(now clock.Instant) (times string, ok bool) {
	if q.next != 0 && now < q.next {
		q.held++
		return "", false
	}
	if q.held > 0 {
		times = fmt.Sprintf(" (%d more since the last such line)", q.held)
	}
	q.next, q.held = max(now.Add(quietFor), 1), 0
	return times, true
}

// burstLines is how many lines a burst lets through in quietFor.
const burstLines = 10

// burst is quiet for what is news several times, but can be forged for ever.
type burst struct {
	since  clock.Instant
	spoken int
	held   uint64
}

// allow reports whether to speak now, and how many were held back before.
func (b *burst) allow(now clock.Instant) (times string, ok bool) {
	if b.since == 0 || now >= b.since.Add(quietFor) {
		b.since, b.spoken = max(now, 1), 0
	}
	if b.spoken == burstLines {
		b.held++
		return "", false
	}
	if b.held > 0 {
		times = fmt.Sprintf(" (%d more since the last such line)", b.held)
	}
	b.spoken, b.held = b.spoken+1, 0
	return times, true
}
