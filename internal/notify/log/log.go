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
	"github.com/holdfast-ha/holdfast/internal/event"
)

// MaxLine bounds what is printed of one record, in bytes.
const MaxLine = 8 << 10

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
	out    []io.Writer // stderr, file
	file   *os.File
	syslog *syslogger
	buf    []byte
}

// Open prepares a Writer. suffix is put before the last dot of the file's
// name ("_vrrp"), as keepalived(8) says of -g.
func Open(o Options, suffix string) (*Writer, error) {
	w := &Writer{json: o.JSON}
	if o.Detail {
		w.least = slog.LevelDebug
	}
	if o.Console {
		w.out = append(w.out, os.Stderr)
	}
	if !o.NoSyslog {
		w.syslog = newSyslogger(defaultSocket, o.Facility, o.Ident)
	}
	if o.File == "" {
		return w, nil
	}
	f, err := os.OpenFile(withSuffix(o.File, suffix), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return w, fmt.Errorf("open the log file: %w", err)
	}
	w.file = f
	w.out = append(w.out, f)
	return w, nil
}

// To returns a Writer of text to out alone; for tests and one-shot commands.
func To(out io.Writer) *Writer { return &Writer{out: []io.Writer{out}} }

// withSuffix puts suffix before the last dot of the file's own name.
func withSuffix(name, suffix string) string {
	ext := filepath.Ext(name)
	return strings.TrimSuffix(name, ext) + suffix + ext
}

// Run prints what the reader hears until its end.
func (w *Writer) Run(r *bus.Reader) {
	for {
		records, lost, ok := r.Next()
		if !ok {
			return
		}
		if lost > 0 && len(records) > 0 {
			w.Write(event.Record{When: records[0].When, Level: slog.LevelWarn, Part: "log", Kind: "log",
				What: fmt.Sprintf("%d older records were lost: the log could not be written fast enough", lost)})
		}
		w.Write(records...)
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
		if len(w.out) == 0 {
			continue
		}
		if w.json {
			w.buf = appendJSON(w.buf, r)
		} else {
			w.buf = appendText(w.buf, r)
		}
		if len(w.buf) > 16*MaxLine {
			w.flush()
		}
	}
	w.flush()
}

func (w *Writer) flush() {
	if len(w.buf) == 0 {
		return
	}
	for _, out := range w.out {
		_, _ = out.Write(w.buf) // nobody is left to tell
	}
	w.buf = w.buf[:0]
}

// Close releases what Open took.
func (w *Writer) Close() error {
	var errs []error
	if w.file != nil {
		errs = append(errs, w.file.Close())
	}
	if w.syslog != nil {
		w.syslog.close()
	}
	return errors.Join(errs...)
}
