package vrrpd

import (
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
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
	places
	resumed clock.Instant
	values  map[string]uint64 // what is noted of tracked objects
}

// places is where a configuration's notes are.
type places struct {
	keys   []uint64       // of all, in their order
	tracks map[string]int // of tracked objects, by name
}

// Places besides those of routers, which follow in their order, and of tracked
// objects. Routers that have none yet note what nobody reads in the first.
const (
	atApart = 1 + iota
	atResumed
	atRouters
)

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

// identity is the key of a virtual router, by what a reload compares (vrrp.Match).
func identity(r *build.Router) uint64 {
	b := append(make([]byte, 0, 64), "router "...)
	b = append(strconv.AppendQuote(b, r.Name), ' ')
	b = append(strconv.AppendQuote(b, r.Interface), ' ')
	b = append(strconv.AppendInt(b, int64(r.VRID), 10), ' ')
	return ipc.Key(strconv.AppendInt(b, int64(r.Family), 10))
}

func trackKey(name string) uint64 {
	return ipc.Key(append(append(make([]byte, 0, 64), "track "...), name...))
}

// placesOf gives a configuration's routers and tracked objects their places.
func placesOf(cfg *build.VRRP) places {
	n := atRouters + len(cfg.Routers)
	p := places{keys: append(make([]uint64, 0, 2*n), 0, ipc.Key(noteApart), ipc.Key(noteResumed)), tracks: make(map[string]int, n)}
	for i := range cfg.Routers {
		p.keys = append(p.keys, identity(&cfg.Routers[i]))
	}
	for i := range cfg.Node.Routers {
		p.place(cfg.Node.Routers[i].Tracks)
	}
	for i := range cfg.Node.Groups {
		p.place(cfg.Node.Groups[i].Tracks)
	}
	return p
}

func (p *places) place(refs []vrrp.TrackRef) {
	for _, ref := range refs {
		if _, ok := p.tracks[ref.Name]; !ok {
			p.tracks[ref.Name] = len(p.keys)
			p.keys = append(p.keys, trackKey(ref.Name))
		}
	}
}

// renote takes over places, and writes down again what is known, unless they
// are what they were.
func (d *daemon) renote(p places) {
	for i, e := range d.edges {
		e.note = atRouters + i
	}
	if slices.Equal(d.notes.keys, p.keys) {
		return
	}
	d.notes.places = p
	d.notes.Begin(p.keys)
	d.noteApart()
	d.notes.Set(atResumed, uint64(d.notes.resumed)) // not negative
	for _, e := range d.edges {
		if e.active {
			d.notes.Set(e.note, uint64(e.sent)) // not negative
		}
	}
	for name, at := range d.notes.tracks {
		d.notes.Set(at, d.notes.values[name])
	}
}

// noteApart notes how long the machine has been suspended in all.
func (d *daemon) noteApart() { d.notes.Set(atApart, apart(d.read())) }

func apart(r clock.Reading) uint64 { return uint64(r.Boot-int64(r.Mono)) + 1 } // boot time is ahead

// noteAdvert notes that a master has sent an advert, or is none any more.
func (d *daemon) noteAdvert(e *edge, at clock.Instant) {
	e.sent = at
	d.notes.Set(e.note, uint64(at)) // not negative
}

// noteTrack notes what is known of a tracked object.
func (d *daemon) noteTrack(ev vrrp.Track) {
	v := uint64(uint32(int32(ev.Number)))<<2 | 1 // keepalived's numbers are of 32 bits
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
// of yet (tracks are by name). The machine judges whether that was soon enough.
func (d *daemon) resume(past map[uint64]uint64, tracks map[string]int) (held []vrrp.Held) {
	for i, e := range d.edges {
		if sent := past[identity(e.Router)]; sent != 0 && e.problem == "" {
			held = append(held, vrrp.Held{Router: i, Sent: clock.Instant(sent)}) // written by noteAdvert
		}
	}
	if len(held) == 0 {
		return nil
	}
	resumed, now := clock.Instant(past[ipc.Key(noteResumed)]), d.now() // written by renote
	slept := time.Duration(apart(d.read()) - past[ipc.Key(noteApart)]) // may be negative
	switch {
	case slept.Abs() > sameSleep:
		return nil
	case resumed != 0 && now.Sub(resumed) < calmFor:
		d.notes.resumed = resumed
		d.sayf(slog.LevelWarn, kindProcess, "", "this process was master, and died twice within %v: it begins as backup", calmFor)
		return nil
	}
	d.notes.resumed = now
	for name := range tracks {
		v, known := past[trackKey(name)]
		if _, told := d.notes.values[name]; known && !told {
			d.step(vrrp.Track{Name: name, Up: v&2 != 0, Number: int(int32(v >> 2)), Why: "as before"}) // see noteTrack
		}
	}
	return held
}
