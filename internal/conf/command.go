package conf

import (
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// command makes a Command of a statement's values: the first holds program
// and arguments, the next two the user and the group to run it as.
func (l *loader) command(s *stmt) *Command {
	w, argv := commandLine(s)
	if argv == nil {
		return nil
	}
	c := &Command{Argv: argv, Line: l.pos(w[0])}
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

// commandLine splits a line with a script as keepalived.conf(5) has it under
// "Quoted strings": into words, with quotes of both kinds and escapes, and the
// first of them once more into a program and its arguments. No shell is
// involved. Without a command argv is nil.
func commandLine(s *stmt) (words []syntax.Word, argv []string) {
	words = s.Words()
	ended := true
	if strings.ContainsAny(s.Node.Text, `\'`) && len(words) > 0 {
		words, ended = again(s.Node)
	}
	if len(words) == 0 {
		return nil, nil
	}
	if ended {
		argv, ended = syntax.Escaped(words[0].Text)
	}
	if !ended {
		s.Fault("HF004", diag.Error, words[0], "a quote in the command does not end, the command is ignored", "a closing quote")
		return nil, nil
	}
	if len(argv) == 0 {
		argv = []string{""}
	}
	return words, argv
}

// again splits the values of a statement that the ordinary rules, which know
// neither escapes nor single quotes, have split otherwise. The places are those
// of the ordinary words, as far as they go.
func again(n *syntax.Node) (words []syntax.Word, ended bool) {
	texts, ended := syntax.Escaped(n.Text)
	for i, t := range texts[min(1, len(texts)):] {
		w := n.Words[min(i+1, len(n.Words)-1)]
		w.Text = t
		words = append(words, w)
	}
	return words, ended
}
