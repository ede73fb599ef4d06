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
	if w == "" || strings.ContainsAny(w, " \t\v\f\r{}#!") {
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

// commandWord makes one word of a program and its arguments, which is split
// again when it is read.
func commandWord(argv []string) string {
	q := make([]string, len(argv))
	for i, a := range argv {
		q[i] = argument(a)
	}
	return strings.Join(q, " ")
}

func argument(a string) string {
	plain := true
	for i := range len(a) {
		if c := a[i]; c < ' ' || c == '\'' || c == '"' || c == '\\' || c == 0x7f {
			plain = false
		}
	}
	switch {
	case a == "":
		return "''"
	case !plain:
		return escaped(a)
	case strings.Contains(a, " "):
		return "'" + a + "'"
	}
	return a
}

// escaped writes an argument with backslashes.
func escaped(a string) string {
	var b strings.Builder
	for i := range len(a) {
		switch c := a[i]; {
		case c == '"' || c < ' ' && c != '\t' || c == 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		case c == '\'' || c == '\\' || c == ' ' || c == '\t':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
