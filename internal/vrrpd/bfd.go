package vrrpd

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/bfd"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/loop"
)

// bfdPatience is how long nothing may be heard of the BFD child before its
// sessions count as down: it may have to be started again, and then its
// sessions have to come up.
const bfdPatience = 10 * time.Second

// sessions are what the BFD child has said, over a link that the parent made.
// A child that dies takes nothing with it: the next one tells anew.
type sessions struct {
	link   ipc.Sibling
	heard  map[string]bfd.Verdict // of all, also those that nobody tracks yet
	giveUp clock.Instant          // when there must be a link; 0 = there is one, or none is needed
}

// linkBFD takes the socket to a BFD child that has just begun to serve.
func (d *daemon) linkBFD(fd int) {
	if err := d.bfd.link.Attach(d.loop, fd, unix.EPOLLIN|loop.First, d.readBFD, d.bfdGone); err != nil {
		d.say(slog.LevelError, kindTrack, "", "", "hear of BFD sessions: "+err.Error())
		return
	}
	d.bfd.giveUp = 0
	if d.awaitsBFD() {
		d.bfd.giveUp = d.now().Add(bfdPatience)
	}
}

// bfdGone: what it said last holds until the next one speaks.
func (d *daemon) bfdGone() { d.bfd.giveUp = d.now().Add(bfdPatience) }

func (d *daemon) readBFD(c *ipc.Conn) error { return ipc.ReadEach(c, ipc.Sessions, d.toldBFD) }

// toldBFD takes what has become of sessions.
func (d *daemon) toldBFD(told []bfd.Verdict) {
	if d.bfd.heard == nil {
		d.bfd.heard = map[string]bfd.Verdict{}
	}
	for _, v := range told {
		d.bfd.heard[v.Name] = v
		if slices.Contains(d.cfg.BFDs, v.Name) {
			d.tellBFD(v)
		}
	}
	if !d.awaitsBFD() {
		d.bfd.giveUp = 0
	}
}

// tellBFD tells the machine at once, and the log after it.
func (d *daemon) tellBFD(v bfd.Verdict) {
	name := build.BFDTrack(v.Name)
	last, known := d.told[name]
	d.track(name, v.Up, v.Why)
	switch {
	case known && last.up == v.Up:
	case v.Up:
		d.say(slog.LevelInfo, kindTrack, v.Name, v.Why, fmt.Sprintf("Tracked BFD instance %s is UP: %s", v.Name, v.Why))
	default:
		d.say(slog.LevelWarn, kindTrack, v.Name, v.Why, fmt.Sprintf("Tracked BFD instance %s is DOWN: %s", v.Name, v.Why))
	}
}

// awaitsBFD reports whether there are sessions that nothing is known of.
func (d *daemon) awaitsBFD() bool {
	return slices.ContainsFunc(d.cfg.BFDs, func(name string) bool {
		_, known := d.told[build.BFDTrack(name)]
		return !known
	})
}

// noBFD is why sessions are down where nobody has them.
const noBFD = "there is no BFD child (--no_bfd)"

// rebfd follows the sessions of the next configuration. Without a BFD child
// they are down from the start, as with keepalived.
func (d *daemon) rebfd() {
	if d.boot.NoBFD {
		for _, name := range d.cfg.BFDs {
			d.tellBFD(bfd.Verdict{Name: name, Why: noBFD})
		}
		return
	}
	for _, name := range d.cfg.BFDs {
		if v, known := d.bfd.heard[name]; known {
			d.tellBFD(v)
		}
	}
	if d.awaitsBFD() {
		d.bfd.giveUp = d.now().Add(bfdPatience)
	}
}

func (d *daemon) nextBFD() (clock.Instant, bool) { return d.bfd.giveUp, d.bfd.giveUp != 0 }

// tickBFD: nothing is heard of the BFD child. Its sessions are as good as down.
func (d *daemon) tickBFD(clock.Instant, time.Duration) {
	d.bfd.giveUp = 0
	for _, name := range d.cfg.BFDs {
		_, known := d.told[build.BFDTrack(name)]
		switch {
		case d.bfd.link.Conn() == nil:
			d.tellBFD(bfd.Verdict{Name: name, Why: fmt.Sprintf("there has been no BFD child for %v", bfdPatience)})
		case !known:
			d.tellBFD(bfd.Verdict{Name: name, Why: fmt.Sprintf("the BFD child has said nothing of it for %v", bfdPatience)})
		}
	}
}
