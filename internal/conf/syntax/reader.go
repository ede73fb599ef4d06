package syntax

import (
	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// Reader gives the statements of a configuration's root, one at a time.
type Reader struct {
	report func(diag.Diagnostic)
}

// NewReader returns a Reader of the file called name. What is wrong with the
// form of the text goes to report while it is read.
func NewReader(files source.Files, name string, opt expand.Options, report func(diag.Diagnostic)) *Reader {
	return &Reader{report: report}
}

// Next returns the next statement of the root. The node is good until the
// following Next; its strings may be kept.
func (r *Reader) Next() (*Node, bool) { return nil, false }

// Span is the place of a word.
func (r *Reader) Span(w Word) diag.Span { return diag.Span{} }

// SpanAt is a place without an end.
func (r *Reader) SpanAt(p Pos) diag.Span { return diag.Span{} }

// Line is the text of the line at p, for the caret.
func (r *Reader) Line(p Pos) string { return "" }

// File is the name of the file that p is in.
func (r *Reader) File(p Pos) string { return "" }
