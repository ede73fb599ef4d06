package reconcile

import (
	"cmp"
	"maps"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

var kind = Kind[string, int]{
	Compare: cmp.Compare[string],
	Same:    func(want, have int) bool { return want == have },
}

func TestAddChangeThenRemove(t *testing.T) {
	want := map[string]int{"b": 2, "a": 1, "d": 4, "c": 3}
	have := map[string]int{"z": 26, "c": 30, "y": 25, "d": 4}
	got := Plan(kind, want, have)
	exp := []Op[string, int]{
		{Add, "a", 1, 0},
		{Add, "b", 2, 0},
		{Change, "c", 3, 30},
		{Remove, "y", 0, 25},
		{Remove, "z", 0, 26},
	}
	if !reflect.DeepEqual(got, exp) {
		t.Errorf("got %v\nwant %v", got, exp)
	}
}

// Whatever was there: after the operations there is what was wanted, and then
// nothing is left to do.
func TestPlanReachesWhatIsWanted(t *testing.T) {
	tables := rapid.MapOf(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), rapid.IntRange(0, 2))
	rapid.Check(t, func(t *rapid.T) {
		want, have := tables.Draw(t, "want"), tables.Draw(t, "have")
		now := maps.Clone(have)
		for _, op := range Plan(kind, want, have) {
			if _, there := now[op.Key]; there == (op.Verb == Add) {
				t.Fatalf("%v %s while it is there: %v", op.Verb, op.Key, there)
			}
			if op.Verb == Remove {
				delete(now, op.Key)
			} else {
				now[op.Key] = op.Want
			}
		}
		if !maps.Equal(now, want) {
			t.Fatalf("reached %v, wanted %v", now, want)
		}
		if rest := Plan(kind, want, now); len(rest) != 0 {
			t.Fatalf("still to do: %v", rest)
		}
	})
}
