package vrrpd

import (
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/plan"
	"github.com/holdfast-ha/holdfast/internal/proc"
	"github.com/holdfast-ha/holdfast/internal/track"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// tracker is one track script: the machine that says when, and its run.
type tracker struct {
	build.Script
	machine *track.Script
	process *proc.Process // of the present run, once it has started
	kill    bool          // the run is to be ended
	why     string        // it is down
	gone    bool          // no longer configured: results mean nothing
}

// retrack makes the set of trackers that of the configuration; scripts that
// stay what they were keep their state.
func (d *daemon) retrack(want []build.Script) {
	have := make([]build.Script, len(d.trackers))
	for i, t := range d.trackers {
		have[i] = t.Script
	}
	stays := make([]bool, len(have))
	var next []*tracker
	for i, at := range plan.Scripts(have, want) {
		s := want[i]
		if at < 0 {
			next = append(next, &tracker{Script: s, machine: track.New(d.now(), s.Track)})
			continue
		}
		t := d.trackers[at]
		stays[at] = true
		if t.Track != s.Track {
			d.trackStep(t, track.Reconfigure{Config: s.Track})
		}
		t.Script = s
		next = append(next, t)
	}
	for i, t := range d.trackers {
		if !stays[i] {
			t.gone = true
			t.end()
		}
	}
	d.trackers = next
}

// retell tells the machine again what is known of the scripts.
func (d *daemon) retell() {
	for _, t := range d.trackers {
		if t.machine.Known() {
			d.step(vrrp.Track{Name: build.ScriptTrack(t.Name), Up: t.machine.Up(), Why: t.why})
		}
	}
}

// nextTrack is the earliest deadline of all scripts.
func (d *daemon) nextTrack() (clock.Instant, bool) {
	var first clock.Instant
	found := false
	for _, t := range d.trackers {
		if at, ok := t.machine.Deadline(); ok && (!found || at < first) {
			first, found = at, true
		}
	}
	return first, found
}

// tickTrack serves the scripts whose time has come.
func (d *daemon) tickTrack(now clock.Instant, _ time.Duration) {
	for _, t := range d.trackers {
		if at, ok := t.machine.Deadline(); ok && at <= now {
			d.trackStep(t, track.Tick{})
		}
	}
}

func (d *daemon) trackStep(t *tracker, ev track.Event) {
	for _, action := range t.machine.Step(d.now(), ev) {
		switch a := action.(type) {
		case track.Start:
			d.runTracker(t)
		case track.Kill:
			t.end()
		case track.Report:
			d.scriptReport(t, a)
		}
	}
}

func (d *daemon) scriptReport(t *tracker, r track.Report) {
	t.why = r.Why
	if r.Up {
		d.sayf(slog.LevelInfo, kindTrack, t.Name, "VRRP_Script(%s) succeeded", t.Name)
	} else {
		d.say(slog.LevelWarn, kindTrack, t.Name, r.Why, "VRRP_Script("+t.Name+") failed: "+r.Why)
	}
	d.step(vrrp.Track{Name: build.ScriptTrack(t.Name), Up: r.Up, Why: r.Why})
}

// runTracker starts a run away from the loop: forking takes its time.
func (d *daemon) runTracker(t *tracker) {
	spec := d.spec(&t.Command, nil)
	spec.DieWithUs = true
	t.process, t.kill = nil, false
	d.hands.Go(func() {
		p, err := proc.Start(spec)
		result := proc.Result{ExitCode: -1, Err: err}
		if err == nil {
			d.post(func() { t.started(p) })
			result = p.Wait()
		}
		d.post(func() { d.trackEnded(t, result) })
	})
}

func (t *tracker) started(p *proc.Process) {
	t.process = p
	if t.kill || t.gone {
		p.Stop()
	}
}

// end ends the present run, if there is one.
func (t *tracker) end() {
	t.kill = true
	if t.process != nil {
		t.process.Stop()
	}
}

func (d *daemon) trackEnded(t *tracker, r proc.Result) {
	t.process = nil
	if t.gone || d.stopping {
		return
	}
	void := errors.Is(r.Err, unix.EAGAIN) || errors.Is(r.Err, unix.ENOMEM) || errors.Is(r.Err, unix.EMFILE) || errors.Is(r.Err, unix.ENFILE)
	d.trackStep(t, track.Result{OK: r.OK(), Why: r.String(), Void: void})
}
