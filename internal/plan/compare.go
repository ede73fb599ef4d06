package plan

import (
	"fmt"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/conf/print"
)

// compare finds the settings of a block that differ. Blocks within it are
// compared if they are always there; others are objects of their own.
func compare(have, want *print.Block) []Change {
	var out []Change
	for i := range want.Settings {
		w := &want.Settings[i]
		if c, ok := setting(have.Find(w.Keyword), w); ok {
			out = append(out, c)
		}
	}
	for i := range have.Settings {
		if h := &have.Settings[i]; want.Find(h.Keyword) == nil {
			if c, ok := setting(h, nil); ok {
				out = append(out, c)
			}
		}
	}
	for _, sub := range plain(have, want) {
		if sub == "global_defs" {
			continue // an object of its own
		}
		for _, c := range compare(part(have, sub), part(want, sub)) {
			c.Keyword = sub + " " + c.Keyword
			out = append(out, c)
		}
	}
	return append(out, urls(have, want)...)
}

// setting compares a setting; nil is none.
func setting(have, want *print.Setting) (Change, bool) {
	some := want
	if some == nil {
		some = have
	}
	c := Change{Keyword: some.Keyword}
	if some.List {
		var a, b []string
		if have != nil {
			a = lines(have)
		}
		if want != nil {
			b = lines(want)
		}
		if c.Keyword == "" {
			c.Keyword = "members"
		}
		return lists(c, a, b)
	}
	a, b := value(have), value(want)
	if a == b || have == nil && want.Implied || want == nil && have.Implied {
		return c, false
	}
	if !some.Secret {
		c.Old, c.New = a, b
	}
	return c, true
}

func value(s *print.Setting) string {
	if s == nil {
		return ""
	}
	if on, ok := s.Value.(bool); ok {
		if on {
			return "on"
		}
		return "off"
	}
	if s.Secret { // which may stand in a file
		return fmt.Sprint(s.Value)
	}
	return print.Words(s.Words...)
}

func lines(s *print.Setting) []string {
	out := make([]string, len(s.Lines))
	for i, l := range s.Lines {
		out[i] = print.Words(l.Words...)
	}
	return out
}

// lists compares two lists of lines.
func lists(c Change, a, b []string) (Change, bool) {
	if slices.Equal(a, b) {
		return c, false
	}
	count := map[string]int{}
	for _, l := range a {
		count[l]++
	}
	for _, l := range b {
		if count[l]--; count[l] < 0 {
			c.Added = append(c.Added, l)
		}
	}
	for _, l := range a {
		if count[l] > 0 {
			count[l]--
			c.Removed = append(c.Removed, l)
		}
	}
	c.Reordered = len(c.Added) == 0 && len(c.Removed) == 0
	return c, true
}

// plain are the keywords of blocks within that are compared with theirs.
func plain(have, want *print.Block) (out []string) {
	for _, b := range []*print.Block{have, want} {
		for _, sub := range b.Blocks {
			if sub.Plain && !slices.Contains(out, sub.Keyword) {
				out = append(out, sub.Keyword)
			}
		}
	}
	return out
}

func part(b *print.Block, keyword string) *print.Block {
	for _, sub := range b.Blocks {
		if sub.Keyword == keyword {
			return sub
		}
	}
	return &print.Block{}
}

// urls compares the url blocks of a checker, as lines.
func urls(have, want *print.Block) []Change {
	text := func(b *print.Block) (out []string) {
		for _, u := range b.Blocks {
			if u.Keyword != "url" {
				continue
			}
			var w []string
			for i := range u.Settings {
				if s := &u.Settings[i]; !s.Implied {
					w = append(append(w, s.Keyword), s.Words...)
				}
			}
			out = append(out, print.Words(w...))
		}
		return out
	}
	if c, ok := lists(Change{Keyword: "url"}, text(have), text(want)); ok {
		return []Change{c}
	}
	return nil
}
