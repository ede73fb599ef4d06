package schema

import (
	"strconv"

	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// Walker reads statements by the rows of a table.
//
// It takes braces as keepalived does: an opening one that no keyword asked for
// is passed over, and its closing one then ends the block around it. So what
// follows an unknown block is read as if it stood one level further out.
type Walker[T any] struct {
	Root *Block[T]
	Into *T
	Reporter

	stmt    Stmt
	open    []*Row[T] // the blocks around, outermost first
	tables  map[*Block[T]]table[T]
	noted   map[*Row[T]]bool
	unbuilt int       // how many of them have no effect yet
	ended   *Block[T] // the block that was closed last
	asked   int       // for how many unknown words a better one was sought
}

// table finds a block's rows by their keywords.
type table[T any] map[string]*Row[T]

// find is the row of a keyword, nil if b has none. A block's table is made when
// the first of its lines is read: most files have few kinds of blocks.
func (w *Walker[T]) find(b *Block[T], keyword string) *Row[T] {
	t := w.tables[b]
	if t == nil {
		t = table[T]{}
		for r := range b.Rows() {
			t[r.Name] = r
		}
		if w.tables == nil {
			w.tables = map[*Block[T]]table[T]{}
		}
		w.tables[b] = t
	}
	return t[keyword]
}

// Statement reads one statement of the file's root.
func (w *Walker[T]) Statement(n *syntax.Node) {
	w.node(n)
	for len(w.open) > 0 {
		w.close() // the text ended before its braces did
	}
}

// Ended says that a block was closed that was not read, for what stands behind
// it and would belong there.
func (w *Walker[T]) Ended(b *Block[T]) { w.ended = b }

// node reads a statement and the block behind it.
func (w *Walker[T]) node(n *syntax.Node) {
	b := w.Root
	if i := len(w.open); i > 0 {
		b = w.open[i-1].Block
	}
	take := w.statement(b, n)
	if !n.Opened || !take {
		return
	}
	for i := range n.Block {
		w.node(&n.Block[i])
	}
	if n.End.Line != 0 {
		w.close()
	}
}

// close ends the innermost block.
func (w *Walker[T]) close() {
	i := len(w.open) - 1
	if i < 0 {
		return // whatever opened it was reported
	}
	r := w.open[i]
	w.open, w.ended = w.open[:i], r.Block
	if r.Unbuilt {
		w.unbuilt--
	}
	if r.End != nil {
		r.End(w.Into)
	}
}

// statement reads the words of n; false: its block is not to be read.
func (w *Walker[T]) statement(b *Block[T], n *syntax.Node) bool {
	s := &w.stmt
	s.Node, s.rep, s.n, s.skip = n, &w.Reporter, 0, false
	if b.Line != nil {
		if n.Opened {
			w.Fault("HF015", diag.Error, n.Words[0], "unexpected { in "+b.Name+", its } will end "+b.Name, "a line of values", "")
		}
		b.Line(w.Into, s)
		return true
	}
	r := w.find(b, n.Words[0].Text)
	if r == nil {
		w.unknown(b, n)
		return true
	}
	w.remarks(b, r, n)
	if r.Block != nil && !n.Opened && !r.Bare {
		w.Fault("HF017", diag.Error, n.Words[0], r.Name+" needs a block", "{ … }", "")
		return false
	}
	if r.Block != nil && r.Block.Line != nil && !n.Opened {
		w.Fault("HF017", diag.Warning, n.Words[0], r.Name+" has no {: keepalived takes the lines down to the next } for its own", "{ … }", "")
	}
	if !w.args(r, s) {
		if r.Wrong != nil {
			r.Wrong(w.Into)
		}
		return r.Block == nil // a block without its name is left out
	}
	if r.To != nil {
		r.To.Keep(w.Into, s)
	}
	if r.Set != nil {
		r.Set(w.Into, s)
	}
	switch {
	case r.Block == nil:
		return true
	case s.skip:
		return false
	case !n.Opened:
		if r.End != nil {
			r.End(w.Into)
		}
		return false
	}
	w.open = append(w.open, r)
	if r.Unbuilt {
		w.unbuilt++
	}
	return true
}

// remarks says what there is to say of a keyword before its values.
func (w *Walker[T]) remarks(b *Block[T], r *Row[T], n *syntax.Node) {
	if r.Deprecated != "" {
		sev := diag.Warning
		if r.Complain {
			sev = diag.Error
		}
		w.Fault("HF016", sev, n.Words[0], r.Name+" is deprecated", "", "use "+r.Deprecated)
	}
	if r.Unbuilt && w.unbuilt == 0 {
		w.note(r, n)
	}
	if n.Opened && r.Block == nil {
		w.Fault("HF015", diag.Error, n.Words[0], "unexpected { after "+r.Name+endsToo(b, n), "no block", "")
	}
}

// endsToo says what the closing brace of a block that is none will do.
func endsToo[T any](b *Block[T], n *syntax.Node) string {
	at := ""
	if n.End.Line > n.Words[0].At.Line && n.End.File == n.Words[0].At.File {
		at = " in line " + strconv.Itoa(int(n.End.Line))
	}
	switch {
	case !n.Opened:
		return ""
	case b.Name != "":
		return ", its }" + at + " will end " + b.Name
	case at != "":
		return ", its block ends" + at
	}
	return ""
}

// note says once that a keyword has no effect yet.
func (w *Walker[T]) note(r *Row[T], n *syntax.Node) {
	if w.noted[r] {
		return
	}
	if w.noted == nil {
		w.noted = map[*Row[T]]bool{}
	}
	w.noted[r] = true
	w.Fault("HF030", diag.Notice, n.Words[0], r.Name+" is taken but has no effect yet", "", "")
}

// args reads the values of a statement; false: the row is not to be set.
func (w *Walker[T]) args(r *Row[T], s *Stmt) bool {
	words := s.Node.Words[1:]
	for i := range r.Args {
		a := &r.Args[i]
		if a.Kind == Words || a.Kind == Script {
			if !a.Optional && (len(words) <= i || words[i].Brace) {
				w.missing(r, s.Node, i)
				return false
			}
			return true
		}
		if i >= len(words) || words[i].Brace && !a.Optional {
			if !a.Optional {
				w.missing(r, s.Node, i)
				return false
			}
			return true
		}
		if !w.value(r, a, words[i], &s.val[i]) {
			return i > 0 && a.Kind == Enum // an option too many loses only itself
		}
		s.n = i + 1
	}
	if len(words) > len(r.Args) {
		extra := words[len(r.Args)]
		sev, then := diag.Warning, strconv.Quote(extra.Text)+" is ignored"
		if diag.Secret(r.Name) {
			then = "the rest is ignored"
		}
		if r.Block != nil && r.Block.Line != nil {
			sev = diag.Error
		}
		if r.Exact {
			sev, then = diag.Error, "the line is ignored"
		}
		w.Fault("HF013", sev, extra, r.Name+" takes "+count(len(r.Args))+", "+then, usage(r), "")
		return !r.Exact
	}
	return true
}

// value reads one value; what is out of bounds may still be taken, clamped.
func (w *Walker[T]) value(r *Row[T], a *Arg, word syntax.Word, v *Value) bool {
	is := a.read(word.Text, v)
	switch {
	case is == fits:
		return true
	case diag.Secret(r.Name) && a.Kind != Enum: // perhaps a word is left out, and this is the secret
		w.Fault("HF011", diag.Error, word, "a value of "+r.Name+" is not valid", a.Expected(), "")
		return false
	case is == wrong:
		w.Fault("HF011", diag.Error, word, r.Name+" "+strconv.Quote(word.Text)+" is not valid", a.Expected(), a.nearest(word.Text))
		return false
	default:
		m := r.Name + " " + word.Text + " is out of range"
		if a.Clamp {
			m += ", taking " + a.format(v.Int)
		}
		w.Fault("HF011", diag.Error, word, m, a.Expected(), "")
		return a.Clamp
	}
}

func (a *Arg) format(n int64) string {
	if a.Kind == Seconds {
		return FormatSeconds(n)
	}
	return strconv.FormatInt(n, 10)
}

// missing complains that argument i is not there.
func (w *Walker[T]) missing(r *Row[T], n *syntax.Node, i int) {
	expected := r.Args[i].Expected()
	if expected == "a value" {
		expected = usage(r)
	}
	sev, last := r.missing(), n.Words[i]
	if w.Torn != nil && w.Torn(w.Spans.Span(last)) {
		sev = diag.Error
	}
	w.Fault("HF012", sev, last, r.Name+" needs a value", expected, "")
}

func (r *Row[T]) missing() diag.Severity {
	if r.Soft {
		return diag.Error
	}
	return diag.Fatal
}

func count(n int) string {
	switch n {
	case 0:
		return "no value"
	case 1:
		return "one value"
	}
	return strconv.Itoa(n) + " values"
}
