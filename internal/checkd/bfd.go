package checkd

import (
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/bfd"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/probe"
)

// sessions are what the BFD child has said of its sessions, over a link that
// the parent made. The attempt of a BFD_CHECK lasts until there is news; so
// nothing is polled, and what was said last holds while a BFD child that died
// is started again.
type sessions struct {
	link     ipc.Sibling
	verdicts map[string]bfd.Verdict
	answered []*monitor // whose attempt ended as it began
}

// linkBFD takes the socket to a BFD child that has just begun to serve.
func (d *daemon) linkBFD(fd int) {
	if err := d.bfd.link.Attach(d.loop, fd, unix.EPOLLIN, d.readBFD, nil); err != nil {
		d.tell(record{level: slog.LevelError, what: "hear of BFD sessions: " + err.Error()})
	}
}

func (d *daemon) readBFD(c *ipc.Conn) error {
	err := ipc.ReadEach(c, ipc.Sessions, func(told []bfd.Verdict) {
		for _, v := range told {
			d.toldBFD(v)
		}
	})
	d.settle()
	return err
}

// toldBFD ends the attempts that waited for this.
func (d *daemon) toldBFD(v bfd.Verdict) {
	if d.bfd.verdicts == nil {
		d.bfd.verdicts = map[string]bfd.Verdict{}
	}
	d.bfd.verdicts[v.Name] = v
	now := d.loop.Now()
	for _, p := range d.order {
		for _, s := range p.order {
			for _, c := range s.checks {
				if m := c.monitor; c.plan.Probe.BFD == v.Name && m.awaits && m.news(v) {
					d.report(now, m)
				}
			}
		}
	}
}

// news reports whether a verdict differs from what the check has found.
func (m *monitor) news(v bfd.Verdict) bool { return !m.machine.Known() || m.machine.Up() != v.Up }

// awaitBFD is the attempt of a BFD_CHECK: it ends when there is news.
func (d *daemon) awaitBFD(m *monitor) {
	m.awaits = true
	if v, known := d.bfd.verdicts[m.plan.Probe.BFD]; known && m.news(v) {
		d.bfd.answered = append(d.bfd.answered, m)
	}
}

// report ends an attempt with what was last said of its session.
func (d *daemon) report(now clock.Instant, m *monitor) {
	if !m.awaits {
		return
	}
	m.awaits = false
	v := d.bfd.verdicts[m.plan.Probe.BFD]
	r := probe.Result{OK: v.Up, Detail: v.Why}
	d.finished(now, m, r)
}
