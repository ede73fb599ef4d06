package expand

import "slices"

// Line is a line after expansion, not blank, without its comment. It is good
// until the next one; its Text may be kept.
type Line struct {
	Text   string
	place  Place   // of Text[0], if there are no pieces
	pieces []piece // in order, the first at offset 0; nil: all of it was written as it is
	on     bool    // a backslash was the last byte as written: a definition goes on
}

// piece says where the text from an offset on was written.
type piece struct {
	off   int
	at    Place
	still bool // the text is made up for the place: columns don't go on
}

// Base is the place of the first byte, and whether the others follow it there.
func (l *Line) Base() (Place, bool) { return l.place, l.pieces == nil }

// At is the place of the byte at an offset of Text.
func (l *Line) At(off int) Place {
	if l.pieces == nil {
		p := l.place
		p.Col += int32(off)
		return p
	}
	q := &l.pieces[l.find(off)]
	p := q.at
	if !q.still {
		p.Col += int32(off - q.off)
	}
	return p
}

// find is the index of the piece that the byte at an offset belongs to.
func (l *Line) find(off int) int {
	low, high := 0, len(l.pieces)-1
	for low < high {
		if mid := (low + high + 1) / 2; l.pieces[mid].off <= off {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low
}

// spread adds to list the pieces of the text between two offsets, as they are
// when that text begins at the offset shift.
func (l *Line) spread(list []piece, from, to, shift int) []piece {
	if l.pieces == nil {
		return append(list, piece{off: shift, at: l.At(from)})
	}
	i := l.find(from)
	list = append(list, piece{shift, l.At(from), l.pieces[i].still})
	for i++; i < len(l.pieces) && l.pieces[i].off < to; i++ {
		p := l.pieces[i]
		list = append(list, piece{p.off - from + shift, p.at, p.still})
	}
	return list
}

// cut is the line without its first n bytes.
func (l Line) cut(n int) Line {
	if l.pieces == nil {
		l.place.Col += int32(n)
	} else {
		l.pieces = l.spread(nil, n, len(l.Text), 0)
	}
	l.Text = l.Text[n:]
	return l
}

// trim is the line without space at its ends.
func (l Line) trim() Line {
	n := 0
	for n < len(l.Text) && isSpace(l.Text[n]) {
		n++
	}
	if n > 0 {
		l = l.cut(n)
	}
	l.Text = trimRight(l.Text)
	return l
}

// builder makes a line of pieces of others.
type builder struct {
	text   []byte
	pieces []piece
}

// keep adds a line's text between two offsets, with its places.
func (b *builder) keep(line *Line, from, to int) {
	if from >= to {
		return
	}
	b.pieces = line.spread(b.pieces, from, to, len(b.text))
	b.text = append(b.text, line.Text[from:to]...)
}

// add adds text that stands for what is written at a place.
func (b *builder) add(s string, at Place) {
	if s == "" {
		return
	}
	b.pieces = append(b.pieces, piece{off: len(b.text), at: at, still: true})
	b.text = append(b.text, s...)
}

// line is what was built; its pieces are good until the builder is used again.
func (b *builder) line() Line {
	if len(b.pieces) == 0 {
		return Line{}
	}
	return Line{Text: string(b.text), pieces: b.pieces}
}

// own makes a line last.
func (l Line) own() Line {
	l.pieces = slices.Clone(l.pieces)
	return l
}
