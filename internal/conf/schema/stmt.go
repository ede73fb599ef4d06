package schema

import (
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// maxArgs is how many values of a statement are read by Args; what a row of
// Kind Words takes is not counted.
const maxArgs = 4

// Stmt is a statement whose values fit its row. It is good until Set returns.
type Stmt struct {
	Node *syntax.Node
	val  [maxArgs]Value
	n    int
	rep  *Reporter
	skip bool
}

// Has says whether value i was given.
func (s *Stmt) Has(i int) bool { return i < s.n }

// Value is value i; only good if Has(i).
func (s *Stmt) Value(i int) *Value { return &s.val[i] }

// Int is value 0 as a number.
func (s *Stmt) Int() int { return int(s.val[0].Int) }

// Text is value 0 as it was written, empty if there is none.
func (s *Stmt) Text() string {
	if s.n == 0 {
		return ""
	}
	return s.val[0].Text
}

// Bool is value 0; without a value it is on.
func (s *Stmt) Bool() bool { return s.n == 0 || s.val[0].Int != 0 }

// Skip leaves the statement's block unread.
func (s *Stmt) Skip() { s.skip = true }

// Keyword is the statement's first word.
func (s *Stmt) Keyword() syntax.Word { return s.Node.Words[0] }

// Words are all words of a list's line, or those after the keyword elsewhere.
func (s *Stmt) Words() []syntax.Word { return s.Node.Args() }

// Fault reports at word w.
func (s *Stmt) Fault(id string, sev diag.Severity, w syntax.Word, message, expected string) {
	s.rep.Fault(id, sev, w, message, expected, "")
}

// Reporter makes Diagnostics of words.
type Reporter struct {
	Spans syntax.Spanner
	Add   func(diag.Diagnostic)
	// Torn reports whether words were lost from a line, which has been said:
	// then a missing value is no reason to give up. May be nil.
	Torn func(diag.Span) bool
}

// Fault reports at word w.
func (r *Reporter) Fault(id string, sev diag.Severity, w syntax.Word, message, expected, suggestion string) {
	r.Add(diag.Diagnostic{ID: id, Severity: sev, Span: r.Spans.Span(w), Message: message,
		Expected: expected, Suggestion: suggestion, Source: r.Spans.Line(w.At)})
}
