package expand

import "strings"

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
		if going && !l.spend(keepFee+len(line.Text), line.At(0)) {
			return true
		}
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
		var ok bool
		if line, ok = l.following(); !ok {
			break
		}
	}
	if l.defs == nil {
		l.defs = make(map[string]*definition)
	}
	l.defs[name] = d
	return true
}

// following is the next line of the value of a definition. Comments among its
// lines need no backslash.
func (l *Lines) following() (Line, bool) {
	for {
		raw, ok := l.feeds[len(l.feeds)-1].next(l)
		if !ok {
			return raw, false
		}
		raw = raw.trim()
		if raw.Text == "" || raw.Text[0] != '#' && raw.Text[0] != '!' {
			return l.uncomment(raw), true
		}
	}
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
	for from := 0; ; {
		n := strings.IndexByte(line.Text[from:], '\n')
		if n < 0 {
			return append(lines, line.cut(from))
		}
		if n > 0 {
			to := from + n
			lines = append(lines, Line{Text: line.Text[from:to], pieces: line.spread(nil, from, to, 0)})
		}
		from += n + 1
	}
}
