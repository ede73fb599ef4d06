package lint

import (
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// text looks things up in the files of a configuration. Findings come from
// values; the text tells on which line of a block a keyword stands.
type text struct {
	files source.Files
	lines map[string][]string
}

func newText(files source.Files) *text {
	return &text{files: files, lines: map[string][]string{}}
}

// maxBlock is how many lines of a block are searched for a keyword.
const maxBlock = 4096

// of returns the lines of a file; none if it cannot be read.
func (t *text) of(file string) []string {
	lines, known := t.lines[file]
	if known || t.files == nil || file == "" {
		return lines
	}
	if b, err := t.files.Read(file); err == nil {
		lines = strings.Split(string(b), "\n")
	}
	t.lines[file] = lines
	return lines
}

// line returns line n, counted from 1; empty if there is none.
func (t *text) line(file string, n int) string {
	lines := t.of(file)
	if n < 1 || n > len(lines) {
		return ""
	}
	return strings.TrimSuffix(lines[n-1], "\r")
}

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
	lines, depth, open := t.of(p.File), 0, false
	for n := max(p.Line, 1); n <= len(lines) && n < p.Line+maxBlock; n++ {
		code := uncomment(lines[n-1])
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
