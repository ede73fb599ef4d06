package lint

import (
	"bytes"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// text looks things up in the files of a configuration. Findings come from
// values; the text tells on which line of a block a keyword stands.
type text struct {
	files source.Files
	known map[string]*lines
}

// lines is a file, and where its lines begin.
type lines struct {
	data   []byte
	starts []int
}

func newText(files source.Files) *text {
	return &text{files: files, known: map[string]*lines{}}
}

// maxBlock is how many lines of a block are searched for a keyword.
const maxBlock = 4096

// of returns the lines of a file; none if it cannot be read.
func (t *text) of(file string) *lines {
	l := t.known[file]
	if l != nil {
		return l
	}
	l = &lines{}
	t.known[file] = l
	if t.files == nil || file == "" {
		return l
	}
	data, err := t.files.Read(file)
	if err != nil {
		return l
	}
	l.data, l.starts = data, make([]int, 1, 1+bytes.Count(data, []byte{'\n'}))
	for at := 0; ; {
		n := bytes.IndexByte(data[at:], '\n')
		if n < 0 {
			return l
		}
		at += n + 1
		l.starts = append(l.starts, at)
	}
}

// line returns line n, counted from 1; empty if there is none.
func (l *lines) line(n int) string {
	if n < 1 || n > len(l.starts) {
		return ""
	}
	end := len(l.data)
	if n < len(l.starts) {
		end = l.starts[n] - 1
	}
	return strings.TrimSuffix(string(l.data[l.starts[n-1]:end]), "\r")
}

func (t *text) line(file string, n int) string { return t.of(file).line(n) }

// place is the span of p, or of a keyword in the block that p names, and its
// line of source.
func (t *text) place(p conf.Pos, keyword string) (diag.Span, string) {
	s := diag.Span{File: p.File, Line: p.Line, Col: p.Col}
	if keyword != "" {
		if n, col := t.find(p, keyword); n > 0 {
			s.Line, s.Col = n, col
		}
	}
	line := t.line(s.File, s.Line)
	if s.Col >= 1 && s.Col <= len(line) {
		s.End = s.Col + len(word(line[s.Col-1:]))
	}
	return s, line
}

// find returns line and column of the first line directly in the block at p
// that begins with a keyword; 0 if there is none. Text that definitions make
// is not searched: the finding stands at the block then.
func (t *text) find(p conf.Pos, keyword string) (line, col int) {
	l, depth, open := t.of(p.File), 0, false
	for n := max(p.Line, 1); n <= len(l.starts) && n < p.Line+maxBlock; n++ {
		code := uncomment(l.line(n))
		trimmed := strings.TrimLeft(code, " \t")
		if depth == 1 && n > p.Line && word(trimmed) == keyword {
			return n, len(code) - len(trimmed) + 1
		}
		opened, closed := braces(code)
		depth += opened - closed
		open = open || opened > 0
		if open && depth <= 0 {
			return 0, 0
		}
	}
	return 0, 0
}

// word is s up to the first space.
func word(s string) string {
	if i := strings.IndexAny(s, " \t\r{"); i > 0 {
		return s[:i]
	}
	return s
}

// uncomment cuts a comment off: what follows # or ! outside of quotes.
func uncomment(line string) string {
	quoted := false
	for i := range len(line) {
		switch line[i] {
		case '"':
			quoted = !quoted
		case '#', '!':
			if !quoted {
				return line[:i]
			}
		}
	}
	return line
}

// braces counts those outside of quotes.
func braces(code string) (opened, closed int) {
	quoted := false
	for i := range len(code) {
		switch {
		case code[i] == '"':
			quoted = !quoted
		case quoted:
		case code[i] == '{':
			opened++
		case code[i] == '}':
			closed++
		}
	}
	return opened, closed
}
