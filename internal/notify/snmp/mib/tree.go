package mib

import (
	"cmp"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// Tree is a view of the objects that a State has, in the order of a walk. Values
// are made when they are asked for, so that a hundred thousand servers cost
// nothing before. It does not change; several goroutines may read it.
type Tree struct {
	columns []column
	servers []server // whose weights can be set
	routers []router // whose priorities and preemption can be
}

// column is one object of all rows of a table, or an object that stands alone:
// a column with the row 0.
type column struct {
	id   agentx.OID
	rows []agentx.OID               // what follows id, in order
	cell func(row int) agentx.Value // the zero Value: this row has none
}

// absent is the value of what a row does not have.
var absent agentx.Value

// scalar adds an object that stands alone.
func (t *Tree) scalar(id agentx.OID, v agentx.Value) {
	if v.Type != 0 {
		t.columns = append(t.columns, column{id, single, func(int) agentx.Value { return v }})
	}
}

var single = []agentx.OID{{0}}

// col is the column n of a table of R.
type col[R any] struct {
	n    uint32
	cell func(*R) agentx.Value
}

// table adds the columns of a table, whose rows are put into the order of their
// indices; of several with one index the first stays.
func table[R any](t *Tree, entry agentx.OID, rows []R, index func(*R) agentx.OID, cols ...col[R]) {
	if len(rows) == 0 {
		return
	}
	type place struct {
		at  agentx.OID
		row *R
	}
	all := make([]place, len(rows))
	for i := range rows {
		all[i] = place{index(&rows[i]), &rows[i]}
	}
	slices.SortStableFunc(all, func(a, b place) int { return a.at.Compare(b.at) })
	all = slices.CompactFunc(all, func(a, b place) bool { return a.at.Compare(b.at) == 0 })
	at := make([]agentx.OID, len(all))
	for i := range all {
		at[i] = all[i].at
	}
	for _, c := range cols {
		t.columns = append(t.columns, column{entry.With(c.n), at, func(row int) agentx.Value { return c.cell(all[row].row) }})
	}
}

// finish puts the columns in order.
func (t *Tree) finish() *Tree {
	slices.SortStableFunc(t.columns, func(a, b column) int { return a.id.Compare(b.id) })
	return t
}

// Get answers a Get for one object.
func (t *Tree) Get(id agentx.OID) agentx.VarBind {
	at, found := t.find(id)
	if !found {
		return agentx.VarBind{Name: id, Value: agentx.Value{Type: agentx.NoSuchObject}}
	}
	c := &t.columns[at]
	if row, found := slices.BinarySearchFunc(c.rows, id[len(c.id):], agentx.OID.Compare); found {
		if v := c.cell(row); v.Type != 0 {
			return agentx.VarBind{Name: id, Value: v}
		}
	}
	return agentx.VarBind{Name: id, Value: agentx.Value{Type: agentx.NoSuchInstance}}
}

// find is the column that id is in, or the one that comes after it.
func (t *Tree) find(id agentx.OID) (at int, found bool) {
	at, found = slices.BinarySearchFunc(t.columns, id, func(c column, id agentx.OID) int { return c.id.Compare(id) })
	if found {
		return at, true
	}
	if at > 0 && id.Below(t.columns[at-1].id) {
		return at - 1, true
	}
	return at, false
}

// Next answers a GetNext: the first object in a range.
func (t *Tree) Next(r agentx.Range) agentx.VarBind {
	end := agentx.VarBind{Name: r.Start, Value: agentx.Value{Type: agentx.EndOfMIBView}}
	at, found := t.find(r.Start)
	row := 0
	if found {
		var exact bool
		c := &t.columns[at]
		row, exact = slices.BinarySearchFunc(c.rows, r.Start[len(c.id):], agentx.OID.Compare)
		if exact && !r.Include {
			row++
		}
	}
	for ; at < len(t.columns); at, row = at+1, 0 {
		c := &t.columns[at]
		if len(r.End) > 0 && c.id.Compare(r.End) >= 0 {
			return end
		}
		for ; row < len(c.rows); row++ {
			v := c.cell(row)
			if v.Type == 0 {
				continue
			}
			out := agentx.VarBind{Name: c.id.With(c.rows[row]...), Value: v}
			if len(r.End) > 0 && out.Name.Compare(r.End) >= 0 {
				return end
			}
			return out
		}
	}
	return end
}

// Walk gives every object to each, in order.
func (t *Tree) Walk(each func(agentx.VarBind)) {
	var at agentx.OID
	for {
		v := t.Next(agentx.Range{Start: at})
		if v.Type == agentx.EndOfMIBView {
			return
		}
		each(v)
		at = v.Name
	}
}

// number is a numbered thing of a numbered thing, as most tables have them.
type number[T any] struct {
	of, n int
	it    T
}

func (r *number[T]) index() agentx.OID { return agentx.OID{part(r.of), part(r.n)} }

// part is one number of an index.
func part(n int) uint32 { return uint32(max(n, 0)) } // counts

// truth is a TruthValue, or "enabled" and "disabled": 1 and 2.
func truth(b bool) agentx.Value { return agentx.Int(choose(b, 1, 2)) }

// choose is a when it is so, else b.
func choose[T any](so bool, a, b T) T {
	if so {
		return a
	}
	return b
}

// text is a string; an empty one is no object.
func text(s string) agentx.Value {
	if s == "" {
		return absent
	}
	return agentx.Text(s)
}

// some is a number; 0 is no object.
func some[N cmp.Ordered](n N, value func(N) agentx.Value) agentx.Value {
	var none N
	if n == none {
		return absent
	}
	return value(n)
}
