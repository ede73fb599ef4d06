package vrrpd

import (
	"log/slog"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// lastScripts is how long the end waits for notify_stop and what else runs;
// the parent's patience is child_wait_time, 5 s by default.
const lastScripts = 3 * time.Second

// stop ends operation, and the loop.
func (d *daemon) stop(why string) {
	if d.stopping {
		return
	}
	d.endOperation(why)
	d.landed()
}

// landed ends the loop once nothing is in flight any more: what the writer's
// thread still had to add must not outlive us.
func (d *daemon) landed() {
	if d.stopping && d.flying == 0 && d.loop != nil {
		d.loop.Stop()
	}
}

// endOperation: priority 0 first, since the standby router waits for it; then
// the addresses; then words.
func (d *daemon) endOperation(why string) {
	d.stopping = true
	if d.boot.KeepVRRP {
		d.keep()
	}
	d.step(vrrp.Stop{})
	d.static.active = false
	d.removeAll()
	for i, e := range d.edges {
		d.notify(&notice{kind: "INSTANCE", name: e.Name, state: "STOP", priority: d.node.Router(i).Priority, cause: why, scripts: &e.Notify, mail: e.Mail})
	}
	for i := range d.cfg.Groups {
		g := &d.cfg.Groups[i]
		d.notify(&notice{kind: "GROUP", name: g.Name, state: "STOP", cause: why, scripts: &g.Notify, mail: g.Mail})
	}
	if d.boot.KeepVRRP {
		d.say(slog.LevelInfo, kindAddress, "", "", "virtual addresses, routes and rules stay, as --dont-release-vrrp says")
	}
	d.outletsStopped()
	d.say(slog.LevelInfo, kindProcess, "", why, "Stopped: "+why)
}

// keep forgets the addresses, so that they stay (--dont-release-vrrp).
func (d *daemon) keep() {
	for _, e := range d.holders() {
		e.holds, e.routes, e.rules = nil, nil, nil
	}
	d.ghosts = nil
	clear(d.owners)
	clear(d.routeOwners)
	clear(d.ruleOwners)
}

// removeAll removes addresses and routes before the loop ends, however many;
// those that the writer's thread has in hand are compared again when it is done.
func (d *daemon) removeAll() {
	ops := d.plan(append(d.holders(), d.ghosts...))
	ops = slices.DeleteFunc(ops, d.tables.Pending)
	for len(ops) > 0 {
		n := min(len(ops), kernel.NowLimit)
		d.written(ops[:n], d.tables.ApplyNow(ops[:n]))
		ops = ops[n:]
	}
}

// end waits for what the loop started.
func (d *daemon) end() {
	for _, t := range d.trackers {
		t.gone = true
		t.end()
	}
	if d.files != nil {
		close(d.files.done)
	}
	if d.procs != nil {
		close(d.procs.done)
	}
	close(d.ended)
	if !d.scripts.Close(lastScripts) {
		d.sayf(slog.LevelWarn, kindNotify, "", "notify scripts still run after %v; they are left alone", lastScripts)
	}
	d.fifos.Close()
	d.closeMail()
	d.keeper.Close()
	d.endBeats()
	d.endSync()
	d.hands.Wait()
	d.endLinks()
	d.endWall()
	d.endLedger()
	d.outlets.feeder.Close(lastNews)
}
