package delta

import (
	"io"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
)

// change is a file that both have. Its first and last parts are the same, so
// many; between them they are paired.
type change struct {
	have, want side
	lead, tail int
	mid        pairing
}

// compare finds what differs; nil: it is more than servers.
func (k *Known) compare(name string, set *source.Set, bytes io.ReaderAt, words *Keywords) *change {
	before, size, there := k.set.Place(name)
	after, length, still := set.Place(name)
	had, err := k.set.Read(name)
	wants, err2 := set.Read(name)
	if !there || !still || err != nil || err2 != nil || length > maxText {
		return nil
	}
	a, b := io.NewSectionReader(k.bytes, int64(before), int64(size)), io.NewSectionReader(bytes, int64(after), int64(length))
	first, last, err := ends(a, b)
	if err != nil {
		return nil
	}
	return side{text(had), k.files[name]}.compare(text(wants), source.Alike{Head: int(first), Tail: int(last)}, words)
}

// compare finds what differs in a text that is so much alike; nil: it is more
// than servers.
func (s side) compare(want string, alike source.Alike, words *Keywords) *change {
	c := &change{have: s, want: side{text: want}}
	if !c.scan(alike.Head, alike.Tail, words) {
		return nil
	}
	c.mid.have = side{c.have.text, slices.Clone(c.have.parts[c.lead : len(c.have.parts)-c.tail])}
	c.mid.want = side{c.want.text, slices.Clone(c.want.parts[c.lead : len(c.want.parts)-c.tail])}
	if !c.mid.pair() {
		return nil
	}
	return c
}

// scan finds the parts of want, which has so many bytes at its begin and its end
// from have. Behind a server that ends a line nothing is open, so what follows
// is known wherever the same follows.
func (c *change) scan(first, last int, words *Keywords) (ok bool) {
	have, more := c.have.parts, len(c.want.text)-len(c.have.text)
	for c.lead = len(have); c.lead > 0 && !c.have.closes(c.lead-1, first); c.lead-- {
	}
	s := scanner{Keywords: words, parts: slices.Grow(slices.Clone(have[:c.lead]), len(have)-c.lead)}
	if c.lead > 0 {
		p := &have[c.lead-1]
		s.start, s.no = int(p.to), p.line+p.lines-1
	} else if strings.HasPrefix(c.want.text[:min(len(mark), len(c.want.text))], mark) {
		return false
	}
	from, next := s.start, c.lead // of have, the part that may follow
	ok = s.lines(c.want.text, func() bool {
		p := s.last()
		if s.depth > 0 || !p.server || int(p.to) != s.start || s.start < len(c.want.text)-last {
			return false
		}
		for next < len(have) && int(have[next].from)+more < s.start {
			next++
		}
		if next == 0 || !c.have.closes(next-1, s.start-more) || int(have[next-1].to) != s.start-more {
			return false
		}
		c.tail = len(have) - next
		return true
	})
	if !ok || s.depth > 0 || !plain(c.want.text[from:s.start]) {
		return false
	}
	c.want.parts = s.parts
	c.want.identify(c.lead, len(s.parts))
	if c.tail > 0 {
		c.follow(have[next:], more, s.no)
	}
	return true
}

// follow takes the parts that follow over, more bytes further on and behind a
// line of another number.
func (c *change) follow(parts []part, more int, no int32) {
	at := &c.have.parts[len(c.have.parts)-len(parts)-1]
	lines := no - (at.line + at.lines - 1)
	for _, p := range parts {
		p.from, p.to, p.line = p.from+int32(more), p.to+int32(more), p.line+lines // bounded by maxText
		c.want.parts = append(c.want.parts, p)
	}
}

// closes reports whether part i is a server that ends a line within so many bytes.
func (s *side) closes(i, within int) bool {
	p := &s.parts[i]
	return p.server && int(p.to) <= within && s.text[p.to-1] == '\n'
}

// hashes are the hashes of those of servers that are read.
type hashes map[uint64]bool

