package parent

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/files"
)

// timed is a reload at an appointed time (reload_time_file).
type timed struct {
	file   string
	repeat bool
	follow *files.Follower
	at     time.Time // zero: there is no appointment
	daily  bool      // it has no date
	look   clock.Instant
}

// appointment is what the file says: at is zero where it says nothing.
type appointment struct {
	file  string
	at    time.Time
	daily bool
	wrong string
}

// lookAgain bounds the sleep until an appointment, for the wall clock may be set.
const lookAgain = time.Minute

// due is when to look at the clock on the wall.
func (t *timed) due() (clock.Instant, bool) { return t.look, !t.at.IsZero() }

// sleep sets the time of the next look.
func (t *timed) sleep() { t.look = now().Add(min(max(time.Until(t.at), 0), lookAgain)) }

// schedule follows the file that the configuration names.
func (h *house) schedule() {
	r, t := &h.report.Reloads, &h.timed
	if r.TimeFile == t.file {
		t.repeat = r.Repeat
		return
	}
	if t.follow != nil {
		h.work.Go(t.follow.Close) // it may wait for the loop to take an appointment
	}
	path := r.TimeFile
	*t = timed{file: path, repeat: r.Repeat}
	if path == "" {
		return
	}
	var err error
	if t.follow, err = files.Follow([]string{path}, func(int) { h.post(readAppointment(path)) }); err != nil {
		h.tell(slog.LevelWarn, "config", "follow reload_time_file: %v", err)
	}
}

// maxAppointment bounds the first line of reload_time_file, in bytes.
const maxAppointment = 64

// readAppointment reads the file; one that is not there appoints nothing.
func readAppointment(path string) appointment {
	a := appointment{file: path}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return a
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxAppointment))
	if err != nil || len(b) == 0 {
		return a
	}
	line, _, _ := strings.Cut(string(b), "\n")
	a.at, a.daily, a.wrong = parseAppointment(line, time.Now())
	return a
}

// parseAppointment understands HH:MM:SS, YY-MM-DD HH:MM:SS and
// YYYY-MM-DD HH:MM:SS, with an optional Z. A time without a date is the next
// of that name; one that has passed is wrong.
func parseAppointment(line string, now time.Time) (at time.Time, daily bool, wrong string) {
	zone := now.Location()
	text, utc := strings.CutSuffix(line, "Z")
	if utc {
		zone = time.UTC
	}
	layout := map[int]string{8: time.TimeOnly, 17: "06-01-02 15:04:05", 19: time.DateTime}[len(text)]
	at, err := time.ParseInLocation(layout, text, zone)
	if layout == "" || err != nil {
		return time.Time{}, false, fmt.Sprintf("Reload time %q format is incorrect - ignoring", line)
	}
	if layout != time.TimeOnly {
		if !at.After(now) {
			return time.Time{}, false, fmt.Sprintf("Reload date/time %s invalid - ignoring: it has passed", line)
		}
		return at, false, ""
	}
	y, m, d := now.In(zone).Date()
	at = time.Date(y, m, d, at.Hour(), at.Minute(), at.Second(), 0, zone)
	if !at.After(now) {
		at = at.AddDate(0, 0, 1)
	}
	return at, true, ""
}

// appointed takes what the file says.
func (h *house) appointed(a appointment) {
	t := &h.timed
	if a.file != t.file || a.at.Equal(t.at) && a.wrong == "" {
		return
	}
	was := t.at
	t.at, t.daily = a.at, a.daily
	t.sleep()
	switch {
	case a.wrong != "":
		h.tell(slog.LevelWarn, "config", "%s: %s", t.file, a.wrong)
	case !t.at.IsZero():
		h.tell(slog.LevelInfo, "config", "Scheduling reload for %s", t.at.Format(time.DateTime))
	case !was.IsZero():
		h.tell(slog.LevelInfo, "config", "Cancelling reload scheduled for %s", was.Format(time.DateTime))
	}
}

// reloadAtTime reloads if the time has come.
func (h *house) reloadAtTime() {
	t := &h.timed
	if t.sleep(); time.Now().Before(t.at) || h.stopping {
		return
	}
	at := t.at
	t.at = time.Time{}
	if t.repeat && t.daily {
		t.at = at.AddDate(0, 0, 1)
		t.sleep()
	}
	if !t.repeat {
		_ = os.Remove(t.file) // it has done its work
	}
	h.tell(slog.LevelInfo, "config", "The time in %s has come: %s", t.file, at.Format(time.DateTime))
	h.reload()
}
