package syntax

import (
	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// MaxDepth bounds blocks within each other; no keyword needs more than six.
const MaxDepth = 64

// Reader gives the statements of a configuration's root, one at a time.
//
// Braces are read as they are written, whether or not a keyword takes a block.
// keepalived ignores the opening brace behind a keyword that takes none, but
// not its closing one: that one ends the block around it. Who wants its very
// reading has to walk the nodes so.
type Reader struct {
	lines *expand.Lines
	line  *expand.Line // being read, nil before the first and after the last
	off   int          // in its text

	root   Node // of the statement being read
	some   bool // root is one
	leaps  int  // what was skipped before it
	levels []level
	depth  int // of levels in use

	words []Word // both are used again by the next statement
	nodes []Node

	suspect Pos // the first block that seems to lack its closing brace
	over    bool
}

// level is an open block.
type level struct {
	kids  []Node
	brace Pos // that opened it
}

// NewReader returns a Reader of the file called name. What is wrong with the
// form of the text goes to report while it is read.
func NewReader(files source.Files, name string, opt expand.Options, report func(diag.Diagnostic)) *Reader {
	return &Reader{lines: expand.New(files, name, opt, report), levels: make([]level, 1)}
}

// Next returns the next statement of the root. The node is good until the
// following Next; its strings may be kept.
func (r *Reader) Next() (*Node, bool) {
	r.words, r.nodes, r.some = r.words[:0], r.nodes[:0], false
	for {
		switch c, ok := r.peek(); {
		case !ok:
			r.unclosed()
			return &r.root, r.some
		case c == '}':
			if r.depth == 0 && r.some {
				return &r.root, true
			}
			r.close()
			if r.depth == 0 && r.some {
				return &r.root, true
			}
		case c == '{' && placeholder(r.line.Text[r.off:]) == 0:
			r.open()
		default:
			if r.depth == 0 && r.some {
				return &r.root, true
			}
			r.statement()
		}
	}
}

// Leaps counts what was skipped before the statement that Next returned
// (expand.Options).
func (r *Reader) Leaps() int { return r.leaps }

// last is the statement that an opening brace would belong to.
func (r *Reader) last() *Node {
	if r.depth == 0 {
		if r.some {
			return &r.root
		}
		return nil
	}
	if kids := r.levels[r.depth].kids; len(kids) > 0 {
		return &kids[len(kids)-1]
	}
	return nil
}

// open begins the block of the last statement.
func (r *Reader) open() {
	at := Pos(r.line.At(r.off))
	r.skip()
	n := r.last()
	if n == nil || n.Opened {
		r.tell(at, diag.Diagnostic{ID: "HF003", Severity: diag.Error,
			Message: "this { opens a block without a keyword and is ignored", Expected: "a keyword before {"})
		return
	}
	n.Opened = true
	if r.depth >= MaxDepth {
		r.over = true
		r.tell(at, diag.Diagnostic{ID: "HF005", Severity: diag.Fatal,
			Message: "more than 64 blocks within each other"})
		return
	}
	r.depth++
	if r.depth == len(r.levels) {
		r.levels = append(r.levels, level{})
	}
	r.levels[r.depth].kids = r.levels[r.depth].kids[:0]
	r.levels[r.depth].brace = at
}

// close ends the innermost block.
func (r *Reader) close() {
	at := Pos(r.line.At(r.off))
	first := r.off == 0
	r.skip()
	if r.depth == 0 {
		r.tell(at, diag.Diagnostic{ID: "HF003", Severity: diag.Error,
			Message: "this } closes nothing and is ignored", Expected: "a block that is open"})
		return
	}
	if first && r.suspect.Line == 0 {
		r.compare(at)
	}
	r.end(at)
}

// compare suspects the block that a closing brace ends if the brace is further
// left than the block's keyword: it was meant for the block around it.
func (r *Reader) compare(at Pos) {
	r.depth--
	opener := r.last().Words[0].At
	r.depth++
	if opener.File == at.File && at.Col < opener.Col {
		r.suspect = r.levels[r.depth].brace
	}
}

// end moves the innermost block into its statement.
func (r *Reader) end(at Pos) {
	from := len(r.nodes)
	r.nodes = append(r.nodes, r.levels[r.depth].kids...)
	r.depth--
	n := r.last()
	n.Block = r.nodes[from:len(r.nodes):len(r.nodes)]
	n.End = at
}

// unclosed ends the blocks that the end of the text left open.
func (r *Reader) unclosed() {
	if r.depth > 0 && !r.over {
		at := r.levels[r.depth].brace
		if r.suspect.Line > 0 {
			at = r.suspect
		}
		message := "this block is not closed"
		if r.depth > 1 {
			message = "blocks are not closed, perhaps this one first"
		}
		r.tell(at, diag.Diagnostic{ID: "HF002", Severity: diag.Error, Message: message, Expected: "a closing }"})
	}
	for r.depth > 0 {
		r.end(Pos{})
	}
}

// tell reports a problem with one byte, a brace.
func (r *Reader) tell(at Pos, d diag.Diagnostic) { r.lines.Tell(expand.Place(at), 1, d) }

// Span is the place of a word.
func (r *Reader) Span(w Word) diag.Span {
	size := len(w.Text)
	if w.Quoted {
		size += 2
	}
	return r.lines.Span(expand.Place(w.At), r.written(w, size))
}

// written is the length of a word as it is written: size, unless some of it
// came from a definition.
func (r *Reader) written(w Word, size int) int {
	s, from := r.Line(w.At), int(w.At.Col)-1
	if from < 0 || from > len(s) {
		return 0
	}
	s = s[from:]
	text := s
	if w.Quoted && text != "" {
		text = text[1:]
	}
	if len(text) >= len(w.Text) && text[:len(w.Text)] == w.Text {
		return size
	}
	n := 0
	for n < len(s) && class[s[n]] != space {
		n++
	}
	return n
}

// SpanAt is a place without an end.
func (r *Reader) SpanAt(p Pos) diag.Span { return r.lines.Span(expand.Place(p), 0) }

// Line is the text of the line at p, for the caret.
func (r *Reader) Line(p Pos) string { return r.lines.Text(expand.Place(p)) }

// File is the name of the file that p is in.
func (r *Reader) File(p Pos) string { return r.lines.File(expand.Place(p)) }
