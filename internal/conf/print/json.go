package print

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// JSON writes all of a tree, with what holds unsaid, as an object: settings by
// their keyword as {"value", "from"}, lists and blocks by theirs. "from" is
// file:line, "default", or where an inherited value was written. Durations are
// in seconds. Passwords are masked unless secrets is set.
func JSON(root *Block, o *Origins, secrets bool) []byte {
	w := jsoner{o: o, secrets: secrets}
	var p *place
	if o != nil {
		p = o.root
	}
	var out bytes.Buffer
	raw, err := json.Marshal(w.block(root, scope{at: p}))
	if err == nil {
		err = json.Indent(&out, raw, "", "  ")
	}
	if err != nil {
		panic("print: " + err.Error()) // all of it is strings, numbers and bools
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// object is a JSON object whose members have an order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// add adds a member; several of one name, of blocks, make an array.
func (o *object) add(name string, value any) {
	for i := range *o {
		if m := &(*o)[i]; m.name == name {
			if list, ok := m.value.([]any); ok {
				m.value = append(list, value)
			}
			return
		}
	}
	*o = append(*o, member{name, value})
}

type jsoner struct {
	o       *Origins
	secrets bool
}

// scope is where a block was written, and the blocks around it.
type scope struct {
	at     *place
	around *scope
}

func (w *jsoner) block(b *Block, s scope) object {
	out := object{}
	if len(b.Name) > 0 {
		out.add("name", Words(b.Name...))
	}
	if b.Pos.Line > 0 {
		out.add("from", where(b.Pos))
	}
	for i := range b.Settings {
		w.setting(&out, &b.Settings[i], &s)
	}
	count := map[string]int{}
	for _, sub := range b.Blocks {
		inner := scope{at: w.o.find(s.at, sub, count[sub.Keyword]), around: &s}
		count[sub.Keyword]++
		v := w.block(sub, inner)
		if sub.Plain {
			out.add(sub.Keyword, v)
			continue
		}
		if count[sub.Keyword] == 1 {
			out = append(out, member{sub.Keyword, []any{}})
		}
		out.add(sub.Keyword, v)
	}
	return out
}

func (w *jsoner) setting(out *object, s *Setting, at *scope) {
	if s.List {
		lines := []any{}
		for _, l := range s.Lines {
			o := object{{"value", Words(l.Words...)}}
			if l.Pos.Line > 0 {
				o.add("from", where(l.Pos))
			}
			lines = append(lines, o)
		}
		name := s.Keyword
		if name == "" {
			name = "members"
		}
		out.add(name, lines)
		return
	}
	v := s.Value
	if s.Secret && !w.secrets {
		v = Mask
	}
	o := object{{"value", v}}
	o.add("from", w.from(s, at))
	out.add(s.Keyword, o)
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
