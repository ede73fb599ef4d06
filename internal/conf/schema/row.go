// Package schema is the grammar of keywords: which keyword stands in which
// block, what values it takes and within which bounds, and how it is
// documented. It reads statements against that grammar and says, of all that
// does not fit, what was expected.
//
// The rows themselves are in package conf, beside the structs that they fill;
// here is what a row can say (row.go, args.go), how a statement is read by it
// (walk.go, stmt.go), and what is printed from it (reference.go).
package schema

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

	// Set stores the values; nil: there is nothing to store. It is called only
	// with values that fit Args, and before the Block is read.
	Set func(t *T, s *Stmt)
	// Wrong stores what a value that does not fit stands for; nil: the line is
	// as if it were not there.
	Wrong func(t *T)
	// End is called after the Block.
	End func(t *T)
}

// Block is what may stand in a pair of braces, or at a file's root.
type Block[T any] struct {
	// Name is the way to it ("vrrp_instance > authentication").
	Name string
	Rows []Row[T]
	// Line takes the statements of a list, whose first word is no keyword;
	// LineArgs document it. A block has either Rows or Line.
	Line     func(t *T, s *Stmt)
	LineArgs []Arg

	index map[string]*Row[T]
}

// NewBlock makes a block of rows; a name given twice is a mistake in the table.
func NewBlock[T any](name string, rows ...[]Row[T]) *Block[T] {
	b := &Block[T]{Name: name, index: map[string]*Row[T]{}}
	for _, r := range rows {
		b.Rows = append(b.Rows, r...)
	}
	for i := range b.Rows {
		r := &b.Rows[i]
		if b.index[r.Name] != nil {
			panic("schema: " + name + " has two rows " + r.Name)
		}
		b.index[r.Name] = r
	}
	return b
}

// List makes a block of lines without keywords.
func List[T any](name string, line func(*T, *Stmt), args ...Arg) *Block[T] {
	return &Block[T]{Name: name, Line: line, LineArgs: args}
}

// Find returns the row of a keyword, nil if the block has none.
func (b *Block[T]) Find(keyword string) *Row[T] { return b.index[keyword] }

// Each calls f for every row of b and of the blocks below it, parents first.
func (b *Block[T]) Each(f func(b *Block[T], r *Row[T])) {
	for i := range b.Rows {
		f(b, &b.Rows[i])
		if sub := b.Rows[i].Block; sub != nil {
			sub.Each(f)
		}
	}
}
