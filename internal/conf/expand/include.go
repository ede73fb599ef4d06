package expand

import (
	"path"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// check is what include is strict about (include_check and include's variants
// in keepalived.conf(5)).
type check uint8

const (
	readable check = 1 << iota // what matches must be a file that can be read
	matching                   // a name without wildcards must exist
	wildcard                   // a wildcard must match
	braces                     // every alternative in braces must match

	allChecks = readable | matching | wildcard | braces
)

// variant is the checks that a keyword adds; false: it is none of include's.
func variant(keyword string) (check, bool) {
	switch keyword {
	case "include":
		return 0, true
	case "includer":
		return readable, true
	case "includem":
		return matching, true
	case "includew":
		return wildcard, true
	case "includeb":
		return braces, true
	case "includea":
		return allChecks, true
	}
	return 0, false
}

// checkNamed is an option of include_check, 0 if there is none of that name.
func checkNamed(option string) check {
	switch option {
	case "readable":
		return readable
	case "match":
		return matching
	case "wildcard_match":
		return wildcard
	case "brace_match":
		return braces
	}
	return 0
}

// openRoot starts with the configuration's own file.
func (l *Lines) openRoot(name string) {
	data, err := l.files.Read(name)
	if err != nil {
		l.dead = true
		l.report(diag.Diagnostic{ID: "HF001", Severity: diag.Fatal, Span: diag.Span{File: name}, Message: err.Error()})
		return
	}
	l.open(name, data, Place{})
}

// open reads on in a file.
func (l *Lines) open(name string, data []byte, at Place) {
	if len(l.texts) >= MaxFiles {
		l.bound(at, "more than 4096 files are included")
		return
	}
	if len(data) > 1<<31-2 {
		l.bound(at, "the file is larger than 2 GiB")
		return
	}
	f := newFile(name, data, int32(len(l.frames)), l.checks)
	if l.opt.Skip != nil {
		f.holes = l.opt.Skip(name, f.data)
		f.apart = len(f.holes) > 0
	}
	l.frames = append(l.frames, frame{text: int32(len(l.texts))})
	l.texts = append(l.texts, text{name: name, data: f.data})
	l.push(f, at)
}

// include follows a line that begins with include or a variant; all that is
// left of the line is the pattern. It also keeps include_check.
func (l *Lines) include(line Line) bool {
	if !strings.HasPrefix(line.Text, "include") {
		return false
	}
	n := wordEnd(line.Text)
	strict, ok := variant(line.Text[:n])
	if !ok {
		if line.Text[:n] == "include_check" {
			l.setChecks(strings.Fields(line.Text[n:]))
		}
		return false
	}
	pattern := line.cut(n).trim()
	if pattern.Text == "" {
		return false
	}
	l.follow(pattern, strict|l.checks)
	return true
}

// setChecks is include_check [[+|-]OPTION …].
func (l *Lines) setChecks(words []string) {
	if len(words) == 0 {
		l.checks = allChecks
		return
	}
	if c := words[0][0]; c != '+' && c != '-' {
		l.checks = 0
	}
	remove := false
	for _, w := range words {
		switch w[0] {
		case '+', '-':
			remove = w[0] == '-'
			w = w[1:]
		}
		if remove {
			l.checks &^= checkNamed(w)
		} else {
			l.checks |= checkNamed(w)
		}
	}
}

// follow reads the files of a pattern, one after the other.
func (l *Lines) follow(pattern Line, strict check) {
	q := &queue{pattern: pattern.own(), strict: strict}
	dir := path.Dir(l.File(l.here(pattern.At(0))))
	all := alternatives(pattern.Text)
	q.braced = len(all) > 1
	for _, name := range all {
		if !path.IsAbs(name) {
			name = path.Join(dir, name)
		}
		if !strings.ContainsAny(name, "*?[") {
			q.names = append(q.names, name)
			continue
		}
		found, err := l.files.Glob(name)
		switch {
		case err != nil:
			l.unmatched(q, strict&wildcard != 0, diag.Warning, "include: "+err.Error())
		case len(found) == 0:
			l.unmatched(q, strict&wildcard != 0, diag.Notice, "include matches no file: "+name)
		}
		q.names = append(q.names, found...)
	}
	if !l.dead {
		l.push(q, pattern.At(0))
	}
}

// queue is the files of one include that are still to be read.
type queue struct {
	names   []string
	pattern Line
	strict  check
	braced  bool
}

// next opens the next file; there is never a line.
func (q *queue) next(l *Lines) (Line, bool) {
	if len(q.names) == 0 {
		return Line{}, false
	}
	name := q.names[0]
	q.names = q.names[1:]
	for _, f := range l.feeds {
		if f, ok := f.(*file); ok && f.name == name {
			l.tell(q.pattern.At(0), len(q.pattern.Text), diag.Diagnostic{ID: "HF005", Severity: diag.Error,
				Message: name + " includes itself; the inner one is not read"})
			return Line{}, true
		}
	}
	data, err := l.files.Read(name)
	if err == nil {
		l.open(name, data, q.pattern.At(0))
		return Line{}, true
	}
	need := matching
	if q.braced {
		need = braces
	}
	if there, _ := l.files.Glob(escape(name)); len(there) > 0 {
		need = allChecks
	}
	l.unmatched(q, q.strict&need != 0, diag.Warning, "include: "+err.Error())
	return Line{}, true
}

// unmatched reports that there is nothing to include where something should
// have been.
func (l *Lines) unmatched(q *queue, fatal bool, s diag.Severity, message string) {
	if fatal {
		s, l.dead = diag.Fatal, true
	}
	d := diag.Diagnostic{ID: "HF007", Severity: s, Message: message}
	if bare := strings.Trim(q.pattern.Text, `"'`); bare != q.pattern.Text {
		d.Suggestion = "include " + bare + " (the name takes no quotes)"
	}
	l.tell(q.pattern.At(0), len(q.pattern.Text), d)
}

// escape makes a pattern that matches the name itself only.
func escape(name string) string { return strings.ReplaceAll(name, `\`, `\\`) }

// alternatives is what a pattern with {a,b} stands for, as csh has it.
func alternatives(pattern string) []string {
	done, todo := []string(nil), []string{pattern}
	for len(todo) > 0 {
		p := todo[0]
		todo = todo[1:]
		head, options, tail, ok := brace(p)
		if !ok || len(done)+len(todo)+len(options) > MaxFiles {
			done = append(done, p)
			continue
		}
		next := make([]string, 0, len(options)+len(todo))
		for _, o := range options {
			next = append(next, head+o+tail)
		}
		todo = append(next, todo...)
	}
	return done
}

// brace finds the first {a,b} of a pattern, which may have others in it.
func brace(p string) (head string, options []string, tail string, ok bool) {
	open := strings.IndexByte(p, '{')
	if open < 0 || strings.HasPrefix(p[open:], "{}") {
		return "", nil, "", false
	}
	depth, from := 0, open+1
	for i := open; i < len(p); i++ {
		switch p[i] {
		case '{':
			depth++
		case ',':
			if depth == 1 {
				options, from = append(options, p[from:i]), i+1
			}
		case '}':
			if depth--; depth == 0 {
				return p[:open], append(options, p[from:i]), p[i+1:], true
			}
		}
	}
	return "", nil, "", false
}
