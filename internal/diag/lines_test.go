package diag

import (
	"reflect"
	"testing"
)

func TestLinesOf(t *testing.T) {
	at := func(s *Span) (string, int) { return s.File, s.Line }
	got := LinesOf([]Span{{File: "a", Line: 7}, {File: "b", Line: 1}, {File: "a", Line: 2}}, at)
	if want := map[string][]int32{"a": {2, 7}, "b": {1}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := LinesOf(nil, at); got == nil || len(got) != 0 {
		t.Errorf("of none: %v", got)
	}
	for _, s := range []Span{{Line: 3}, {File: "a"}} {
		if got := LinesOf([]Span{{File: "a", Line: 1}, s}, at); got != nil {
			t.Errorf("with %+v: %v, want nil", s, got)
		}
	}
}
