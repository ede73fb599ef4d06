package vrrpd

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// A process that dies should not move the addresses: its successor is there
// before anybody has missed three adverts. So it writes down when it sent the
// last advert of each virtual router that it is master of, and what is known
// of tracked objects; who is started again reads that, and goes on.
const (
	// calmFor is how long after going on a process must have lived to go on once
	// more: who dies again and again had better leave the addresses to others.
	calmFor = time.Minute
	// sameSleep is how much more the machine may have been suspended since, going
	// by two clocks that are read one after the other.
	sameSleep = 10 * time.Millisecond
)

// Notes besides those of routers and tracked objects.
const (
	noteApart   = "apart"   // boot time less monotonic time, in ns
	noteResumed = "resumed" // when a process last went on, CLOCK_MONOTONIC in ns
)

// notes is what this process writes down.
type notes struct {
	ipc.Notes
	resumed clock.Instant
	tracks  map[string]int    // places
	values  map[string]uint64 // what is noted of tracked objects
}

// openNotes maps the memory that the parent keeps.
func (d *daemon) openNotes() {
	d.notes.values = map[string]uint64{}
	if d.boot.NotesFD <= 0 {
		return
	}
	var err error
	if d.notes.Notes, err = ipc.OpenNotes(d.boot.NotesFD); err != nil {
		d.say(slog.LevelWarn, kindProcess, "", "", err.Error())
	}
}

// identity names a virtual router as a reload compares it (vrrp.Match).
func (e *edge) identity() string {
	return fmt.Sprintf("router %q %q %d %d", e.Name, e.Interface, e.VRID, e.Family)
}

// renote gives the configuration's routers and tracked objects their places,
// and writes down again what is known.
func (d *daemon) renote() {
	names := []string{"", noteApart, noteResumed} // routers without a place yet have the first
	for _, e := range d.edges {
		e.note = len(names)
		names = append(names, e.identity())
	}
	d.notes.tracks = map[string]int{}
	for i := range d.cfg.Node.Routers {
		names = d.notes.place(names, d.cfg.Node.Routers[i].Tracks)
	}
	for i := range d.cfg.Node.Groups {
		names = d.notes.place(names, d.cfg.Node.Groups[i].Tracks)
	}
	d.notes.Begin(names)
	d.noteApart()
	d.notes.Set(2, uint64(d.notes.resumed)) //nolint:gosec // not negative
	for _, e := range d.edges {
		if e.active {
			d.notes.Set(e.note, uint64(e.sent)) //nolint:gosec // not negative
		}
	}
	for name, at := range d.notes.tracks {
		d.notes.Set(at, d.notes.values[name])
	}
}

func (n *notes) place(names []string, refs []vrrp.TrackRef) []string {
	for _, ref := range refs {
		if _, ok := n.tracks[ref.Name]; !ok {
			n.tracks[ref.Name] = len(names)
			names = append(names, "track "+ref.Name)
		}
	}
	return names
}

// noteApart notes how long the machine has been suspended in all.
func (d *daemon) noteApart() { d.notes.Set(1, apart(d.read())) }

func apart(r clock.Reading) uint64 { return uint64(r.Boot-int64(r.Mono)) + 1 } //nolint:gosec // boot time is ahead

// noteAdvert notes that a master has sent an advert, or is none any more.
func (d *daemon) noteAdvert(e *edge, at clock.Instant) {
	e.sent = at
	d.notes.Set(e.note, uint64(at)) //nolint:gosec // not negative
}

// noteTrack notes what is known of a tracked object.
func (d *daemon) noteTrack(ev vrrp.Track) {
	v := uint64(uint32(int32(ev.Number)))<<2 | 1 //nolint:gosec // keepalived's numbers are of 32 bits
	if ev.Up {
		v |= 2
	}
	d.notes.values[ev.Name] = v
	if at, ok := d.notes.tracks[ev.Name]; ok {
		d.notes.Set(at, v)
	}
}

// resume returns the routers that this process goes on with as master, having
// told the machine what its predecessor knew of objects that nothing is known
// of yet. The machine judges whether that was soon enough.
func (d *daemon) resume(past map[uint64]uint64) (held []vrrp.Held) {
	for i, e := range d.edges {
		if sent := past[ipc.Key(e.identity())]; sent != 0 && e.problem == "" {
			held = append(held, vrrp.Held{Router: i, Sent: clock.Instant(sent)}) //nolint:gosec // written by noteAdvert
		}
	}
	if len(held) == 0 {
		return nil
	}
	resumed, now := clock.Instant(past[ipc.Key(noteResumed)]), d.now() //nolint:gosec // written by renote
	slept := time.Duration(apart(d.read()) - past[ipc.Key(noteApart)]) //nolint:gosec // may be negative
	switch {
	case slept.Abs() > sameSleep:
		return nil
	case resumed != 0 && now.Sub(resumed) < calmFor:
		d.notes.resumed = resumed
		d.sayf(slog.LevelWarn, kindProcess, "", "this process was master, and died twice within %v: it begins as backup", calmFor)
		return nil
	}
	d.notes.resumed = now
	for name := range trackNames(&d.cfg) {
		v, known := past[ipc.Key("track "+name)]
		if _, told := d.notes.values[name]; known && !told {
			d.step(vrrp.Track{Name: name, Up: v&2 != 0, Number: int(int32(v >> 2)), Why: "as before"}) //nolint:gosec // see noteTrack
		}
	}
	return held
}
