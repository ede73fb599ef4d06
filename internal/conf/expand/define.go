package expand

import (
	"strings"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// definition is the value of $NAME: its lines, unexpanded.
type definition struct {
	lines    []Line
	variable bool // of a sequence: one line of one piece
}

func isName(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// nameEnd is the offset behind a name at the start of s, 0 if there is none.
func nameEnd(s string) int {
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		return 0
	}
	n := 0
	for n < len(s) && isName(s[n]) {
		n++
	}
	return n
}

// define stores the value of a line $NAME=VALUE, which goes on over the lines
// that follow for as long as they end with a backslash.
func (l *Lines) define(line Line) bool {
	if line.Text == "" || line.Text[0] != '$' {
		return false
	}
	n := nameEnd(line.Text[1:])
	if n == 0 || len(line.Text) <= n+1 || line.Text[n+1] != '=' {
		return false
	}
	name := line.Text[1 : n+1]
	line = line.cut(n + 2)
	d := &definition{}
	for {
		going := line.on
		if going {
			line.Text, line.on = strings.TrimSuffix(line.Text, `\`), false
		}
		line = line.trim()
		if line.Text != "" {
			d.lines = append(d.lines, line.own())
		}
		if !going {
			break
		}
		raw, ok := l.feeds[len(l.feeds)-1].next(l)
		if !ok {
			break
		}
		line = l.uncomment(raw.trim())
	}
	if l.defs == nil {
		l.defs = make(map[string]*definition)
	}
	l.defs[name] = d
	return true
}

// set gives a sequence's variable its value.
func (l *Lines) set(name, value string, at Place) {
	if l.defs == nil {
		l.defs = make(map[string]*definition)
	}
	d := l.defs[name]
	if d == nil || !d.variable {
		d = &definition{variable: true, lines: []Line{{pieces: []piece{{0, at, true}}}}}
		l.defs[name] = d
	}
	// Whoever used the former value has copied it.
	d.lines[0].Text, d.lines[0].pieces[0].at = value, at
}

// use is $NAME or ${NAME} in a text.
type use struct {
	name string
	args string // what follows the name in braces
	size int    // of all that is written
}

// findUse reads the use that begins with the $ at the start of s. Without
// braces it must be followed by space, the end, a comma or a bracket.
func findUse(s string) (use, bool) {
	if strings.HasPrefix(s, "${") {
		n := nameEnd(s[2:])
		end := strings.IndexByte(s, '}')
		if n == 0 || end < 0 {
			return use{}, false
		}
		u := use{name: s[2 : 2+n], args: s[2+n : end], size: end + 1}
		return u, u.args == "" || isSpace(u.args[0]) && u.name[0] == '_'
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
	changed, ok = l.splice(b, line, 0)
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

// splice adds line to b with definitions put in, and those in them.
func (l *Lines) splice(b *builder, line Line, depth int) (changed, ok bool) {
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
		b.keep(&line, from, i)
		if !l.put(b, u, value, at, depth) {
			return true, false
		}
		i += u.size - 1
		from, changed = i+1, true
	}
	b.keep(&line, from, len(s))
	return changed, true
}

// put adds the value of a definition used at a place.
func (l *Lines) put(b *builder, u use, value []Line, at Place, depth int) bool {
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
		if _, ok := l.splice(b, l.rebase(v, at), depth+1); !ok {
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

// definitionFeed gives the lines of a definition, or of a line that became
// several.
type definitionFeed struct {
	lines []Line
	i     int
	used  Place // zero: the lines are in place already
}

func (f *definitionFeed) next(l *Lines) (Line, bool) {
	if f.i >= len(f.lines) {
		return Line{}, false
	}
	line := f.lines[f.i]
	f.i++
	if f.used.Line == 0 {
		return line, true
	}
	return l.rebase(line, f.used), l.spend(lineFee+len(line.Text), f.used)
}

// split makes lines of a text that has line ends in it.
func split(line Line) []Line {
	var lines []Line
	for {
		n := strings.IndexByte(line.Text, '\n')
		if n < 0 {
			return append(lines, line)
		}
		head := line
		head.Text = head.Text[:n]
		lines = append(lines, head)
		line = line.cut(n + 1)
	}
}
