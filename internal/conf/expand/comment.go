package expand

import (
	"strings"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func trimRight(s string) string {
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// wordEnd is the offset of the first space.
func wordEnd(s string) int {
	for i := 0; i < len(s); i++ {
		if isSpace(s[i]) {
			return i
		}
	}
	return len(s)
}

func cutAny(s, chars string) (before, after string, found bool) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// uncomment takes the comment off a line: from # or ! to the end, but not in
// double quotes, where \" does not end them. Outside of quotes \# and \! are
// the bare characters.
func (l *Lines) uncomment(line Line) Line {
	quoted, opened := false, 0
	escapes := false
	s := line.Text
	end := len(s)
scan:
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
			if !quoted && i < len(s) && (s[i] == '#' || s[i] == '!') {
				escapes = true
			}
		case '"':
			quoted, opened = !quoted, i
		case '#', '!':
			if !quoted {
				end = i
				break scan
			}
		}
	}
	line.Text = trimRight(s[:end])
	// An odd number of quotes is found again, and better, when words are made.
	if quoted && strings.Count(line.Text, `"`)%2 == 0 {
		l.tell(line.At(opened), 0, diag.Diagnostic{ID: "HF004", Severity: diag.Error,
			Message: "the quote does not end on this line", Expected: `a closing "; \" does not close`})
	}
	if escapes {
		line = unescape(line)
	}
	return line
}

// unescape makes \# and \! outside of quotes the bare characters.
func unescape(line Line) Line {
	var b builder
	s, from, quoted := line.Text, 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '\\' && i+1 < len(s):
			if c := s[i+1]; !quoted && (c == '#' || c == '!') {
				b.keep(&line, from, i)
				from = i + 1
			}
			i++
		}
	}
	b.keep(&line, from, len(s))
	out := b.line()
	out.on = line.on
	return out
}
