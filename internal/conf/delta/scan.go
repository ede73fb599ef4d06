package delta

import "strings"

// part is a statement of a file's root, with the block behind it.
type part struct {
	from, to int32 // offsets in the text; whole lines if it is a server
	line     int32 // number of its first line
	lines    int32 // how many it has, if it is a server
	servers  int32 // real_server blocks in it
	server   bool  // a virtual_server on lines of its own
	plain    bool  // its keywords are all local
	wrong    bool  // something was said about it
	twin     int32 // the same server of the other text, -1: there is none

	// Only where parts are kept (Known).
	key   uint64 // a hash of its address, if it is a virtual_server that has one
	marks bool   // something was said of what is between it and the part before
}

// Larger texts are not compared, nor those with longer lines or blocks that
// are further within each other than any keyword needs.
const (
	maxText  = 1 << 30
	maxLine  = 64 << 10
	maxDepth = 16
)

// scanner finds the parts of a text. It reads words and braces as packages
// expand and syntax do, as far as they are no more than that.
type scanner struct {
	*Keywords

	parts []part
	no    int32 // of the line being read
	start int   // its offset
	depth int
	open  bool // the last part may still get its block
	own   bool // the last part is a virtual_server, and nothing is before it
}

// scan gives the parts of a text. It gives up, ok is false, where there is more
// to a text than words and braces: definitions, conditions, sequences, mistakes
// in its form, and servers with what does not belong there. Braces that do not
// match their keywords look so: a part is then more than one statement.
func scan(text string, k *Keywords) (parts []part, ok bool) {
	if len(text) > maxText || strings.HasPrefix(text, mark) || !plain(text) {
		return nil, false
	}
	s := scanner{Keywords: k}
	ok = s.lines(text, func() bool { return false })
	return s.parts, ok && s.depth == 0
}

// lines reads them until done says so, which is asked before each.
func (s *scanner) lines(text string, done func() bool) (ok bool) {
	for s.start < len(text) && !done() {
		size := strings.IndexByte(text[s.start:], '\n')
		next := s.start + size + 1
		if size < 0 {
			size, next = len(text)-s.start, len(text)
		}
		s.no++
		if size > maxLine || !s.line(text[s.start:s.start+size]) {
			return false
		}
		if p := s.last(); p.server && p.lines == 0 {
			p.to, p.lines = int32(next), s.no-p.line+1 // bounded by maxText
		}
		s.start = next
	}
	return true
}

// mark is the byte order mark that a text may begin with.
const mark = "\xef\xbb\xbf"

// plain reports whether a piece of text has nothing that works beyond its line.
func plain(text string) bool { return strings.IndexByte(text, 0) < 0 && !defines(text) }

// defines reports whether a definition may be made or used.
func defines(text string) bool {
	for {
		i := strings.IndexByte(text, '$')
		if i < 0 || i+1 == len(text) {
			return false
		}
		text = text[i+1:]
		if c := text[0]; c == '{' || c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			return true
		}
	}
}

// last is the last part.
func (s *scanner) last() *part {
	if len(s.parts) == 0 {
		return &part{}
	}
	return &s.parts[len(s.parts)-1]
}

// line reads a line; false: there is more to it than is understood here.
func (s *scanner) line(line string) bool {
	keyword, alone := true, true // the next word is one; nothing is before it
	for i := 0; i < len(line); {
		n, ok := 1, true
		switch class[line[i]] {
		case space:
			i++
			continue
		case comment:
			return true
		case opening:
			ok, keyword = s.opens(line[i+1:]), true
		case closing:
			ok, keyword = s.closes(), true
		default:
			if n = word(line[i:]); n == 0 {
				return false
			}
			if keyword && includes(line[i:i+n]) {
				if !alone { // it is read as a line of its own
					return false
				}
				n = len(line) - i
			}
			if keyword {
				ok, keyword = s.statement(line[i:i+n], i, alone), false
			}
		}
		if !ok {
			return false
		}
		i, alone = i+n, false
		s.last().to = int32(s.start + i) // bounded by maxText
	}
	return true
}

// statement begins one; at is where its keyword is on the line, alone: first.
func (s *scanner) statement(text string, at int, alone bool) bool {
	switch {
	case text[0] == '@', text[0] == '~', s.depth > 0 && strings.HasPrefix(text, "include"):
		return false
	case s.depth > 0 && !s.own:
		return text != "virtual_server"
	case s.depth > 0:
		if local := s.Local(text); !local && s.foreign(text) {
			return false
		} else if !local {
			s.last().plain = false
		}
		if s.depth == 1 && text == "real_server" {
			s.last().servers++
		}
		return true
	}
	if !alone {
		s.last().server = false // it shares its last line
	} else {
		at = 0
	}
	s.parts = append(s.parts, part{from: int32(s.start + at), line: s.no, plain: true, twin: -1}) // bounded by maxText
	s.open, s.own = !strings.HasPrefix(text, "include"), alone && text == "virtual_server"
	return true
}

// opens takes an opening brace; rest is what follows it.
func (s *scanner) opens(rest string) bool {
	if s.depth == 0 && !s.open || rest != "" && (rest[0] == '{' || rest[0] == '%') {
		return false
	}
	s.open = false
	s.depth++
	return s.depth < maxDepth
}

// closes takes a closing brace.
func (s *scanner) closes() bool {
	if s.depth == 0 {
		return false
	}
	if s.depth--; s.depth == 0 {
		s.last().server = s.own
	}
	return true
}

// What a byte is.
const (
	letter = iota
	space
	quote
	opening
	closing
	comment
)

var class = [256]uint8{
	' ': space, '\t': space, '\n': space, '\v': space, '\f': space, '\r': space,
	'"': quote, '{': opening, '}': closing, '#': comment, '!': comment,
}

// word is the length of the word, or the quoted text, that a line begins with;
// 0: a quote does not end, or a backslash may mean something.
func word(line string) int {
	n := 1
	if class[line[0]] == quote {
		end := strings.IndexByte(line[1:], '"')
		if end < 0 || end > 0 && line[end] == '\\' {
			return 0
		}
		return end + 2
	}
	for n < len(line) && class[line[n]] == letter {
		n++
	}
	if line[n-1] == '\\' {
		return 0
	}
	return n
}

// includes reports whether a keyword's line is the name of a file.
func includes(keyword string) bool {
	switch keyword {
	case "include", "includer", "includem", "includew", "includeb", "includea":
		return true
	}
	return false
}
