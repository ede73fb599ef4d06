package print

import "strings"

// Text writes a tree as keepalived.conf, without what holds unsaid. Passwords
// are masked unless secrets is set, and then loading it again gives the same
// configuration.
func Text(root *Block, secrets bool) string {
	w := writer{secrets: secrets}
	w.block(root, "")
	return w.b.String()
}

type writer struct {
	b       strings.Builder
	secrets bool
}

const indent = "    "

func (w *writer) block(b *Block, at string) {
	for i := range b.Settings {
		s := &b.Settings[i]
		if s.Implied {
			continue
		}
		if s.List {
			w.apart(b)
			w.lines(s, at)
			continue
		}
		words := s.Words
		if s.Secret && !w.secrets {
			words = []string{Mask}
		}
		w.line(at, strings.TrimSuffix(s.Keyword+" "+Words(words...), " "))
	}
	for _, sub := range b.Blocks {
		if sub.Plain && !sub.said() {
			continue
		}
		w.apart(b)
		head := append([]string{sub.Keyword}, sub.Name...)
		w.line(at, Words(head...)+" {")
		w.block(sub, at+indent)
		w.line(at, "}")
	}
}

// apart puts a blank line between the blocks of the root.
func (w *writer) apart(b *Block) {
	if b.Keyword == "" && w.b.Len() > 0 {
		w.b.WriteByte('\n')
	}
}

func (w *writer) lines(s *Setting, at string) {
	if s.Keyword == "" {
		for _, l := range s.Lines {
			w.line(at, Words(l.Words...))
		}
		return
	}
	w.line(at, s.Keyword+" {")
	for _, l := range s.Lines {
		w.line(at+indent, Words(l.Words...))
	}
	w.line(at, "}")
}

func (w *writer) line(at, text string) {
	w.b.WriteString(at)
	w.b.WriteString(text)
	w.b.WriteByte('\n')
}

// said reports whether anything in a block must be written.
func (b *Block) said() bool {
	for i := range b.Settings {
		if !b.Settings[i].Implied {
			return true
		}
	}
	for _, sub := range b.Blocks {
		if !sub.Plain || sub.said() {
			return true
		}
	}
	return false
}
