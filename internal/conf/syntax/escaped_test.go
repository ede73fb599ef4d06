package syntax

import (
	"slices"
	"testing"
)

// What keepalived 2.2.7 shows as a script's command for such lines.
func TestEscaped(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
		ok   bool
	}{
		{`/bin/true a  b`, []string{"/bin/true", "a", "b"}, true},
		{`/bin/true 'b c' d`, []string{"/bin/true", "b c", "d"}, true},
		{`abcd" efg h jkl "mnop`, []string{"abcd efg h jkl mnop"}, true},
		{`abcd "efg h jkl" mnop`, []string{"abcd", "efg h jkl", "mnop"}, true},
		{`'/bin/true' a''b c'd e'f`, []string{"/bin/true", "ab", "cd ef"}, true},
		{`'a "b" c'`, []string{`a "b" c`}, true},
		{`t \x41\101\e\E\n|`, []string{"t", "AAe\x1b\n|"}, true},
		{`t \"a b\" c\ d e\'f`, []string{"t", `"a`, `b"`, "c d", "e'f"}, true},
		{`a\\b \cA \q \`, []string{`a\b`, "\x01", "q", `\`}, true},
		{`t '' x`, []string{"t", "", "x"}, true},
		{`\042\062 \077`, []string{"\"2", "?"}, true},
		{`\x \400`, []string{"x", "\x00"}, true},
		{`t 'a b`, []string{"t", "a b"}, false},
		{``, nil, true},
		{`  `, nil, true},
	} {
		got, ok := Escaped(c.text)
		if !slices.Equal(got, c.want) || ok != c.ok {
			t.Errorf("%s: %q %v, want %q %v", c.text, got, ok, c.want, c.ok)
		}
	}
}
