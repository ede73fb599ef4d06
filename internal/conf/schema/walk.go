package schema

import (
	"strconv"

	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// Walker reads statements by the rows of a table.
type Walker[T any] struct {
	Root *Block[T]
	Into *T
	Reporter

	stmt    Stmt
	noted   map[*Row[T]]bool
	unbuilt int // how many blocks around have no effect yet
}

// Statement reads one statement of the file's root.
func (w *Walker[T]) Statement(n *syntax.Node) { w.statement(w.Root, n) }

func (w *Walker[T]) statement(b *Block[T], n *syntax.Node) {
	if b.Line != nil {
		w.line(b, n)
		return
	}
	r := b.index[n.Words[0].Text]
	if r == nil {
		w.unknown(b, n)
		return
	}
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
	if !w.braces(r, n) {
		return
	}
	s := &w.stmt
	s.Node, s.rep, s.skip = n, &w.Reporter, false
	if !w.args(b, r, s) {
		return
	}
	if r.Set != nil {
		r.Set(w.Into, s)
	}
	if r.Block == nil {
		return
	}
	if !s.skip {
		w.inside(r, n)
	}
	if r.End != nil && !s.skip {
		r.End(w.Into)
	}
}

func (w *Walker[T]) inside(r *Row[T], n *syntax.Node) {
	if r.Unbuilt {
		w.unbuilt++
		defer func() { w.unbuilt-- }()
	}
	for i := range n.Block {
		w.statement(r.Block, &n.Block[i])
	}
	w.stmt.skip = false
}

func (w *Walker[T]) line(b *Block[T], n *syntax.Node) {
	w.stmt.Node, w.stmt.rep, w.stmt.n, w.stmt.skip = n, &w.Reporter, 0, false
	if n.Opened {
		w.Fault("HF015", diag.Error, n.Words[0], "unexpected { in "+b.Name, "a line of values", "")
		return
	}
	b.Line(w.Into, &w.stmt)
}

// braces checks that a block has braces and nothing else has.
func (w *Walker[T]) braces(r *Row[T], n *syntax.Node) bool {
	if n.Opened && r.Block == nil {
		w.Fault("HF015", diag.Error, n.Words[0], "unexpected { after "+r.Name+", ignored", "no block", "")
		return true
	}
	if r.Block != nil && !n.Opened && !r.Bare {
		w.Fault("HF017", diag.Error, n.Words[0], r.Name+" needs a block", "{ … }", "")
		return false
	}
	return true
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
func (w *Walker[T]) args(b *Block[T], r *Row[T], s *Stmt) bool {
	words := s.Node.Words[1:]
	s.n = 0
	for i := range r.Args {
		a := &r.Args[i]
		if a.Kind == Words || a.Kind == Script {
			if len(words) <= i && !a.Optional {
				w.missing(r, s.Node, a)
				return false
			}
			return true
		}
		if i >= len(words) {
			if !a.Optional {
				w.missing(r, s.Node, a)
				return false
			}
			return true
		}
		if !w.value(r, a, words[i], &s.val[i]) {
			return false
		}
		s.n = i + 1
	}
	if len(words) > len(r.Args) {
		extra := words[len(r.Args)]
		sev := diag.Warning
		if r.Exact {
			sev = diag.Error
		}
		w.Fault("HF013", sev, extra, r.Name+" takes "+count(len(r.Args))+", "+strconv.Quote(extra.Text)+" is ignored", usage(r), "")
		return !r.Exact
	}
	return true
}

// value reads one value; what is out of bounds may still be taken, clamped.
func (w *Walker[T]) value(r *Row[T], a *Arg, word syntax.Word, v *Value) bool {
	switch a.read(word.Text, v) {
	case fits:
		return true
	case wrong:
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

func (w *Walker[T]) missing(r *Row[T], n *syntax.Node, a *Arg) {
	w.Fault("HF012", r.missing(), n.Words[len(n.Words)-1], r.Name+" needs a value", a.Expected(), "")
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
