// Package schema is the grammar of keywords: which keyword stands in which
// block, what values it takes and within which bounds, and how it is
// documented. It reads statements against that grammar and says, of all that
// does not fit, what was expected.
//
// The rows themselves are in package conf, beside the structs that they fill;
// here is what a row can say (row.go, args.go), how a statement is read by it
// (walk.go, stmt.go), and what is printed from it (reference.go).
package schema

import "iter"

// Row is one keyword of one block. T is what is being filled.
type Row[T any] struct {
	Name string
	// Args are the values after the keyword, in order.
	Args []Arg
	// Doc is one sentence for the reference.
	Doc string
	// Since is the keepalived version that brought it, empty: 2.2.7 or before.
	Since string
	// Deprecated says what to use instead; empty: it is not.
	Deprecated string
	// Exact: words too many are an Error; elsewhere they are passed over.
	Exact bool
	// Complain: keepalived's test fails because of the deprecated keyword.
	Complain bool
	// Own marks holdfast's own keywords.
	Own bool
	// Unbuilt: it is read, checked and documented, and has no effect yet.
	Unbuilt bool
	// Block is what may stand between braces; nil: no braces.
	Block *Block[T]
	// Bare allows a Block's braces to be left out.
	Bare bool
	// Soft: a missing value is an Error and the line ignored; otherwise it is
	// Fatal, for that is where keepalived stops reading.
	Soft bool

	// To is where the values are kept, and Set does with them what takes more
	// than that: one of the two, or neither if there is nothing to keep. They
	// are asked only with values that fit Args, before the Block is read.
	To  Place[T]
	Set func(t *T, s *Stmt)
	// Wrong stores what a value that does not fit stands for; nil: the line is
	// as if it were not there.
	Wrong func(t *T)
	// End is called after the Block.
	End func(t *T)
}

// Place is where a row's values are kept. That a conf.flag is a Place and not a
// function that makes a Set lets the linker lay whole tables out: nothing is
// built when a process starts, and there are processes that read nothing.
type Place[T any] interface {
	Keep(t *T, s *Stmt)
}

// Block is what may stand in a pair of braces, or at a file's root.
type Block[T any] struct {
	// Name is the way to it ("vrrp_instance > authentication").
	Name string
	// Parts are its rows, in groups that several blocks may share.
	Parts [][]Row[T]
	// Line takes the statements of a list, whose first word is no keyword;
	// LineArgs document it. A block has either Parts or Line.
	Line     func(t *T, s *Stmt)
	LineArgs []Arg
}

// Rows are the rows of all parts.
func (b *Block[T]) Rows() iter.Seq[*Row[T]] {
	return func(yield func(*Row[T]) bool) {
		for _, part := range b.Parts {
			for i := range part {
				if !yield(&part[i]) {
					return
				}
			}
		}
	}
}

// Find returns the row of a keyword, nil if the block has none. Who reads whole
// files has an index (Walker).
func (b *Block[T]) Find(keyword string) *Row[T] {
	for r := range b.Rows() {
		if r.Name == keyword {
			return r
		}
	}
	return nil
}

// Each calls f for every row of b and of the blocks below it, parents first.
func (b *Block[T]) Each(f func(b *Block[T], r *Row[T])) {
	for r := range b.Rows() {
		f(b, r)
		if r.Block != nil {
			r.Block.Each(f)
		}
	}
}
