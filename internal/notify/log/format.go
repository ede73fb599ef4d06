package log

import (
	"encoding/json"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/holdfast-ha/holdfast/internal/event"
)

// stamp is the time in a text line: local time, to the millisecond.
const stamp = "2006-01-02 15:04:05.000"

// appendText appends one line: time, part, a word for what is worse than
// information, the message.
func appendText(b []byte, r *event.Record) []byte {
	b = wall(r).AppendFormat(b, stamp)
	b = append(b, ' ')
	b = append(b, r.Part...)
	b = append(b, ": "...)
	b = append(b, word(r.Level)...)
	b = appendClean(b, r.What)
	return append(b, '\n')
}

func wall(r *event.Record) time.Time { return time.Unix(0, r.When.Wall) }

// word names the levels that deserve it.
func word(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error: "
	case l >= slog.LevelWarn:
		return "warning: "
	}
	return ""
}

// appendClean appends one line's worth of s: control characters, which could
// forge another line or steer a terminal, become spaces.
func appendClean(b []byte, s string) []byte {
	cut := len(s) > MaxLine
	if cut {
		s = s[:MaxLine]
	}
	for _, c := range s {
		if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 || c == utf8.RuneError {
			c = ' '
		}
		b = utf8.AppendRune(b, c)
	}
	if cut {
		b = append(b, " [cut]"...)
	}
	return b
}

// line is one record as JSON.
type line struct {
	Time   string `json:"time"`
	Level  string `json:"level"`
	Part   string `json:"part"`
	Kind   string `json:"kind,omitempty"`
	Object string `json:"object,omitempty"`
	What   string `json:"what"`
	Cause  string `json:"cause,omitempty"`
}

func appendJSON(b []byte, r *event.Record) []byte {
	text := r.What
	if len(text) > MaxLine {
		text = text[:MaxLine] + " [cut]"
	}
	out, err := json.Marshal(line{wall(r).Format(time.RFC3339Nano), level(r.Level), r.Part, r.Kind, r.Object, text, r.Cause})
	if err != nil {
		return appendText(b, r)
	}
	return append(append(b, out...), '\n')
}

func level(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warn"
	case l >= slog.LevelInfo:
		return "info"
	}
	return "debug"
}
