package format

import "strings"

// line is a line of a file.
type line struct {
	head    string // without comment and the space around it
	comment string // from # or ! on
	keep    bool   // what is inside head stays as it is
	raw     bool   // all of it stays as it is: it is in head
	on      bool   // a backslash ends it: a definition goes on
	indent  int
	gap     int // spaces between head and comment
}

func (n *line) blank() bool { return n.head == "" && n.comment == "" && !n.raw }

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func trim(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// readLine splits a line into statement and comment, as package expand does.
func readLine(s string) line {
	if len(s) > maxLaid || strings.IndexByte(s, 0) >= 0 {
		return line{head: s, raw: true, keep: true, on: continues(s)}
	}
	n := line{on: continues(s)}
	n.head = trim(s)
	if at := commentAt(n.head); at >= 0 {
		n.head, n.comment = trim(n.head[:at]), n.head[at:]
	}
	n.keep = n.on || !plain(n.head)
	return n
}

// continues: a backslash is the last byte before the line's end.
func continues(s string) bool {
	return strings.HasSuffix(s, `\`) || strings.HasSuffix(s, "\\\r")
}

// commentAt is where a comment begins: at # or !, but not in double quotes and
// not behind a backslash; -1 if there is none.
func commentAt(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case '#', '!':
			if !quoted {
				return i
			}
		}
	}
	return -1
}

// plain reports whether space between the words of a statement means nothing
// but that: there are no single quotes or backslashes, which scripts have a
// use for, no definitions, sequences or includes, no placeholders of a
// template, and quotes that end.
func plain(head string) bool {
	if head != "" && head[0] == '@' {
		head = head[len(condition(head)):]
	}
	return !strings.ContainsAny(head, `'\$~@`) && !strings.Contains(head, "include") &&
		!strings.Contains(head, "{{") && !strings.Contains(head, "{%") && strings.Count(head, `"`)%2 == 0
}

// condition is the @ID that a statement begins with, empty if there is none.
func condition(head string) string {
	if head == "" || head[0] != '@' {
		return ""
	}
	for i := range len(head) {
		if isSpace(head[i]) {
			return head[:i]
		}
	}
	return head
}

func (n *line) id() string { return condition(n.head) }

// defines reports whether a statement is $NAME=VALUE.
func (n *line) defines() bool {
	s := trim(strings.TrimPrefix(n.head, n.id()))
	if s == "" || s[0] != '$' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; c == '=' {
			return i > 1
		} else if c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return false
}

// tidy is the statement with one space between words and around braces.
func (n *line) tidy() string {
	if n.keep {
		return n.head
	}
	b := make([]byte, 0, len(n.head)+8)
	b = append(b, n.id()...)
	s, gap, opened := n.head[len(b):], false, false // opened: a brace is the last that was put
	put := func(t string) {
		if (gap || t == "{" || t == "}") && len(b) > 0 && (t != "}" || !opened) {
			if b[len(b)-1] != ' ' {
				b = append(b, ' ')
			}
		}
		b, gap, opened = append(b, t...), t == "{" || t == "}", t == "{"
	}
	for i := 0; i < len(s); {
		from := i
		switch c := s[i]; {
		case isSpace(c):
			gap = true
			i++
			continue
		case c == '"':
			i += strings.IndexByte(s[i+1:], '"') + 2
		default:
			i++
		}
		put(s[from:i])
	}
	return string(b)
}

// braces follows the braces of a statement. leading is how many closing ones
// it begins with, after the depth behind it; it never is below zero.
func braces(head string, depth int) (leading, after int) {
	s := strings.TrimPrefix(head, condition(head))
	if t := trim(s); strings.HasPrefix(t, "include") {
		return 0, depth
	} else if strings.HasPrefix(t, "~") {
		if end := strings.IndexByte(t, ')'); end >= 0 {
			s = t[end+1:]
		}
	}
	first := true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isSpace(c):
		case c == '}':
			depth = max(depth-1, 0)
			if first {
				leading++
			}
		default:
			first = false
			n, open := token(s[i:])
			if open {
				depth++
			}
			i += n - 1
		}
	}
	return leading, depth
}

// token is the length of what s begins with: something in quotes, ${NAME}, a
// placeholder, or one byte; open: it opens a block.
func token(s string) (size int, open bool) {
	end := ""
	switch {
	case s[0] == '"':
		end = `"`
	case strings.HasPrefix(s, "${"), strings.HasPrefix(s, "{%"):
		end = "}"
	case strings.HasPrefix(s, "{{"):
		end = "}}"
	default:
		return 1, s[0] == '{'
	}
	n := strings.Index(s[1:], end)
	switch {
	case n >= 0:
		return n + 1 + len(end), false
	case s[0] == '"':
		return len(s), false // the rest is ignored
	}
	return 1, s[0] == '{'
}
