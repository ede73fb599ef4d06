// Package format lays a configuration file out: `holdfast config fmt`.
//
// It works on the lines as they are written, before anything is expanded, so
// comments, conditions (@ID), definitions and sequences stay where they are.
// What it changes is space alone: the indent follows the braces, words are one
// space apart, an opening brace moves up to its keyword, trailing comments of
// neighbouring lines stand below each other, and of several blank lines one is
// kept. Where space could mean something (definitions, quotes, backslashes,
// include) a line keeps what is inside it.
//
// Laying out twice changes nothing more, and what the text means stays the
// same; Same compares two texts in that respect. Reading and writing files is
// package cli's.
package format

import (
	"strings"
	"unicode/utf8"
)

// Indent is what a block's lines are moved to the right by.
const Indent = "    "

const (
	// maxLaid is the longest line that is touched, in bytes: half of what a
	// line may have (expand.MaxLine), so that no line grows beyond that.
	maxLaid = 32 << 10
	// maxIndent bounds the indent, for texts with many braces and no sense.
	maxIndent = 64
)

// bom may begin a file; it is kept.
const bom = "\xef\xbb\xbf"

// Source lays a text out.
func Source(text string) string {
	body := strings.TrimPrefix(text, bom)
	var l layout
	for body != "" {
		s, rest, _ := strings.Cut(body, "\n")
		l.add(readLine(s))
		body = rest
	}
	alignComments(l.out)
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	b.WriteString(text[:len(text)-len(strings.TrimPrefix(text, bom))])
	for i := range l.out {
		l.out[i].write(&b)
	}
	return b.String()
}

// layout puts lines below each other.
type layout struct {
	out    []line
	blank  bool // blank lines came before the next line
	last   line // the line before, as it was read; blank ones are not counted
	near   bool // it is the line before, with no blank one between
	depth  int  // of braces
	define int  // depth to go back to when the definition ends
	inside bool // a definition that goes on
	group  conditions
}

// add takes the next line.
func (l *layout) add(n line) {
	if n.blank() {
		// The line behind a backslash belongs to it, even a blank one.
		if l.last.on && l.near {
			l.inside, l.depth = false, l.pick(l.inside)
			l.out = append(l.out, line{})
			l.last, l.near = line{}, true
			return
		}
		l.blank, l.near = l.blank || len(l.out) > 0 && !l.out[len(l.out)-1].blank(), false
		return
	}
	if l.near && l.last.on {
		n.keep = true
	}
	if l.joins(&n) {
		top := &l.out[len(l.out)-1]
		top.head += " " + n.tidy()
		top.comment = n.comment
		l.move(&n)
		l.last = n
		return
	}
	open := len(l.out) > 0 && strings.HasSuffix(l.out[len(l.out)-1].head, "{")
	if l.blank && !open && !strings.HasPrefix(n.head, "}") {
		l.out = append(l.out, line{})
	}
	l.blank = false
	was := l.inside
	n.indent = l.move(&n)
	if was {
		n.indent++
	}
	if !n.keep {
		n.head = n.tidy()
	}
	l.out = append(l.out, n)
	l.last, l.near = n, true
}

// pick is the depth after a definition, or as it is.
func (l *layout) pick(defined bool) int {
	if defined {
		return l.define
	}
	return l.depth
}

// move follows a line's braces and returns the indent that it has.
func (l *layout) move(n *line) (indent int) {
	if n.raw {
		return 0
	}
	if !l.inside && n.on && n.defines() {
		l.inside, l.define = true, l.depth
	}
	before := l.depth
	if n.head != "" {
		before = l.group.enter(n, l.depth)
	}
	leading, after := braces(n.head, before)
	indent = max(before-leading, 0)
	if n.head != "" {
		l.depth = l.group.leave(n, after)
	}
	if l.inside && !n.on {
		l.inside, l.depth = false, l.define
	}
	return indent
}

// joins reports whether a line is an opening brace that can stand behind the
// keyword above it.
func (l *layout) joins(n *line) bool {
	p := &l.last
	return l.near && len(l.out) > 0 && !n.keep && strings.HasPrefix(n.head, "{") &&
		!p.keep && !p.on && p.head != "" && p.comment == "" && p.head[0] != '@' &&
		!strings.HasSuffix(p.head, "{") && !strings.HasSuffix(p.head, "}") && len(p.head)+len(n.head) < maxLaid
}

// conditions are neighbouring lines that begin with @ID. Of lines with
// different ids one is meant at most, so each id has a depth of its own; what
// follows has that of the first.
type conditions struct {
	first string // empty: the last line had no condition
	start int
	depth map[string]int
}

// enter is the depth that a line begins at.
func (c *conditions) enter(n *line, depth int) int {
	id := n.id()
	switch {
	case id == "":
		c.first = ""
		return depth
	case c.first == "":
		c.first, c.start, c.depth = id, depth, map[string]int{}
		return depth
	}
	if d, ok := c.depth[id]; ok {
		return d
	}
	return c.start
}

// leave is the depth behind a line.
func (c *conditions) leave(n *line, depth int) int {
	id := n.id()
	if id == "" {
		return depth
	}
	c.depth[id] = depth
	return c.depth[c.first]
}

// alignComments puts trailing comments of neighbouring lines below each other.
func alignComments(lines []line) {
	for i := 0; i < len(lines); {
		j, width := i, 0
		for j < len(lines) && lines[j].head != "" && lines[j].comment != "" && lines[j].indent == lines[i].indent {
			width = max(width, utf8.RuneCountInString(lines[j].head))
			j++
		}
		for k := i; k < j; k++ {
			lines[k].gap = width - utf8.RuneCountInString(lines[k].head) + 1
		}
		i = max(j, i+1)
	}
}

// write adds a line as it is laid out.
func (n *line) write(b *strings.Builder) {
	defer b.WriteByte('\n')
	if n.raw {
		b.WriteString(n.head)
		return
	}
	if n.blank() {
		return
	}
	for range min(n.indent, maxIndent) {
		b.WriteString(Indent)
	}
	b.WriteString(n.head)
	if n.comment != "" {
		for range n.gap {
			b.WriteByte(' ')
		}
		b.WriteString(n.comment)
	}
	if !n.on && (strings.HasSuffix(n.head, `\`) && n.comment == "" || strings.HasSuffix(n.comment, `\`)) {
		b.WriteByte(' ') // without it the line would go on
	}
}
