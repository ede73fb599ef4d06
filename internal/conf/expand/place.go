package expand

import (
	"strings"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// Place is a byte of the text as it was written.
type Place struct {
	File      int32 // for Span: which file, and on behalf of which use
	Line, Col int32 // from 1; Col counts bytes; a zero Line is no place
}

// text is a file that was opened.
type text struct {
	name  string
	data  string
	lines []int32 // offsets of the lines' first bytes, made when first asked for
}

// frame is a file as it appears in places: by itself, or as the home of a
// definition that was used somewhere.
type frame struct {
	text int32
	used Place // of the use; zero if there is none
}

// maxFrames bounds the uses that places tell apart, MaxFiles files included;
// places of later ones don't say where they were used.
const maxFrames = 1 << 16

// used returns the frame of a definition written in the file of from and used
// at a place.
func (l *Lines) used(from int32, at Place) int32 {
	f := frame{l.frames[from].text, at}
	if f == l.latest {
		return l.number
	}
	n, ok := l.byUse[f]
	if !ok && len(l.frames) >= maxFrames {
		f.used = Place{}
		n, ok = l.byUse[f]
	}
	if !ok {
		if l.byUse == nil {
			l.byUse = make(map[frame]int32)
		}
		n = int32(len(l.frames))
		l.frames = append(l.frames, f)
		l.byUse[f] = n
	}
	l.latest, l.number = f, n
	return n
}

// maxUses is how many uses of a definition a Span tells, one within the other;
// of more than that the innermost and the one in the file's own text.
const maxUses = 8

// Span is the place for a person. Size is the length of the text there; where
// a definition was put in, the span covers the word as it was written.
func (l *Lines) Span(p Place, size int) diag.Span {
	if p.Line == 0 || int(p.File) >= len(l.frames) {
		return diag.Span{}
	}
	f := l.frames[p.File]
	s := diag.Span{File: l.texts[f.text].name, Line: int(p.Line), Col: int(p.Col)}
	if size > 0 {
		s.End = s.Col + size
		if rest := len(l.Text(p)) + 1; s.End > rest {
			s.End = rest
		}
	}
	for last, n := &s, 1; f.used.Line > 0; n++ {
		at := f.used
		f = l.frames[at.File]
		if n >= maxUses && f.used.Line > 0 {
			continue
		}
		last.Used = &diag.Span{File: l.texts[f.text].name, Line: int(at.Line), Col: int(at.Col)}
		last = last.Used
	}
	return s
}

// File is the name of the file that p is in.
func (l *Lines) File(p Place) string {
	if int(p.File) >= len(l.frames) {
		return ""
	}
	return l.texts[l.frames[p.File].text].name
}

// Text is the whole line at p as it was written.
func (l *Lines) Text(p Place) string {
	if p.Line < 1 || int(p.File) >= len(l.frames) {
		return ""
	}
	t := &l.texts[l.frames[p.File].text]
	if t.lines == nil {
		t.index()
	}
	if int(p.Line) > len(t.lines) {
		return ""
	}
	rest := t.data[t.lines[p.Line-1]:]
	if n := strings.IndexByte(rest, '\n'); n >= 0 {
		rest = rest[:n]
	}
	return strings.TrimRight(rest, "\r")
}

// index finds the lines of the file, once something was wrong with it.
func (t *text) index() {
	t.lines = append(t.lines, 0)
	for i := 0; ; {
		n := strings.IndexByte(t.data[i:], '\n')
		if n < 0 {
			return
		}
		i += n + 1
		t.lines = append(t.lines, int32(i))
	}
}
