package vrrpd

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/kernel"
)

// beatEvery is how often a polled link is asked (linkbeat_interfaces). Drivers
// may sleep over the answer, so it is asked beside the loop.
const beatEvery = 500 * time.Millisecond

// beats is the polling of links.
type beats struct {
	polled []conf.Linkbeat
	up     map[string]bool // the latest answers
	stop   chan struct{}   // of the poller, nil while there is none
}

// pollLinks begins and ends polling as the configuration wants.
func (d *daemon) pollLinks() {
	b := &d.beats
	if slices.Equal(b.polled, d.cfg.Linkbeats) || d.reflector == nil {
		return
	}
	d.endBeats()
	b.polled, b.up = d.cfg.Linkbeats, map[string]bool{}
	if len(b.polled) == 0 {
		return
	}
	for _, p := range b.polled {
		d.sayf(slog.LevelInfo, kindTrack, p.Interface, "the link of %s is polled", p.Interface)
	}
	polled, stop := b.polled, make(chan struct{})
	b.stop, b.up = stop, ask(polled) // the first answers come before anything is told
	d.hands.Go(func() { d.beat(polled, stop) })
}

func (d *daemon) endBeats() {
	if d.beats.stop != nil {
		close(d.beats.stop)
		d.beats.stop = nil
	}
}

// ask asks every link once; those that are not there have no answer.
func ask(polled []conf.Linkbeat) map[string]bool {
	up := map[string]bool{}
	for _, p := range polled {
		if v, err := kernel.Beat(p.Interface, p.Kind); err == nil {
			up[p.Interface] = v
		}
	}
	return up
}

// beat asks until it is stopped, and tells the loop what has changed.
func (d *daemon) beat(polled []conf.Linkbeat, stop chan struct{}) {
	last := map[string]bool{}
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		now := ask(polled)
		if maps.Equal(now, last) {
			continue
		}
		last = now
		d.post(func() {
			if d.beats.stop == stop && !d.stopping {
				d.beats.up = now
				d.interfaces(d.cfg.Interfaces)
			}
		})
	}
}

// carries reports whether an interface that is set up may carry adverts: as the
// kernel says, or as its driver does where that is asked.
func (d *daemon) carries(l kernel.Link) bool {
	if up, polled := d.beats.up[l.Name]; polled {
		return up && !l.Down()
	}
	return l.Up()
}
