package source

import (
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 3*block/16)
	for _, x := range []struct {
		a, b string
		want Alike
	}{
		{"", "", Alike{}},
		{"", "a", Alike{}},
		{"abc", "abc", Alike{3, 0}},
		{"abc", "xyz", Alike{}},
		{"abc", "abd", Alike{2, 0}},
		{"abc", "xbc", Alike{0, 2}},
		{"aXc", "aYYc", Alike{1, 1}},
		{"aa", "aaa", Alike{2, 0}},
		{"aba", "ababa", Alike{3, 0}},
		{long, long, Alike{len(long), 0}},
		{long + "x" + long, long + "yy" + long, Alike{len(long), len(long)}},
		{"x" + long, long, Alike{0, len(long)}},
		{long + long, long, Alike{len(long), 0}},
	} {
		if got := Compare(x.a, x.b); got != x.want {
			t.Errorf("%.9q and %.9q: %v, want %v", x.a, x.b, got, x.want)
		}
		if got := Compare(x.b, x.a); got != x.want {
			t.Errorf("%.9q and %.9q: %v, want %v", x.b, x.a, got, x.want)
		}
	}
}
