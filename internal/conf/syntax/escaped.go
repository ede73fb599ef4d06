package syntax

import "strings"

// Escaped splits a text as keepalived.conf(5) has it under "Quoted strings":
// at space, with both kinds of quotes, which may begin and end within a word,
// and with escapes. The lines of scripts are read so, and what comes out as
// their first argument is split in the same way once more, into a program and
// its arguments. It reports false if a quote does not end.
func Escaped(text string) ([]string, bool) {
	if !strings.ContainsAny(text, "\"'\\") {
		return strings.FieldsFunc(text, func(c rune) bool { return c < 256 && class[byte(c)] == space }), true
	}
	var words []string
	var word []byte
	in, quoted := false, byte(0)
	for i := 0; i < len(text); {
		c := text[i]
		i++
		switch {
		case c == '\\' && i < len(text):
			var n int
			word, n = escape(word, text[i:])
			i += n
			in = true
		case quoted != 0 && c == quoted:
			quoted = 0
		case quoted != 0:
			word = append(word, c)
		case c == '"' || c == '\'':
			quoted, in = c, true
		case class[c] == space:
			if in {
				words = append(words, string(word))
				word, in = word[:0], false
			}
		default:
			word, in = append(word, c), true
		}
	}
	if in {
		words = append(words, string(word))
	}
	return words, quoted == 0
}

// Escapes of one letter, and what they stand for.
const (
	letters  = "abEfnrtv"
	controls = "\a\b\x1b\f\n\r\t\v"
)

// escape adds the byte that an escape stands for; s is what follows the
// backslash, n how much of it belongs to the escape.
func escape(word []byte, s string) ([]byte, int) {
	c := s[0]
	if i := strings.IndexByte(letters, c); i >= 0 {
		return append(word, controls[i]), 1
	}
	switch {
	case c == 'x':
		n, v := 1, byte(0)
		for n < len(s) && hex(s[n]) >= 0 {
			v = v<<4 | byte(hex(s[n]))
			n++
		}
		if n > 1 {
			return append(word, v), n
		}
	case c == 'c' && len(s) > 1:
		return append(word, s[1]&0x1f), 2
	case c >= '0' && c <= '7':
		n, v := 0, byte(0)
		for n < len(s) && n < 3 && s[n] >= '0' && s[n] <= '7' {
			v = v<<3 | (s[n] - '0')
			n++
		}
		return append(word, v), n
	}
	return append(word, c), 1
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
