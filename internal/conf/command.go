package conf

import (
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
)

// command makes a Command of a statement's values: the first holds program
// and arguments, the next two the user and the group to run it as.
func (l *loader) command(s *stmt) *Command {
	w := s.Words()
	if len(w) == 0 {
		return nil
	}
	c := &Command{Argv: splitCommand(w[0]), Line: l.pos(w[0])}
	if len(w) > 1 {
		c.User = w[1].Text
	}
	if len(w) > 2 {
		c.Group = w[2].Text
	}
	return c
}

// commandNotes is a program to look at when the file has been read.
type commandNotes struct {
	slot **Command // where it is stored; emptied if it must not run
	word syntax.Word
}

// splitCommand splits a quoted word as keepalived does: at white space, with
// quotes and backslashes of its own, and without a shell.
func splitCommand(w syntax.Word) []string {
	if !strings.ContainsAny(w.Text, " \t'\"\\") {
		return []string{w.Text}
	}
	var argv []string
	var b strings.Builder
	text, quote, in := w.Text, byte(0), false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
			in = true
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				b.WriteByte(c)
			}
		case c == '\'' || c == '"':
			quote, in = c, true
		case c == ' ' || c == '\t':
			if in {
				argv = append(argv, b.String())
				b.Reset()
				in = false
			}
		default:
			b.WriteByte(c)
			in = true
		}
	}
	if in {
		argv = append(argv, b.String())
	}
	return argv
}
