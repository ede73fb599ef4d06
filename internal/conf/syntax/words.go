package syntax

import (
	"strings"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// What a byte does to a word.
const (
	letter = iota
	space
	quote
	brace
)

var class = [256]uint8{
	' ': space, '\t': space, '\n': space, '\v': space, '\f': space, '\r': space,
	'"': quote, '{': brace, '}': brace,
}

// peek moves to the next byte that is not space and returns it.
func (r *Reader) peek() (byte, bool) {
	for !r.over {
		if r.line != nil {
			s := r.line.Text
			for r.off < len(s) && class[s[r.off]] == space {
				r.off++
			}
			if r.off < len(s) {
				return s[r.off], true
			}
		}
		line, ok := r.lines.Next()
		if !ok {
			r.line = nil
			return 0, false
		}
		r.line, r.off = line, 0
	}
	return 0, false
}

// skip goes on behind a brace.
func (r *Reader) skip() {
	r.off++
	if r.off < len(r.line.Text) && r.lines.Again(r.line, r.off) {
		r.line = nil
	}
}

// statement reads words to the end of the line or to a brace. Quotes keep
// space and braces in a word and end the word before them; a backslash means
// nothing here.
func (r *Reader) statement() {
	s, i, first := r.line.Text, r.off, len(r.words)
	base, plain := r.line.Base()
scan:
	for i < len(s) {
		from, w := i, Word{At: Pos{base.File, base.Line, base.Col + int32(i)}}
		switch class[s[i]] {
		case space:
			i++
			continue
		case brace:
			n := placeholder(s[i:])
			if n == 0 {
				break scan
			}
			i += n
			w.Text, w.Brace = s[from:i], true
			r.unfilled(from, w.Text)
			if len(r.words) == first {
				continue
			}
		case quote:
			n := strings.IndexByte(s[i+1:], '"')
			if n < 0 {
				r.unquoted(i)
				i = len(s)
				break scan
			}
			w.Text, w.Quoted = s[i+1:i+1+n], true
			i += n + 2
		default:
			for i++; i < len(s) && (class[s[i]] == letter || s[i] == '{' && undefined(s, &i)); i++ {
			}
			w.Text = s[from:i]
		}
		if !plain {
			w.At = Pos(r.line.At(from))
		}
		r.words = append(r.words, w)
	}
	text := s[r.off:i]
	r.off = i
	if len(r.words) > first {
		n := r.add()
		n.Words, n.Text = r.words[first:len(r.words):len(r.words)], trim(text)
	}
}

// maxBraced is how long a placeholder or a name in braces may be: brackets that
// never end are looked for in so many bytes.
const maxBraced = 256

// placeholder is the length of a template's {{ NAME }} or {% CODE %} that text
// begins with, 0 if there is none. No configuration has a use for two braces
// in a row, so reading them as blocks would only hide what is wrong.
func placeholder(s string) int {
	end := ""
	switch {
	case strings.HasPrefix(s, "{{"):
		end = "}}"
	case strings.HasPrefix(s, "{%"):
		end = "%}"
	default:
		return 0
	}
	n := strings.Index(s[2:min(len(s), maxBraced)], end)
	if n < 0 {
		return 0
	}
	return n + 4
}

// undefined reports whether the brace at i belongs to a ${NAME} that nothing
// defined, and moves i to its end. keepalived would read a block.
func undefined(s string, i *int) bool {
	if s[*i-1] != '$' {
		return false
	}
	n := strings.IndexByte(s[*i:min(len(s), *i+maxBraced)], '}')
	if n < 2 || strings.ContainsAny(s[*i+1:*i+n], " {\"") {
		return false
	}
	*i += n
	return true
}

// unfilled tells about a placeholder. As a keyword it is left out, so that
// nobody complains about it twice.
func (r *Reader) unfilled(off int, text string) {
	r.lines.Tell(r.line.At(off), len(text), diag.Diagnostic{ID: "HF090", Severity: diag.Error,
		Message: "the template's placeholder " + text + " was not filled in", Expected: "what the template makes of it"})
}

// add makes room for a statement in the block that is open.
func (r *Reader) add() *Node {
	if r.depth == 0 {
		r.root, r.some, r.leaps = Node{}, true, r.lines.Leaps
		return &r.root
	}
	l := &r.levels[r.depth]
	l.kids = append(l.kids, Node{})
	return &l.kids[len(l.kids)-1]
}

func (r *Reader) unquoted(off int) {
	r.lines.Tell(r.line.At(off), 0, diag.Diagnostic{ID: "HF004", Severity: diag.Error,
		Message: "the quote does not end on this line, what follows it is ignored", Expected: `a closing "`})
}

// trim takes the space off the end.
func trim(s string) string {
	for len(s) > 0 && class[s[len(s)-1]] == space {
		s = s[:len(s)-1]
	}
	return s
}