// note takes them; false: there is a server of which the addresses are not known
// here, such as a group's.
func (c *change) note(seen hashes) bool {
	for i := range c.want.parts {
		if !c.middle(&c.want, i) && !c.want.note(seen, i, c.want.parts[i].apart()) {
			return false
		}
	}
	for _, s := range [...]*side{&c.mid.have, &c.mid.want} {
		for i := range s.parts {
			if !s.note(seen, i, s.parts[i].twin >= 0) {
				return false
			}
		}
	}
	return true
}

// sample takes the address of a server that could be left out.
func (c *change) sample(seen hashes) {
	for i := range c.have.parts {
		if p := &c.have.parts[i]; p.apart() {
			seen[p.key] = true
			return
		}
	}
}

// note takes the address of a part unless it is left out.
func (s *side) note(seen hashes, i int, out bool) bool {
	p := &s.parts[i]
	switch {
	case out:
	case p.key != 0:
		seen[p.key] = true
	case s.virtual(i):
		return s.marked(i)
	}
	return true
}

// apart reports whether a server that is the same on both sides may be left out.
func (p *part) apart() bool { return p.server && p.plain && !p.wrong && p.key != 0 }

// middle reports whether a part is among those that are paired.
func (c *change) middle(s *side, i int) bool { return i >= c.lead && i < len(s.parts)-c.tail }

// out reports whether a part of a side is left out, given those of the middle.
func (c *change) out(s *side, mid []part, i int, seen hashes) bool {
	p := &s.parts[i]
	if c.middle(s, i) {
		return mid[i-c.lead].twin >= 0 && !seen[p.key]
	}
	return p.apart() && !seen[p.key]
}

// moved reports whether a part that may be left out has not as many before it on
// both sides.
func (c *change) moved() bool {
	for i, p := range c.mid.want.parts {
		if p.twin >= 0 && int(p.twin) != i {
			return true
		}
	}
	return c.tail > 0 && len(c.mid.have.parts) != len(c.mid.want.parts)
}

// holes are what is left out of both sides.
func (c *change) holes(seen hashes) (have, want []expand.Hole) {
	return c.of(&c.have, c.mid.have.parts, seen), c.of(&c.want, c.mid.want.parts, seen)
}

// of gives the holes of a side. Where a part and the one before it are in the
// same places on both sides, so is what is between them, which has no statement:
// unless something was said about it it is left out with them.
func (c *change) of(s *side, mid []part, seen hashes) (list []expand.Hole) {
	before := false // the part before is left out
	for i := range s.parts {
		p, out := &s.parts[i], c.out(s, mid, i, seen)
		switch {
		case out && before && (int(p.from) == list[len(list)-1].To || !p.marks && (i < c.lead || i > len(s.parts)-c.tail)):
			h := &list[len(list)-1]
			last := &s.parts[i-1]
			h.To, h.Lines = int(p.to), h.Lines+p.line+p.lines-(last.line+last.lines)
		case out:
			list = append(list, expand.Hole{From: int(p.from), To: int(p.to), Lines: p.lines})
		}
		before = out
	}
	return list
}

// count counts what is left out of want.
func (c *change) count(seen hashes) (services, servers int) {
	for i := range c.want.parts {
		if c.out(&c.want, c.mid.want.parts, i, seen) {
			services, servers = services+1, servers+int(c.want.parts[i].servers)
		}
	}
	return services, servers
}

// without is a copy of the text with an empty line for each hole, and the holes
// in it: these lines.
func (s *side) without(holes []expand.Hole) (data []byte, left []expand.Hole) {
	size := len(s.text)
	for _, h := range holes {
		size -= h.To - h.From - 1
	}
	data, left = make([]byte, 0, size), make([]expand.Hole, 0, len(holes))
	at := 0
	for _, h := range holes {
		data = append(data, s.text[at:h.From]...)
		left = append(left, expand.Hole{From: len(data), To: len(data) + 1, Lines: h.Lines})
		data, at = append(data, '\n'), h.To
	}
	return append(data, s.text[at:]...), left
}
