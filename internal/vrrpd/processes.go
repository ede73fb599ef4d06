package vrrpd

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/kernel/procs"
	"github.com/holdfast-ha/holdfast/internal/track"
)

// processes are the tracked processes of a configuration. They are looked for
// away from the loop, which is told numbers.
type processes struct {
	tracked  []build.Process
	buffer   conf.Buffer
	machines []*track.Process // by index of tracked
	done     chan struct{}    // closed: they are not followed any more
}

// postPause is how long one waits where the loop has too much to do.
const postPause = time.Millisecond

// reprocess follows the processes of the next configuration. A set that stays
// what it was is left alone.
func (d *daemon) reprocess(want []build.Process) {
	had := d.procs
	if had != nil && had.buffer == d.cfg.Buffers.ProcessMonitor && slices.EqualFunc(had.tracked, want, sameProcess) {
		return
	}
	if had != nil {
		close(had.done)
	}
	p := &processes{tracked: want, buffer: d.cfg.Buffers.ProcessMonitor, done: make(chan struct{})}
	for _, t := range want {
		p.machines = append(p.machines, track.NewProcess(t.Quorum, t.Pattern.Program))
	}
	d.procs = p
	if len(want) > 0 && d.loop != nil {
		d.hands.Go(func() { d.followProcesses(p) })
	}
}

func sameProcess(a, b build.Process) bool {
	return a.Name == b.Name && a.Quorum == b.Quorum && a.Pattern.Program == b.Pattern.Program &&
		a.Pattern.Match == b.Pattern.Match && a.Pattern.Line == b.Pattern.Line && slices.Equal(a.Pattern.Params, b.Pattern.Params)
}

// followProcesses does not run on the loop.
func (d *daemon) followProcesses(p *processes) {
	patterns := make([]track.Pattern, len(p.tracked))
	for i := range p.tracked {
		patterns[i] = p.tracked[i].Pattern
	}
	watcher, err := procs.Watch(patterns, kernel.Buffer(p.buffer),
		func(i, n int) {
			for !d.post(func() { d.counted(p, i, n) }) { // a number that is lost is not told again
				select {
				case <-p.done:
					return
				case <-time.After(postPause):
				}
			}
		},
		func(err error) {
			d.post(func() { d.say(slog.LevelError, kindTrack, "", err.Error(), "track_process: "+err.Error()) })
		})
	if err != nil {
		d.post(func() { d.say(slog.LevelError, kindTrack, "", "", err.Error()) })
		return
	}
	<-p.done
	watcher.Close()
}

// counted takes how many processes there are.
func (d *daemon) counted(p *processes, i, n int) {
	if p != d.procs || d.stopping {
		return
	}
	m, name := p.machines[i], p.tracked[i].Name
	was := m.Running()
	r, changed := m.Count(d.now(), n)
	if up, known := m.Up(); changed {
		d.quorum(name, r)
	} else if known && !up { // it is as bad as it was, for want of others
		d.track(build.ProcessTrack(name), false, m.Why())
	}
	d.sayf(slog.LevelDebug, kindTrack, name, "Process %s, number of current processes changed from %d to %d", name, was, n)
}

// quorum tells the machine, and then the log.
func (d *daemon) quorum(name string, r track.Report) {
	d.track(build.ProcessTrack(name), r.Up, r.Why)
	switch {
	case r.Up && r.First:
		d.sayf(slog.LevelInfo, kindTrack, name, "Tracked process %s has its quorum: %s", name, r.Why)
	case r.Up:
		d.say(slog.LevelInfo, kindTrack, name, r.Why, fmt.Sprintf("Quorum gained for tracked process %s: %s", name, r.Why))
	default:
		d.say(slog.LevelWarn, kindTrack, name, r.Why, fmt.Sprintf("Quorum lost for tracked process %s: %s", name, r.Why))
	}
}

func (d *daemon) nextProcess() (first clock.Instant, any bool) {
	if d.procs == nil {
		return 0, false
	}
	for _, m := range d.procs.machines {
		if at, ok := m.Deadline(); ok && (!any || at.Before(first)) {
			first, any = at, true
		}
	}
	return first, any
}

// tickProcess: a change has lasted long enough.
func (d *daemon) tickProcess(now clock.Instant, _ time.Duration) {
	for i, m := range d.procs.machines {
		if r, changed := m.Tick(now); changed {
			d.quorum(d.procs.tracked[i].Name, r)
		}
	}
}
