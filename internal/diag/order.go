package diag

import "slices"

// InOrder puts a list into the order of the text. Files keep the order in
// which they are first mentioned; findings at one place keep theirs.
func (l List) InOrder() {
	first := map[string]int{}
	for i := range l {
		if _, ok := first[l[i].Span.File]; !ok {
			first[l[i].Span.File] = i
		}
	}
	slices.SortStableFunc(l, func(a, b Diagnostic) int {
		if a.Span.File != b.Span.File {
			return first[a.Span.File] - first[b.Span.File]
		}
		if a.Span.Line != b.Span.Line {
			return a.Span.Line - b.Span.Line
		}
		return a.Span.Col - b.Span.Col
	})
}
