package lint

import (
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// mark is what a comment says to silence findings: `# holdfast: ignore HF104`
// at the end of the line, or alone on the line above it. Several ids have
// commas between them; what follows is for people.
const mark = "holdfast: ignore"

// Silence leaves out what comments in the text silence: findings of this
// package, and warnings and notices of others. keepalived's errors stay.
func Silence(files source.Files, l diag.List) diag.List {
	return newText(files).silence(l)
}

func (t *text) silence(l diag.List) diag.List {
	var kept diag.List
	for _, d := range l {
		if d.Severity >= diag.Error && ruleOf(d.ID) == nil || !t.silenced(&d) {
			kept.Add(d)
		}
	}
	return kept
}

// silenced looks where a text was written, and where it was used.
func (t *text) silenced(d *diag.Diagnostic) bool {
	for s := &d.Span; s != nil; s = s.Used {
		if s.Line < 1 {
			continue
		}
		if ignores(t.line(s.File, s.Line), d.ID) {
			return true
		}
		above := t.line(s.File, s.Line-1)
		if strings.TrimSpace(uncomment(above)) == "" && ignores(above, d.ID) {
			return true
		}
	}
	return false
}

// ignores reports whether a line has a comment that silences an id.
func ignores(line, id string) bool {
	comment := line[len(uncomment(line)):]
	_, rest, ok := strings.Cut(comment, mark)
	if !ok {
		return false
	}
	for {
		w, more := rest, ""
		w = strings.TrimLeft(w, " \t")
		if i := strings.IndexAny(w, ", \t\r"); i >= 0 {
			w, more = w[:i], strings.TrimLeft(w[i:], " \t\r")
		}
		if strings.EqualFold(w, id) {
			return true
		}
		if !strings.HasPrefix(more, ",") {
			return false
		}
		rest = more[1:]
	}
}
