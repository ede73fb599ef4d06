package delta

import "github.com/holdfast-ha/holdfast/internal/conf/source"

// Past is a configuration that was read, and that others are compared with. Its
// texts are cut into parts when somebody first asks.
type Past struct {
	set   *source.Set
	wrong map[string][]int32
	words Keywords
	sides map[string]*side // nil: a text that cannot be compared
}

// Keywords say what a keyword within a virtual_server is.
type Keywords struct {
	Local  func(keyword string) bool // it is only about that server (conf.Local)
	Server func(keyword string) bool // it may stand there at all (conf.OfServer)

	known map[string]bool // what Server answered
}

// foreign reports whether a keyword must not stand in a virtual_server. The
// first that must not ends the comparison, so what is known is bounded.
func (k *Keywords) foreign(keyword string) bool {
	ours, known := k.known[keyword]
	if !known {
		ours = k.Server(keyword)
		k.known[keyword] = ours
	}
	return !ours
}

// NewPast is the configuration in a set. wrong has the lines, by file and in
// order, at which something was said about it; words say what keywords mean.
func NewPast(have *source.Set, wrong map[string][]int32, words Keywords) *Past {
	words.known = map[string]bool{}
	return &Past{set: have, wrong: wrong, words: words, sides: map[string]*side{}}
}

// side is the text of a file, nil if it cannot be compared.
func (p *Past) side(name string) *side {
	s, known := p.sides[name]
	if known {
		return s
	}
	if data, err := p.set.Read(name); err == nil {
		if cut, ok := learn(text(data), p.wrong[name], &p.words); ok {
			s = &cut
		}
	}
	p.sides[name] = s
	return s
}

// Comparable reports whether a file's text can be compared at all.
func (p *Past) Comparable(name string) bool { return p.side(name) != nil }
