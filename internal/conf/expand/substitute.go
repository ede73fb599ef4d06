package expand

import (
	"strings"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// use is $NAME or ${NAME} in a text.
type use struct {
	name string
	args string // what follows the name in braces
	size int    // of all that is written
}

// maxArgs is how long the arguments of a built-in definition may be, the name
// of an environment variable for instance.
const maxArgs = 256

// findUse reads the use that begins with the $ at the start of s. Without
// braces it must be followed by space, the end, a comma or a bracket.
func findUse(s string) (use, bool) {
	if strings.HasPrefix(s, "${") {
		n := nameEnd(s[2:])
		if n == 0 || 2+n == len(s) {
			return use{}, false
		}
		u := use{name: s[2 : 2+n], size: 3 + n}
		switch c := s[2+n]; {
		case c == '}':
			return u, true
		case isSpace(c) && u.name[0] == '_':
			rest := s[2+n : min(len(s), maxArgs+2+n)]
			end := strings.IndexByte(rest, '}')
			if end >= 0 {
				u.args, u.size = rest[:end], 3+n+end
				return u, true
			}
		}
		return use{}, false
	}
	n := nameEnd(s[1:])
	if n == 0 {
		return use{}, false
	}
	if rest := s[1+n:]; rest != "" && !isSpace(rest[0]) && rest[0] != ',' && rest[0] != ')' {
		return use{}, false
	}
	return use{name: s[1 : 1+n], size: 1 + n}, true
}

// substitute puts definitions in. If a definition of several lines was used,
// the lines come from a feed, and ok is false.
func (l *Lines) substitute(line Line) (out Line, changed, ok bool) {
	if strings.IndexByte(line.Text, '$') < 0 {
		return line, false, true
	}
	if d := l.whole(line); d != nil {
		at := line.At(0)
		if l.spend(lineFee, at) {
			l.push(&definitionFeed{lines: d.lines, used: at}, at)
		}
		return Line{}, true, false
	}
	b := &l.built
	b.text, b.pieces = b.text[:0], b.pieces[:0]
	changed, ok = l.splice(b, line, 0, true)
	if !changed || !ok {
		return line, false, ok
	}
	out = b.line()
	out.on = line.on
	if strings.IndexByte(out.Text, '\n') < 0 {
		return out, true, true
	}
	l.push(&definitionFeed{lines: split(out.own())}, line.At(0))
	return Line{}, true, false
}

// whole returns the definition of several lines that a line is nothing but.
func (l *Lines) whole(line Line) *definition {
	if line.Text[0] != '$' {
		return nil
	}
	u, ok := findUse(line.Text)
	if !ok || u.size != len(line.Text) {
		return nil
	}
	if d := l.defs[u.name]; d != nil && len(d.lines) > 1 {
		return d
	}
	return nil
}

// splice adds line to b with definitions put in, and those in them. A
// definition of several lines is put in only if nothing follows it, which last
// says of the line itself.
func (l *Lines) splice(b *builder, line Line, depth int, last bool) (changed, ok bool) {
	s, from, quoted := line.Text, 0, false
	for i := 0; i < len(s); i++ {
		if s[i] == '"' {
			quoted = !quoted
		}
		if s[i] != '$' {
			continue
		}
		u, ok := findUse(s[i:])
		if !ok {
			l.glued(s[i:], line.At(i))
			continue
		}
		at := line.At(i)
		value, found := l.value(u, at)
		if !found {
			l.undefined(u, quoted, at)
			continue
		}
		end := last && i+u.size == len(s)
		if len(value) > 1 && !end {
			l.once(s[i:i+u.size], at, u.size, diag.Diagnostic{ID: "HF006", Severity: diag.Warning,
				Message: "$" + u.name + " has several lines and stays as it is, because something follows it"})
			continue
		}
		b.keep(&line, from, i)
		if !l.put(b, u, value, at, depth, end) {
			return true, false
		}
		i += u.size - 1
		from, changed = i+1, true
	}
	b.keep(&line, from, len(s))
	return changed, true
}

// put adds the value of a definition used at a place.
func (l *Lines) put(b *builder, u use, value []Line, at Place, depth int, last bool) bool {
	if depth >= MaxDepth {
		l.bound(at, "the definition of $"+u.name+" comes to itself again")
		return false
	}
	for i, v := range value {
		if !l.spend(useFee+len(v.Text), at) {
			return false
		}
		if len(b.text)+len(v.Text) > MaxLine {
			l.bound(at, "definitions make a line longer than 65536 bytes")
			return false
		}
		if i > 0 {
			b.add("\n", at)
		}
		if _, ok := l.splice(b, l.rebase(v, at), depth+1, last || i < len(value)-1); !ok {
			return false
		}
	}
	return true
}

// value looks a definition up, those of the program included.
func (l *Lines) value(u use, at Place) ([]Line, bool) {
	if d, ok := l.defs[u.name]; ok && u.args == "" {
		return d.lines, true
	}
	if v, ok := l.builtin(u, at); ok {
		return []Line{{Text: v, pieces: []piece{{0, at, true}}}}, true
	}
	return nil, false
}

// rebase is a definition's line as it appears where the definition is used.
func (l *Lines) rebase(line Line, at Place) Line {
	if len(line.pieces) == 1 && line.pieces[0].still {
		return line
	}
	if line.pieces == nil {
		line.place.File = l.used(line.place.File, at)
		return line
	}
	moved := make([]piece, len(line.pieces))
	for i, p := range line.pieces {
		if !p.still {
			p.at.File = l.used(p.at.File, at)
		}
		moved[i] = p
	}
	line.pieces = moved
	return line
}

// undefined tells about a name that nothing defines. In quotes it is probably
// a script's. keepalived takes the braces of one in braces for a block's.
func (l *Lines) undefined(u use, quoted bool, at Place) {
	if quoted {
		return
	}
	d := diag.Diagnostic{ID: "HF006", Severity: diag.Warning, Expected: "a line $" + u.name + "=VALUE above",
		Message: "$" + u.name + " is not defined and stays as it is"}
	if u.size != len(u.name)+1 {
		d.Severity = diag.Error
	}
	l.once(u.name, at, u.size, d)
}

// glued tells about a name that is defined and not put in because of what
// follows it; s begins with its $.
func (l *Lines) glued(s string, at Place) {
	n := 1 + nameEnd(s[1:])
	if l.defs[s[1:n]] == nil {
		return
	}
	name := s[1:n]
	l.once(s[:n], at, n, diag.Diagnostic{ID: "HF006", Severity: diag.Warning,
		Message: "$" + name + " stays as it is because of what follows it", Suggestion: "did you mean ${" + name + "}?"})
}

// once tells something about a name the first time.
func (l *Lines) once(name string, at Place, size int, d diag.Diagnostic) {
	if l.undue[name] || len(l.undue) >= MaxUndue {
		return
	}
	if l.undue == nil {
		l.undue = make(map[string]bool)
	}
	l.undue[name] = true
	l.tell(at, size, d)
}
