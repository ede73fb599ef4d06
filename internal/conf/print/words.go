package print

import (
	"fmt"
	"strings"
)

// Mask stands for a password.
const Mask = "********"

// split is a text at its spaces.
func split(s string) []string { return strings.Fields(s) }

// quote puts a word in quotes if it needs them to be one word.
func quote(w string) string {
	if w == "" || strings.ContainsAny(w, " \t\v\f\r{}#!'") {
		return `"` + w + `"`
	}
	return w
}

// Words is a line of words.
func Words(words ...string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = quote(w)
	}
	return strings.Join(q, " ")
}

// commandWord makes one word of a program and its arguments. Reading splits
// the line with quotes and escapes, and its first word in the same way again.
func commandWord(argv []string) string {
	q := make([]string, len(argv))
	for i, a := range argv {
		q[i] = argument(a)
	}
	// What the first splitting has a use for is escaped.
	return strings.ReplaceAll(strings.ReplaceAll(strings.Join(q, " "), `\`, `\\`), `"`, `\042`)
}

// argument is one that the second splitting leaves whole.
func argument(a string) string {
	if a != "" && !strings.ContainsFunc(a, func(c rune) bool { return c <= ' ' || c == 0x7f || strings.ContainsRune(`'"\`, c) }) {
		return a
	}
	var b strings.Builder
	b.WriteByte('\'')
	for i := range len(a) {
		switch c := a[i]; {
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		case c == '\'' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('\'')
	return b.String()
}
