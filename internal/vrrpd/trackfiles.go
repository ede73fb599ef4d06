package vrrpd

import (
	"fmt"
	"log/slog"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/internal/probe/file"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// trackFiles are the track files of a configuration. A disk may take its time,
// so it is looked at away from the loop, which is told numbers.
type trackFiles struct {
	files []conf.TrackFile
	done  chan struct{} // closed: they are not followed any more
	state []fileState   // by index of files
}

type fileState struct {
	known  bool
	number int
	wrong  string // why the file cannot be read, as told last
}

// refile follows the track files of the next configuration. A set that stays
// what it was is left alone.
func (d *daemon) refile(want []conf.TrackFile) {
	had := d.files
	if had != nil && slices.EqualFunc(had.files, want, sameFile) {
		return
	}
	if had != nil {
		close(had.done)
	}
	f := &trackFiles{files: want, done: make(chan struct{}), state: make([]fileState, len(want))}
	d.files = f
	if len(want) > 0 && d.loop != nil {
		d.hands.Go(func() { d.follow(f, had == nil) })
	}
}

func sameFile(a, b conf.TrackFile) bool {
	a.Pos, b.Pos = conf.Pos{}, conf.Pos{}
	return a == b
}

// follow does not run on the loop. Files are made at first where that is wanted
// [init_file]; those that are there are overwritten at the start only.
func (d *daemon) follow(f *trackFiles, start bool) {
	paths := make([]string, len(f.files))
	for i, t := range f.files {
		paths[i] = t.Path
		if !t.Init {
			continue
		}
		if err := file.Init(t.Path, t.Value, t.Overwrite && start); err != nil {
			d.post(func() { d.sayf(slog.LevelWarn, kindTrack, t.Name, "track_file %s: %v", t.Name, err) })
		}
	}
	follower, err := files.Follow(paths, func(i int) {
		n, err := file.Value(paths[i])
		d.post(func() { d.fileHolds(f, i, n, err) })
	})
	if err != nil {
		d.post(func() { d.say(slog.LevelError, kindTrack, "", "", err.Error()) })
		return
	}
	<-f.done
	follower.Close()
}

// fileHolds takes a file's number. What cannot be read goes on counting as it
// did; what never could be, as 0.
func (d *daemon) fileHolds(f *trackFiles, i, n int, err error) {
	if f != d.files || d.stopping {
		return
	}
	t, s := &f.files[i], &f.state[i]
	if err != nil {
		if why := err.Error(); why != s.wrong {
			s.wrong = why
			d.say(slog.LevelWarn, kindTrack, t.Name, why, fmt.Sprintf("track_file %s counts as %d: %s", t.Name, s.number, why))
		}
		n = s.number
	} else {
		s.wrong = ""
	}
	if s.known && s.number == n {
		return
	}
	if s.known {
		d.sayf(slog.LevelInfo, kindTrack, t.Name, "track_file %s holds %d, before %d", t.Name, n, s.number)
	}
	s.known, s.number = true, n
	d.tellFile(t, s)
}

// tellFile tells the machine what a file holds.
func (d *daemon) tellFile(t *conf.TrackFile, s *fileState) {
	d.step(vrrp.Track{
		Name: build.FileTrack(t.Name), Up: s.number == 0, Number: s.number, Why: fmt.Sprintf("holds %d", s.number),
	})
}

// retellFiles tells the machine again what is known of the files.
func (d *daemon) retellFiles() {
	for i := range d.files.files {
		if s := &d.files.state[i]; s.known {
			d.tellFile(&d.files.files[i], s)
		}
	}
}
