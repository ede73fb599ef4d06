package expand

import (
	"strings"
	"unsafe"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// special are the bytes that make a line more than plain words.
const special = "$#!\\\x00"

// file is a file being read.
type file struct {
	name   string
	data   string
	frame  int32
	pos    int               // offset of the next line
	no     int32             // number of the line before it
	ahead  [len(special)]int // offset of the next byte of each kind, len(data) if none
	first  int               // the least of them
	before check             // include_check of the file that included this one
	holes  []Hole            // still to come
	apart  bool              // lines are copies: holes were left out
}

// Hole is a piece of a file that is not read: whole lines.
type Hole struct {
	From, To int   // offsets of its first byte and of the one behind it
	Lines    int32 // how many it has
}

// leap goes on behind the holes that the next line begins, and reports whether
// there were any.
func (f *file) leap() bool {
	for len(f.holes) > 0 && f.pos == f.holes[0].From {
		f.pos, f.no = f.holes[0].To, f.no+f.holes[0].Lines
		if f.holes = f.holes[1:]; len(f.holes) == 0 || f.pos != f.holes[0].From {
			return true
		}
	}
	return false
}

func newFile(name string, data []byte, frame int32, before check) *file {
	f := &file{name: name, frame: frame, before: before}
	if len(data) > 0 {
		// The bytes are the source's and never change; words share them.
		f.data = unsafe.String(&data[0], len(data))
	}
	f.data = strings.TrimPrefix(f.data, "\xef\xbb\xbf")
	for i := range f.ahead {
		f.ahead[i] = -1
	}
	f.first = -1
	return f
}

// plain gives lines that need no expansion, skipping blank ones, for as long
// as there are any. The first other line, or the end, is left for next.
func (f *file) plain(l *Lines, line *Line) bool {
	for f.pos < len(f.data) {
		if len(f.holes) > 0 && f.leap() {
			l.Leaps++
			continue
		}
		rest := f.data[f.pos:]
		size := strings.IndexByte(rest, '\n')
		step := size + 1
		if size < 0 {
			size, step = len(rest), len(rest)
		}
		s, n := rest[:size], 0
		if f.first < f.pos+size {
			if f.look(); f.first < f.pos+size {
				ok := false
				if s, ok = f.comment(s); !ok {
					return false
				}
			}
		}
		for n < len(s) && isSpace(s[n]) {
			n++
		}
		if n < len(s) {
			if c := s[n]; size > MaxLine || c == '@' || c == '~' || c == 'i' && strings.HasPrefix(s[n:], "include") ||
				c == 'r' && strings.HasPrefix(s[n:], randomSeed) {
				return false
			}
		}
		f.pos += step
		f.no++
		if n == len(s) {
			continue
		}
		if s = s[n:]; f.apart {
			s = strings.Clone(s)
		}
		line.Text, line.pieces = s, nil
		line.place = Place{f.frame, f.no, int32(n) + 1}
		return true
	}
	return false
}

// comment cuts the comment off a line if that is all that is special about it.
func (f *file) comment(s string) (string, bool) {
	at := f.first - f.pos
	switch {
	case s[at] != '#' && s[at] != '!', // something else comes first
		strings.IndexByte(s[:at], '"') >= 0,
		f.ahead[len(special)-1] < f.pos+len(s), // a zero byte
		strings.HasSuffix(trimRight(s), `\`):
		return s, false
	}
	return trimRight(s[:at]), true
}

// look finds the special bytes that come next, from this line on, and before
// the next hole.
func (f *file) look() {
	end := len(f.data)
	if len(f.holes) > 0 {
		end = f.holes[0].From
	}
	f.first = end
	for kind, at := range f.ahead {
		if at < f.pos {
			at = end
			if n := strings.IndexByte(f.data[f.pos:end], special[kind]); n >= 0 {
				at = f.pos + n
			}
			f.ahead[kind] = at
		}
		f.first = min(f.first, at)
	}
}

// next gives the next line as it is written.
func (f *file) next(l *Lines) (Line, bool) {
	for f.pos < len(f.data) {
		s := f.data[f.pos:]
		if n := strings.IndexByte(s, '\n'); n >= 0 {
			s = s[:n]
			f.pos++
		}
		f.pos += len(s)
		f.no++
		at := Place{f.frame, f.no, 1}
		switch {
		case len(s) > MaxLine:
			l.tell(at, 0, diag.Diagnostic{ID: "HF005", Severity: diag.Error,
				Message: "the line is longer than 65536 bytes and ignored"})
		case strings.IndexByte(s, 0) >= 0:
			l.tell(at, 0, diag.Diagnostic{ID: "HF009", Severity: diag.Error,
				Message: "the line has a zero byte and is ignored", Expected: "text"})
		default:
			on := strings.HasSuffix(s, "\\") || strings.HasSuffix(s, "\\\r")
			return Line{Text: s, place: at, on: on}, true
		}
	}
	return Line{}, false
}
