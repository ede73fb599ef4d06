package print

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// JSONVersion is the member "version": members may be added to one, others
// change their meaning with the next.
const JSONVersion = 1

// JSON writes all of a tree, with what holds unsaid, as an object: settings by
// their keyword as {"value", "from"}, lists and blocks by theirs. "from" is
// file:line, "default", or where an inherited value was written. Durations are
// in seconds. Passwords are masked unless secrets is set.
func JSON(root *Block, o *Origins, secrets bool) []byte {
	w := jsoner{o: o, secrets: secrets, margin: "\n"}
	var p *place
	if o != nil {
		p = o.root
	}
	w.version = JSONVersion
	w.block(root, scope{at: p})
	w.b.WriteByte('\n')
	return w.b.Bytes()
}

// object is a JSON object whose members have an order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var w jsoner
	w.open('{')
	for _, m := range o {
		w.member(m.name)
		w.value(m.value)
	}
	w.close('}')
	return w.b.Bytes(), nil
}

// jsoner writes JSON as it goes; configurations may have a hundred thousand
// servers.
type jsoner struct {
	b       bytes.Buffer
	o       *Origins
	secrets bool
	margin  string // a line's end and the indent; empty: all on one line
	version int    // is still to be written
}

func (w *jsoner) open(c byte) {
	w.b.WriteByte(c)
	if w.margin != "" {
		w.margin += "  "
	}
}

func (w *jsoner) close(c byte) {
	if w.margin != "" {
		w.margin = w.margin[:len(w.margin)-2]
		if !w.first() {
			w.b.WriteString(w.margin)
		}
	}
	w.b.WriteByte(c)
}

// first reports whether nothing stands in what was opened last.
func (w *jsoner) first() bool {
	last := w.b.Bytes()[w.b.Len()-1]
	return last == '{' || last == '['
}

// next begins an element.
func (w *jsoner) next() {
	if !w.first() {
		w.b.WriteByte(',')
		if w.margin == "" {
			w.b.WriteByte(' ')
		}
	}
	w.b.WriteString(w.margin)
}

func (w *jsoner) member(name string) {
	w.next()
	w.value(name)
	w.b.WriteString(": ")
}

func (w *jsoner) value(v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("print: " + err.Error()) // all of it is strings, numbers and bools
	}
	w.b.Write(raw)
}

// one writes an object on one line.
func (w *jsoner) one(o object) {
	raw, _ := o.MarshalJSON()
	w.b.Write(raw)
}

// scope is where a block was written, and the blocks around it.
type scope struct {
	at     *place
	around *scope
}

func (w *jsoner) block(b *Block, s scope) {
	w.open('{')
	if w.version > 0 {
		w.member("version")
		w.value(w.version)
		w.version = 0
	}
	if len(b.Name) > 0 {
		w.member("name")
		w.value(Words(b.Name...))
	}
	if b.Pos.Line > 0 {
		w.member("from")
		w.value(where(b.Pos))
	}
	for i := range b.Settings {
		w.setting(b, i, &s)
	}
	done := map[string]bool{}
	for i, sub := range b.Blocks {
		if !done[sub.Keyword] {
			done[sub.Keyword] = true
			w.blocks(b.Blocks[i:], sub, &s)
		}
	}
	w.close('}')
}

// blocks writes those that have the keyword of the first.
func (w *jsoner) blocks(list []*Block, first *Block, s *scope) {
	w.member(first.Keyword)
	if first.Plain {
		w.block(first, scope{at: w.o.find(s.at, first, 0), around: s})
		return
	}
	w.open('[')
	n := 0
	for _, sub := range list {
		if sub.Keyword == first.Keyword {
			w.next()
			w.block(sub, scope{at: w.o.find(s.at, sub, n), around: s})
			n++
		}
	}
	w.close(']')
}

func (w *jsoner) setting(b *Block, i int, at *scope) {
	s := &b.Settings[i]
	if first := b.Find(s.Keyword); first != s {
		return // a flag given twice
	}
	if s.List {
		w.list(s, at)
		return
	}
	v := s.Value
	if s.Secret && !w.secrets {
		v = Mask
	}
	w.member(s.Keyword)
	from := where(s.Pos)
	if s.Pos.Line == 0 {
		from = w.from(s, at)
	}
	w.one(object{{"value", v}, {"from", from}})
}

func (w *jsoner) list(s *Setting, at *scope) {
	name := s.Keyword
	if name == "" {
		name = "members"
	}
	w.member(name)
	w.open('[')
	for _, l := range s.Lines {
		from := w.from(s, at) // of the list, where a line does not keep its own
		if l.Pos.Line > 0 {
			from = where(l.Pos)
		}
		w.next()
		w.one(object{{"value", Words(l.Words...)}, {"from", from}})
	}
	w.close(']')
}

// from is where a value was written: in its block, or in one around it.
func (w *jsoner) from(s *Setting, at *scope) string {
	if p, ok := w.o.keyword(at.at, s.Keyword); ok {
		return where(p)
	}
	names := []string{s.Keyword}
	if s.From != "" {
		names = append(names, s.From)
		if p, ok := w.o.keyword(at.at, s.From); ok {
			return where(p)
		}
	}
	for up := at.around; up != nil; up = up.around {
		for _, n := range names {
			if p, ok := w.o.keyword(up.at, n); ok {
				return where(p)
			}
			if p, ok := w.o.global(up.at, n); ok {
				return where(p)
			}
		}
	}
	return "default"
}

func where(p conf.Pos) string { return fmt.Sprintf("%s:%d", p.File, p.Line) }
