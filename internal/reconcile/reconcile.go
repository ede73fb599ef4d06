// Package reconcile compares what ought to be with what is, and gives the
// operations that make the difference go away: add, change, then remove,
// always in the same order. So a replacement is there before what it replaces
// has gone, and two runs on the same input do the same.
//
// It knows nothing of what it orders. Who writes the operations (kernel, the
// directors) may fail at some of them: the next comparison finds those again.
package reconcile

import (
	"slices"
)

// Verb says what an Op does.
type Verb uint8

// The verbs, in the order in which Plan gives them.
const (
	Add Verb = iota
	Change
	Remove
)

// String gives the verb as a word.
func (v Verb) String() string { return [...]string{"add", "change", "remove"}[v] }

// Op is one operation. Have is the zero value for Add, Want for Remove.
type Op[K comparable, V any] struct {
	Verb Verb
	Key  K
	Want V
	Have V
}

// Kind says how keys are ordered and when two values are as good as the same.
type Kind[K comparable, V any] struct {
	Compare func(a, b K) int
	Same    func(want, have V) bool
}

// Plan returns what makes have into want.
func Plan[K comparable, V any](k Kind[K, V], want, have map[K]V) []Op[K, V] {
	var ops []Op[K, V]
	for key, w := range want {
		h, ok := have[key]
		switch {
		case !ok:
			ops = append(ops, Op[K, V]{Verb: Add, Key: key, Want: w})
		case !k.Same(w, h):
			ops = append(ops, Op[K, V]{Verb: Change, Key: key, Want: w, Have: h})
		}
	}
	for key, h := range have {
		if _, ok := want[key]; !ok {
			ops = append(ops, Op[K, V]{Verb: Remove, Key: key, Have: h})
		}
	}
	slices.SortFunc(ops, func(a, b Op[K, V]) int {
		if a.Verb != b.Verb {
			return int(a.Verb) - int(b.Verb)
		}
		return k.Compare(a.Key, b.Key)
	})
	return ops
}
