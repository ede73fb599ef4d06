package vrrpd

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/event"
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
		d.outlets.change(e, a.To.String(), a.Priority, why)
		d.say(level, kindTransition, e.Name, why, what)
		d.notify(&notice{kind: "INSTANCE", name: e.Name, state: a.To.String(), priority: a.Priority, cause: why, scripts: &e.Notify, mail: e.Mail})
	}
	switch {
	case a.To == vrrp.Active:
		d.tellMissing(e)
	case a.From == vrrp.Active && a.To != vrrp.Backup:
		d.tellParting(e)
	}
}

// tellParting tells whether those who wait for a router's last advert had it.
func (d *daemon) tellParting(e *edge) {
	if why := d.unsent(e); why != "" {
		d.sayf(slog.LevelInfo, kindTransition, e.Name, "(%s) no advert with priority 0 was sent: %s", e.Name, why)
		return
	}
	d.sayf(slog.LevelInfo, kindTransition, e.Name, "(%s) sent 0 priority", e.Name)
}

// notePast keeps what is asked for later: since when the router takes part, and
// why it is master.
func (d *daemon) notePast(e *edge, a *vrrp.Become) {
	switch a.To {
	case vrrp.Init, vrrp.Fault:
		e.up = 0
	case vrrp.Backup, vrrp.Active:
		if e.up == 0 {
			e.up = d.now()
		}
	}
	if a.To != vrrp.Active {
		return
	}
	switch a.Cause.(type) {
	case vrrp.Resigned:
		e.took = "priority"
	case vrrp.Lower, vrrp.Owner:
		e.took = "preempted"
	default:
		e.took = "silence"
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
	d.outlets.changeGroup(g.Name, a.To.String(), why)
	d.say(slog.LevelInfo, kindTransition, g.Name, why, what)
	d.notify(&notice{kind: "GROUP", name: g.Name, state: a.To.String(), cause: why, scripts: &g.Notify, mail: g.Mail})
}

// tellOther takes what is no transition.
func (d *daemon) tellOther(e *edge, a *vrrp.Tell) {
	level := slog.LevelInfo
	switch a.Kind {
	case vrrp.AddressMismatch:
		e.counters.faults[wire.BadAddresses]++
		level = slog.LevelWarn
	case vrrp.IntervalMismatch:
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
	case vrrp.Slept, vrrp.Awake:
		if times, ok := e.naps.allow(d.now()); ok {
			d.sayf(slog.LevelWarn, kindTransition, e.Name, "(%s) %s%s", e.Name, a.Text, times)
		}
		return
	case vrrp.MasterChanged:
		if times, ok := e.masters.allow(d.now()); ok {
			d.sayf(level, kindMaster, e.Name, "(%s) %s%s", e.Name, a.Text, times)
		}
		return
	case vrrp.LowerHeard:
		d.notify(&notice{kind: "INSTANCE", name: e.Name, state: "MASTER_RX_LOWER_PRI", priority: a.Priority, cause: a.Text, scripts: &e.Notify})
	case vrrp.PriorityChanged:
		d.outlets.change(e, d.node.StateOf(a.Router).String(), a.Priority, a.Text)
		d.tellPriority(e, a.Priority)
	}
	// What every bad advert may cause is told seldom; the counters have all.
	if a.Kind != vrrp.PriorityChanged && a.Kind != vrrp.OtherTold {
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
	d.writeFIFOs(&notice{kind: "INSTANCE", name: e.Name, state: state, priority: p})
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
