// Package log prints event.Records: as text on stderr, to syslog, to a file,
// or as JSON, one object a line.
//
// It only prints. What is worth telling is decided where the Record is made;
// the bus carries it here, so that no loop ever waits for a disk or a reader.
package log

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/event"
)

// MaxLine bounds what is printed of one record, in bytes.
const MaxLine = 8 << 10

// flushAt is how many bytes of lines go in one write, less what the last of them
// has beyond it.
const flushAt = 56 << 10

// Options says where to; the fields are those of ipc.LogOptions.
type Options struct {
	Console  bool   // -l: stderr
	Detail   bool   // -D: also records of level debug
	NoSyslog bool   // -G
	Facility int    // -S: a syslog facility number (RFC 3164 §4.1.1), 3 (daemon) by default
	File     string // -g
	JSON     bool   // one JSON object a line instead of text, on stderr and in the file
	Ident    string // the program's name in syslog
}

// Writer prints records; it belongs to one goroutine.
type Writer struct {
	least  slog.Level
	json   bool
	sinks  []*sink // stderr, file
	file   *file
	syslog *syslogger
	buf    []byte
	count  int           // records in buf
	when   clock.Reading // of the last
}

// Open prepares a Writer, also if it returns an error: a log file that cannot be
// opened is tried again with every record. suffix is put before the last dot of the file's
// name ("_vrrp"), as keepalived(8) says of -g.
func Open(o Options, suffix string) (*Writer, error) {
	w := &Writer{json: o.JSON}
	if o.Detail {
		w.least = slog.LevelDebug
	}
	if o.Console {
		w.sinks = append(w.sinks, &sink{out: os.Stderr})
	}
	if !o.NoSyslog {
		w.syslog = newSyslogger(defaultSocket, o.Facility, o.Ident)
	}
	if o.File == "" {
		return w, nil
	}
	w.file = &file{name: withSuffix(o.File, suffix)}
	w.sinks = append(w.sinks, &sink{out: w.file})
	if err := w.file.open(); err != nil {
		return w, fmt.Errorf("open the log file: %w", err)
	}
	return w, nil
}

// To returns a Writer of text to out alone; for tests and one-shot commands.
func To(out io.Writer) *Writer { return &Writer{sinks: []*sink{{out: out}}} }

// withSuffix puts suffix before the last dot of the file's own name.
func withSuffix(name, suffix string) string {
	ext := filepath.Ext(name)
	return strings.TrimSuffix(name, ext) + suffix + ext
}

// Run prints what the reader hears until its end. Where printed is not nil it is
// told the number of the last record that was.
func (w *Writer) Run(r *bus.Reader, printed func(n uint64)) {
	for {
		records, lost, ok := r.Next()
		if !ok {
			return
		}
		if lost > 0 && len(records) > 0 {
			w.Write(own(records[0].When, fmt.Sprintf("%d older records were lost: the log could not be written fast enough", lost)))
		}
		w.Write(records...)
		if printed != nil {
			printed(r.Seen())
		}
	}
}

// Write prints records, several in one write where nothing stands between.
func (w *Writer) Write(records ...event.Record) {
	w.buf = w.buf[:0]
	for i := range records {
		r := &records[i]
		if r.Level < w.least {
			continue
		}
		if w.syslog != nil {
			w.syslog.write(r)
		}
		if len(w.sinks) == 0 {
			continue
		}
		w.buf = w.append(w.buf, r)
		w.count, w.when = w.count+1, r.When
		if len(w.buf) > flushAt {
			w.flush()
		}
	}
	w.flush()
}

// own is a record of the log about itself.
func own(when clock.Reading, what string) event.Record {
	return event.Record{When: when, Level: slog.LevelWarn, Part: "log", Kind: "log", What: what}
}

func (w *Writer) append(b []byte, r *event.Record) []byte {
	if w.json {
		return appendJSON(b, r)
	}
	return appendText(b, r)
}

func (w *Writer) flush() {
	if len(w.buf) == 0 {
		return
	}
	var fails []error
	for _, s := range w.sinks {
		if s.lost > 0 {
			r := own(w.when, fmt.Sprintf("%d records were lost: %v", s.lost, s.why))
			s.resume(w.append(nil, &r))
		}
		if err := s.write(w.buf, w.count); err != nil {
			fails = append(fails, err)
		}
	}
	w.buf, w.count = w.buf[:0], 0
	for _, err := range fails {
		w.tellOthers(err)
	}
}

// tellOthers says where there is still room that there is none elsewhere.
func (w *Writer) tellOthers(err error) {
	r := own(w.when, fmt.Sprintf("records are lost until it can be written again: %v", err))
	if w.syslog != nil {
		w.syslog.write(&r)
	}
	for _, s := range w.sinks {
		if s.lost == 0 {
			_ = s.write(w.append(nil, &r), 1)
		}
	}
}

// Close releases what Open took.
func (w *Writer) Close() error {
	var errs []error
	if w.file != nil {
		errs = append(errs, w.file.close())
	}
	if w.syslog != nil {
		w.syslog.close()
	}
	return errors.Join(errs...)
}
