// Package syntax is the form of a configuration: lines of words, and blocks
// of lines in braces. It knows no keyword.
//
// A Reader takes expanded lines (package expand) and gives the statements of
// the file's root one at a time, so a file of a hundred thousand real servers
// is never a tree as a whole. What the words mean is package schema's.
package syntax

import "github.com/holdfast-ha/holdfast/internal/diag"

// Pos is a place in the text as it was written; expansion keeps it.
type Pos struct {
	File      int32 // index for Reader.Span
	Line, Col int32 // from 1; Col counts bytes
}

// Word is one word, without its quotes.
type Word struct {
	Text   string // shares the memory of the text
	At     Pos
	Quoted bool
	// Brace: it is a template's placeholder. keepalived reads its first brace as
	// one, and the words end before it.
	Brace bool
}

// Node is a statement: a keyword, its arguments, and the block it opens.
type Node struct {
	Words  []Word // at least one; the first is the keyword
	Text   string // the words as they are written, for keywords that split them in their own way
	Block  []Node // the lines between the braces
	Opened bool   // a brace was opened, perhaps with nothing in it
	End    Pos    // of the closing brace; zero if there was none
}

// Keyword is the first word.
func (n *Node) Keyword() Word { return n.Words[0] }

// Args are the words after the first.
func (n *Node) Args() []Word { return n.Words[1:] }

// Spanner turns a word into the place that a Diagnostic shows; a Reader is one.
type Spanner interface {
	Span(w Word) diag.Span
	// Line is the text of the line at p, for the caret.
	Line(p Pos) string
}
