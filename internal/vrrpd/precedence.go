package vrrpd

import (
	"log/slog"
	"time"

	"github.com/holdfast-ha/holdfast/internal/loop"
)

// precedence asks for what the configuration wants of the scheduler, or for
// more where the process was late before; and to be woken promptly in any case.
func (d *daemon) precedence() {
	if d.loop == nil {
		return
	}
	defer loop.Prompt()
	p := loop.Precedence(d.cfg.Process.Precedence)
	p.RTPriority = max(p.RTPriority, min(d.raised, d.cfg.AutoPriority))
	if err := d.keeper.Set(d.loop, p); err != nil {
		d.say(slog.LevelWarn, kindProcess, "", "", err.Error())
	}
}

// raise gives the process a higher real-time priority after it was late: the
// lowest at first and one more each time (max_auto_priority).
func (d *daemon) raise(late time.Duration) {
	prio := max(d.raised, d.cfg.Process.RTPriority)
	if prio >= d.cfg.AutoPriority || late < d.cfg.AutoDelay {
		return
	}
	d.raised = prio + 1
	d.sayf(slog.LevelWarn, kindProcess, "", "Set realtime priority to %d: a deadline was served %s late", d.raised, late.Round(time.Millisecond))
	d.precedence()
}
